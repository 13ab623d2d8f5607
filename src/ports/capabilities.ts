import type { Money } from "../base/money.ts"
import type { Quantity } from "../base/quantity.ts"
import type { EventName, NewEvent } from "../canonical/events.ts"
import type { JournalEntry } from "../canonical/ledger-entry.ts"
import type { Order, Tender } from "../canonical/order.ts"
import type { LineQuantity, MoneyPair, Reference } from "../canonical/parts.ts"
import type { Shipment } from "../canonical/shipment.ts"
import type { Read, Write, Written } from "./write.ts"

/** Which location ships how much of which line. The outcome of routing. */
export interface RoutedLine {
  lineId: string
  sku: string
  quantity: Quantity
  locationId: string
}

/** What fraud screening thinks of an order. `score` is on the scale of whoever screens. */
export interface Screening extends Written {
  decision: "accept" | "review" | "reject"
  score: number
  reasons: string[]
}

/** Screens orders for fraud. A second screening of one order answers with the first decision. */
export interface ScreensFraud {
  screenOrder: Write<{ order: Order }, Screening>
  /** How a screening stands now: "review" until somebody has decided. For when the word that it ended was lost. */
  readDecision: Read<{ order: Order }, Screening["decision"]>
}

/** What tax should be, by line and charge id, in minor units of the shop's currency. */
export interface TaxQuote {
  lines: { lineId: string; taxMinor: number }[]
  totalTaxMinor: number
}

/** Says what tax should have been, in the shop's currency, to compare with what was charged. */
export interface ChecksTax {
  quoteTax: Read<{ order: Order }, TaxQuote>
}

/** A payment as the provider holds it now; `paymentId` is the provider's own. */
export interface Payment extends Written {
  paymentId: string
  /** What is held or taken now, in the currency the payment is made in. */
  amount: Money
  state: "authorised" | "captured" | "cancelled" | "refunded"
}

/** Holds, takes and gives back money. Declines are VENDOR_REJECTED with the provider's reason. */
export interface TakesPayments {
  authorise: Write<{ orderId: string; tender: Tender; amount: Money }, Payment>
  /** Takes part of an authorisation. `isFinal` releases what is left of it. */
  capture: Write<{ orderId: string; paymentId: string; amount: Money; isFinal: boolean }, Payment>
  /** Lets an authorisation go. A payment that is already cancelled is a no-op; a captured one is VENDOR_CONFLICT. */
  cancelAuthorisation: Write<{ orderId: string; paymentId: string }, Payment>
  refund: Write<{ orderId: string; paymentId: string; amount: Money }, Payment>
}

/** A sales order as the books hold it. */
export interface BookedOrder extends Written {
  documentNumber: string
  /** The total as the books hold it; compared with what was charged. */
  total?: Money
}

/** Keeps sales orders in the books (ERP). */
export interface BooksOrders {
  bookOrder: Write<{ order: Order; routing: RoutedLine[] }, BookedOrder>
  /** Brings a booked order to these lines and addresses. Repeating it changes nothing. */
  amendOrder: Write<{ order: Order; routing: RoutedLine[]; documentNumber: string }, BookedOrder>
  /**
   * Cancels by the key the order was booked under. An order that was never booked is a no-op with documentNumber "". A document's
   * state may lie about it: a sale taken apart in Tryton reads "done" and "sent", so what left and what is owed is looked at.
   */
  cancelOrder: Write<{ orderId: string; reason: string }, BookedOrder>
}

/** A goods issue as the books hold it. */
export interface RecordedDelivery extends Written {
  documentNumber: string
}

/** Tells the books that goods left. */
export interface RecordsDeliveries {
  recordDelivery: Write<
    { orderId: string; documentNumber: string; shipment: Shipment; lines: RoutedLine[] },
    RecordedDelivery
  >
}

/** A journal entry as the books hold it. */
export interface PostedEntry extends Written {
  documentNumber: string
}

/** Posts balanced entries to the general ledger. Unbalanced ones never leave Crossdock. */
export interface PostsJournals {
  postEntry: Write<{ entry: JournalEntry }, PostedEntry>
}

/** A request to ship, under the location's own id. */
export interface ReleasedShipment extends Written {
  requestId: string
}

/** What became of an attempt to stop a release, line by line. */
export interface CancelledRelease extends Written {
  /** What will not be shipped any more. */
  cancelled: LineQuantity[]
  /** What has gone too far to be stopped. */
  refused: LineQuantity[]
}

/** Asks a location to pick, pack and ship (or hold for pickup). */
export interface ReleasesFulfilment {
  releaseShipment: Write<
    { order: Order; locationId: string; lines: RoutedLine[]; promisedBy?: string },
    ReleasedShipment
  >
  /** Stops what can still be stopped. `requestKey` is the key of the release. A release that never arrived: all cancelled. */
  cancelRelease: Write<
    { orderId: string; locationId: string; requestKey: string; lines: LineQuantity[] },
    CancelledRelease
  >
}

/** What the channel shows after it was told. */
export interface ChannelUpdate extends Written {
  /** What the channel shows afterwards, e.g. its fulfilment id. */
  channelId: string
}

/** Tells the channel what happened to its order. */
export interface UpdatesChannel {
  confirmFulfilment: Write<{ order: Order; shipment: Shipment; notifyCustomer: boolean }, ChannelUpdate>
  /** With `refund` done means both: cancelled, and every payment of the shop's given back in full. */
  cancelOrder: Write<{ order: Order; reason: string; refund: boolean }, ChannelUpdate>
  refundOrder: Write<{ order: Order; refundId: string; amount: MoneyPair; lines: LineQuantity[] }, ChannelUpdate>
}

/** What a buyer is told. */
export type MessageKind = "order accepted" | "posted later" | "shipped" | "cancelled" | "refunded"

/**
 * Sends messages to buyers. SMTP cannot be asked whether a mail went out, so an unknown outcome is sent again under the
 * same Message-ID: at least once, recognisable as the same mail.
 */
export interface NotifiesCustomers {
  sendMessage: Write<{ order: Order; kind: MessageKind; shipment?: Shipment }, Written>
}

/** Whether stock could be had; all or nothing. `granted: false` is an answer, not an error. */
export interface StockReservation extends Written {
  granted: boolean
  backordered?: { sku: string; missingMilli: number }[]
  short: { sku: string; locationId?: string; missingMilli: number }[]
}

/** Some of a SKU for one order line, in thousandths. */
export interface StockLine {
  lineId: string
  sku: string
  milli: number
  locationId?: string
}

/** A stock line at a location. */
export interface PlacedStockLine extends StockLine {
  locationId: string
}

/**
 * Crossdock's own stock, written as a capability so that it sits in the same ledger as every other step.
 * `reservation` is the key a reservation goes by; an order has one, and one more for each edit that wants more.
 */
export interface ReservesStock {
  reserve: Write<{ reservation: string; orderId: string; channel: string; lines: StockLine[] }, StockReservation>
  /** Places reserved units at locations. Not granted when a location has too little left. */
  allocate: Write<{ reservation: string; lines: PlacedStockLine[] }, StockReservation>
  /** Books what left: on hand and reserved go down together, once per shipment. */
  consume: Write<{ reservation: string; shipmentId: string; shippedAt: string; lines: PlacedStockLine[] }, Written>
  /** Gives back what is still held. */
  release: Write<{ reservation: string; reason: string }, Written>
}

/** Everything a connection may be able to do. A connector returns the ones its vendor really has. */
export interface Capabilities {
  screensFraud: ScreensFraud
  checksTax: ChecksTax
  takesPayments: TakesPayments
  booksOrders: BooksOrders
  recordsDeliveries: RecordsDeliveries
  postsJournals: PostsJournals
  releasesFulfilment: ReleasesFulfilment
  updatesChannel: UpdatesChannel
  notifiesCustomers: NotifiesCustomers
  reservesStock: ReservesStock
  receivesDeliveries: ReceivesDeliveries
  listsChanges: ListsChanges
}

/** The name of something a connection may be able to do. */
export type CapabilityName = keyof Capabilities

/** A raw message as it came in. `bytes` are exactly what was received. */
export interface Delivery {
  connection: string
  via: "webhook" | "poll" | "api" | "file"
  headers: Record<string, string>
  bytes: Uint8Array
  receivedAt: string
}

/** Whether a delivery is genuine, and what its sender calls it. */
export interface VerifiedDelivery {
  /** The sender's id of this delivery, for the replay window and the duplicate report; never an identity of a fact. */
  deliveryId: string
  topic: string
  /** When the sender says it sent it; undefined where the protocol carries no time. */
  sentAtMs?: number
}

/** Verifies and translates what arrives from one system. */
export interface ReceivesDeliveries {
  /** The event types it states. A fact of any other type is refused, whatever a signed body says. */
  states: readonly EventName[]
  /** Checks the signature over the raw bytes with every live secret. Throws SIGNATURE_INVALID. Pure but for the clock given. */
  verify(delivery: Delivery, nowMs: number): VerifiedDelivery
  /**
   * Turns raw bytes into canonical facts; pure. Throws TRANSLATION_FAILED or VENDOR_VALUE_UNKNOWN with every problem, and the
   * row waits with its bytes. Returning no facts with a reason means: understood and of no concern.
   */
  translate(delivery: Delivery): Translation
}

/** What a delivery means. */
export interface Translation {
  events: NewEvent[]
  /** Why there are none, or what was left out on purpose. */
  ignored?: string
}

/** One page of changed objects, each as a delivery to be put through the inbox like any other. */
export interface ChangesPage {
  deliveries: Delivery[]
  /** Where the next call starts. Equal to the cursor given when nothing new is there. */
  nextCursor: string
  hasMore: boolean
}

/**
 * Finds what webhooks missed. `since` is inclusive and the connector overlaps windows by what its vendor's clock needs
 * (late commits, timestamps that are the transaction's start), so the union of pages covers every record; duplicates are
 * expected and collapse by fact.
 *
 * Poll by a time that moves when it must: Vendure's `updatedAt` stands still on payment, shipping and refund, Tryton's
 * `write_date` is the start of the transaction and appears late. Such a list finds what is new, and says in its connector what
 * only webhooks tell. A snapshot may also be torn: Vendure answered emptied lines beside the old total while it cancelled an
 * order. Where a vendor's sums show it, the object is read again before it becomes a delivery.
 */
export interface ListsChanges {
  /** Default overlap in milliseconds, from what is known of the vendor's timestamps. */
  overlapMs: number
  /** The cursor is a place in a list that only grows at its end, so a pass goes on where the last one ended. Default: by time. */
  isCursorLasting?: boolean
  listChanges: Read<{ cursor: string | undefined; sinceMs: number }, ChangesPage>
}

/** References of a vendor document, for ledgers and traces. */
export function reference(system: string, type: string, id: string): Reference {
  return { system, type, id }
}
