import { storage } from "../../base/sql.ts"
import { instant } from "../../base/time.ts"
import type { NamedPromise } from "../../rules/promises/definition.ts"
import { judgePromises, type PromiseReads, type ScopeView } from "./read.ts"

/** What is left of a promise's allowance for misses. */
export interface Budget {
  promise: string
  target: number
  /** Outcomes that finished in the time looked at, at most `budgetOutcomes` of the last. */
  n: number
  bad: number
  /** How many may be missed of so many. */
  allowed: number
  /** The share that is used up; above 1 there is none left. */
  spent: number
  isBurning: boolean
}

/** Whether what may make things worse should wait. */
export interface BudgetGate {
  wait: boolean
  reasons: string[]
  days: number
  budgets: Budget[]
}

const budgetDays = 28
/** Counted at most, so that a question costs the same after any number of orders. */
export const budgetOutcomes = 10_000
/** Of fewer outcomes a single miss would stop every change. */
const outcomesLeast = 100

/** A risky change should wait while a promise burns, or when its allowance of the last weeks is used up. */
export async function readBudget(reads: PromiseReads, promises: readonly NamedPromise[]): Promise<BudgetGate> {
  const judged = await judgePromises(reads, promises)
  const budgets = await Promise.all(promises.map((promise, n) => budgetOf(reads, promise, judged[n] ?? [])))
  const reasons = budgets.flatMap(({ promise, isBurning, spent, bad, n, allowed }) => {
    if (isBurning) return [`"${promise}" is being missed right now`]
    if (spent < 1 || n < outcomesLeast) return []
    return [`"${promise}": ${bad} of the last ${n} were missed, ${Math.floor(allowed)} may be`]
  })
  return { wait: reasons.length > 0, reasons, days: budgetDays, budgets }
}

async function budgetOf(
  { sql, clock, build }: PromiseReads,
  promise: NamedPromise,
  scopes: readonly ScopeView[],
): Promise<Budget> {
  const since = instant(clock.now() - budgetDays * 86_400_000)
  const [row] = await storage(
    () => sql<{ n: number; bad: number }[]>`
      select count(*) as n, count(*) filter (where state = 'missed') as bad from (
        select state from promise_outcomes
        where build = ${build} and promise = ${promise.name} and finished_at > ${since}::timestamptz
        order by finished_at desc limit ${budgetOutcomes}
      ) recent`,
  )
  const { n, bad } = row ?? { n: 0, bad: 0 }
  const allowed = n * (1 - promise.target)
  return {
    promise: promise.name,
    target: promise.target,
    n,
    bad,
    allowed,
    spent: allowed === 0 ? 0 : bad / allowed,
    isBurning: scopes.some(({ says }) => says === "page"),
  }
}
