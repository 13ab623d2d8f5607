import { AppError } from "../../base/errors.ts"
import type { Sql } from "../../base/sql.ts"
import { epochMs, instant, type Clock } from "../../base/time.ts"
import { listBaselines, type Baseline } from "./baseline.ts"
import { readBusinessStates, type BusinessState } from "./business-states.ts"
import { Counters, grouped, readCounters, type Dimension, type Group, type Row, type Step } from "./counters.ts"
import { kpis, unknownKpis } from "./definitions/kpis.ts"
import type { Kpi, KpiValue } from "./definitions/kpi.ts"
import { countedUntil } from "./figures-reader.ts"
import type { KeptCount } from "../promises/accuracy.ts"

export interface KpisOf {
  since: string
  until: string
  by?: Dimension | undefined
  step?: Step | undefined
  /** Only these figures. */
  figures?: readonly string[] | undefined
  channels?: readonly string[] | undefined
}

/** A figure of one channel, store …, and what it was before. */
export interface KpiRow {
  /** Of which; absent where figures are not told apart. */
  of?: string
  /** Beginning of the hour, day or week; absent where there is one for all the time. */
  from?: string
  /** Null: not enough data. */
  now: KpiValue | null
  /** Figures of the time before Crossdock. */
  before?: Baseline[]
}

export interface KpiAnswer {
  asOf: string
  since: string
  until: string
  by?: Dimension
  step?: Step
  /** What left and is not posted yet, and its share of what left. */
  notPosted: { currency: string; shippedMinor: number; notPostedMinor: number; share: number }[]
  figures: (Pick<Kpi, "name" | "unit" | "better"> & { rows: KpiRow[] })[]
  /** Figures that no fact carries, and why. */
  unknown: typeof unknownKpis
}

interface Options {
  sql: Sql
  clock: Clock
  timeZone: string
  /** Regions of the estate's places. */
  regionOf: (place: string) => string
  /** Counts of stock in a time, by place: they stand in the ledger. */
  stockCounts: (since: string, until: string) => Promise<StockCount[]>
  /** Promises of orders that were decided in a time: they stand in the outcomes of promises. */
  promiseCounts: (asked: Pick<KpisOf, "since" | "until" | "channels">) => Promise<KeptCount[]>
}

export interface StockCount {
  place: string
  counts: number
  exact: number
  countedMilli: number
  differingMilli: number
}

/** How much time is answered at most, so that a question costs what a screen may cost. */
const longestDays = { hour: 15, day: 400, week: 400 }

function checkLength({ since, until, step }: KpisOf): void {
  const days = longestDays[step ?? "day"]
  const lengthMs = epochMs(until) - epochMs(since)
  if (lengthMs > 0 && lengthMs <= days * 86_400_000) return
  const message = `since comes before until, at most ${days} days${step ? ` for ${step}s` : ""}`
  throw new AppError("REQUEST_INVALID", message, { problems: [{ pointer: "/since", message }] })
}

/** The figures of a time. */
export async function readKpis(options: Options, request: KpisOf): Promise<KpiAnswer> {
  checkLength(request)
  const { since, until, by, step, channels } = request
  const { sql, clock } = options
  const wanted = kpis.filter(
    ({ name, by: able }) => (request.figures?.includes(name) ?? true) && (!by || able.includes(by)),
  )
  const names = [...new Set(["money shipped", "money booked", ...wanted.flatMap(({ counters }) => counters)])]
  const reading = { names, since, until, by, step, channels, timeZone: options.timeZone, regionOf: options.regionOf }
  const needs = (counter: string) => wanted.some(({ counters }) => counters.includes(counter))
  const [groups, totals, states, stock, promised, baselines, asOf] = await Promise.all([
    readCounters(sql, reading),
    readCounters(sql, { ...reading, names: ["money shipped", "money booked"], by: undefined, step: undefined }),
    readBusinessStates(sql, { kind: "order", channels, since: until }),
    channels === undefined && needs("counts") ? options.stockCounts(since, until) : [],
    needs("promises kept") ? options.promiseCounts({ since, until, channels }) : [],
    listBaselines(sql),
    countedUntil(sql, clock.now()),
  ])
  const elsewhere = grouped([...stockRows(stock, since), ...promiseRows(promised, since)], reading)
  const all = step ? groups : merged(groups, elsewhere)
  const nowMs = clock.now()
  const figures = wanted.map((kpi) => {
    const { name, unit, better } = kpi
    const rows = kpi.now
      ? nowRows(kpi, { states, by, regionOf: options.regionOf, nowMs })
      : rowsOf(kpi, all, { by, step })
    return { name, unit, better, rows: rows.map((row) => withBefore(row, kpi, { baselines, by })) }
  })
  return {
    asOf,
    since,
    until,
    ...(by ? { by } : {}),
    ...(step ? { step } : {}),
    notPosted: notPostedOf(totals[0]?.counters ?? new Counters()),
    figures,
    unknown: unknownKpis,
  }
}

function notPostedOf(counters: Counters): KpiAnswer["notPosted"] {
  return [...counters.labels("money shipped")].map(([currency, shippedMinor]) => {
    const notPostedMinor = Math.max(0, shippedMinor - (counters.labels("money booked").get(currency) ?? 0))
    return { currency, shippedMinor, notPostedMinor, share: shippedMinor > 0 ? notPostedMinor / shippedMinor : 0 }
  })
}

function rowsOf(kpi: Kpi, groups: readonly Group[], { by, step }: Pick<KpisOf, "by" | "step">): KpiRow[] {
  const used = groups.filter(({ counters }) => kpi.counters.some((name) => counters.labels(name).size > 0))
  if (used.length === 0 && !by && !step) return [{ now: kpi.of?.(new Counters()) ?? null }]
  return used.map(({ of, from, counters }) => ({
    ...(by ? { of } : {}),
    ...(step ? { from } : {}),
    now: kpi.of?.(counters) ?? null,
  }))
}

function nowRows(
  kpi: Kpi,
  {
    states,
    by,
    regionOf,
    nowMs,
  }: {
    states: readonly BusinessState[]
    by: Dimension | undefined
    regionOf: (place: string) => string
    nowMs: number
  },
): KpiRow[] {
  const ofState = ({ channel, place }: BusinessState) =>
    by === "channel" ? channel : by === "store" ? place : regionOf(place)
  if (!by) return [{ now: kpi.now?.(states, nowMs) ?? null }]
  return [...Map.groupBy(states, ofState)].sort().map(([of, own]) => ({ of, now: kpi.now?.(own, nowMs) ?? null }))
}

function withBefore(
  row: KpiRow,
  { name }: Kpi,
  { baselines, by }: { baselines: readonly Baseline[]; by: Dimension | undefined },
): KpiRow {
  const before = baselines.filter(({ figure, dimension, of }) => figure === name && dimension === by && of === row.of)
  return before.length === 0 ? row : { ...row, before }
}

/** Counts of stock as counters, so that figures are made of them like of all others. */
function stockRows(stock: readonly StockCount[], from: string): Row[] {
  return stock.flatMap(({ place, counts, exact, countedMilli, differingMilli }) => {
    const values = { counts, "exact counts": exact, "counted milli": countedMilli, "differing milli": differingMilli }
    return Object.entries(values).map(([name, value]) => ({ name, label: "", channel: "", place, from, value }))
  })
}

/** The same of promises. */
function promiseRows(promised: readonly KeptCount[], from: string): Row[] {
  return promised.flatMap(({ channel, place, decided, kept }) =>
    Object.entries({ "promises decided": decided, "promises kept": kept }).map(([name, value]) => ({
      name,
      label: "",
      channel,
      place,
      from,
      value,
    })),
  )
}

/** Puts the counters of one group into those of the other. */
function merged(groups: readonly Group[], more: readonly Group[]): Group[] {
  const all = new Map(groups.map((group) => [group.of, group]))
  for (const group of more) {
    const known = all.get(group.of)
    if (known) known.counters.take(group.counters)
    else all.set(group.of, group)
  }
  return [...all.values()]
}

/** The time that people mean when they say nothing: the last 24 hours. */
export function lastDay(clock: Clock): { since: string; until: string } {
  const nowMs = clock.now()
  return { since: instant(nowMs - 86_400_000), until: instant(nowMs + 1) }
}
