/** One aspect of what a channel shows, and how it stands. */
export interface Channel {
  channel: string
  aspect: string
  connection: string
  dryRun: boolean
  states: Record<string, number>
  oldestChangeAt?: string
  freshness: { shown: number; p50Ms?: number; p99Ms?: number }
}

/** Why a level is what it is; thousandths. */
export interface WhyShown {
  onHandMilli: number
  reservedMilli: number
  safetyMilli: number
  bufferMilli: number
  backorderMilli: number
  unseenMilli: number
  /** Of a kit or a sales unit: the part that limits it, and how much of it is in one. */
  limitedBy?: { sku: string; milli: number; promiseMilli: number }
  apartMilli?: number
}

/** A value: stock in thousandths, a price, or the text of a field. */
export interface ShownValue {
  milli?: number | null
  value?: string | { amountMinor: number; compareAtMinor?: number; currency: string } | { none: true } | null
}

/** The stock of an article at a place, its price in a market, or a field of it: what it should be, what was sent, what was seen. */
export interface ShownRow {
  aspect: string
  sku: string
  locationId?: string
  market?: string
  field?: string
  state: string
  desired: (ShownValue & { why: WhyShown | { text?: string } | null }) | null
  sent: (ShownValue & { at: string | null }) | null
  observed: (ShownValue & { at: string | null; by: string | null }) | null
  cause: string | null
  exceptionId: string | null
}
