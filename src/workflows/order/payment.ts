import type { EventData } from "../../canonical/events.ts"
import type { Order, Tender } from "../../canonical/order.ts"
import { capturesFor } from "../../rules/invoice.ts"
import type { RunContext } from "../define-workflow.ts"
import type { OrderPolicies } from "./policies.ts"
import type { Step } from "../step.ts"

type Context = RunContext<OrderPolicies>

const paymentScope = (order: Order, tender: Tender) => ({ channel: order.channel, provider: tender.provider })

/** Whether we are the ones who take this tender's money; otherwise the shop does. */
function isOurs(order: Order, tender: Tender, { can }: Pick<Context, "can">): boolean {
  return (tender.kind === "card" || tender.kind === "wallet") && can("takesPayments", paymentScope(order, tender))
}

/**
 * Sees to it that every tender is at least authorised: recognises what the shop authorised or captured, authorises what is
 * pending and ours. A decline is a refusal of the order.
 */
export async function holdPayment(step: Step, order: Order, context: Context): Promise<void> {
  for (const tender of order.tenders) {
    if (tender.state !== "pending" || !isOurs(order, tender, context)) continue
    const payments = context.use("takesPayments", paymentScope(order, tender))
    await step.effect(`hold payment#${tender.id}`, {
      write: payments.authorise,
      input: { orderId: order.id, tender, amount: tender.amount.presentment },
      key: `${order.id}-p${tender.id}`.slice(0, 35),
      lane: "finance",
      undo: { write: payments.cancelAuthorisation, input: { orderId: order.id, paymentId: tender.reference ?? "" } },
    })
  }
  step.announce("paid", "paid", { amount: order.total.shop })
}

/** Takes what is due so far. Amounts follow from the order and what was shipped, so a repeat asks for the same. */
export async function capturePayment(
  step: Step,
  order: Order,
  context: Context & { name: string; dueMinor: number; capturedMinor: Map<string, number>; isFinal: boolean },
): Promise<void> {
  for (const { tender, amount } of capturesFor(order, context.capturedMinor, context.dueMinor)) {
    if (!isOurs(order, tender, context) || tender.reference === undefined) continue
    if (capturedSinceByShop(step, order, tender)) continue
    context.capturedMinor.set(tender.id, (context.capturedMinor.get(tender.id) ?? 0) + amount.amountMinor)
    await step.effect(`capture payment#${context.name}:${tender.id}`, {
      write: context.use("takesPayments", paymentScope(order, tender)).capture,
      input: { orderId: order.id, paymentId: tender.reference, amount, isFinal: context.isFinal },
      lane: "finance",
      ifRejected: {
        ask: {
          summary: `Payment for order ${order.number} could not be taken, and goods have left`,
          ifNobodyActs: "the goods are not paid for",
          owner: "finance",
          allowedActions: ["retry", "leave it"],
          atRisk: amount,
        },
      },
    })
  }
}

/** A capture the shop reports for a tender we were to take: taking it again would be refused, and it is paid. */
function capturedSinceByShop(step: Step, order: Order, tender: Tender): boolean {
  return step.untaken("order.tender-changed").some((signal) => {
    const { tender: changed, orderId } = signal.data as EventData<"order.tender-changed">
    return orderId === order.id && changed.id === tender.id && changed.state === "captured"
  })
}

/** Lets go of authorisations that are ours to let go; what the shop captured goes back through the shop's own cancellation. */
export async function letPaymentGo(step: Step, order: Order, context: Context): Promise<void> {
  for (const tender of order.tenders) {
    if (tender.state !== "authorised" || tender.reference === undefined || !isOurs(order, tender, context)) continue
    const reference = tender.reference
    await step.alongside(() =>
      step.effect(`let payment go#${tender.id}`, {
        write: context.use("takesPayments", paymentScope(order, tender)).cancelAuthorisation,
        input: { orderId: order.id, paymentId: reference },
        lane: "finance",
        ifRejected: {
          ask: {
            summary: `The authorisation for order ${order.number} could not be let go`,
            ifNobodyActs: "the buyer's money stays held until it lapses",
            owner: "finance",
            allowedActions: ["retry", "leave it"],
            atRisk: tender.amount.shop,
          },
        },
      }),
    )
  }
}
