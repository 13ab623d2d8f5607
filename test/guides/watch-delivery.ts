/**
 * Watches that what was shipped arrives.
 *
 * Waits for the carrier to report the delivery of an order; when it does not come in time, customer service is told and asked what
 * to do. Nothing is changed in another system, so there is nothing to undo.
 */
import type { Duration } from "../../src/base/time.ts"
import { defineWorkflow } from "../../src/durable/define-workflow.ts"

export interface DeliveryPolicies {
  deliverWithin: Duration
}

export const watchDelivery = defineWorkflow<"order.placed", DeliveryPolicies>({
  name: "watch delivery",
  purpose: "Tells customer service when an order has not arrived in the time promised.",
  about: "order",
  states: [],
  owner: "customer service",
  startsOn: "order.placed",
  hears: ["shipment.delivered", "exception.decided"],
  interrupts: [],
  promisedAt: (data) => data.order.placedAt,
  policies: "deliveries",
  needs: [],
  steps: ["wait for the carrier", "not delivered in time", "wait on"],
  deadline: { days: 30 },
  lane: "service",

  async run(step, { order }, { policies }) {
    const within = policies.deliverWithin
    const inTime = await step.until("wait for the carrier", { signals: ["shipment.delivered"], within })
    if (inTime) return
    const decision = await step.ask("not delivered in time", {
      summary: `Order ${order.number} has not been delivered in the time promised.`,
      ifNobodyActs: "nobody writes to the buyer",
      owner: "customer service",
      allowedActions: ["wait on", "close"],
      atRisk: order.total.shop,
    })
    if (decision.action === "wait on") await step.until("wait on", { signals: ["shipment.delivered"] })
  },
})
