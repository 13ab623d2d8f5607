import type { Money } from "../../base/money.ts"
import type { Order, Tender } from "../../canonical/order.ts"
import type { Signal } from "../../effects/ledger-rows.ts"
import { StepRejected, Suspension } from "../../effects/perform.ts"
import { capturesFor } from "../../rules/invoice.ts"
import type { RunContext } from "../define-workflow.ts"
import type { OrderPolicies } from "./policies.ts"
import { isCovered, tendersAfter } from "./tenders.ts"
import { ignoreLeftAsIs } from "./words.ts"
import type { Step } from "../step.ts"

type Context = RunContext<OrderPolicies>

const paymentScope = (order: Order, tender: Tender) => ({ channel: order.channel, provider: tender.provider })

/** Whether we are the ones who take this tender's money; otherwise the shop does. */
function isOurs(order: Order, tender: Tender, { can }: Pick<Context, "can">): boolean {
  return (tender.kind === "card" || tender.kind === "wallet") && can("takesPayments", paymentScope(order, tender))
}

/**
 * Sees to it that every tender is at least authorised: waits for payments that the channel tells apart from the order,
 * recognises what the shop authorised or captured, authorises what is pending and ours. A decline is a refusal of the order.
 * Answers the order with its tenders as they are known now.
 */
export async function holdPayment(step: Step, placed: Order, context: Context): Promise<Order> {
  const order = await awaitPayment(step, placed, context)
  const tenders: Tender[] = []
  for (const tender of order.tenders) {
    if (tender.state !== "pending" || !isOurs(order, tender, context)) {
      tenders.push(tender)
      continue
    }
    const payments = context.use("takesPayments", paymentScope(order, tender))
    const held = await step.effect(`hold payment#${tender.id}`, {
      write: payments.authorise,
      input: { orderId: order.id, tender, amount: tender.amount.presentment },
      key: `${order.id}-p${tender.id}`.slice(0, 35),
      lane: "finance",
      undo: { write: payments.cancelAuthorisation, input: { orderId: order.id, paymentId: tender.reference ?? "" } },
    })
    tenders.push({ ...tender, state: "authorised", reference: held.paymentId })
  }
  step.announce("paid", "paid", { amount: order.total.shop })
  return { ...order, tenders }
}

async function awaitPayment(step: Step, placed: Order, context: Context): Promise<Order> {
  let order = placed
  if (!context.policies.paymentsFollow.includes(order.channel)) return order
  const told: Signal[] = []
  let isLateTold = false
  for (let n = 1; !isCovered(order, order.tenders, (tender) => isOurs(order, tender, context)); n += 1) {
    const signal = await step.until(`wait for payment#${n}`, {
      signals: ["order.tender-changed"],
      ...(isLateTold ? {} : { within: context.policies.payWithin }),
    })
    if (signal) told.push(signal)
    else await tellUnpaid(step, order)
    isLateTold ||= signal === undefined
    order = { ...placed, tenders: tendersAfter(placed, told) }
  }
  return order
}

async function tellUnpaid(step: Step, order: Order): Promise<void> {
  await step.raise("not paid in time", {
    summary: `Order ${order.number} is reserved and has not been paid in the time agreed.`,
    ifNobodyActs: "it keeps its stock and goes on waiting for the payment",
    owner: "customer service",
    allowedActions: ["acknowledge"],
    atRisk: order.total.shop,
  })
}

/** What became of the holds of an order, by tender, in minor units of the buyer's currency. */
export class Captures {
  /** What was asked for, whether it is taken already or still waits. */
  readonly countedMinor = new Map<string, number>()
  /** Of what is counted: what was refused and a person left as it is. */
  readonly leftMinor = new Map<string, number>()
  /** Tenders of which a capture still waits. */
  readonly open = new Set<string>()
  /** Tenders of which the last capture was the final one: nothing of them is held any more. */
  readonly ended = new Set<string>()
}

type CaptureContext = Context & { name: string; dueMinor: number; captures: Captures; isFinal: boolean }

function add(sums: Map<string, number>, id: string, amountMinor: number): void {
  sums.set(id, (sums.get(id) ?? 0) + amountMinor)
}

/** Takes what is due so far. Amounts follow from the order and what was shipped, so a repeat asks for the same. */
export async function capturePayment(step: Step, order: Order, context: CaptureContext): Promise<void> {
  const { countedMinor } = context.captures
  const shares = capturesFor(order, countedMinor, context.dueMinor).flatMap(({ tender, amount }) =>
    isOurs(order, tender, context) && tender.reference !== undefined
      ? [{ tender, amount, paymentId: tender.reference }]
      : [],
  )
  // All are counted before the first is tried: when one has to wait, the next shipment must not take the others again.
  for (const { tender, amount } of shares) add(countedMinor, tender.id, amount.amountMinor)
  // Side by side, so that one that waits, or is left as it is, keeps no other tender from being taken.
  await step.alongside(...shares.map((share) => () => captureShare(step, order, { ...context, ...share })))
}

async function captureShare(
  step: Step,
  order: Order,
  context: CaptureContext & { tender: Tender; amount: Money; paymentId: string },
): Promise<void> {
  const { tender, amount, paymentId, name, captures, isFinal } = context
  // One after another: a final capture would let go of what an earlier one of the same tender still waits to take.
  if (captures.open.has(tender.id)) return
  // Decided once: a capture that has begun is finished even when the shop reports one of its own afterwards.
  const isTaken = await step.decide(`look for late facts#${name}:${tender.id}`, () =>
    capturedByShop(step, order, tender),
  )
  if (isTaken) {
    // The shop took it, so the shop gives it back; it is not ours to count.
    add(captures.countedMinor, tender.id, -amount.amountMinor)
    return
  }
  const ask = {
    summary: `Payment for order ${order.number} could not be taken, and goods have left`,
    ifNobodyActs: "the goods are not paid for",
    owner: "finance",
    allowedActions: ["retry", "leave it"],
    atRisk: amount,
  }
  try {
    await step.effect(`capture payment#${name}:${tender.id}`, {
      write: context.use("takesPayments", paymentScope(order, tender)).capture,
      input: { orderId: order.id, paymentId, amount, isFinal },
      lane: "finance",
      ifRejected: { ask },
    })
    if (isFinal) captures.ended.add(tender.id)
  } catch (thrown) {
    if (thrown instanceof Suspension) captures.open.add(tender.id)
    else if (thrown instanceof StepRejected) add(captures.leftMinor, tender.id, amount.amountMinor)
    throw thrown
  }
}

/** A capture the shop reports for a tender we were to take: taking it again would be refused, and it is paid. */
function capturedByShop(step: Step, order: Order, tender: Tender): boolean {
  const known = tendersAfter(order, step.heard("order.tender-changed"))
  return known.some(({ id, state }) => id === tender.id && state === "captured")
}

/** Gives back what was taken for goods that were stopped afterwards. */
export async function giveMoneyBack(
  step: Step,
  order: Order,
  context: Context & { tender: Tender; amount: Money },
): Promise<void> {
  const { tender, amount } = context
  const paymentId = tender.reference
  if (paymentId === undefined) return
  const ask = {
    summary: `Money taken for goods of order ${order.number} that did not ship could not be given back`,
    ifNobodyActs: "the buyer has paid for goods that never come",
    owner: "finance",
    allowedActions: ["retry", "leave it"],
    atRisk: amount,
  }
  await step.alongside(() =>
    step
      .effect(`give money back#${tender.id}`, {
        write: context.use("takesPayments", paymentScope(order, tender)).refund,
        input: { orderId: order.id, paymentId, amount },
        lane: "finance",
        ifRejected: { ask },
      })
      .catch(ignoreLeftAsIs),
  )
}

/**
 * Lets go of authorisations that are ours to let go; what the shop captured goes back through the shop's own cancellation.
 * A hold the shop calls void counts too: the shop may have crossed it out only in its own books, and letting go twice is once.
 */
export async function letPaymentGo(step: Step, order: Order, context: Context): Promise<void> {
  for (const tender of order.tenders) {
    if (
      !["authorised", "failed"].includes(tender.state) ||
      tender.reference === undefined ||
      !isOurs(order, tender, context)
    )
      continue
    const reference = tender.reference
    await step.alongside(() =>
      step
        .effect(`let payment go#${tender.id}`, {
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
        })
        .catch(ignoreLeftAsIs),
    )
  }
}
