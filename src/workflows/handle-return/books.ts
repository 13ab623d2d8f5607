import { part } from "../../durable/steps/step-name.ts"
import { creditOf } from "../../rules/credit.ts"
import { refundFor } from "../../rules/returns/refund.ts"
import type { Tracks } from "../../canonical/returns/parts.ts"
import { postCredit } from "../credit-refund/post-credit.ts"
import type { Numbered, Running } from "./goods.ts"
import type { MoneyOf } from "./money.ts"

/** The shop's refunds and ours are credited in one way: revenue and tax as charged, against what was paid back. */
export async function creditBooks(
  { step, context, requested, order }: Running,
  round: Numbered,
  { due, paid }: MoneyOf,
): Promise<Tracks["books"]> {
  const at = await step.decide(part("date the credit", String(round.n)), () => step.now())
  const refundId = `${requested.returnId}-${round.n}`
  const refund = { ...refundFor(due, { refundId, at, paid }), orderId: order.id }
  const units = refund.lines.map((line) => ({ line, leftMilli: line.quantity.milli }))
  const heard = { refund, units, offBefore: new Map<string, number>(), overpaidMinor: 0 }
  const credit = creditOf(order, heard, context.policies.businessDay(at, round.locationId))
  if (!credit) return "nothing due"
  const isPosted = await postCredit(step, { ...credit, name: String(round.n) }, context)
  return isPosted ? "credited" : "left"
}
