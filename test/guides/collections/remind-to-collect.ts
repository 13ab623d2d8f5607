/**
 * Watches that what waits in a store is collected.
 *
 * Waits for the buyer; when nobody comes in time, a person decides whether the goods wait longer or go back. Nothing is changed in
 * another system, so there is nothing to undo.
 */
import { Type, type Static } from "typebox"
import { Duration } from "../../../src/base/time.ts"
import { defineWorkflow } from "../../../src/durable/define-workflow.ts"

/** What a retailer decides about collections: `policies.collections` of the estate. */
export const CollectionPolicies = Type.Object({ collectWithin: Duration }, { additionalProperties: false })
type CollectionPolicies = Static<typeof CollectionPolicies>

export const remindToCollect = defineWorkflow<"order.placed", CollectionPolicies>({
  name: "remind to collect",
  purpose: "Tells customer service when an order is not collected in the time agreed.",
  about: "order",
  states: [],
  owner: "customer service",
  startsOn: "order.placed",
  hears: ["shipment.delivered", "exception.decided"],
  interrupts: [],
  promisedAt: (data) => data.order.placedAt,
  policies: "collections",
  needs: [],
  steps: ["wait for the buyer", "not collected in time", "wait longer"],
  deadline: { days: 30 },
  lane: "service",

  async run(step, { order }, { policies }) {
    const within = policies.collectWithin
    const inTime = await step.until("wait for the buyer", { signals: ["shipment.delivered"], within })
    if (inTime) return
    const decision = await step.ask("not collected in time", {
      summary: `Order ${order.number} has not been collected in the time agreed.`,
      ifNobodyActs: "the goods stay in the store",
      owner: "customer service",
      allowedActions: ["wait longer", "send it back"],
      atRisk: order.total.shop,
    })
    if (decision.action === "wait longer") await step.until("wait longer", { signals: ["shipment.delivered"] })
  },
})
