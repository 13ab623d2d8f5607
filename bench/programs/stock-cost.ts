import { randomInt } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { createLog } from "../../src/base/log.ts"
import { openSql, type Sql } from "../../src/base/sql.ts"
import { migrate } from "../../src/engines/migrations.ts"
import { startPostgres } from "../../src/engines/postgres.ts"
import { createReservations } from "../../src/stock/reservations.ts"
import { createStockLedger } from "../../src/stock/stock-ledger.ts"

// Run by hand: what reserve, allocate, consume and release cost the database per order, in CPU of the one backend that
// serves them and in WAL bytes. `node bench/programs/stock-cost.ts [orders] [rounds]`

const [orderCount = 2000, roundCount = 3] = process.argv.slice(2).map(Number)
const batchSizes = [1, 5, 50]
const skuCount = 500
const places = ["north", "south"]
const linesPerOrder = 3

interface Order {
  key: string
  lines: { sku: string; locationId: string; milli: number }[]
}

interface Cost {
  cpuMs: number
  walBytes: number
}

type Operation = "receive" | "reserve" | "allocate" | "consume" | "release"
const operations: readonly Operation[] = ["receive", "reserve", "allocate", "consume", "release"]

/** Nanoseconds on a CPU, from the scheduler: /proc/<pid>/stat counts in ticks of 10 ms. */
function cpuNs(processId: number): number {
  return Number(readFileSync(`/proc/${processId}/schedstat`, "utf8").split(" ")[0])
}

async function walPosition(sql: Sql): Promise<number> {
  const [row] = await sql<{ bytes: number }[]>`select (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint as bytes`
  return row?.bytes ?? 0
}

async function measured(sql: Sql, work: () => Promise<void>): Promise<Cost> {
  const [backend] = await sql<{ id: number }[]>`select pg_backend_pid() as id`
  const walBefore = await walPosition(sql)
  const cpuBefore = cpuNs(backend?.id ?? 0)
  await work()
  const cpuAfter = cpuNs(backend?.id ?? 0)
  return { cpuMs: (cpuAfter - cpuBefore) / 1e6, walBytes: (await walPosition(sql)) - walBefore }
}

function ordersOf(name: string): Order[] {
  return Array.from({ length: orderCount }, (_, number) => {
    const first = (number * 37) % skuCount
    const locationId = places[number % 2] ?? ""
    const lines = Array.from({ length: linesPerOrder }, (_, line) => ({
      sku: `SKU-${String((first + line * 61) % skuCount).padStart(5, "0")}`,
      locationId,
      milli: 1000 * (1 + (line % 2)),
    }))
    return { key: `order/ord_${name}_${String(number).padStart(6, "0")}`, lines }
  })
}

async function inBatches(orders: readonly Order[], size: number, one: (order: Order) => Promise<unknown>) {
  for (let start = 0; start < orders.length; start += size)
    await Promise.all(orders.slice(start, start + size).map(one))
}

/** One round: every order is reserved, allocated and shipped; a second set is reserved, allocated and released. */
async function round(sql: Sql, name: string, size: number): Promise<Record<Operation, Cost>> {
  const reservations = createReservations(sql)
  const ledger = createStockLedger(sql)
  const [shipped, released] = [ordersOf(`${name}s`), ordersOf(`${name}r`)]
  const reserve = ({ key, lines }: Order) =>
    reservations.reserve({
      key,
      owner: key,
      channel: "web",
      kind: "hard",
      lines: lines.map(({ sku, milli }) => ({ sku, milli })),
    })
  const allocate = ({ key, lines }: Order) => reservations.allocate(key, lines)
  const receipts = (order: Order) =>
    ledger.applyMovements(
      order.lines.map((line, leg) => ({ ...line, kind: "receipt" as const, fact: `receipt:${order.key}:${leg}` })),
    )
  // Movements are batched by their caller: one list a batch.
  const receive = async () => {
    for (let start = 0; start < shipped.length; start += size)
      await receipts({
        key: `${name}:${start}`,
        lines: shipped.slice(start, start + size).flatMap((order) => order.lines),
      })
  }
  const costs = {
    receive: await measured(sql, receive),
    reserve: await measured(sql, () => inBatches(shipped, size, reserve)),
    allocate: await measured(sql, () => inBatches(shipped, size, allocate)),
    consume: await measured(sql, () =>
      inBatches(shipped, size, ({ key, lines }) => reservations.consume(key, lines, `shipment:${key}`)),
    ),
  }
  await inBatches(released, size, reserve)
  await inBatches(released, size, allocate)
  const release = await measured(sql, () => inBatches(released, size, ({ key }) => reservations.release(key, "bench")))
  return { ...costs, release }
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

async function stocked(sql: Sql): Promise<void> {
  const skus = Array.from({ length: skuCount }, (_, number) => `SKU-${String(number).padStart(5, "0")}`)
  for (const locationId of places)
    await createStockLedger(sql).applyMovements(
      skus.map((sku) => ({
        kind: "receipt",
        fact: `first:${sku}:${locationId}`,
        sku,
        locationId,
        milli: 1_000_000_000,
      })),
    )
  await sql`vacuum analyze`
}

const folder = mkdtempSync(join(tmpdir(), "stock-cost-"))
const { url, child } = await startPostgres({
  dataFolder: folder,
  log: createLog("bench", "silent"),
  // Full pages depend on when the last checkpoint was; without them the bytes are those of the changes alone.
  settings: { full_page_writes: "off", fsync: "off", autovacuum: "off" },
  port: randomInt(30_000, 32_000),
})
const sql = openSql(url, { connectionsMax: 1, name: "stock cost" })
try {
  await migrate(sql, fileURLToPath(new URL("../../sql", import.meta.url)))
  await stocked(sql)
  await round(sql, "warm", 5)
  for (const size of batchSizes) {
    const rounds: Record<Operation, Cost>[] = []
    for (let number = 0; number < roundCount; number++) {
      rounds.push(await round(sql, `${size}-${number}`, size))
      await sql`vacuum analyze`
    }
    for (const operation of operations) {
      const cpuMs = median(rounds.map((costs) => costs[operation].cpuMs)) / orderCount
      const walBytes = median(rounds.map((costs) => costs[operation].walBytes)) / orderCount
      process.stdout.write(
        `batch ${String(size).padStart(2)}  ${operation.padEnd(8)}  ${cpuMs.toFixed(3)} CPU-ms  ${walBytes.toFixed(0)} WAL bytes an order\n`,
      )
    }
  }
} finally {
  await sql.end({ timeout: 5 })
  await child.stop()
  rmSync(folder, { recursive: true, force: true })
}
