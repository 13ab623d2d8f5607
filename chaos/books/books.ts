import type { StoresBook } from "./stores-book.ts"

/** The vendors' own books and Crossdock's public API: all data of the checker, as plain data. */
export interface Books {
  openingStock: readonly { sku: string; locationId: string; onHandMilli: number }[]
  kits: Readonly<Record<string, readonly { sku: string; quantityMilli: number }[]>>
  shop: readonly ShopOrder[]
  erpOrders: readonly ErpOrder[]
  erpDeliveries: readonly ErpDelivery[]
  erpJournals: readonly JournalLine[]
  payments: readonly PaymentIntent[]
  disputes: readonly Dispute[]
  shipmentRequests: readonly ShipmentRequest[]
  shipments: readonly Shipment[]
  milestones: readonly { shipmentId: string; orderId: string; milestone: string }[]
  mails: readonly Mail[]
  orders: readonly OrderView[]
  accounts: readonly AccountView[]
  exceptions: readonly ExceptionView[]
  effects: readonly EffectView[]
  events: readonly EventView[]
  availability: readonly Availability[]
  /** Rows of the inbox by connection and state, from the public metrics. */
  inboxRows: readonly { connection: string; state: string; count: number }[]
  /** Reasons for duplicates in the words of the dedupe report, with their counts. */
  duplicateReasons: Readonly<Record<string, number>>
  webhooks: Readonly<Record<string, WebhookReport>>
  faults: Readonly<Record<string, Readonly<Record<string, number>>>>
  connections: readonly { id: string; breaker: string; isPaused: boolean }[]
  /** What people did to goods, by SKU and place, as they noted it themselves; a state is a place of its own, as in `wh/damaged`. */
  moved: readonly { sku: string; locationId: string; milli: number }[]
  /** Transfers that left and arrived. */
  transfers: readonly { transferId: string; sku: string; fromLocationId: string; toLocationId: string; milli: number }[]
  /** What Crossdock says lies in states, of articles that were moved. */
  inStates: readonly { sku: string; locationId: string; onHandMilli: number }[]
  channel: ChannelBook
  /** Absent in a run without stores. */
  stores?: StoresBook
  run: RunFacts
}

/** The channel that is published to: its own books and ours. */
export interface ChannelBook {
  channel: string
  /** Our rows, with what may be promised when nothing moves any more. */
  rows: readonly {
    sku: string
    locationId: string
    state: string
    unseenMilli: number
    promiseMilli: number
    /** May be sold before it is there, and is in the promise. */
    backorderMilli: number
  }[]
  /** `place` is the name that the estate has for the shop's location. */
  levels: readonly { sku: string; locationId: number; place: string; available: number; isBundle: boolean }[]
  changes: readonly { sku: string; locationId: number; from: number; to: number; by: string; at: string }[]
  /** Versions of rows that were seen while faults were on, in their order. */
  sightings: readonly { channel: string; sku: string; locationId: string; version: number; sentVersion: number }[]
  /** Each change of what could be promised of an article, in the order of their time. */
  steps: readonly { sku: string; atMs: number; milli: number }[]
}

/** Observations of the run itself. */
export interface RunFacts {
  placed: number
  /** Kind of each order by its id in the shop, see chaos/stream. */
  kinds: Readonly<Record<string, string>>
  /** Lowest availability of any sampled SKU or location while faults were on. */
  leastAvailableMilli: number
  availabilitySamples: number
  /** Time from the end of all faults until nothing changed any more; undefined when that never happened. */
  settledAfterMs: number | undefined
  tailMs: number
  /** When the reading of the books began: what happens while they are read may stand in one list and not yet in another. */
  readAt: string
  /** Orders that ended while a process was down or had just restarted. */
  finishedDuringFaults: number
  /** Of each worker that was killed or paused alone: after how long others had what it had. */
  rescues: readonly { kind: "kill" | "pause"; takenUpAfterMs: readonly number[] }[]
}

/** The account of an order, after it was made anew from the log. */
export interface AccountView {
  orderId: string
  /** It was not what the log says. */
  isChanged: boolean
  tenders: readonly TenderBook[]
  openClaims: readonly unknown[]
}

export interface TenderBook {
  tenderId: string
  reference?: string
  taken: { amountMinor: number }
  givenBack: { amountMinor: number }
  /** Taken back by the buyer's bank. */
  disputed?: { amountMinor: number }
}

/** A dispute, as the payment provider has it. */
export interface Dispute {
  intentId: string
  amount: number
  status: string
}

export interface MoneyText {
  amount: string
  currency_code: string
}

export interface ShopOrder {
  id: number
  name: string
  cancelled_at: string | null
  currency: string
  email: string | null
  total_price_set: { shop_money: MoneyText; presentment_money: MoneyText }
  current_total_price_set: { shop_money: MoneyText; presentment_money: MoneyText }
  line_items: readonly {
    id: number
    sku: string
    quantity: number
    current_quantity: number
    fulfilled_quantity: number
    requires_shipping: boolean
  }[]
  transactions: readonly {
    id: number
    kind: string
    status: string
    gateway: string
    amount: string
    payment_id: string
    parent_id: number | null
  }[]
  refunds: readonly { id: number; quantity: number; transaction_ids: readonly number[] }[]
  fulfillments: readonly {
    id: number
    tracking: readonly { number: string | null }[]
    lines: readonly { lineId: number; quantity: number }[]
  }[]
}

export interface ErpOrder {
  SalesOrder: string
  PurchaseOrderByCustomer: string
  TotalNetAmount: string
  TransactionCurrency: string
  to_Item: readonly {
    SalesOrderItem: string
    PurchaseOrderByCustomer: string
    Material: string
    RequestedQuantity: string
    SalesDocumentRjcnReason: string
  }[]
}

export interface ErpDelivery {
  DeliveryDocument: string
  DeliveryDocumentBySupplier: string
  BillOfLading: string
  OverallGoodsMovementStatus: string
  to_DeliveryDocumentItem: readonly { Material: string; Plant: string; ActualDeliveryQuantity: string }[]
}

export interface JournalLine {
  AccountingDocument: string
  /** Ours, in upper case: one for each entry. */
  DocumentReferenceID: string
  /** The order, as far as the field holds it; absent on tax. */
  AssignmentReference: string
  AccountingDocumentHeaderText: string
  AmountInTransactionCurrency: string
  TransactionCurrency: string
  DocumentItemText: string
}

export interface PaymentIntent {
  id: string
  status: string
  amount: number
  amount_received: number
  captures: number
}

export interface ShipmentRequest {
  requestId: string
  orderId: string
  locationId: string
  status: string
  lines: readonly {
    lineId: string
    sku: string
    quantityMilli: number
    shippedMilli: number
    cancelledMilli: number
    missingMilli: number
  }[]
}

export interface Shipment {
  shipmentId: string
  requestId: string
  orderId: string
  locationId: string
  trackingNumber: string
  lines: readonly { lineId: string; sku: string; quantityMilli: number }[]
}

export interface Mail {
  messageId: string
  recipients: readonly string[]
  subject: string
  deliveries: number
}

export interface OrderView {
  id: string
  number: string
  externalId: string
  state: string
  total: { amountMinor: number; currency: string }
  foundVia?: string
}

export interface ExceptionView {
  id: string
  orderId?: string
  about: string
  cause: string
  state: "open" | "decided"
  decision?: { action: string }
}

export interface EffectView {
  key: string
  step: string
  kind: "effect" | "undo"
  connection: string
  operation: string
  businessKey: string
  outcome: string
  attempts: number
  probes: number
}

export interface EventView {
  type: string
  fact: string
  key: string
  data: Readonly<Record<string, unknown>>
}

export interface Availability {
  sku: string
  locationId?: string
  onHandMilli: number
  reservedMilli: number
  /** So much may be sold before it is there. */
  backorderLimitMilli?: number
}

export interface WebhookReport {
  sent: number
  delivered: number
  dropped: number
  duplicated: number
  reordered: number
  gaveUp: number
  pending: number
}

/** States in which an order no longer changes. */
export const finalStates: ReadonlySet<string> = new Set(["closed", "cancelled", "refused", "not taken over"])
