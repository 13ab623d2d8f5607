import type { Quantity } from "../../base/quantity.ts"
import type { Order } from "../../canonical/order.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { Write, Written } from "../write.ts"

/** Which location ships how much of which line: the result of allocation. */
export interface RoutedLine {
  lineId: string
  sku: string
  quantity: Quantity
  locationId: string
}

/** A request to ship, under the location's own id. */
export interface ReleasedShipment extends Written {
  requestId: string
}

/** Asks a location to pick, pack and ship (or keep for pickup). */
export interface ReleasesFulfilment {
  releaseShipment: Write<
    { order: Order; locationId: string; lines: RoutedLine[]; promisedBy?: string },
    ReleasedShipment
  >
}

/** The result of an attempt to stop a release, line by line. */
export interface CancelledRelease extends Written {
  /** Quantities that will not be shipped any more. */
  cancelled: LineQuantity[]
  /** Quantities that are too far on to be stopped. */
  refused: LineQuantity[]
}

/** Stops shipments that were released. */
export interface CancelsReleases {
  /** Stops what can still be stopped. `requestKey` is the key of the release. If the release never arrived, all is cancelled. */
  cancelRelease: Write<
    { orderId: string; locationId: string; requestKey: string; lines: LineQuantity[] },
    CancelledRelease
  >
}
