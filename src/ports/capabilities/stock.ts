import type { Quantity } from "../../base/quantity.ts"
import type { BulkWrite, ItemOutcome } from "../bulk-write.ts"
import type { Read, Write, Written } from "../write.ts"

/** Whether stock was reserved; all or nothing. `granted: false` is a result, not an error. */
export interface StockReservation extends Written {
  granted: boolean
  backordered?: { sku: string; missingMilli: number }[]
  short: { sku: string; locationId?: string; missingMilli: number }[]
}

/** A quantity of a SKU for one order line, in thousandths. */
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
 * Crossdock's own stock, written as a capability so that it stands in the same ledger as every other step. No other system
 * offers a part of it, so its verbs stay together.
 * `reservation` is the key of a reservation; an order has one, and one more for each edit that needs more.
 */
export interface ReservesStock {
  reserve: Write<{ reservation: string; orderId: string; channel: string; lines: StockLine[] }, StockReservation>
  /** Allocates reserved units to locations. Not granted when a location has too little left. */
  allocate: Write<{ reservation: string; lines: PlacedStockLine[] }, StockReservation>
  /** Books goods that left: on hand and reserved go down together, once per shipment. */
  consume: Write<{ reservation: string; shipmentId: string; shippedAt: string; lines: PlacedStockLine[] }, Written>
  /** Releases everything that is still reserved. */
  release: Write<{ reservation: string; reason: string }, Written>
  /** Adds goods that came back, once per `fact`. */
  takeBack: Write<{ fact: string; at: string; lines: PlacedStockLine[] }, Written>
}

/** One SKU at one location of a channel. */
export interface StockPlace {
  sku: string
  locationId: string
}

/** The stock a channel is to show of one SKU at one location. */
export interface StockLevel extends StockPlace {
  /** Quantity that may be sold. Zero or more. */
  available: Quantity
  /**
   * What the channel is expected to show now: it is changed from exactly that, and anything else is `stale`. May be below zero. Left
   * out: whatever it shows is replaced.
   */
  expected?: Quantity
  /** The channel's own id of the article, `reference.id` of an earlier answer: it need not be looked up. */
  articleId?: string
}

/** A stock level as the channel holds it. */
export interface PublishedLevel extends Written {
  /** May be below zero where a channel oversold. */
  available: Quantity
}

/** What a channel shows, and how much of the SKU its own orders hold that have not been sent. */
export interface ShownLevel extends PublishedLevel {
  /** Left out where the channel does not say. */
  committed?: Quantity
}

/** A page of everything that a channel shows at some places; without `after` it is the last. */
export interface ShownPage {
  levels: readonly (StockPlace & ShownLevel)[]
  after?: string
}

/**
 * Publishes stock levels to a channel. Levels are absolute, so the last one written is the one that stands.
 *
 * An article that the channel does not have is `ARTICLE_UNKNOWN`, one SKU of several articles `VENDOR_CONFLICT`, one whose stock the channel
 * works out from other articles, and which takes no number, `DERIVED_BY_CHANNEL`: when it is read, and when it is written.
 */
export interface PublishesStock {
  publishStock: BulkWrite<StockLevel, PublishedLevel>
  /** The smallest step that the channel can show: 1000 where it counts pieces. */
  stepMilli: number
  /**
   * The channel loses count by itself, so that what it shows changes without anybody's hand. A difference is then written over and is
   * nobody's edit, because it cannot be told from one.
   */
  losesCount?: true
  /** What the channel shows, in the order asked; at most `publishStock.itemsMax`. */
  readStock: Read<readonly StockPlace[], readonly ItemOutcome<ShownLevel>[]>
  /**
   * Everything that the channel shows at these places, page by page, under the channel's own names of articles. What it works out itself is
   * left out.
   */
  listStock: Read<{ locationIds: readonly string[]; after?: string }, ShownPage>
}

/** What a system says lies at one place, part by part. */
export interface StockPage {
  /** The moment the numbers are of, by the system's own clock. */
  asOf: string
  /** What can be sold or is reserved; goods in other states are left out, or named by the connection's equation. */
  levels: { sku: string; onHand: Quantity }[]
  /** Our orders that the numbers have taken off: those it knew by this moment. Absent: none, it says what stands there. */
  ordersUntil?: string
  next?: string
}

/** Says on request what lies at a place: the absolute that a gap in its movements asks for. */
export interface ReportsStock {
  /** A page of a place's stock. Every article that the system has at the place is on one of the pages. */
  readStock: Read<{ locationId: string; cursor?: string }, StockPage>
}
