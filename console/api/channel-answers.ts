/** A channel that shows stock, and how it stands. */
export interface Channel {
  channel: string
  connection: string
  dryRun: boolean
  states: Record<string, number>
  oldestChangeAt?: string
  freshness: { shown: number; p50Ms?: number; p99Ms?: number }
}

/** Why a value is what it is; thousandths. */
export interface WhyShown {
  onHandMilli: number
  reservedMilli: number
  safetyMilli: number
  bufferMilli: number
  backorderMilli: number
  unseenMilli: number
}

/** The stock of one article at one place: what the channel should show, what was sent, what was seen there. */
export interface ShownRow {
  sku: string
  locationId: string
  state: string
  desired: { milli: number; why: WhyShown | null } | null
  sent: { milli: number | null; at: string | null } | null
  observed: { milli: number; at: string | null; by: string | null } | null
  cause: string | null
  exceptionId: string | null
}
