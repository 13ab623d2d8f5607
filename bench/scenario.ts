import type { Cost } from "./counters.ts"
import type { Ratio } from "./statistics.ts"
import type { Stack } from "./stack.ts"

export interface Options {
  seconds: number
  rounds: number
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
