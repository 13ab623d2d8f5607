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

/** A day of a store, in the list of them. */
export interface StoreDayRow {
  businessDay: string
  state: "open" | "closing" | "closed"
  closings: number
}

/** What a session should have of a tender, and what was counted. Who counts blind sees nothing expected before. */
export interface TenderCount {
  sessionId: string
  tender: string
  currency: string
  expectedMinor?: number
  countedMinor?: number
  overShortMinor?: number
}

export interface StoreClosure {
  n: number
  zNumber: number
  reasons: string[]
  receiptCount: number
  tenders: { tender: string; currency: string; amountMinor: number }[]
  missing: string[]
  closedBy: string
  closedAt: string
}

/** A store's day: its tills, what it waits for, its counts and its closings. */
export interface StoreDay extends Omit<StoreDayRow, "closings"> {
  storeId: string
  requestedBy?: string
  postAnywayAt?: string
  waitsFor: string[]
  carried: string[]
  counts: TenderCount[]
  tills: { tillId: string; lastSequence: number; receipts: number }[]
  closures: StoreClosure[]
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

/** One line that a store gets ready. */
export interface PickupLine {
  lineId: string
  sku: string
  title: string
  unit: string
  /** A kit's components, for all of the quantity asked; missing where the article itself lies on the shelf. */
  parts?: readonly { sku: string; title?: string; quantity: { milli: number; unit: string } }[]
  askedMilli: number
  foundMilli: number
  missingMilli: number
  takenMilli: number
  putBackMilli: number
}

/** Goods that a store gets ready, for a buyer or a carrier. */
export interface Pickup {
  pickupId: string
  orderId: string
  number: string
  method: "pickup" | "ship"
  state: string
  requestedAt: string
  readyBy?: string
  keptUntil?: string
  lines: PickupLine[]
}

/** One pickup, with what can still be said of it and what to ask of whoever collects it. */
export interface OnePickup extends Omit<Pickup, "lines"> {
  buyer?: string
  asksCode: boolean
  asksId: boolean
  lines: (PickupLine & { toFindMilli: number; toHandOverMilli: number; toPutBackMilli: number })[]
}
