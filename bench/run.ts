import { parseArgs } from "node:util"
import { endAll } from "./child.ts"
import { removeAllFolders, sweepFolders } from "./folders.ts"
import { describeMachine, load, type Machine } from "./machine.ts"
import { printFindings, printReport, printScenario } from "./report.ts"
import type { Findings, Options, Result, Scenario } from "./scenario.ts"
import { edge } from "./scenarios/edge.ts"
import { growth } from "./scenarios/growth.ts"
import { hotSku } from "./scenarios/hot-sku.ts"
import { hotSkuHttp } from "./scenarios/hot-sku-http.ts"
import { ingest } from "./scenarios/ingest.ts"
import { orders } from "./scenarios/orders.ts"
import { peers } from "./scenarios/peers.ts"
import { publish } from "./scenarios/publish.ts"
import { publishLoad } from "./scenarios/publish-load.ts"
import { rest } from "./scenarios/rest.ts"
import { sales } from "./scenarios/sales.ts"
import { storeDay } from "./scenarios/store-day.ts"
import { startStack } from "./stack.ts"

// npm run bench [-- --seconds N --rounds N --quick --only hotSku,ingest --json]
// Those of orders that have a floor run by default; the others only when named.

const byDefault: Record<string, Scenario> = { hotSku, hotSkuHttp, ingest, orders }
const ofStores: Record<string, Scenario> = { edge, sales, storeDay }
const scenarios: Record<string, Scenario> = { ...byDefault, ...ofStores, publish, publishLoad, peers, growth, rest }

/** Sizes of single scenarios. */
const countOptions = [
  "growth-orders",
  "replay-receipts",
  "store-day-stores",
  "store-day-receipts",
  "publish-skus",
  "publish-levels",
  "load-skus",
] as const

const usage = `usage: bench [--seconds N] [--rounds N] [--quick] [--only ${Object.keys(scenarios).join(",")}] [--growth-orders N] [--replay-receipts N] [--store-day-stores N] [--store-day-receipts N] [--publish-skus N] [--publish-levels N] [--load-skus N] [--json]\n`

let isInterrupted = false
const interrupted = new Promise<number>((resolve) => {
  const interrupt = () => {
    // At a second signal the children end by themselves, and the next run removes the folders.
    if (isInterrupted) process.exit(1)
    isInterrupted = true
    resolve(1)
  }
  // SIGHUP: the terminal was closed.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, interrupt)
  // `npm run bench` passes signals on, but not its own death by SIGKILL.
  const npm = process.env["npm_lifecycle_event"] === "bench" ? process.ppid : undefined
  setInterval(() => npm !== undefined && process.ppid !== npm && !isInterrupted && interrupt(), 500).unref()
})

// The interrupted work fails; that error is expected.
const code = await Promise.race([main().catch((thrown: unknown) => fail(thrown)), interrupted])
process.on("uncaughtException", (error) => (isInterrupted ? undefined : fail(error)))
await endAll()
removeAllFolders()
process.exit(code)

function fail(thrown: unknown): number {
  if (!isInterrupted)
    process.stderr.write(`${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}\n`)
  return 1
}

async function main(): Promise<number> {
  const options = readOptions()
  if (!options) {
    process.stderr.write(usage)
    return 2
  }
  for (const folder of await sweepFolders()) process.stderr.write(`removed ${folder} of a run that was killed\n`)
  const results: Record<string, Result> = {}
  const findings: Record<string, Findings> = {}
  let machine: Machine | undefined
  for (const name of options.names) {
    process.stderr.write(`${name} …\n`)
    // Each scenario has its own engines, which its floor shares, so that scenarios do not affect each other.
    const stack = await startStack()
    try {
      machine ??= describeMachine(stack.folder, stack.postgresVersion)
      const found = await scenarios[name]?.(stack, options)
      if (!found) continue
      if ("ratio" in found) printScenario(name, (results[name] = found))
      else printFindings(name, (findings[name] = found))
    } finally {
      await stack.stop()
    }
  }
  if (!machine) return 2
  const { seconds, rounds } = options
  const run = { machine: { ...machine, loadAtEnd: load() }, seconds, rounds }
  const all = { ...results, ...findings }
  printReport(results, run)
  if (options.isJson) process.stdout.write(`${JSON.stringify({ ...run, scenarios: all })}\n`)
  return Object.values(all).some(({ violations }) => violations.length > 0) ? 4 : 0
}

function readOptions(): (Options & { names: string[]; isJson: boolean }) | undefined {
  const values = readArguments()
  if (!values) return undefined
  const names = values.only === undefined ? Object.keys(byDefault) : values.only.split(",").map((name) => name.trim())
  const seconds = Number(values.seconds ?? (values.quick ? 3 : 10))
  const rounds = Number(values.rounds ?? (values.quick ? 3 : 5))
  const counts = Object.fromEntries(countOptions.map((name) => [name, Number(values[name])]))
  const isCount = (value: number | undefined) => Number.isInteger(value) && Number(value) >= 1
  const problems = [
    ...names.filter((name) => scenarios[name] === undefined).map((name) => `--only: there is no scenario "${name}"`),
    ...(seconds > 0 ? [] : ["--seconds: takes a number above 0"]),
    ...(isCount(rounds) ? [] : ["--rounds: takes a whole number from 1"]),
    ...countOptions.filter((name) => !isCount(counts[name])).map((name) => `--${name}: takes a whole number from 1`),
  ]
  for (const problem of problems) process.stderr.write(`${problem}\n`)
  if (problems.length > 0) return undefined
  return {
    names,
    seconds,
    rounds,
    growthOrders: Number(values["growth-orders"]),
    replayReceipts: Number(values["replay-receipts"]),
    storeDayStores: Number(values["store-day-stores"]),
    storeDayReceipts: Number(values["store-day-receipts"]),
    publishSkus: Number(values["publish-skus"]),
    publishLevels: Number(values["publish-levels"]),
    loadSkus: Number(values["load-skus"]),
    isJson: values.json,
  }
}

function readArguments() {
  try {
    const options = {
      seconds: { type: "string" },
      rounds: { type: "string" },
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      "growth-orders": { type: "string", default: "100000" },
      "replay-receipts": { type: "string", default: "12000" },
      "store-day-stores": { type: "string", default: "12" },
      "store-day-receipts": { type: "string", default: "400" },
      "publish-skus": { type: "string", default: "50000" },
      "publish-levels": { type: "string", default: "20000" },
      "load-skus": { type: "string", default: "20000" },
      json: { type: "boolean", default: false },
    } as const
    return parseArgs({ options }).values
  } catch (thrown) {
    process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`)
    return undefined
  }
}
