import type { Order } from "../../canonical/order.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import { StepRejected } from "../../effects/perform.ts"
import type { RunContext, UndoReason } from "../define-workflow.ts"
import type { OrderPolicies } from "./policies.ts"
import type { Step } from "../step.ts"

type Context = RunContext<OrderPolicies>

/** A person chose to leave a refused step as it is; everything else goes on its way. */
export function ignoreLeftAsIs(thrown: unknown): void {
  if (!(thrown instanceof StepRejected)) throw thrown
}

interface Message {
  order: Order
  kind: "posted later" | "shipped" | "cancelled"
  shipment?: Shipment
}

/** Sends a message to the buyer where there is an address and a way; a refusal is no reason to stop an order. */
export async function notify(step: Step, name: string, context: Context & { message: Message }): Promise<void> {
  const { message } = context
  const scope = { channel: message.order.channel }
  if (!message.order.customer.email || !context.can("notifiesCustomers", scope)) return
  const { sendMessage } = context.use("notifiesCustomers", scope)
  await step
    .effect(name, { write: sendMessage, input: message, lane: "service", ifRejected: "throw" })
    .catch(ignoreLeftAsIs)
}

/** Facts are named after the system that told them, so a channel's own words can be told from those of others. */
function isFromChannel(order: Order, { fact }: UndoReason): boolean {
  return fact !== undefined && fact.startsWith(`${order.channel}:`)
}

/**
 * The shop cancels and gives back what it took itself: only the shop knows that for certain, because a payment may be told
 * after the cancellation. A cancellation that came from the shop needs no telling.
 */
export async function tellShopItIsCancelled(
  step: Step,
  order: Order,
  context: Context & { reason: UndoReason },
): Promise<void> {
  const scope = { channel: order.channel }
  if (isFromChannel(order, context.reason) || !context.can("updatesChannel", scope)) return
  await step
    .effect("tell the shop it is cancelled", {
      write: context.use("updatesChannel", scope).cancelOrder,
      input: { order, reason: context.reason.reason.slice(0, 200), refund: true },
      ifRejected: {
        ask: {
          summary: `The shop refused to cancel order ${order.number}`,
          ifNobodyActs: "the shop goes on showing an order nobody will ship",
          owner: "customer service",
          allowedActions: ["retry", "leave it"],
          atRisk: order.total.shop,
        },
      },
    })
    .catch(ignoreLeftAsIs)
}
