import type { GraphQLResolveInfo } from "graphql"
import type { Call } from "../../simulator.ts"
import type { UserError } from "../changes/requests.ts"
import type { RefundRequest } from "../changes/refund.ts"
import { planRefund, refund } from "../changes/refund.ts"
import type { RefundOutcome, ShopStore } from "../store.ts"
import { idempotent } from "./idempotent.ts"
import { orderView } from "./views/order-view.ts"
import { idOf } from "./paging.ts"
import type { View } from "./views/part-views.ts"
import { orderOf, scopeOf } from "./queries.ts"
import { refundView } from "./views/refund-view.ts"

export type RefundInput = {
  orderId: string
  note?: string | null
  refundLineItems?:
    | { lineItemId: string; locationId?: string | null; quantity: number; restockType?: string | null }[]
    | null
  shipping?: { amount?: string | null; fullRefund?: boolean | null } | null
  transactions?: { amount: string; gateway: string; parentId?: string | null }[] | null
}

/** `refundCreate`: for a used key it returns the refund made with it. */
export function refundOnce(
  store: ShopStore,
  asked: { info: GraphQLResolveInfo; input: RefundInput; call: Call },
): View {
  // Refused before anything is kept under the key: tried again later, it may go through.
  if (store.refusesRefunds) return refundPayload(store, { userErrors: [{ field: null, message: refusedByProvider }] })
  return refundPayload(
    store,
    idempotent(store, asked, () => refundCreate(store, asked.input, asked.call)),
  )
}

function refundCreate(store: ShopStore, input: RefundInput, call: Call): RefundOutcome {
  const order = orderOf(store, input.orderId)
  if (order === undefined) return { userErrors: orderMissing }
  const request: RefundRequest = {
    note: input.note ?? null,
    lines: (input.refundLineItems ?? []).map((line) => ({
      lineId: idOf("LineItem", line.lineItemId) ?? 0,
      quantity: line.quantity,
      // The schema's enum has exactly the values of the model.
      restockType: (line.restockType ?? "NO_RESTOCK") as RefundRequest["lines"][number]["restockType"],
      locationId: idOf("Location", line.locationId) ?? null,
    })),
    shipping: input.shipping?.fullRefund
      ? "full"
      : input.shipping?.amount
        ? { amountText: input.shipping.amount }
        : undefined,
    transactions: (input.transactions ?? []).map((transaction) => ({
      parentId: idOf("OrderTransaction", transaction.parentId) ?? null,
      amountText: transaction.amount,
      gateway: transaction.gateway,
    })),
  }
  const plan = planRefund(order, request)
  if ("errors" in plan) return { userErrors: plan.errors }
  return { orderId: order.id, refundId: call.commit(() => refund(store, plan)).id }
}

function refundPayload(store: ShopStore, outcome: RefundOutcome): View {
  if ("userErrors" in outcome) return { order: null, refund: null, userErrors: outcome.userErrors }
  const order = store.orders.get(outcome.orderId)
  const booked = order?.refunds.find(({ id }) => id === outcome.refundId)
  return {
    order: order ? orderView(store, order) : null,
    refund: order && booked ? refundView(scopeOf(store, order), booked) : null,
    userErrors: [],
  }
}

export const refusedByProvider = "The payment provider does not take refunds of this payment method at the moment."
const orderMissing: UserError[] = [{ field: ["orderId"], message: "Order does not exist" }]
