import { scoreOf, type Ranking } from "../groups/score.ts"
import type { AnyBulkKind, Member } from "./kind.ts"

/** When somebody else has to approve: more members, or more money in units of the ranking's currency. */
export interface ApprovalPolicy {
  cases?: number
  money?: number
}

const approvalDefaults = { cases: 100, money: 10_000 } as const

type Amounts = { amountMinor: number; currency: string }[]

interface Planned {
  count: number
  risk: Amounts
  nowMs: number
  approval?: ApprovalPolicy | undefined
  ranking?: Ranking | undefined
}

/** Why somebody else has to approve an operation; undefined when nobody has to. */
export function whyApproval(
  { alwaysApproved }: Pick<AnyBulkKind, "alwaysApproved">,
  { count, risk, nowMs, approval, ranking }: Planned,
): string | undefined {
  const { cases, money: worth } = { ...approvalDefaults, ...approval }
  if (count > cases) return `it changes ${count} objects, more than ${cases}`
  const score = scoreOf({ money: risk, orders: 0 }, { nowMs, ...(ranking ? { ranking } : {}) }).money
  return score > worth ? `it is about ${score} of money, more than ${worth}` : alwaysApproved
}

/** Money of members, one entry a currency: currencies are never added. */
export function riskOf(members: readonly Member[]): Amounts {
  const sums = new Map<string, number>()
  for (const { atRisk } of members)
    if (atRisk) sums.set(atRisk.currency, (sums.get(atRisk.currency) ?? 0) + atRisk.amountMinor)
  return [...sums].map(([currency, amountMinor]) => ({ amountMinor, currency }))
}
