import type { Quantity } from "../../base/quantity.ts"
import type { BulkWrite } from "../bulk-write.ts"
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

/** The stock a channel shows of one SKU at one location. */
export interface StockLevel {
  sku: string
  locationId: string
  /** Quantity that may be sold. Zero or more. */
  available: Quantity
}

/** A stock level as the channel holds it. */
export interface PublishedLevel extends Written {
  available: Quantity
}

/** Publishes stock levels to a channel. Levels are absolute, so the last one written is the one that stands. */
export interface PublishesStock {
  publishStock: BulkWrite<StockLevel, PublishedLevel>
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
