import { spawn, type ChildProcess } from "node:child_process"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { pairedRatio, quantile } from "./statistics.ts"
import type { Findings, Result } from "./scenario.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const names = ["hotSku", "hotSkuHttp", "ingest", "orders"]

interface Outcome {
  code: number | null
  scenarios: Record<string, Result & Findings>
}

// Servers, simulators and clients share two cores with other programs.
const endsWithinMs = 400_000
let run: ChildProcess | undefined

afterAll(() => void run?.kill("SIGTERM"))

async function runBench(...more: string[]): Promise<Outcome> {
  const child = spawn(process.execPath, ["bench/run.ts", "--seconds", "0.5", "--rounds", "1", "--json", ...more], {
    cwd: root,
  })
  run = child
  let output = ""
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")))
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve))
  const last = output.trim().split("\n").at(-1) ?? ""
  return { code, scenarios: (JSON.parse(last) as Pick<Outcome, "scenarios">).scenarios }
}

describe("a benchmark of one short round", () => {
  let outcome: Outcome
  beforeAll(async () => {
    outcome = await runBench()
  }, endsWithinMs)

  test("ends well and measures every scenario that has a floor", () => {
    expect(outcome.code).toBe(0)
    expect(Object.keys(outcome.scenarios)).toEqual(names)
  })

  test.each(names)("%s keeps its invariants and stands beside a floor", (name) => {
    const result = outcome.scenarios[name]
    expect(result?.violations).toEqual([])
    expect(result?.ours).toBeGreaterThan(0)
    expect(result?.floor).toBeGreaterThan(0)
    expect(result?.ratio).toBeGreaterThan(0)
    expect(result?.perUnit.walBytes).toBeGreaterThan(0)
    expect(result?.p99Ms).toBeGreaterThanOrEqual(result?.p50Ms ?? Number.NaN)
  })

  test("orders says what an order costs, beside the floor's cost in the same run", () => {
    const { ownCpuRatio, walBytesPerOrder, orderCost } = outcome.scenarios["orders"] ?? {}
    const { ownCpuMs, floorCpuMs } = orderCost ?? {}
    const divided = (ownCpuMs?.median ?? Number.NaN) / (floorCpuMs?.median ?? Number.NaN)
    // Each figure is rounded to three digits.
    expect((ownCpuRatio ?? Number.NaN) / divided).toBeCloseTo(1, 1)
    expect(walBytesPerOrder).toBeGreaterThan(1000)
    expect(orderCost?.walFlushes.median).toBeGreaterThan(0)
    expect(orderCost?.transactions.median).toBeGreaterThan(0)
    expect(Object.keys(orderCost?.floorCpuBy ?? {})).toEqual(["server", "service", "client"])
  })
})

describe("the scenarios that have no floor, as short as they go", () => {
  let outcome: Outcome
  beforeAll(async () => {
    outcome = await runBench("--only", "peers,growth,rest", "--growth-orders", "100")
  }, endsWithinMs)

  const valueOf = (scenario: string, name: string) =>
    outcome.scenarios[scenario]?.figures.find((one) => one.name === name)?.value

  test("they end well", () => {
    expect(Object.values(outcome.scenarios).flatMap(({ violations }) => violations)).toEqual([])
    expect(outcome.code).toBe(0)
  })

  test("peers run", () => {
    expect(valueOf("peers", "Restate")).toBeGreaterThan(0)
    expect(valueOf("peers", "DBOS")).toBeGreaterThan(0)
  })

  test("growth clones orders into every table that grows with them, and times what operators read", () => {
    expect(outcome.scenarios["growth"]?.more?.["walGrowth"]).toBeGreaterThan(0)
    expect(outcome.scenarios["growth"]?.more?.["orders"]).toBeGreaterThanOrEqual(100)
    expect(valueOf("growth", "/v1/kpis")).toBeGreaterThan(0)
  })

  test("rest finds all processes of a demo", () => {
    for (const name of ["crossdock", "lab", "postgres"])
      expect(valueOf("rest", `CPU of ${name}`)).toBeGreaterThanOrEqual(0)
    expect(valueOf("rest", "resident, all processes")).toBeGreaterThan(100)
  })
})

describe("the scenarios of stores, as short as they go", () => {
  const stores = ["edge", "sales"]
  let outcome: Outcome
  beforeAll(async () => {
    const sizes = ["--replay-receipts", "300", "--store-day-stores", "4", "--store-day-receipts", "30"]
    outcome = await runBench("--only", [...stores, "storeDay"].join(","), ...sizes)
  }, endsWithinMs)

  test.each(stores)("%s keeps its invariants and stands beside a floor", (name) => {
    const result = outcome.scenarios[name]
    expect(result?.violations).toEqual([])
    expect(result?.ratio).toBeGreaterThan(0)
    expect(result?.p99Ms).toBeGreaterThanOrEqual(result?.p50Ms ?? Number.NaN)
    expect(outcome.code).toBe(0)
  })

  test("storeDay posts every day at three sizes", () => {
    expect(outcome.scenarios["storeDay"]?.violations).toEqual([])
    expect(outcome.scenarios["storeDay"]?.more?.["receipts"]).toBe(120)
    expect(outcome.scenarios["storeDay"]?.more?.["closeGrowth"]).toBeGreaterThan(0)
  })

  test("many tills share a sync, and the centre gets what a store sold while it was alone", () => {
    expect(outcome.scenarios["edge"]?.more?.["manyRatio"]).toBeGreaterThan(0)
    expect(outcome.scenarios["edge"]?.more?.["sentPerSecond"]).toBeGreaterThan(0)
    expect(outcome.scenarios["sales"]?.more?.["replaySeconds"]).toBeGreaterThan(0)
  })
})

describe("publishing, as short as it goes", () => {
  test(
    "shows every change, beside the shop's budget",
    async () => {
      const outcome = await runBench("--only", "publish", "--publish-skus", "400", "--publish-levels", "500")
      const { publish } = outcome.scenarios
      expect([outcome.code, publish?.violations]).toEqual([0, []])
      expect(publish?.ratio).toBeGreaterThan(0)
      expect(publish?.p99Ms).toBeGreaterThanOrEqual(publish?.p50Ms ?? Number.NaN)
      expect(publish?.more).toMatchObject({ levels: 800, throttledShare: expect.any(Number) })
    },
    endsWithinMs,
  )
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
