import type { Cost } from "./counters.ts"
import type { OrderCost } from "./orders/cost.ts"
import { medianWithInterval, type Spread } from "./statistics.ts"
import type { Stack } from "./stack.ts"

export interface Options {
  seconds: number
  rounds: number
  /** Orders in the database for the scenario `growth`. */
  growthOrders: number
  /** Receipts that one store replays in the scenario `sales`. */
  replayReceipts: number
  /** The largest number of stores in `storeDay`, and receipts of each. */
  storeDayStores: number
  storeDayReceipts: number
  /** Articles of the larger catalogue in `publish`, and levels that change at once. */
  publishSkus: number
  publishLevels: number
  /** Articles of a first load in `publishLoad`. */
  loadSkus: number
}

const sweepFromSeconds = 3

/** Numbers of clients to try: all, or only the first in a run that is too short to compare them (the smoke test's). */
export function sweep(counts: readonly number[], { seconds }: Options): readonly number[] {
  return seconds < sweepFromSeconds ? counts.slice(0, 1) : counts
}

/** Calls to time of each read: enough for a 99th percentile, or as many as show that it works. */
export function callsToTime({ seconds }: Options): number {
  return seconds < sweepFromSeconds ? 5 : 50
}

/** The number with the highest rate when each was tried once. */
export async function best(counts: readonly number[], tryOut: (count: number) => Promise<number>): Promise<number> {
  const tried: { count: number; perSecond: number }[] = []
  for (const count of counts) tried.push({ count, perSecond: await tryOut(count) })
  return tried.reduce((highest, one) => (one.perSecond > highest.perSecond ? one : highest)).count
}

/** Result of a scenario. A broken invariant sets its ratio to 0. */
export interface Result {
  ratio: number
  interval: [number, number]
  ours: number
  floor: number
  unit: string
  floorIs: string
  p50Ms?: number
  p99Ms?: number
  latencyIs?: string
  rounds: { ours: number; floor: number }[]
  perUnit: Cost
  violations: string[]
  notes: string[]
  more?: Record<string, number>
  /** Own CPU of an order ÷ CPU of a run of the floor, and WAL bytes of an order; absent when an invariant is broken. */
  ownCpuRatio?: number
  walBytesPerOrder?: number
  orderCost?: OrderCost
}

/** One figure of a scenario without a floor. */
export interface Figure {
  name: string
  value: number
  unit: string
  /** The middle 95 % over rounds, where there were any. */
  interval?: [number, number]
  more?: string
}

/** Result of a scenario without a floor. */
export interface Findings {
  figures: Figure[]
  /** Figures to be compared by name. */
  more?: Record<string, number>
  violations: string[]
  notes: string[]
}

export type Scenario = (stack: Stack, options: Options) => Promise<Result | Findings>

/** A figure from the values of its rounds. */
export function figure(name: string, unit: string, values: readonly number[]): Figure {
  const { median, low, high } = medianWithInterval(values)
  return { name, unit, value: round3(median), interval: [round3(low), round3(high)] }
}

/** A violated invariant voids the run: its score is 0. */
export function scored(result: Omit<Result, "ratio" | "interval">, ratio: Spread): Result {
  const isVoid = result.violations.length > 0
  return {
    ...result,
    ratio: isVoid ? 0 : round3(ratio.median),
    interval: isVoid ? [0, 0] : [round3(ratio.low), round3(ratio.high)],
  }
}

export function round3(value: number): number {
  return Number(value.toPrecision(3))
}
