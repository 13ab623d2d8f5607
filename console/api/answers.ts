// Answers of the public API, with the members that the console shows. `test/console/answers.int.test.ts` holds them against the API.

export interface Money {
  amountMinor: number
  currency: string
}

export interface Page<Item> {
  items: Item[]
  cursor?: string
}

export interface Reference {
  system: string
  type: string
  id: string
}

/** Who is signed in, and what they may do. */
export interface Me {
  id: string
  name: string
  roles: string[]
  scopes: string[]
  channels: string[] | null
  stores: string[] | null
  can: { act: string; allowed: boolean; reason?: string }[]
  /** The zone that stores' days are counted in, when the estate has one. */
  storeTimeZone?: string
}

export interface Decision {
  action: string
  by: string
  at: string
  reason?: string
  day?: string
}

/** What exceptions of one group have in common. */
export interface Because {
  kind: "outage" | "data" | "flow"
  connection?: string
  operation?: string
  code?: string
  field?: string
  value?: string
}

export interface ExceptionGroup {
  id: string
  because: Because
  cause: string
  summary: string
  ifNobodyActs: string
  open: number
  orders: number
  /** One entry a currency. */
  atRisk: Money[]
  dueAt?: string
  dueWhat?: string
  firstAt: string
  lastAt: string
  owner: string
  state: "open" | "acknowledged" | "snoozed"
  assignee?: string
  acknowledged?: { by: string; until: string }
  snoozedUntil?: string
  cameBack: boolean
  actions: string[]
  score: { total: number; money: number; urgency: number; orders: number }
  /** Of one group only. */
  history?: { at: string; by: string; act: string; text: string }[]
}

export interface Exception {
  id: string
  about: string
  workflow?: string
  orderId?: string
  cause: string
  summary: string
  doneSoFar: string[]
  ifNobodyActs: string
  allowedActions: string[]
  owner: string
  atRisk?: Money
  sku?: string
  missingMilli?: number
  group: string
  because: Because
  channel?: string
  /** When something happens if nobody acts, and what. */
  dueAt?: { at: string; what: string }
  openedAt: string
  state: "open" | "decided"
  decision?: Decision
}

export interface OrderRow {
  id: string
  channel: string
  number: string
  externalId: string
  state: string
  reason?: string
  placedAt: string
  changedAt: string
  finishedAt?: string
  total: Money
  foundVia?: string
}

interface MoneyPair {
  shop: Money
  presentment: Money
}

export interface Address {
  name?: string
  line1?: string
  line2?: string
  postalCode?: string
  city?: string
  region?: string
  countryCode?: string
}

export interface OrderDocument {
  customer?: { name?: string; email?: string }
  shippingAddress?: Address
  billingAddress?: Address
  total: MoneyPair
  references: Reference[]
}

export interface Order extends OrderRow {
  document?: OrderDocument
  /** Parts that retention has deleted. */
  removed?: string[]
}

export interface LineAccount {
  lineId: string
  sku: string
  title: string
  unit: string
  orderedMilli: number
  allocatedMilli: number
  shippedMilli: number
  returnedMilli: number
  cancelledMilli: number
}

export interface GivenBack {
  by: string
  amount: Money
  state: string
  key: string
  reference?: string
  toldBy: string[]
  at: string
}

export interface TenderAccount {
  tenderId: string
  provider: string
  reference?: string
  held: Money
  taken: Money
  givenBack: Money
  disputed: Money
  refunds: GivenBack[]
  disputes: GivenBack[]
}

export interface BookedDocument {
  system: string
  type: string
  id: string
  total: Money
  at: string
}

export interface Account {
  orderId: string
  lines: LineAccount[]
  tenders: TenderAccount[]
  refunds: GivenBack[]
  documents: BookedDocument[]
  openClaims: { key: string; kind: string; part: string; amount: number; unit: string; by: string; at: string }[]
}

export interface Hop {
  object: string
  at: string
  system: string
  what: string
  outcome?: string
  reference?: Reference
  detail?: string
  /** The delivery that told it. */
  delivery?: number | undefined
  /** A call to another system: its entry of the ledger has this name. */
  isCall?: boolean
}

/** Who set the values of an order's document. */
export interface Lineage {
  versions: { event: string; at: string; heardAt: string; source: string; schemaVersion: number; delivery?: number }[]
  values: LineageValue[]
  isComplete: boolean
}

export interface LineageValue {
  /** JSON pointer in the document. */
  pointer: string
  value: string | number | boolean | null
  /** Place of the version that set it. */
  since: number
  before?: string | number | boolean | null
}

export interface BusinessObject {
  ref: string
  kind: string
  id: string
  state: string
  reason?: string
  since: string
  owner?: string
  place?: string
  channel?: string
  number?: string
  externalId?: string
  value?: Money
  openedAt: string
  endedAt?: string
}

export interface Trace {
  object?: string
  objects?: { ref: string; object?: BusinessObject }[]
  workflows?: {
    object: string
    workflow: string
    state: string
    waitingFor?: { kind: string; name: string; until?: string }[]
  }[]
  /** Parts that retention has deleted. */
  removed?: string[]
  hops?: Hop[]
  /** Where the next page of hops begins. */
  next?: string
  isComplete?: boolean
  candidates?: SearchHit[]
}

export interface SearchHit {
  ref: string
  object?: BusinessObject
  foundBy: Reference
  isExact: boolean
}

/** An article that orders wait for because nobody knows it. */
export interface UnknownArticle {
  channel: string
  article: string
  barcodes: string[]
  orders: number
  since: string
  candidates: { sku: string; barcode?: string; hasNoStock?: true }[]
}

export interface ArticleMapping {
  channel: string
  article: string
  sku: string
  setBy: string
  reason?: string
  setAt: string
}
