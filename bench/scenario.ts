import type { Cost } from "./counters.ts"
import type { Ratio } from "./statistics.ts"
import type { Stack } from "./stack.ts"

export interface Options {
  seconds: number
  rounds: number
}

const sweepFromSeconds = 3

/** Concurrencies to try: all of them, or in a run too short to tell them apart (the smoke test's) the first alone. */
export function sweep(counts: readonly number[], { seconds }: Options): readonly number[] {
  return seconds < sweepFromSeconds ? counts.slice(0, 1) : counts
}

/** The count that gave the highest rate when each was tried once. */
export async function best(counts: readonly number[], tryOut: (count: number) => Promise<number>): Promise<number> {
  const tried: { count: number; perSecond: number }[] = []
  for (const count of counts) tried.push({ count, perSecond: await tryOut(count) })
  return tried.reduce((highest, one) => (one.perSecond > highest.perSecond ? one : highest)).count
}

/** What one scenario found. A broken invariant makes its ratio 0. */
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
}

export type Scenario = (stack: Stack, options: Options) => Promise<Result>

/** A violated invariant voids the run: its score is 0. */
export function scored(result: Omit<Result, "ratio" | "interval">, ratio: Ratio): Result {
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
