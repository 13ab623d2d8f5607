/**
 * From the first parcel of an order to the last one delivered.
 *
 * Hears milestones of carriers, warehouses and channels, in any order and any number, and knows where each parcel is. A parcel
 * that is late, lost, damaged or coming back is told to people, who decide. How each parcel ended is told as a fact that others
 * build on: delivered, lost, come back. It changes no other system, so there is nothing to undo, and it waits for nobody.
 */
import { money, type Money } from "../../base/money.ts"
import { deliveryStates } from "../../canonical/states.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { Order } from "../../canonical/order.ts"
import { defineWorkflow } from "../../durable/define-workflow.ts"
import type { Signal } from "../../durable/steps/signals.ts"
import { part } from "../../durable/steps/step-name.ts"
import type { Step } from "../../durable/steps/step.ts"
import { mergeLines, shipmentAmounts } from "../../rules/apportion.ts"
import {
  apply,
  beginDelivery,
  dueAt,
  isOver,
  type Action,
  type Delivery,
  type News,
} from "../../rules/delivery/apply.ts"
import type { DeliveryPolicies } from "./policies.ts"

const listensTo = ["shipment.confirmed", "shipment.milestone", "exception.decided"] as const

/** The workflow that watches deliveries. */
export const watchDelivery = defineWorkflow<"shipment.confirmed", DeliveryPolicies>({
  name: "watch delivery",
  purpose: "From the first parcel of an order to the last one delivered, lost or back.",
  about: "delivery",
  states: deliveryStates,
  owner: "customer service",
  startsOn: "shipment.confirmed",
  hears: listensTo,
  interrupts: [],
  promisedAt: ({ shipment }) => shipment.shippedAt,
  policies: "deliveries",
  needs: [],
  steps: ["news of the order", "find the parcel"],
  deadline: { hours: 1 },
  lane: "service",
  run: (step, { orderId }, { policies }) => watch(step, orderId, policies),
  // A parcel of a later shipment, or a lost one that turns up: the same parcels are watched on.
  late: (step, { orderId }, { policies }) => watch(step, orderId, policies),
})

/**
 * `src/rules/delivery` decides what follows from each piece of news; this loop says it. Every run folds the same news again, so
 * nothing is stored but the steps. It ends when every parcel is at an end and all that was heard is taken.
 */
async function watch(step: Step, orderId: string, policies: DeliveryPolicies): Promise<void> {
  let state = beginDelivery(orderId)
  let taken = 0
  while (taken < heardBy(step) || !isOver(state)) {
    const by = dueAt(state, policies)
    const signal = await step.next("news of the order", { signals: listensTo, ...(by === undefined ? {} : { by }) })
    if (signal) taken += 1
    const news = signal
      ? await newsOf(step, signal, { state, policies })
      : ({ type: "time passed", at: by ?? "" } as const)
    if (!news) continue
    const next = apply(state, news, policies)
    state = next.state
    for (const action of next.actions) await carryOut(step, action, { orderId, policies })
  }
}

const heardBy = (step: Step) => listensTo.reduce((sum, type) => sum + step.heard(type).length, 0)

/** What a signal says; undefined when it changes nothing: the decision about an exception that had been closed before. */
async function newsOf(
  step: Step,
  signal: Signal<(typeof listensTo)[number]>,
  { state, policies }: { state: Delivery; policies: DeliveryPolicies },
): Promise<News | undefined> {
  if (signal.type === "shipment.confirmed") return signal
  if (signal.type === "exception.decided") {
    const { exceptionId, action, at } = signal.data
    const question = state.open.find(({ name }) => step.exceptionId(name) === exceptionId)
    return question && { type: "decided", question, action, at }
  }
  const { data, fact, type } = signal
  const { orderId, shipmentId, trackingNumber, fulfilmentId } = data
  if (fulfilmentId === undefined || shipmentId !== undefined || trackingNumber !== undefined) return signal
  // Kept for each milestone: the fulfilment may be reported after the first of them.
  const found = await step.decide(part("find the parcel", fact), async () => {
    return (await policies.findTrackingNumber(orderId, fulfilmentId)) ?? null
  })
  return { type, data: found === null ? data : { ...data, trackingNumber: found } }
}

async function carryOut(
  step: Step,
  action: Action,
  { orderId, policies }: { orderId: string; policies: DeliveryPolicies },
): Promise<void> {
  switch (action.do) {
    case "announce":
      return step.announce(action.name, action.state)
    case "tell":
      return step.tell(action.name, action.fact)
    case "settle":
      return step.settle(action.name, { action: "acknowledge", reason: action.reason })
    case "raise": {
      const { name, text, lines } = action
      if (step.hasRaised(name)) return
      const order = await policies.findOrder(orderId)
      const summary = `Order ${order?.number ?? orderId}: ${text.summary}`
      const atRisk = order && worthOf(order, lines)
      return step.raise(name, { ...text, summary, owner: "customer service", ...(atRisk ? { atRisk } : {}) })
    }
  }
}

/** What the buyer pays for the goods of a parcel; of the whole order where it is not known what is in it. */
function worthOf(order: Order, lines: readonly LineQuantity[]): Money {
  const shipped = mergeLines(lines)
  // An edit may have taken off what had left.
  const known = order.lines.flatMap(({ id: lineId, quantity: { milli, unit } }): LineQuantity[] => {
    const inParcel = Math.min(milli, shipped.get(lineId) ?? 0)
    return inParcel > 0 ? [{ lineId, quantity: { milli: inParcel, unit } }] : []
  })
  if (known.length === 0) return order.total.shop
  return money(shipmentAmounts(order, new Map(), known).totalMinor, order.currency.shop)
}
