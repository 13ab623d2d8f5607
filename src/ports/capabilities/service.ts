import type { BusinessDate } from "../../base/time.ts"
import type { Order } from "../../canonical/order.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import type { Write, Written } from "../write.ts"

/** The messages a buyer gets. */
export type MessageKind =
  | "order accepted"
  | "posted later"
  | "shipped"
  | "cancelled"
  | "refunded"
  | "ready to collect"
  | "reminder to collect"

/** Goods that a store keeps for a buyer: where, what the buyer shows, and the last day on which they are there. */
export interface Collection {
  locationId: string
  lines: LineQuantity[]
  code?: string
  lastDay?: BusinessDate
}

/**
 * Sends messages to buyers. SMTP cannot say whether a mail went out, so an unknown outcome is sent again under the same
 * Message-ID: at least once, and recognisable as the same mail.
 */
export interface NotifiesCustomers {
  sendMessage: Write<{ order: Order; kind: MessageKind; shipment?: Shipment; collection?: Collection }, Written>
}

/**
 * Sends mail to the retailer's own people. What is sent twice has the same `key` in its Message-ID, so that mailboxes recognise it.
 */
export interface MailsStaff {
  mail(mail: { to: string; subject: string; text: string; key: string }, signal: AbortSignal): Promise<void>
}
