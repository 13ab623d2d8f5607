/**
 * Order capture to cash: from a shop's order to shipped, invoiced and paid.
 *
 * Screens for fraud, compares tax, reserves stock, recognises or takes hold of the payment, routes to locations, books the
 * order in the ERP, releases it, and for every shipment books the delivery, takes payment, posts the invoice, tells shop and
 * buyer. A refusal or a cancellation before release takes everything back in reverse; after release, what can still be
 * stopped is stopped. When the ERP is away the order waits for it and the buyer is told; nothing is undone for an outage.
 */
import { money } from "../base/money.ts"
import { durationMs } from "../base/time.ts"
import type { EventData } from "../canonical/events.ts"
import type { Order } from "../canonical/order.ts"
import type { RoutedLine } from "../ports/capabilities.ts"
import type { Signal } from "../effects/ledger-rows.ts"
import { StepRejected } from "../effects/perform.ts"
import { defineWorkflow, type RunContext, type UndoReason } from "./define-workflow.ts"
import { hearShopLate } from "./order/channel-news.ts"
import { asEdited, latestEdit } from "./order/edits.ts"
import { OrderFulfilment } from "./order/fulfilment.ts"
import { holdPayment, letPaymentGo } from "./order/payment.ts"
import { ifBooksRefuse, type OrderPolicies } from "./order/policies.ts"
import { tendersAfter } from "./order/tenders.ts"
import { reserveForOrder, routeAndAllocate } from "./order/stock.ts"
import { notify, tellShopItIsCancelled } from "./order/words.ts"
import type { Step } from "./step.ts"

type Context = RunContext<OrderPolicies>

/** The order workflow. Its key is the order's id. */
export const fulfilOrder = defineWorkflow<EventData<"order.placed">, OrderPolicies>({
  name: "fulfil order",
  purpose: "From a shop's order to shipped, invoiced and paid, once, under failure.",
  startsOn: "order.placed",
  signals: [
    "order.edited",
    "order.tender-changed",
    "order.refunded",
    "order.fulfilled-by-channel",
    "order.fraud-review-opened",
    "order.fraud-review-decided",
    "shipment.confirmed",
    "shipment.short",
    "exception.decided",
  ],
  interrupts: ["order.cancellation-requested"],
  key: (data) => data.orderId,
  promisedAt: (data) => data.order.placedAt,
  needs: [
    "screensFraud",
    "checksTax",
    "reservesStock",
    "booksOrders",
    "recordsDeliveries",
    "postsJournals",
    "releasesFulfilment",
  ],
  steps: [
    "take the order as it is",
    "screen for fraud",
    "wait for the fraud review",
    "compare tax",
    "tax differs",
    "reserve stock",
    "stock is short",
    "wait for payment",
    "hold payment",
    "choose locations",
    "allocate stock",
    "goods are nowhere",
    "wait for goods",
    "book order in ERP",
    "ERP total differs",
    "look for late facts",
    "tell customer it is booked later",
    "amend order in ERP",
    "cancel order in ERP",
    "release to location",
    "stop release",
    "news of the order",
    "consume stock",
    "record delivery in ERP",
    "capture payment",
    "post invoice",
    "tell the shop it shipped",
    "tell customer it shipped",
    "give back leftover stock",
    "let payment go",
    "give money back",
    "tell the shop it is cancelled",
    "tell customer it is cancelled",
  ],
  deadline: { minutes: 15 },
  lane: "orders",

  async run(step, input, context) {
    step.announce("accepted", "accepted")
    const edit = await step.decide("take the order as it is", () => latestEdit(input.order, step))
    const sold = asEdited(input.order, step, edit)
    await screenForFraud(step, sold, context)
    await compareTax(step, sold, context)
    await reserveForOrder(step, sold, context)
    const order = await holdPayment(step, sold, context)
    const routing = await routeAndAllocate(step, order, context)
    const booked = await bookInErp(step, order, { ...context, routing: routing.lines })
    const knownReviews = await waitForOpenReviews(step, order, context)
    const { documentNumber } = booked
    const fulfilment = new OrderFulfilment({ step, order, routing, context, documentNumber, knownReviews })
    await fulfilment.takeLateEdits()
    await fulfilment.releaseAll()
    await fulfilment.untilNothingIsOpen()
  },

  async afterUndo(step, input, context) {
    // Not decided once: a payment told while this waits for something else has to go, too; each is let go by its own name.
    const tenders = tendersAfter(input.order, step.heard("order.tender-changed"))
    await cancelEverywhere(step, { ...input.order, tenders }, context)
  },

  async late(step, input, { ending, ...context }) {
    const isTakenBack = ending === "undone" || step.hasAnnounced("cancelled")
    for (const signal of step.untaken("shipment.confirmed")) await tellShippedAfterEnd(step, input.order, signal)
    // An order that was taken back is cancelled everywhere already; the shop telling so is our own echo. Only a hold that was
    // told too late to be let go with the rest is left.
    if (isTakenBack) {
      const tenders = tendersAfter(input.order, step.heard("order.tender-changed"))
      return letPaymentGo(step, { ...input.order, tenders }, context)
    }
    await hearShopLate(step, input.order)
    for (const signal of step.untaken("order.cancellation-requested")) {
      await step.raise(`cancelled after it was closed#${signal.fact}`, {
        summary: `Order ${input.order.number} was cancelled after all of it had shipped. The goods have to come back first.`,
        ifNobodyActs: "the buyer keeps goods and the shop shows a cancelled order",
        owner: "customer service",
        allowedActions: ["open a return", "acknowledge"],
        atRisk: input.order.total.shop,
      })
    }
  },
})

/** Goods of an order that had ended: nothing books them, so somebody has to know. */
async function tellShippedAfterEnd(step: Step, order: Order, signal: Signal): Promise<void> {
  const { shipment } = signal.data as EventData<"shipment.confirmed">
  await step.raise(`shipped after the end#${shipment.id}`, {
    summary: `Shipment ${shipment.id} left ${shipment.locationId} after order ${order.number} had ended. A return is due.`,
    ifNobodyActs: "the goods are gone and nobody pays for them",
    owner: "customer service",
    allowedActions: ["open a return", "acknowledge"],
    atRisk: order.total.shop,
  })
}

async function screenForFraud(step: Step, order: Order, context: Context): Promise<void> {
  const { screenOrder } = context.use("screensFraud", { channel: order.channel })
  const screening = await step.effect("screen for fraud", {
    write: screenOrder,
    input: { order },
    key: order.id,
    // Not being able to look at an order says nothing against its buyer.
    ifRejected: {
      ask: {
        summary: `Order ${order.number} could not be screened for fraud`,
        ifNobodyActs: "it waits unscreened, with nothing reserved for it",
        owner: "customer service",
        allowedActions: ["retry", "refuse order"],
        atRisk: order.total.shop,
      },
    },
  })
  if (screening.decision === "accept") return
  if (screening.decision === "reject")
    throw new StepRejected(
      "screen for fraud",
      "VENDOR_REJECTED",
      screening.reasons.join("; ") || "fraud screening refused the order",
    )
  step.announce("on hold for fraud review", "on hold", { reason: "fraud screening wants a person to look" })
  await untilReviewed(step, order, { ...context, name: "wait for the fraud review" })
}

/**
 * A review that was opened after the order had been accepted (P-07) holds it just the same, as long as nothing was released,
 * and one that ended badly ends the order, whichever was told first. Answers the facts that were looked at.
 */
async function waitForOpenReviews(step: Step, order: Order, context: Context): Promise<string[]> {
  for (let n = 0; ; n += 1) {
    const seen = await step.decide(`look for late facts#reviews${n}`, () => reviewsSeen(step))
    if (seen.isRefused)
      throw new StepRejected("wait for the fraud review", "VENDOR_REJECTED", 'the fraud review ended with "reject"')
    if (seen.openedCount - n <= seen.decidedCount) return seen.facts
    step.announce("on hold for late review", "on hold", {
      reason: "a fraud review was opened after the order was accepted",
    })
    await untilReviewed(step, order, { ...context, name: `wait for the fraud review#late${n}` })
  }
}

function reviewsSeen(step: Step) {
  const opened = step.untaken("order.fraud-review-opened")
  const decided = step.untaken("order.fraud-review-decided")
  return {
    openedCount: opened.length,
    decidedCount: decided.length,
    isRefused: decided.some((signal) => (signal.data as EventData<"order.fraud-review-decided">).decision === "reject"),
    facts: [...opened, ...decided].map((signal) => signal.fact),
  }
}

const lookAtLeastEveryMs = 3_600_000

/** Waits for the word that a review has ended, and asks now and then, because that word may be lost (I-6). */
async function untilReviewed(step: Step, order: Order, context: Context & { name: string }): Promise<void> {
  const { name, policies, use } = context
  for (let n = 0; ; n += 1) {
    const look = n === 0 ? name : `${name}${name.includes("#") ? ":" : "#"}again${n}`
    const signal = await step.until(look, {
      signals: ["order.fraud-review-decided"],
      // Later and later: a review may lie on a desk for days, and every look is kept.
      within: { ms: Math.min(durationMs(policies.askReviewAfter) * 2 ** n, lookAtLeastEveryMs) },
    })
    const decided = signal?.data as EventData<"order.fraud-review-decided"> | undefined
    const decision =
      decided?.decision ??
      (await step.decide(`look for late facts#${look}`, () =>
        use("screensFraud", { channel: order.channel }).readDecision({ order }),
      ))
    if (decision === "accept") return
    if (decision === "reject")
      throw new StepRejected(
        name,
        "VENDOR_REJECTED",
        `the fraud review ended with "reject" (${decided?.decidedBy ?? "looked up"})`,
      )
  }
}

/** Charged tax is kept whatever the engine says; a difference beyond tolerance is told, because somebody's set-up is wrong. */
async function compareTax(step: Step, order: Order, { use, policies }: Context): Promise<void> {
  const charged = [...order.lines, ...order.charges].reduce(
    (sum, part) => sum + part.taxes.reduce((taxes, tax) => taxes + tax.amount.shop.amountMinor, 0),
    0,
  )
  const expected = await step.decide(
    "compare tax",
    async () => (await use("checksTax", { channel: order.channel }).quoteTax({ order })).totalTaxMinor,
  )
  const differenceMinor = charged - expected
  if (Math.abs(differenceMinor) <= policies.taxToleranceMinor) return
  await step.raise("tax differs", {
    summary: `Order ${order.number} was charged ${charged} of tax, the tax engine says ${expected} (minor units of ${order.currency.shop}).`,
    ifNobodyActs: "the charged tax is posted as it is",
    owner: "finance",
    allowedActions: ["acknowledge"],
    atRisk: money(Math.abs(differenceMinor), order.currency.shop),
  })
}

async function bookInErp(step: Step, order: Order, context: Context & { routing: RoutedLine[] }) {
  const { routing } = context
  const books = context.use("booksOrders", { channel: order.channel })
  const booked = await step.effect("book order in ERP", {
    write: books.bookOrder,
    input: { order, routing },
    key: order.id,
    undo: { write: books.cancelOrder, input: { orderId: order.id, reason: "taken back" }, key: `${order.id}-undo` },
    ifWaiting: async () => {
      step.announce("waiting for the books", "waiting for the books", {
        reason: "the ERP is away; the order is booked when it is back",
      })
      await notify(step, "tell customer it is booked later", { ...context, message: { order, kind: "posted later" } })
    },
    ...ifBooksRefuse(order, context.policies),
  })
  step.announce("in the books", "in the books", { references: booked.reference ? [booked.reference] : [] })
  if (booked.total && booked.total.amountMinor !== order.total.shop.amountMinor)
    await step.raise("ERP total differs", {
      summary: `The ERP holds ${booked.total.amountMinor} for order ${order.number}, charged were ${order.total.shop.amountMinor} (minor units of ${order.currency.shop}).`,
      ifNobodyActs: "the invoice posts what was charged",
      owner: "finance",
      allowedActions: ["acknowledge"],
      atRisk: money(Math.abs(booked.total.amountMinor - order.total.shop.amountMinor), order.currency.shop),
    })
  return booked
}

/** What remains when an order ends before anything shipped: money, shop and buyer. */
async function cancelEverywhere(step: Step, order: Order, context: Context & { reason: UndoReason }): Promise<void> {
  const { reason } = context
  step.announce("cancelling", "cancelling", { reason: reason.reason.slice(0, 500) })
  await letPaymentGo(step, order, context)
  await step.alongside(
    () => tellShopItIsCancelled(step, order, context),
    () => notify(step, "tell customer it is cancelled", { ...context, message: { order, kind: "cancelled" } }),
  )
  // Somebody may still hold a part of it: an ERP that is away, a person with a refusal.
  if (step.outstanding.length > 0) return
  if (reason.kind === "interrupted") step.announce("cancelled", "cancelled", { reason: reason.reason.slice(0, 500) })
  else step.announce("refused", "refused", { reason: reason.reason.slice(0, 500) })
}
