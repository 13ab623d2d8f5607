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

export interface Availability {
  sku: string
  channel?: string
  locationId?: string
  onHandMilli: number
  reservedMilli: number
  safetyStockMilli: number
  bufferMilli: number
  backorderLimitMilli: number
  freshnessAgeMs: number | null
  isKnown: boolean
  availableToPromiseMilli: number
  asOf: string
}
