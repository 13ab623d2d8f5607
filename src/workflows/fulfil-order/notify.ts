import { cut } from "../../base/text.ts"
import { durationMs } from "../../base/time.ts"
import type { Order } from "../../canonical/order.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import type { OutputOf } from "../../rules/fulfilment/actions.ts"
import { StepRejected } from "../../effects/perform.ts"
import type { RunContext, UndoReason } from "../../durable/define-workflow.ts"
import type { Step } from "../../durable/steps/step.ts"
import { part, type StepName } from "../../durable/steps/step-name.ts"
import { refusedText, type OrderPolicies } from "./policies.ts"

// What the shop and the buyer hear of their order.

type Context = RunContext<OrderPolicies>

/** A person chose to leave a refused step as it is; everything else goes on. */
export function ignoreLeftAsIs(thrown: unknown): void {
  if (!(thrown instanceof StepRejected)) throw thrown
}

interface Message {
  order: Order
  kind: "posted later" | "shipped" | "cancelled"
  shipment?: Shipment
}

/** Sends a message to the buyer where there is an address and a way to. A refused message stops no order. */
export async function notifyBuyer(
  step: Step,
  name: StepName,
  context: Context & { message: Message },
): Promise<undefined> {
  const { order, kind, shipment } = context.message
  const scope = { channel: order.channel }
  if (!order.customer.email || !context.can("notifiesCustomers", scope)) return
  const { sendMessage } = context.use("notifiesCustomers", scope)
  const input = { order, kind, ...(shipment ? { shipment } : {}) }
  await step.effect(name, { write: sendMessage, input, lane: "service", ifRejected: "throw" }).catch(ignoreLeftAsIs)
}

/** Confirms a shipment to the channel that sold the order. */
export async function confirmToChannel(
  step: Step,
  order: Order,
  context: Context & { shipment: Shipment },
): Promise<OutputOf<"confirm to channel">> {
  const { shipment } = context
  const scope = { channel: order.channel }
  if (!context.can("confirmsFulfilment", scope)) return {}
  const held = part("held by the shop although it left", shipment.id)
  for (let n = 1; ; n += 1)
    try {
      const shown = await step.effect(part("tell the shop it shipped", n === 1 ? shipment.id : `${shipment.id}:${n}`), {
        write: context.use("confirmsFulfilment", scope).confirmFulfilment,
        input: { order, shipment, notifyCustomer: false },
        ifRejected: {
          ask: refusedText(order, `The shop refused the fulfilment of order ${order.number}`),
          except: ["HELD_BY_CHANNEL"],
        },
      })
      step.settle(held, { action: "acknowledge", reason: "the shop let it go, and shows it" })
      return shown
    } catch (thrown) {
      if (!(thrown instanceof StepRejected) || thrown.code !== "HELD_BY_CHANNEL") throw thrown
      await step.raise(held, heldThoughLeft(order, shipment))
      // The message that it was let go may be lost, and it is news of the order besides, so the shop is asked again in time.
      const within = { seconds: (durationMs(context.policies.askHoldsAfter) / 1000) * 2 ** Math.min(n - 1, 10) }
      await step.until(part("wait until the shop lets it go", `${shipment.id}:${n}`), { signals: [], within })
    }
}

function heldThoughLeft(order: Order, shipment: Shipment) {
  return {
    summary: `Shipment ${shipment.id} of order ${order.number} has left ${shipment.locationId}, and the shop put its goods on hold before it was told.`,
    ifNobodyActs:
      "the shop goes on showing goods on hold that are with the carrier; they are shown as shipped once the hold is lifted",
    owner: "customer service",
    allowedActions: ["acknowledge"],
    atRisk: order.total.shop,
  }
}

/** A fact is named after the system that reported it, which tells a channel's own cancellation from those of others. */
function isFromChannel(order: Order, { fact }: UndoReason): boolean {
  return fact !== undefined && fact.startsWith(`${order.channel}:`)
}

/**
 * Cancels the order in the shop, which refunds what it captured itself: only the shop knows that for certain, because a payment
 * may be reported after the cancellation. The shop knows of a cancellation of its own already.
 */
export async function cancelInChannel(
  step: Step,
  order: Order,
  context: Context & { reason: UndoReason },
): Promise<undefined> {
  const scope = { channel: order.channel }
  if (isFromChannel(order, context.reason) || !context.can("cancelsChannelOrders", scope)) return
  await step
    .effect("tell the shop it is cancelled", {
      write: context.use("cancelsChannelOrders", scope).cancelOrder,
      input: { order, reason: cut(context.reason.reason, 200), refund: true },
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
