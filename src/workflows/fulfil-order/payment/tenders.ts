import type { Order, Tender } from "../../../canonical/order.ts"
import type { RunContext } from "../../../durable/define-workflow.ts"
import type { Step } from "../../../durable/steps/step.ts"
import { takenAsTold, tendersAfter } from "../../../rules/tenders.ts"
import type { PaymentAt } from "../../../ports/capabilities/payments.ts"
import type { OrderPolicies } from "../policies.ts"

type Context = RunContext<OrderPolicies>

/** Which route a tender's payment goes by. */
export const paymentScope = (order: Order, tender: Tender) => ({ channel: order.channel, provider: tender.provider })

/** Where the payment of a tender is: at its provider, and in the channel's own numbers. */
export function paymentAt(order: Order, tender: Tender, paymentId: string): PaymentAt {
  return { orderId: order.id, paymentId, inChannel: { orderId: order.externalId, tenderId: tender.id } }
}

/** Whether we capture this tender's payment; otherwise the channel does, or nobody. */
export function isOurs(order: Order, tender: Tender, { can, policies }: Pick<Context, "can" | "policies">): boolean {
  return (
    (tender.kind === "card" || tender.kind === "wallet") &&
    policies.captures(order.channel) === "crossdock" &&
    can("capturesPayments", paymentScope(order, tender))
  )
}

/** Whether we authorise a tender that is pending. A shop that holds its payments itself does so at its checkout, and tells. */
export function isOursToAuthorise(order: Order, tender: Tender, context: Pick<Context, "can" | "policies">): boolean {
  return isOurs(order, tender, context) && context.can("authorisesPayments", paymentScope(order, tender))
}

/** Tenders of an order with everything that was reported of them so far. Look at them only inside `decide`. */
export function tendersNow(step: Step, order: Order): Tender[] {
  return tendersAfter(order, step.heard("order.tender-changed"))
}

/** What the shop and the provider told so far of captures of a tender. Look at it only inside `decide`. */
export function capturedAsToldMinor(step: Step, order: Order, { id }: Tender): number {
  return takenAsTold(order, step.heard("order.tender-changed")).get(id)?.presentment.amountMinor ?? 0
}
