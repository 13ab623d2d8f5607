import { storage, type Sql } from "../../base/sql.ts"
import { instant, type Clock } from "../../base/time.ts"
import type { Money } from "../../base/money.ts"
import { levelsOf, windowOf, type NamedPromise } from "../../rules/promises/definition.ts"
import { judgeWindow, windowsToJudge, type Verdict } from "../../rules/promises/judge.ts"
import { windowsOf } from "../../rules/promises/windows.ts"
import { scoreOf, type Ranking } from "../groups/score.ts"

/** Outcomes older than these days say nothing of today. */
export const windowDays = 28
/** Of each promise so many of the last outcomes are looked at. */
export const lookedAtMost = 3000

export interface PromiseReads {
  sql: Sql
  clock: Clock
  build: string
  ranking?: Ranking | undefined
}

/** One scope of a promise, judged. */
export interface ScopeView extends Verdict {
  /** From narrow to wide; empty is everything. */
  scope: string[]
  /** In words: `stripe, shopify`. */
  scopeText: string
  n: number
  bad: number
  /** Money of the missed ones, one entry a currency. */
  money: Money[]
  badSince?: string
}

/** A promise and where it stands. */
export interface PromiseView extends NamedPromise {
  open: number
  atRisk: number
  overdue: number
  moneyAtRisk: Money[]
  /** Of each scope that is judged, the worst first. */
  scopes: ScopeView[]
  says: Verdict["says"]
}

interface FinishedRow {
  promise: string
  /** Joined: thousands of arrays and dates take their time to be read. */
  scope: string
  isMissed: boolean
  finishedMs: number
  minor: number | null
  currency: string | null
}

export interface Within {
  channels?: readonly string[] | undefined
}

/** Judges the windows of promises, those of each the worst first. */
export async function judgePromises(
  { sql, clock, build, ranking }: PromiseReads,
  promises: readonly NamedPromise[],
  { channels }: Within = {},
): Promise<ScopeView[][]> {
  const since = instant(clock.now() - windowDays * 86_400_000)
  const rows = await storage(
    () => sql<FinishedRow[]>`
      select p.promise, last.* from unnest(${promises.map(({ name }) => name)}::text[]) as p(promise) cross join lateral (
        select array_to_string(scope, chr(31)) as scope, state = 'missed' as "isMissed",
          (extract(epoch from finished_at) * 1000)::float8 as "finishedMs", minor, currency
        from promise_outcomes o
        where o.build = ${build} and o.promise = p.promise and o.finished_at > ${since}::timestamptz
          and (${channels === undefined} or o.channel = any(${[...(channels ?? [])]}))
        order by o.finished_at desc limit ${lookedAtMost}) last`,
  )
  const finished = Map.groupBy(rows, ({ promise }) => promise)
  return promises.map((promise) => judge(promise, finished.get(promise.name) ?? [], { clock, ranking }))
}

function judge(
  promise: NamedPromise,
  rows: readonly FinishedRow[],
  { clock, ranking }: Pick<PromiseReads, "clock" | "ranking">,
): ScopeView[] {
  const isDivided = levelsOf(promise).length > 0
  const outcomes = rows.map((row) => ({ ...row, scope: isDivided ? row.scope.split("\u001f") : [] }))
  const windows = windowsToJudge(windowsOf(outcomes, windowOf(promise)), windowOf(promise))
  const judged = windows.map((window) => {
    const money = [...window.money].map(([currency, amountMinor]) => ({ currency, amountMinor }))
    const worth = scoreOf({ money, orders: 0 }, { nowMs: clock.now(), ...(ranking ? { ranking } : {}) }).money
    const how = {
      target: promise.target,
      least: windowOf(promise),
      series: windows.length,
      floor: promise.moneyFloor ?? 0,
    }
    return {
      scope: window.scope,
      scopeText: scopeText(promise, window.scope),
      n: window.n,
      bad: window.bad,
      money,
      ...(window.badSinceMs === undefined ? {} : { badSince: instant(window.badSinceMs) }),
      ...judgeWindow(window, { ...how, money: worth }),
    }
  })
  return judged.toSorted((a, b) => rank(a) - rank(b) || b.burn - a.burn || a.scopeText.localeCompare(b.scopeText))
}

const order = ["page", "list", "kept", "too few"] as const
const rank = ({ says }: Verdict) => order.indexOf(says)

/** A scope in words. */
export function scopeText(promise: NamedPromise, scope: readonly string[]): string {
  const levels = levelsOf(promise).slice(-scope.length)
  const parts = scope.flatMap((value, index) => (value === "" ? [] : [`${levels[index] ?? ""} ${value}`.trim()]))
  return scope.length === 0 || parts.length === 0 ? "everything" : parts.join(", ")
}

/** Every promise and where it stands. */
export async function readPromises(
  reads: PromiseReads,
  promises: readonly NamedPromise[],
  within: Within = {},
): Promise<PromiseView[]> {
  const [judged, open] = await Promise.all([
    judgePromises(reads, promises, within),
    Promise.all(promises.map((promise) => readOpen(reads, promise, within))),
  ])
  return promises.flatMap((promise, n): PromiseView[] => {
    const scopes = judged[n] ?? []
    const counts = open[n]
    return counts ? [{ ...promise, ...counts, scopes, says: scopes[0]?.says ?? "too few" }] : []
  })
}

/** Shown up to here; a promise with more open ones is not counted on. */
const openMost = 10_000

async function readOpen({ sql, clock, build }: PromiseReads, { name }: NamedPromise, { channels }: Within) {
  const now = instant(clock.now())
  const rows = await storage(
    () => sql<{ currency: string | null; open: number; overdue: number; at_risk: number; minor: number | null }[]>`
      select currency, count(*) as open, count(*) filter (where due_at < ${now}) as overdue,
        count(*) filter (where at_risk) as at_risk, sum(minor) filter (where at_risk)::bigint as minor
      from (
        select o.currency, o.minor, o.due_at, o.due_at - (o.due_at - o.started_at) / 5 < ${now}::timestamptz as at_risk
        from promise_outcomes o
        where o.build = ${build} and o.promise = ${name} and o.state = 'open'
          and (${channels === undefined} or o.channel = any(${[...(channels ?? [])]}))
        order by o.due_at limit ${openMost}
      ) open group by currency`,
  )
  const sum = (field: "open" | "overdue" | "at_risk") => rows.reduce((total, row) => total + row[field], 0)
  return {
    open: sum("open"),
    atRisk: sum("at_risk"),
    overdue: sum("overdue"),
    moneyAtRisk: rows.flatMap(({ currency, minor }) =>
      currency === null || minor === null ? [] : [{ currency, amountMinor: minor }],
    ),
  }
}
