import type { HeldPart } from "../../canonical/events/orders.ts"
import type { Order } from "../../canonical/order.ts"
import type { LineQuantity, MoneyPair } from "../../canonical/parts.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import type { Read, Write, Written } from "../write.ts"

/** The result of a change in the channel. */
export interface ChannelUpdate extends Written {
  /** The channel's own id of what was made or changed, e.g. of its fulfilment. */
  channelId: string
}

/** What of a shipment the channel shows otherwise than it was. */
export interface ConfirmedFulfilment extends ChannelUpdate {
  /** Units the channel has not open any more: it fulfilled them by itself, or took them off the order. */
  notOpen?: LineQuantity[]
  /** Why the channel shows another place than the one the goods left from. */
  otherPlace?: string
}

/** Confirms shipments to the channel that sold the order. */
export interface ConfirmsFulfilment {
  /**
   * Confirms what the channel has open of a shipment, at the place it left from where the channel knows that place. Units that are
   * not open are returned, and are no reason to refuse the others.
   */
  confirmFulfilment: Write<{ order: Order; shipment: Shipment; notifyCustomer: boolean }, ConfirmedFulfilment>
}

/** Cancels orders in the channel that sold them. */
export interface CancelsChannelOrders {
  /** With `refund`, done means both: the order is cancelled and all its payments that the channel took are refunded in full. */
  cancelOrder: Write<{ order: Order; reason: string; refund: boolean }, ChannelUpdate>
}

/** Refunds orders in the channel that sold them, from the payments the channel took. */
export interface RefundsChannelOrders {
  refundOrder: Write<{ order: Order; refundId: string; amount: MoneyPair; lines: LineQuantity[] }, ChannelUpdate>
}

/** Says what a channel holds back of an order that it sold. */
export interface ReadsHolds {
  /** The parts of the order as they are now; those that may leave are "free", or left out. */
  readHolds: Read<{ order: Order }, HeldPart[]>
}
