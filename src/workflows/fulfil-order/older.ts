import { epochMs } from "../../base/time.ts"
import type { Order } from "../../canonical/order.ts"
import type { Step } from "../../durable/steps/step.ts"
import type { OrderPolicies } from "./policies.ts"

// Some channels count time in seconds, and their clocks differ from ours.
const marginMs = 60_000

const question = "take over an older order"

/** When the channel was connected, for an order that it had taken before; undefined for any other order. */
function connectedAfter(order: Order, { firstDay }: OrderPolicies): string | undefined {
  const connectedAt = firstDay(order.channel)
  return connectedAt !== undefined && epochMs(order.placedAt) < epochMs(connectedAt) - marginMs
    ? connectedAt
    : undefined
}

/**
 * An order that was placed before its channel was connected is probably under way elsewhere (P-42): nothing is reserved, cancelled
 * or given back for it unless a person takes it over. Returns whether the order is ours.
 */
export async function isOursToFulfil(step: Step, order: Order, policies: OrderPolicies): Promise<boolean> {
  const connectedAt = connectedAfter(order, policies)
  if (connectedAt === undefined) return true
  const facts = `it was placed on ${order.placedAt}, before ${order.channel} was connected on ${connectedAt}`
  if (policies.onOlderOrder !== "leave") {
    const { action } = await step.ask(question, {
      summary: `Order ${order.number} is older than its connection: ${facts}. It may be under way elsewhere.`,
      ifNobodyActs: "nothing is done for it: no stock, no booking, no cancellation, no refund",
      owner: "operations",
      allowedActions: ["take it over", "leave it"],
      atRisk: order.total.shop,
    })
    if (action === "take it over") {
      step.announce("taken over", "accepted")
      return true
    }
  }
  step.announce("left", "not taken over", { reason: facts })
  return false
}

/** Whether an order was never ours: what is told of it afterwards is nothing that we would act on. */
export function isNotOurs(step: Step, order: Order, policies: OrderPolicies): boolean {
  return connectedAfter(order, policies) !== undefined && !step.hasAnnounced("taken over")
}

/** Ends an older order that was cancelled before anybody took it over. */
export function endWithoutUs(step: Step, reason: string): void {
  step.announce("cancelled", "cancelled", { reason })
}
