/**
 * Order capture to cash: from a shop's order to shipped, invoiced and paid.
 *
 * Screens for fraud, compares tax, reserves stock, recognises or authorises the payment, routes to locations, books the order
 * in the ERP and releases it. Each shipment is booked, captured, invoiced and confirmed to shop and buyer. A refusal or a
 * cancellation before release undoes everything in reverse; after release, what can still be stopped is stopped. When the ERP
 * is unavailable the order waits for it and the buyer is notified; an outage undoes nothing. A person decides the exceptions.
 */
import { cut } from "../../base/text.ts"
import { orderStates, type Order } from "../../canonical/order.ts"
import { defineWorkflow, type RunContext, type UndoReason } from "../../durable/define-workflow.ts"
import type { Step } from "../../durable/steps/step.ts"
import { takeOrderAsItIs } from "./as-it-is.ts"
import { bookInErp } from "./books/books.ts"
import { moveGoods } from "./goods.ts"
import {
  hearReviewsLate,
  hearShopLate,
  raiseCancelledAfterEnd,
  raiseEditedAfterEnd,
  raiseShippedAfterEnd,
} from "./late.ts"
import { endWithoutUs, isNotOurs, isOursToFulfil } from "./older.ts"
import { cancelInChannel, notifyBuyer } from "./notify.ts"
import { authorisePayment, voidAuthorisations } from "./payment.ts"
import { lookAtAuthorisations } from "./payment/authorisations.ts"
import { tendersNow } from "./payment/tenders.ts"
import { orderNeeds, type OrderPolicies } from "./policies.ts"
import { compareTax, screenForFraud, waitForOpenReviews } from "./screening.ts"
import { reserveForOrder, routeAndAllocate } from "./stock/stock.ts"

/** The order workflow. */
export const fulfilOrder = defineWorkflow<"order.placed", OrderPolicies>({
  name: "fulfil order",
  purpose: "From a shop's order to shipped, invoiced and paid, once, under failure.",
  about: "order",
  states: orderStates,
  owner: "operations",
  startsOn: "order.placed",
  hears: [
    "order.cancellation-requested",
    "order.edited",
    "order.tender-changed",
    "order.refunded",
    "order.hold-changed",
    "order.fulfilled-by-channel",
    "order.fulfilment-taken-back",
    "order.fraud-review-opened",
    "order.fraud-review-decided",
    "shipment.confirmed",
    "shipment.short",
    "exception.decided",
    "stock.arrived",
  ],
  interrupts: ["order.cancellation-requested"],
  policies: "orders",
  promisedAt: (data) => data.order.placedAt,
  needs: orderNeeds,
  steps: [
    "take over an older order",
    "take the order as it is",
    "delivery address is missing",
    "wait for the delivery address",
    "screen for fraud",
    "wait for the fraud review",
    "compare tax",
    "tax differs",
    "take kits apart",
    "unit is unknown",
    "wait for a unit",
    "reserve stock",
    "know the articles",
    "article is unknown",
    "wait for an article",
    "stock is short",
    "wait for payment",
    "ship unpaid",
    "nobody captures it",
    "hold payment",
    "choose locations",
    "allocate stock",
    "goods are nowhere",
    "wait for goods",
    "note what is missing",
    "book order in ERP",
    "ERP total differs",
    "look for late facts",
    "look at the authorisation",
    "authorisation is gone",
    "tell customer it is booked later",
    "amend order in ERP",
    "cancel order in ERP",
    "look what the shop holds back",
    "release to location",
    "stop release",
    "news of the order",
    "consume stock",
    "record delivery in ERP",
    "capture payment",
    "nothing more can be captured",
    "post invoice",
    "choose a posting day",
    "posting period is closed",
    "tell the shop it shipped",
    "wait until the shop lets it go",
    "tell customer it shipped",
    "give back leftover stock",
    "wait for the channel to capture",
    "not captured in time",
    "let payment go",
    "claim refund",
    "refund is not covered",
    "give money back",
    "release claim",
    "tell the shop it is cancelled",
    "tell customer it is cancelled",
  ],
  deadline: { minutes: 15 },
  lane: "orders",

  async run(step, input, context) {
    step.announce("accepted", "accepted")
    if (!(await isOursToFulfil(step, input.order, context.policies))) return
    const sold = await takeOrderAsItIs(step, input.order)
    await screenForFraud(step, sold, context)
    await compareTax(step, sold, context)
    const { order: reserved, goods } = await reserveForOrder(step, sold, context)
    const order = await authorisePayment(step, reserved, context)
    const routing = await routeAndAllocate(step, order, context)
    const { documentNumber } = await bookInErp(step, order, { ...context, routing: routing.lines })
    const knownReviews = await waitForOpenReviews(step, order, context)
    const looked = await lookAtAuthorisations(step, order, context)
    await moveGoods(step, { ...looked, goods, routing, documentNumber, knownReviews }, context)
  },

  async afterUndo(step, input, context) {
    if (isNotOurs(step, input.order, context.policies)) return endWithoutUs(step, cut(context.reason.reason, 500))
    // Not decided once: a payment that is reported while this waits has to be voided too, each under its own name.
    await cancelEverywhere(step, { ...input.order, tenders: tendersNow(step, input.order) }, context)
  },

  async late(step, input, { ending, ...context }) {
    if (isNotOurs(step, input.order, context.policies)) return
    const isTakenBack = ending === "undone" || step.hasAnnounced("cancelled")
    await raiseShippedAfterEnd(step, input.order)
    // An order that was taken back is cancelled everywhere already, and the shop's reports of it are our own echo. Only an
    // authorisation that was reported too late to be voided with the others is left.
    if (isTakenBack)
      return void (await voidAuthorisations(step, { ...input.order, tenders: tendersNow(step, input.order) }, context))
    await hearShopLate(step, input.order, context.policies)
    hearReviewsLate(step)
    await raiseCancelledAfterEnd(step, input.order)
    await raiseEditedAfterEnd(step, input.order)
  },
})

/** What remains when an order ends before anything shipped: money, shop and buyer. */
async function cancelEverywhere(
  step: Step,
  order: Order,
  context: RunContext<OrderPolicies> & { reason: UndoReason },
): Promise<void> {
  const reason = cut(context.reason.reason, 500)
  step.announce("cancelling", "cancelling", { reason })
  await voidAuthorisations(step, order, context)
  await step.alongside(
    () => cancelInChannel(step, order, context),
    () => notifyBuyer(step, "tell customer it is cancelled", { ...context, message: { order, kind: "cancelled" } }),
  )
  // Somebody may still be busy with a part of it: an ERP that is unavailable, a person with a refusal.
  if (step.outstanding.length > 0) return
  const ending = context.reason.kind === "interrupted" ? "cancelled" : "refused"
  step.announce(ending, ending, { reason })
}
