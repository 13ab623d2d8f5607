import type { Refund, ShopOrder } from "../../orders/model.ts"
import { zero } from "../../orders/model.ts"
import { eachSide, isZero, subtract } from "../../orders/money.ts"
import { isIn } from "../../shapes/shapes.ts"
import type { ShopStore } from "../../store.ts"
import { lineView, shippingView } from "./line-view.ts"
import { connection, gid } from "../paging.ts"
import type { Scope, View } from "./part-views.ts"
import { graphTime, locationView, moneyBag, transactionView } from "./part-views.ts"

export function refundView(scope: Scope, refund: Refund): View {
  const { store, order } = scope
  const paid = order.transactions.filter((transaction) => refund.transactionIds.includes(transaction.id))
  return {
    id: gid("Refund", refund.id),
    legacyResourceId: String(refund.id),
    note: refund.note,
    createdAt: isIn(order, "nulls") ? null : graphTime(refund.createdAtMs),
    processedAt: graphTime(refund.createdAtMs),
    updatedAt: graphTime(refund.createdAtMs),
    order: scope.orderView,
    // The lab's merchants do not give duties back.
    duties: [],
    totalRefundedSet: () =>
      moneyBag(
        order,
        eachSide((side) => paid.reduce((sum, item) => sum + item.amount[side], 0)),
      ),
    transactions: connection(() => paid.map((transaction) => transactionView(order, transaction))),
    orderAdjustments: connection(() => adjustmentViews(order, refund)),
    refundLineItems: connection(() => refund.lines.map((item) => refundLineView(store, order, item))),
    refundShippingLines: connection(() =>
      refund.shipping.map((part) => ({
        id: gid("RefundShippingLine", part.shippingLineId + 1),
        shippingLine: () =>
          order.shippingLines
            .filter((line) => line.id === part.shippingLineId)
            .map((line) => shippingView(order, line))[0],
        subtotalAmountSet: moneyBag(order, part.subtotal),
        taxAmountSet: moneyBag(order, part.tax),
      })),
    ),
  }
}

function adjustmentViews(order: ShopOrder, refund: Refund): View[] {
  if (isZero(refund.discrepancy)) return []
  const id = gid("OrderAdjustment", refund.id + 500)
  return [{ id, amountSet: moneyBag(order, subtract(zero, refund.discrepancy)), taxAmountSet: moneyBag(order, zero) }]
}

function refundLineView(store: ShopStore, order: ShopOrder, item: Refund["lines"][number]): View {
  const line = order.lines.find((candidate) => candidate.id === item.lineId)
  return {
    id: gid("RefundLineItem", item.id),
    quantity: item.quantity,
    restockType: isIn(order, "strange-refund") ? "TO_THE_LOCKER" : item.restockType,
    restocked: item.restockType === "RETURN" || item.restockType === "CANCEL",
    location: () => locationView(store, item.locationId),
    lineItem: () => (line ? lineView(order, line) : null),
    priceSet: () => moneyBag(order, line?.unitPrice ?? zero),
    subtotalSet: () => moneyBag(order, item.subtotal),
    totalTaxSet: () => moneyBag(order, item.tax),
  }
}
