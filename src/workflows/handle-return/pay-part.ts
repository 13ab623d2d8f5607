import { money, moneyText, type Money } from "../../base/money.ts"
import { newEvent, type EventData, type NewEvent } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import { returnKey } from "../../canonical/returns/keys.ts"
import type { Tracks } from "../../canonical/returns/parts.ts"
import { part } from "../../durable/steps/step-name.ts"
import { StepRejected } from "../../effects/perform.ts"
import type { Running } from "./goods.ts"
import type { TenderToRefund } from "./policies.ts"

/** What became of a part of a refund. `refused`: the tender has less left than a moment before. */
export interface Outcome {
  kind: "paid" | "pending" | "refused" | "left" | "unfinished"
  tenderId: string
  amountMinor: number
  /** The buyer has it as store credit. */
  asCredit?: boolean
}

interface Part {
  /** Tells parts of one return apart. */
  name: string
  tender: TenderToRefund
  tenderId: string
  amountMinor: number
  reports: ReadonlyMap<string, EventData<"payment.refund-reported">>
  says: (state: Tracks["money"]) => void
}

const byHand = ["paid by hand", "store credit given"]

/**
 * Gives a part back by its tender. Where its system cannot, refuses it or fails later, a person gives it back in another way. Each
 * attempt has a claim of its own, because one that failed is free again.
 */
export async function payPart(running: Running, one: Part): Promise<Outcome> {
  const { tenderId, amountMinor, reports, says } = one
  const settled = { tenderId, amountMinor }
  for (let attempt = 1; ; attempt += 1) {
    const name = `${one.name}.${attempt}`
    const claim = await claimed(running, one, name)
    if (claim === undefined) return { kind: "refused", ...settled }
    const tried = await send(running, one, { name, claim })
    const told = reports.get(claim)?.state
    if (tried.kind === "sent" && told !== "failed") {
      const isPending = tried.isPending && told !== "succeeded"
      return { kind: isPending ? "pending" : "paid", ...settled }
    }
    says("needs a person")
    const why =
      tried.kind === "sent"
        ? `the provider says that it failed: ${reports.get(claim)?.reason ?? "no reason"}`
        : tried.why
    const { action, decidedBy } = await ask(running, one, { name, why })
    if (action === "retry") continue
    if (!byHand.includes(action)) return { kind: "left", ...settled }
    return recordByHand(running, one, { name: `${name}.h`, action, by: decidedBy })
  }
}

/** The key of a granted claim. */
async function claimed({ step, context, requested }: Running, one: Part, name: string): Promise<string | undefined> {
  const { returnId, orderId } = requested
  const key = returnKey(returnId, `refund:${name}`)
  const { granted } = await step.effect(part("claim refund", name), {
    write: context.use("claimsRefunds").claim,
    input: { orderId, tenderId: one.tenderId, amount: amountOf(one), keptMinor: 0, by: ref("return", returnId) },
    key,
    lane: "finance",
  })
  return granted ? key : undefined
}

const amountOf = ({ tender, amountMinor }: Part): Money => money(amountMinor, tender.currency)

type Sent = { kind: "sent"; isPending: boolean } | { kind: "not sent"; why: string }

async function send(running: Running, one: Part, { name, claim }: { name: string; claim: string }): Promise<Sent> {
  const { step, context, order } = running
  const { tender, tenderId } = one
  const scope = { channel: order.channel, provider: tender.provider }
  if (tender.kind === "cash" || tender.paymentId === undefined || !context.can("refundsPayments", scope)) {
    await release(running, name, claim)
    return { kind: "not sent", why: "no system gives it back" }
  }
  try {
    const { isPending = false } = await step.effect(part("give money back", name), {
      write: context.use("refundsPayments", scope).refund,
      input: {
        orderId: order.id,
        paymentId: tender.paymentId,
        inChannel: { orderId: order.externalId, tenderId },
        amount: amountOf(one),
      },
      key: claim,
      lane: "finance",
      ifRejected: "throw",
      tells: ({ reference, isPending: waits }) => [
        told(running, one, {
          claim,
          by: tender.provider,
          ...(reference ? { reference } : {}),
          ...(waits ? { isPending: true } : {}),
        }),
      ],
    })
    return { kind: "sent", isPending }
  } catch (thrown) {
    if (!(thrown instanceof StepRejected)) throw thrown
    await release(running, name, claim)
    return { kind: "not sent", why: thrown.message }
  }
}

async function release({ step, context, requested: { orderId } }: Running, name: string, claim: string): Promise<void> {
  const write = context.use("claimsRefunds").release
  await step.effect(part("release claim", name), { write, input: { orderId, claim } })
}

function ask({ step, requested, order }: Running, one: Part, { name, why }: { name: string; why: string }) {
  const { tender } = one
  const amount = amountOf(one)
  return step.ask(part("money could not be given back", name), {
    summary:
      `Return ${requested.returnId} of order ${order.number}: ${moneyText(amount)} could not go back to ${tender.kind} ${tender.provider}: ${why}`.slice(
        0,
        1000,
      ),
    ifNobodyActs: "the buyer has sent goods back and has no money",
    owner: "finance",
    allowedActions: ["retry", "paid by hand", "store credit given", "leave it"],
    atRisk: amount,
  })
}

/** A person gave it back, in cash or as store credit: it counts against the tender as if it had gone there. */
async function recordByHand(
  running: Running,
  one: Part,
  { name, action, by }: { name: string; action: string; by: string },
): Promise<Outcome> {
  const { tenderId, amountMinor } = one
  const claim = await claimed(running, one, name)
  if (claim === undefined) return { kind: "refused", tenderId, amountMinor }
  const { step } = running
  const { type, data } = told(running, one, { claim, by: by.slice(0, 120), reason: action })
  step.tell(part("paid by hand", name), { type, data })
  return { kind: "paid", tenderId, amountMinor, ...(action === "store credit given" ? { asCredit: true } : {}) }
}

function told(
  { step, order }: Running,
  one: Part,
  more: Pick<EventData<"payment.refunded">, "claim" | "by" | "reference" | "isPending" | "reason">,
): NewEvent<"payment.refunded"> {
  return newEvent({
    type: "payment.refunded",
    fact: `crossdock:refund:${more.claim}`,
    source: "crossdock:handle return",
    time: step.now(),
    data: { orderId: order.id, tenderId: one.tenderId, amount: amountOf(one), ...more, at: step.now() },
  })
}
