import { spawn, type ChildProcess } from "node:child_process"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { pairedRatio, quantile } from "./statistics.ts"
import type { Result } from "./scenario.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const names = ["hotSku", "hotSkuHttp", "ingest", "orders"]

describe("a benchmark of one short round", () => {
  let code: number | null
  let run: ChildProcess | undefined
  let scenarios: Record<string, Result>

  beforeAll(async () => {
    run = spawn(process.execPath, ["bench/run.ts", "--seconds", "0.5", "--rounds", "1", "--json"], { cwd: root })
    let output = ""
    run.stdout?.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")))
    code = await new Promise((resolve) => run?.once("exit", resolve))
    const last = output.trim().split("\n").at(-1) ?? ""
    scenarios = (JSON.parse(last) as { scenarios: Record<string, Result> }).scenarios
  }, 180_000)

  afterAll(() => void run?.kill("SIGTERM"))

  test("ends well and measures every scenario", () => {
    expect(code).toBe(0)
    expect(Object.keys(scenarios)).toEqual(names)
  })

  test.each(names)("%s keeps its invariants and stands beside a floor", (name) => {
    const result = scenarios[name]
    expect(result?.violations).toEqual([])
    expect(result?.ours).toBeGreaterThan(0)
    expect(result?.floor).toBeGreaterThan(0)
    expect(result?.ratio).toBeGreaterThan(0)
    expect(result?.perUnit.walBytes).toBeGreaterThan(0)
    expect(result?.p99Ms).toBeGreaterThanOrEqual(result?.p50Ms ?? Number.NaN)
  })
})

describe("statistics", () => {
  test("a ratio is the median of the rounds' own ratios, inside its interval", () => {
    const ratio = pairedRatio([2, 40, 6], [1, 10, 2])
    expect(ratio.median).toBe(3)
    expect(ratio.low).toBeGreaterThanOrEqual(2)
    expect(ratio.high).toBeLessThanOrEqual(4)
  })

  test("quantiles lie between the nearest ranks", () => {
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5)
    expect(quantile([5], 0.99)).toBe(5)
  })
})
