import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { openSql, type Sql } from "../../src/base/sql.ts"
import { embeddedDatabaseUrl } from "../../src/engines/postgres.ts"
import { end, startScript } from "../child.ts"
import { countCpu, descendantsOf, residentOf } from "../counters.ts"
import { figure, round3, type Figure, type Findings, type Options } from "../scenario.ts"
import type { Stack } from "../stack.ts"
import { median } from "../statistics.ts"

const readyWithinMs = 180_000
const lookEveryMs = 1000
// Loading the opening stock takes more than a core; an idle demo takes far less than this.
const busyMsPerLook = 400
const quietLooks = 5
// Backends report their statistics at most once a second (PostgreSQL 18, 27.2).
const statisticsLagMs = 1100

interface Reading {
  cpuShare: Record<string, number>
  transactionsPerSecond: number
  resident: Record<string, number>
}

/** A demo without trade: its queries, CPU and memory at rest. */
export async function rest(stack: Stack, { seconds, rounds }: Options): Promise<Findings> {
  const folder = join(stack.folder, "demo")
  const demo = startScript(["bin/crossdock.mjs", "demo", "--calm", "--orders-per-second", "0"], {
    CROSSDOCK_DATA: folder,
    CROSSDOCK_LOG: "warn",
  })
  let said = ""
  demo.stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString("utf8")).slice(-4000)))
  demo.stdout?.resume()
  let sql: Sql | undefined
  try {
    const pids = await untilQuiet(() => {
      if (demo.exitCode !== null) throw new Error(`the demo ended with code ${demo.exitCode}: ${said}`)
      return demo.pid ?? 0
    })
    sql = openSql(embeddedDatabaseUrl(folder) ?? "", { connectionsMax: 1, name: "bench" })
    const readings: Reading[] = []
    for (let round = 0; round < rounds; round += 1) readings.push(await readAtRest(sql, pids, seconds))
    return {
      figures: figures(readings),
      violations: [],
      notes: [
        `${rounds} rounds of ${round3(seconds)} s, trading at 0 orders/s, the opening stock loaded; gateway and worker are one process`,
        "transactions of the product's database, each query outside a transaction counts as one; polls of the simulators included",
      ],
    }
  } finally {
    await sql?.end({ timeout: 2 })
    await end(demo)
  }
}

/** The demo's processes by name, once they are nearly idle. */
async function untilQuiet(demoPid: () => number): Promise<Record<string, number>> {
  const deadline = Date.now() + readyWithinMs
  let quiet = 0
  for (;;) {
    const pids = demoProcesses(demoPid())
    const cpuMs = countCpu(pids)
    await sleep(lookEveryMs)
    const spent = Object.values(cpuMs()).reduce((sum, ms) => sum + ms, 0)
    quiet = pids["postgres"] !== undefined && pids["lab"] !== undefined && spent < busyMsPerLook ? quiet + 1 : 0
    if (quiet >= quietLooks) return pids
    if (Date.now() > deadline) throw new Error(`the demo still used ${spent} CPU-ms a second after ${readyWithinMs} ms`)
  }
}

const programs: Readonly<Record<string, RegExp>> = {
  lab: /lab\/main\.ts/,
  postgres: /bin\/postgres -D /,
  restate: /restate-server/,
}

function demoProcesses(crossdock: number): Record<string, number> {
  const pids: Record<string, number> = { crossdock }
  for (const { pid, commandLine } of descendantsOf(crossdock)) {
    const [name] = Object.entries(programs).find(([, pattern]) => pattern.test(commandLine)) ?? []
    if (name !== undefined) pids[name] ??= pid
  }
  return pids
}

async function readAtRest(sql: Sql, pids: Record<string, number>, seconds: number): Promise<Reading> {
  const before = await countTransactions(sql)
  const startedAt = performance.now()
  const cpuMs = countCpu(pids)
  await sleep(Math.max(seconds * 1000, statisticsLagMs))
  const spent = cpuMs()
  const tookMs = performance.now() - startedAt
  // Both readings are equally late. They also count this connection's own few queries.
  const transactions = (await countTransactions(sql)) - before
  return {
    cpuShare: Object.fromEntries(Object.entries(spent).map(([name, ms]) => [name, (ms / tookMs) * 100])),
    transactionsPerSecond: transactions / (tookMs / 1000),
    resident: residentOf(pids),
  }
}

async function countTransactions(sql: Sql): Promise<number> {
  const [row] = await sql<{ xacts: number }[]>`
    select xact_commit + xact_rollback as xacts from pg_stat_database where datname = current_database()`
  return row?.xacts ?? 0
}

function figures(readings: readonly Reading[]): Figure[] {
  const names = Object.keys(readings[0]?.cpuShare ?? {})
  const total = (values: Record<string, number>) => Object.values(values).reduce((sum, value) => sum + value, 0)
  const ownShare = (one: Reading) => total(one.cpuShare) - (one.cpuShare["lab"] ?? 0)
  const megabytes = (bytes: number) => bytes / 1e6
  const residentBy = names.map(
    (name) => `${name} ${round3(median(readings.map((one) => megabytes(one.resident[name] ?? 0))))}`,
  )
  return [
    figure(
      "transactions",
      "a second",
      readings.map((one) => one.transactionsPerSecond),
    ),
    figure("CPU without the lab", "% of a core", readings.map(ownShare)),
    ...names.map((name) =>
      figure(
        `CPU of ${name}`,
        "% of a core",
        readings.map((one) => one.cpuShare[name] ?? 0),
      ),
    ),
    {
      ...figure(
        "resident, all processes",
        "MB",
        readings.map((one) => megabytes(total(one.resident))),
      ),
      more: residentBy.join(", "),
    },
  ]
}
