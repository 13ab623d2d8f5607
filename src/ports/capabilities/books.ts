import type { Money } from "../../base/money.ts"
import type { JournalEntry } from "../../canonical/ledger-entry.ts"
import type { BusinessDate } from "../../base/time.ts"
import type { StoreEntry } from "../../canonical/sales/store-entry.ts"
import type { Order } from "../../canonical/order.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import type { Write, Written } from "../write.ts"
import type { RoutedLine } from "./goods.ts"

/** A sales order as the books hold it. */
export interface BookedOrder extends Written {
  documentNumber: string
  /** The total as the books hold it; compared with what was charged. */
  total?: Money
}

/** Books sales orders (ERP). */
export interface BooksOrders {
  /** `businessDate` is the day the order was placed where the books are kept. */
  bookOrder: Write<{ order: Order; routing: RoutedLine[]; businessDate: BusinessDate }, BookedOrder>
}

/** Changes sales orders that are booked. */
export interface AmendsOrders {
  /** Changes a booked order to these lines and addresses. A repeat changes nothing. */
  amendOrder: Write<{ order: Order; routing: RoutedLine[]; documentNumber: string }, BookedOrder>
}

/** Cancels sales orders that are booked. */
export interface CancelsOrders {
  /**
   * Cancels by the key the order was booked under. An order that was never booked is a no-op with documentNumber "".
   *
   * Do not trust a document's state alone: a cancelled sale in Tryton reads "done" and "sent", so the connector looks at its
   * shipments and invoices.
   *
   * `documentNumber` is of the booking, or of a document that a person linked; that may not carry the key. It is cancelled, too.
   */
  cancelOrder: Write<{ orderId: string; reason: string; documentNumber?: string }, BookedOrder>
}

/** A goods issue as the books hold it. */
export interface RecordedDelivery extends Written {
  documentNumber: string
}

/** Records in the books that goods left. */
export interface RecordsDeliveries {
  /** Posted on `postingDate`. PERIOD_CLOSED when the books take nothing on that day; nothing has left then. */
  recordDelivery: Write<
    { orderId: string; documentNumber: string; shipment: Shipment; lines: RoutedLine[]; postingDate: BusinessDate },
    RecordedDelivery
  >
}

/** A journal entry as the books hold it. */
export interface PostedEntry extends Written {
  documentNumber: string
}

/** Posts balanced entries to the general ledger. Unbalanced entries never leave Crossdock. */
export interface PostsJournals {
  /** PERIOD_CLOSED when the ledger takes nothing on the entry's posting date. documentNumber "" where none is posted. */
  postEntry: Write<{ entry: JournalEntry }, PostedEntry>
}

/** Posts credits: revenue and tax that are taken back because a channel refunded what had left. */
export interface PostsCredits {
  /** The entry's debits are what is taken back. PERIOD_CLOSED as for entries. A credit that stands already is found by the key. */
  postCredit: Write<{ entry: JournalEntry }, PostedEntry>
}

/** Posts the days of stores: one balanced entry per store, day and currency, and one for each correction. */
export interface PostsStoreDays {
  /** PERIOD_CLOSED when the books take nothing on the entry's posting date. An entry that stands already is found by its id. */
  postStoreDay: Write<{ entry: StoreEntry }, PostedEntry>
}
