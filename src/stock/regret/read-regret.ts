import { storage, type Sql } from "../../base/sql.ts"
import { epochMs, type Instant } from "../../base/time.ts"
import { readPromiseInputs } from "../demand/promise-inputs.ts"
import { WeekProfiles } from "../demand/learn-demand.ts"
import type { PromiseRule } from "../promise.ts"
import { replay, type BufferPolicy, type Happening, type Regret } from "./replay.ts"

export interface RegretQuestion {
  since: Instant
  /** Absent: the articles that sources sell most of. */
  sku?: string
  locationId?: string
  /** The fixed buffer to compare with. */
  fixedMilli: number
}

/** What policies would have cost a channel over the time that was replayed. */
export interface ChannelRegret extends Regret {
  policy: "quantile" | "fixed" | "none"
  currency: string
}

interface Position {
  sku: string
  location: string
}

interface LedgerRow {
  kind: string
  delta: number
  after: number
  at: Date
  recorded: Date
}

/** Positions that are replayed at once; a week of one is some hundred bookings. */
const positionsMost = 200

/**
 * Replays the ledger of positions under the rule, under a fixed buffer and without one. Demand is taken as it is learnt by now. Orders
 * that were refused back then are not in the ledger, so the cost of not selling is the least there was.
 */
export async function readRegret(
  sql: Sql,
  { since, sku, locationId, fixedMilli }: RegretQuestion,
  { ruleOf, nowMs }: { ruleOf: (channel: string | undefined) => PromiseRule; nowMs: number },
): Promise<{ positions: number; items: ChannelRegret[] }> {
  const positions = await storage(
    () => sql<Position[]>`
      select d.sku, d.location_id as location from stock_demand d
      where (${sku ?? null}::text is null or d.sku = ${sku ?? null})
        and (${locationId ?? null}::text is null or d.location_id = ${locationId ?? null})
      order by d.units desc limit ${positionsMost}`,
  )
  const policies = {
    quantile: { kind: "quantile" },
    fixed: { kind: "fixed", milli: fixedMilli },
    none: { kind: "fixed", milli: 0 },
  } as const
  const sums = new Map<string, ChannelRegret>()
  const weeks = await new WeekProfiles(sql).all(nowMs)
  for (const position of positions) {
    const [input] = await readPromiseInputs(sql, {
      questions: [{ sku: position.sku, locationId: position.location }],
      rules: [ruleOf(undefined)],
      weeks,
      nowMs,
    })
    const source = input?.sources[0]
    if (!input || !source) continue
    const history = await readHistory(sql, position, since)
    for (const [policy, buffer] of Object.entries(policies) as [ChannelRegret["policy"], BufferPolicy][])
      for (const one of replay({ ...history, safetyStockMilli: 0, source, ruleOf, policy: buffer }))
        add(sums, { ...one, policy, currency: ruleOf(one.channel).currency })
  }
  const order = ["quantile", "fixed", "none"]
  const items = [...sums.values()].sort(
    (a, b) =>
      (a.channel < b.channel ? -1 : a.channel > b.channel ? 1 : 0) || order.indexOf(a.policy) - order.indexOf(b.policy),
  )
  return { positions: positions.length, items }
}

function add(sums: Map<string, ChannelRegret>, one: ChannelRegret): void {
  const name = JSON.stringify([one.channel, one.policy])
  const sum = sums.get(name)
  if (!sum) return void sums.set(name, one)
  sum.soldMilli += one.soldMilli
  sum.refusedMilli += one.refusedMilli
  sum.oversoldMilli += one.oversoldMilli
  sum.regretMinor += one.regretMinor
}

/** What happened to a position since a moment, and what was there then beside the orders that still waited for goods. */
async function readHistory(
  sql: Sql,
  { sku, location }: Position,
  since: Instant,
): Promise<{ openingMilli: number; happenings: Happening[] }> {
  const [[before], rows, orders] = await Promise.all([
    storage(
      () => sql<{ after: number; at: Date }[]>`
        select on_hand_after_milli as after, occurred_at as at from stock_ledger
        where sku = ${sku} and location_id = ${location} and recorded_at < ${since}::timestamptz
        order by occurred_at desc, id desc limit 1`,
    ),
    storage(
      () => sql<LedgerRow[]>`
        select kind, delta_milli as delta, on_hand_after_milli as after, occurred_at as at, recorded_at as recorded
        from stock_ledger where sku = ${sku} and location_id = ${location} and recorded_at >= ${since}::timestamptz
          and kind not in ('shipment', 'correction')
        order by recorded_at, id limit 20000`,
    ),
    storage(
      () => sql<{ channel: string; milli: number; at: Date }[]>`
        select r.channel, x.milli, r.created_at as at
        from (
          select l.reservation_key as key, -l.delta_milli as milli from stock_ledger l
            where l.sku = ${sku} and l.location_id = ${location} and l.kind = 'shipment' and l.recorded_at >= ${since}::timestamptz
          union all
          select r.key, l.held_milli from stock_reservation_lines l join stock_reservations r on r.id = l.reservation_id
            where l.sku = ${sku} and l.location_id in (${location}, '') and l.held_milli > 0
        ) x join stock_reservations r on r.key = x.key
        where r.channel is not null limit 20000`,
    ),
  ])
  const sinceMs = epochMs(since)
  const waiting = orders.filter(({ at }) => at.getTime() < sinceMs).reduce((sum, { milli }) => sum + milli, 0)
  const opening = before?.after ?? 0
  return {
    openingMilli: opening - waiting,
    happenings: [
      ...rows.flatMap((row, n) => happeningsOf(row, { rows: rows.slice(0, n), first: before?.at })),
      ...orders
        .filter(({ at }) => at.getTime() >= sinceMs)
        .map(({ channel, milli, at }): Happening => ({ kind: "ordered", atMs: at.getTime(), channel, milli })),
    ],
  }
}

const fedKinds = new Set(["count", "sale", "pick"])

function happeningsOf(
  { kind, delta, at, recorded }: LedgerRow,
  earlier: { rows: LedgerRow[]; first: Date | undefined },
): Happening[] {
  const [atMs, knownMs] = [at.getTime(), recorded.getTime()]
  const heard: Happening[] = fedKinds.has(kind) ? [{ kind: "heard", atMs: knownMs, asOfMs: atMs }] : []
  if (delta === 0) return heard
  if (delta > 0 || !fedKinds.has(kind))
    return [...heard, { kind: "moved", atMs: Math.min(atMs, knownMs), knownMs, milli: delta }]
  if (kind !== "count") return [...heard, { kind: "seen by the source", atMs, knownMs, milli: -delta }]
  // What a count found gone went at some time since the count before.
  const last = earlier.rows.findLast((row) => row.kind === "count")?.at ?? earlier.first
  return [...heard, ...spread(-delta, { fromMs: last?.getTime() ?? atMs, toMs: atMs, knownMs })]
}

function spread(
  milli: number,
  { fromMs, toMs, knownMs }: { fromMs: number; toMs: number; knownMs: number },
): Happening[] {
  const parts = Math.min(Math.max(Math.ceil(milli / 1000), 1), 200)
  return Array.from({ length: parts }, (_, n): Happening => {
    const share = Math.round(((n + 1) * milli) / parts) - Math.round((n * milli) / parts)
    return { kind: "seen by the source", atMs: fromMs + ((n + 0.5) / parts) * (toMs - fromMs), knownMs, milli: share }
  })
}
