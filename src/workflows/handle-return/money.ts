import { money, moneyText, type Money } from "../../base/money.ts"
import type { EventData } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import { returnKey } from "../../canonical/returns/keys.ts"
import { part } from "../../durable/steps/step-name.ts"
import { dueRefund, type DueRefund, type Fees, type GivenUnits, type PaidBack } from "../../rules/returns/refund.ts"
import { settleExchange, type Settlement } from "../../rules/returns/exchange.ts"
import { splitRefund } from "../../rules/returns/split.ts"
import type { Round } from "../../rules/returns/track.ts"
import type { Tracks } from "../../canonical/returns/parts.ts"
import { claimKey, type Numbered, type Running } from "./goods.ts"
import { payPart, type Outcome } from "./pay-part.ts"
import { inCurrency, type TenderToRefund } from "./policies.ts"

/** What providers told of refunds, by their claims. */
export type Reports = ReadonlyMap<string, EventData<"payment.refund-reported">>

/** What became of the money of a round; `paid` is what certainly went. */
export interface MoneyOf {
  state: Tracks["money"]
  due: DueRefund
  paid: readonly PaidBack[]
  /** So much of it pays for the goods that the buyer took instead. */
  appliedMinor: number
}

type Says = (state: Tracks["money"]) => void
interface Known {
  reports: Reports
  says: Says
}

/**
 * Gives the money of a round back. A large refund is approved by another person first; then it is split over the tenders in the order of
 * the policy and claimed from the account, so that no tender gives back more than it took.
 */
export async function giveBack(
  running: Running,
  round: Numbered,
  { units, reports, says }: Known & { units: readonly GivenUnits[] },
): Promise<MoneyOf> {
  const { order } = running
  const due = await whatIsDue(running, round, units)
  const { presentment } = due.amount
  const nothing = { due, paid: [], appliedMinor: 0 }
  if (presentment.amountMinor <= 0) return { state: "nothing due", ...nothing }
  const { refunded, applied } = await settle(running, round, presentment)
  if (!(await isApproved(running, round, { amount: refunded, says }))) {
    await paysNothing(running, round)
    return { state: "left", ...nothing }
  }
  tellCredited(running, round, due)
  const known = { due, appliedMinor: applied.amountMinor }
  says("being given back")
  const outcomes = await pay(running, round, { amount: refunded, reports, says })
  const paid = outcomes.flatMap(({ kind, ...one }) =>
    kind === "paid" ? [paidBack(one, order.currency.presentment)] : [],
  )
  if (outcomes.some(({ kind }) => kind === "unfinished")) return { state: "being given back", ...known, paid }
  if (outcomes.some(({ kind }) => kind === "pending")) return { state: "pending", ...known, paid }
  return { state: paid.length > 0 || applied.amountMinor > 0 ? "given back" : "left", ...known, paid }
}

const paidBack = ({ tenderId, amountMinor, asCredit }: Omit<Outcome, "kind">, currency: string): PaidBack => {
  return { tenderId, amount: money(amountMinor, currency), ...(asCredit ? { asCredit } : {}) }
}

/** The key under which a round pays of the order that was taken instead. */
const exchangeKey = ({ requested }: Running, round: Round) => returnKey(requested.returnId, `${round.id}:exchange`)

/** What moves: all of it, or in an exchange what the goods that were taken instead do not cost. */
async function settle(running: Running, round: Numbered, returned: Money): Promise<Settlement> {
  const { step, context, requested, order } = running
  const { exchangeOrderId } = requested
  const nothing = money(0, returned.currency)
  if (exchangeOrderId === undefined) return settleExchange(returned, nothing)
  const open = await step.decide(part("what the exchange costs", String(round.n)), async () => {
    return (await context.policies.uncovered(exchangeOrderId)) ?? null
  })
  if (open?.currency !== returned.currency) return settleExchange(returned, nothing)
  const { appliedMinor, leftMinor } = await step.effect(part("pay what was taken instead", String(round.n)), {
    write: context.use("claimsRefunds").claimExchange,
    input: {
      orderId: exchangeOrderId,
      owed: open,
      wantedMinor: returned.amountMinor,
      by: ref("return", requested.returnId),
    },
    key: exchangeKey(running, round),
    lane: "finance",
  })
  const settlement = settleExchange(returned, money(appliedMinor + leftMinor, open.currency))
  if (settlement.due.amountMinor > 0)
    await step.raise(part("exchange is not paid", String(round.n)), {
      summary: `Return ${requested.returnId} of order ${order.number} pays ${moneyText(settlement.applied)} of what the buyer took instead, and ${moneyText(settlement.due)} of order ${exchangeOrderId} is not paid.`,
      ifNobodyActs: "it is owed, unless more of the return comes",
      owner: "customer service",
      allowedActions: ["acknowledge"],
      atRisk: settlement.due,
    })
  return settlement
}

/** The refund was declined: what was taken instead is owed as before, and another return may pay it. */
async function paysNothing(running: Running, round: Numbered): Promise<void> {
  const { step, context, requested } = running
  if (requested.exchangeOrderId === undefined) return
  await step.effect(part("release claim", `${round.n}.exchange`), {
    write: context.use("claimsRefunds").release,
    input: { orderId: requested.exchangeOrderId, claim: exchangeKey(running, round) },
    lane: "finance",
  })
}

async function whatIsDue({ step, context, requested, order }: Running, round: Numbered, units: readonly GivenUnits[]) {
  const { policies } = context
  const keys = round.lines.map((_, index) => claimKey(requested.returnId, round, index))
  const shipping =
    policies.refundsShipping === "with the last goods" && units.length > 0
      ? await step.decide(part("are these the last goods", String(round.n)), async () =>
          (await policies.hasLastGoods(order.id, keys)) ? policies.shippingGiven(order.id) : null,
        )
      : null
  const isSent = (requested.how ?? "send back") === "send back"
  const currency = order.currency.presentment
  const fees: Fees = isSent
    ? {
        restockingPercent: policies.restockingPercent ?? 0,
        labelMinor: round.n === 1 ? (inCurrency(policies.label, currency) ?? 0) : 0,
      }
    : {}
  return dueRefund(order, units, { fees, shipping: shipping ?? undefined })
}

/** Whether it is small, or somebody else than who asked for the return approves it. */
async function isApproved(
  { step, context: { policies }, requested, order }: Running,
  round: Numbered,
  { amount, says }: { amount: Money; says: Says },
): Promise<boolean> {
  const limit = inCurrency(policies.approveAbove, amount.currency)
  if (limit === undefined || amount.amountMinor <= limit) return true
  for (let asked = 1; ; asked += 1) {
    says("waits for approval")
    const again = asked === 1 ? "" : ` ${requested.requestedBy} asked for the return and cannot approve it.`
    const decision = await step.ask(part("refund needs approval", `${round.n}.${asked}`), {
      summary: `Return ${requested.returnId} of order ${order.number}: ${moneyText(amount)} is to be given back, above the limit of ${moneyText(money(limit, amount.currency))}.${again}`,
      ifNobodyActs: "nothing is given back",
      owner: "finance",
      allowedActions: ["approve the refund", "decline the refund"],
      atRisk: amount,
    })
    if (decision.action === "decline the refund") return false
    if (!isSameCaller(decision.decidedBy, requested.requestedBy)) return true
  }
}

/** A program may stand there with the key it used: `desk (key-2)`. Whatever its key, it is the same caller. */
function isSameCaller(one: string, other: string): boolean {
  const nameOf = (caller: string) => caller.split(" (")[0]
  return nameOf(one) === nameOf(other)
}

function tellCredited({ step, requested: { returnId, orderId } }: Running, round: Numbered, due: DueRefund): void {
  const lines = due.lines.map(({ what, lineId, milli, worth, tax }) => ({
    what,
    ...(lineId === undefined || milli === undefined
      ? {}
      : { lineId, quantity: { milli, unit: unitOf(round, lineId) } }),
    amount: worth.presentment,
    ...(tax.presentment.amountMinor === 0 ? {} : { tax: tax.presentment }),
  }))
  step.tell(part("what is given back", String(round.n)), {
    type: "return.credited",
    data: { returnId, orderId, round: round.id, lines, amount: due.amount.presentment, at: round.at },
  })
}

function unitOf({ lines }: Numbered, lineId: string): string {
  return lines.find((line) => line.lineId === lineId)?.quantity.unit ?? ""
}

/** Pays until all is given back, waits for something, or a person leaves the rest. */
async function pay(
  running: Running,
  round: Numbered,
  { amount, reports, says }: { amount: Money; reports: Reports; says: Says },
): Promise<Outcome[]> {
  const { step, context, requested, order } = running
  const outcomes: Outcome[] = []
  let rest = amount.amountMinor
  for (let attempt = 1; rest > 0; attempt += 1) {
    const name = `${round.n}.${attempt}`
    const tenders = await step.decide(part("split the refund", name), () => context.policies.tendersLeft(order))
    const { parts, uncoveredMinor } = splitRefund(rest, tenders, context.policies.refundOrder)
    const tried = await inParts(running, name, { parts, tenders, reports, says })
    outcomes.push(...tried.filter(({ kind }) => kind !== "refused"))
    // Somebody gave money back meanwhile: what is refused is split anew over what is left.
    rest = tried.reduce((sum, { kind, amountMinor }) => sum + (kind === "refused" ? amountMinor : 0), uncoveredMinor)
    if (uncoveredMinor === 0) continue
    says("needs a person")
    const decision = await step.ask(part("refund is not covered", name), {
      summary: `Return ${requested.returnId} of order ${order.number}: ${moneyText(money(rest, amount.currency))} is due, and no tender has so much left.`,
      ifNobodyActs: "the buyer does not get it",
      owner: "finance",
      allowedActions: ["retry", "leave it"],
      atRisk: money(rest, amount.currency),
    })
    if (decision.action !== "retry") {
      outcomes.push({ kind: "left", tenderId: "", amountMinor: rest })
      return outcomes
    }
  }
  return outcomes
}

/** A tender that waits, for its provider or a person, does not hold up the others. */
async function inParts(
  running: Running,
  name: string,
  {
    parts,
    tenders,
    ...more
  }: {
    parts: readonly { tenderId: string; amountMinor: number }[]
    tenders: readonly TenderToRefund[]
    reports: Reports
    says: Says
  },
): Promise<Outcome[]> {
  const outcomes = parts.map((one): Outcome => ({ kind: "unfinished", ...one }))
  await running.step.alongside(
    ...parts.map((one, index) => async () => {
      const tender = tenders.find(({ tenderId }) => tenderId === one.tenderId)
      if (tender) outcomes[index] = await payPart(running, { ...one, name: `${name}.${index + 1}`, tender, ...more })
    }),
  )
  return outcomes
}
