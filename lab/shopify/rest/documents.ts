import type { Fulfillment, Refund, ShopOrder } from "../orders/model.ts"
import { zero } from "../orders/model.ts"
import { add, decimalText, isZero } from "../orders/money.ts"
import { restLine } from "./line-payload.ts"
import type { Json } from "./parts.ts"
import { moneySet, restDiscrepancy, restTime, restTransaction } from "./parts.ts"

// Field names of fulfillments and refunds as typed from real deliveries in a public repository, read 2026-11-20; the
// shape of `orders/edited` and of `refund_shipping_lines` is general knowledge, not verified.

/** A fulfillment as `fulfillments/create` carries it. */
export function restFulfillment(order: ShopOrder, fulfillment: Fulfillment): Json {
  const [first] = fulfillment.tracking
  return {
    id: fulfillment.id,
    admin_graphql_api_id: `gid://shopify/Fulfillment/${fulfillment.id}`,
    created_at: restTime(fulfillment.createdAtMs),
    location_id: fulfillment.locationId,
    name: fulfillment.name,
    order_id: order.id,
    origin_address: {},
    receipt: {},
    service: "manual",
    shipment_status: null,
    status: "success",
    tracking_company: first?.company ?? null,
    tracking_number: first?.number ?? null,
    tracking_numbers: fulfillment.tracking.flatMap((tracking) => tracking.number ?? []),
    tracking_url: first?.url ?? null,
    tracking_urls: fulfillment.tracking.flatMap((tracking) => tracking.url ?? []),
    updated_at: restTime(fulfillment.createdAtMs),
    line_items: fulfillment.lines.flatMap((item) => {
      const line = order.lines.find((candidate) => candidate.id === item.lineId)
      return line ? [{ ...restLine(order, line), quantity: item.quantity }] : []
    }),
  }
}

/** A refund as `refunds/create` carries it. */
export function restRefund(order: ShopOrder, refund: Refund): Json {
  const { currencies } = order
  return {
    id: refund.id,
    admin_graphql_api_id: `gid://shopify/Refund/${refund.id}`,
    created_at: restTime(refund.createdAtMs),
    note: refund.note,
    order_id: order.id,
    processed_at: restTime(refund.createdAtMs),
    restock: refund.lines.some((line) => line.restockType === "RETURN" || line.restockType === "CANCEL"),
    total_duties_set: moneySet(zero, currencies),
    user_id: null,
    order_adjustments: isZero(refund.discrepancy)
      ? []
      : [restDiscrepancy(refund.discrepancy, { id: refund.id, order })],
    transactions: order.transactions
      .filter((transaction) => refund.transactionIds.includes(transaction.id))
      .map((transaction) => restTransaction(transaction, order)),
    refund_line_items: refund.lines.map((item) => restRefundLine(order, item)),
    refund_shipping_lines: refund.shipping.map((item) => ({
      id: item.shippingLineId + 1,
      shipping_line: { id: item.shippingLineId },
      subtotal_amount_set: moneySet(item.subtotal, currencies),
      tax_amount_set: moneySet(item.tax, currencies),
    })),
    duties: [],
  }
}

function restRefundLine(order: ShopOrder, item: Refund["lines"][number]): Json {
  const { currencies } = order
  const line = order.lines.find((candidate) => candidate.id === item.lineId)
  return {
    id: item.id,
    line_item_id: item.lineId,
    location_id: item.locationId,
    quantity: item.quantity,
    restock_type: item.restockType.toLowerCase(),
    // Numbers, not text, in the real payload: one of the traps of this document.
    subtotal: Number(decimalText(item.subtotal.shop, currencies.shop)),
    subtotal_set: moneySet(item.subtotal, currencies),
    total_tax: Number(decimalText(item.tax.shop, currencies.shop)),
    total_tax_set: moneySet(item.tax, currencies),
    line_item: line ? restLine(order, line) : null,
  }
}

/** `orders/edited` contains the changes, not the order as it is now. */
export function restOrderEdit(order: ShopOrder, change: EditChange): Json {
  return {
    order_edit: {
      id: change.id,
      app_id: null,
      created_at: restTime(order.updatedAtMs),
      notify_customer: false,
      order_id: order.id,
      staff_note: "",
      user_id: null,
      line_items: { additions: change.additions, removals: change.removals },
      discounts: { line_item: { additions: [], removals: [] } },
      shipping_lines: { additions: [], removals: [] },
    },
  }
}

export type EditChange = {
  id: number
  additions: { id: number; delta: number }[]
  removals: { id: number; delta: number }[]
}

/** The vendor's books about one order: enough to compare, not the whole payload. */
export function bookOrder(
  order: ShopOrder,
  totals: { total: Refund["discrepancy"]; currentTotal: Refund["discrepancy"] },
): Json {
  const { currencies } = order
  return {
    id: order.id,
    name: order.name,
    created_at: restTime(order.createdAtMs),
    updated_at: restTime(order.updatedAtMs),
    cancelled_at: order.cancelledAtMs === null ? null : restTime(order.cancelledAtMs),
    currency: currencies.shop,
    presentment_currency: currencies.presentment,
    total_price_set: moneySet(totals.total, currencies),
    current_total_price_set: moneySet(totals.currentTotal, currencies),
    tags: order.tags,
    note: order.note,
    po_number: order.poNumber,
    email: order.email,
    line_items: order.lines.map((line) => ({
      id: line.id,
      sku: line.sku,
      quantity: line.quantity,
      current_quantity: line.currentQuantity,
      fulfilled_quantity: line.fulfilledQuantity,
      requires_shipping: line.delivery !== "none",
    })),
    transactions: order.transactions.map((transaction) => restTransaction(transaction, order)),
    refunds: order.refunds.map((refund) => ({
      id: refund.id,
      note: refund.note,
      quantity: refund.lines.reduce((sum, line) => sum + line.quantity, 0),
      subtotal_set: moneySet(add(...refund.lines.map((line) => line.subtotal)), currencies),
      transaction_ids: refund.transactionIds,
    })),
    fulfillments: order.fulfillments.map((fulfillment) => ({
      id: fulfillment.id,
      tracking: fulfillment.tracking,
      lines: fulfillment.lines,
    })),
  }
}
