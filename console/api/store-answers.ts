// Answers about places and what lies there.

export interface Place {
  id: string
  kind: string
  timeZone: string
}

/** An order that a place has yet to send. */
export interface PlaceOrder {
  orderId: string
  number: string
  state: string
  since: string
  channel: string
  reservedAt: string
  lines: { sku: string; heldMilli: number }[]
  exceptions: number
}

export interface PlaceWork {
  orders: PlaceOrder[]
  isComplete: boolean
}

/** What a reservation holds of a SKU. */
export interface HeldLine {
  orderId?: string
  owner: string
  channel?: string
  kind: "soft" | "hard"
  sku: string
  locationId?: string
  heldMilli: number
  reservedAt: string
  expiresAt?: string
}

/** One booking of a SKU at a place. */
export interface LedgerEntry {
  kind: string
  deltaMilli: number
  onHandAfterMilli: number
  reason?: string
  orderId?: string
  occurredAt: string
  recordedAt: string
}

/** A place whose own system sells an article. */
export interface StockSource {
  locationId: string
  heardAt: string
  milliPerHour: number
  dispersion: number
}

/** An article at one place, in one state. */
export interface ArticlePlace {
  locationId: string
  state?: string
  onHandMilli: number
  reservedMilli: number
  isPooled: boolean
  heardAt?: string
  isSilent: boolean
}

export interface ArticleBooking extends LedgerEntry {
  locationId: string
  state?: string
}

export interface ArticleStock {
  places: ArticlePlace[]
  bookings: ArticleBooking[]
}

export interface Availability {
  sku: string
  channel?: string
  locationId?: string
  onHandMilli: number
  reservedMilli: number
  safetyStockMilli: number
  declaredBufferMilli: number
  bufferMilli: number
  expectedMilli: number
  withheldMilli: number
  sources: StockSource[]
  nextChangeAt?: string
  backorderLimitMilli: number
  freshnessAgeMs: number | null
  isKnown: boolean
  availableToPromiseMilli: number
  asOf: string
}
