import { setTimeout as sleep } from "node:timers/promises"
import { startProgram, type Child, type Program } from "../child.ts"
import { countCpu, residentOf } from "../counters.ts"
import { startBenchLab, type BenchLab } from "../orders/lab.ts"
import type { LoadResult } from "../programs/http-client.ts"
import { round3, type Figure, type Findings, type Options } from "../scenario.ts"
import { lineCountOf } from "../stores/receipts.ts"
import { callGateway, makeBenchKey, settle, type Stack } from "../stack.ts"

/** Stores whose tills send at the same time, and whose days are closed at the same time. */
const atOnce = 8
const batch = 500
const lookEveryMs = 1000
const quietLooks = 3
const busyMsPerLook = 150
const postedWithinMs = 600_000

interface Size {
  stores: number
  receipts: number
  takenSeconds: number
  bookedSeconds: number
  closedSeconds: number
  takeCpuMs: Record<string, number>
  closeCpuMs: Record<string, number>
  residentBytes: Record<string, number>
}

/** A day of a chain of stores, from receipts to books, at three sizes: what a receipt costs must not depend on how many there are. */
export async function storeDay(stack: Stack, options: Options): Promise<Findings> {
  const { storeDayStores: most, storeDayReceipts: each } = options
  const lab = await startBenchLab(stack)
  const more = { CROSSDOCK_VALUE_BENCH_STORES: String(most) }
  const gateway = await stack.startCrossdock("gateway", lab.addresses, more)
  const worker = await stack.startCrossdock("worker", lab.addresses, more)
  const load = startProgram("stores/till-load")
  try {
    const key = await makeBenchKey(stack, gateway.url)
    const chain = new Chain({ stack, lab, load, url: gateway.url, key, gateway, worker })
    const sizes: Size[] = []
    const counts = [Math.ceil(most / 4), Math.ceil(most / 2), most]
    // The first day warms the processes up and is not shown.
    await chain.day(Math.ceil(most / 4), each, 3)
    for (const [n, stores] of counts.entries()) sizes.push(await chain.day(stores, each, 2 - n))
    const [small, large] = [sizes[0], sizes.at(-1)]
    const growth = (pick: (size: Size) => number) =>
      small && large ? round3(pick(large) / large.receipts / (pick(small) / small.receipts)) : 0
    return {
      figures: [
        ...sizes.flatMap(figuresOf),
        { name: "growth of CPU a receipt, taking", value: growth(({ takeCpuMs }) => total(takeCpuMs)), unit: "times" },
        {
          name: "growth of CPU a receipt, closing",
          value: growth(({ closeCpuMs }) => total(closeCpuMs)),
          unit: "times",
        },
      ],
      more: {
        takeGrowth: growth(({ takeCpuMs }) => total(takeCpuMs)),
        closeGrowth: growth(({ closeCpuMs }) => total(closeCpuMs)),
        receipts: large?.receipts ?? 0,
      },
      violations: await chain.violations(),
      notes: [
        `${each} receipts a store, eight lines each on average; taking includes the stock of every line; closing is from the first request to the last entry in the books`,
        "--store-day-stores 300 --store-day-receipts 3334 is a chain's million receipts and eight million lines",
      ],
    }
  } finally {
    await Promise.all([load.stop(), worker.stop()])
    await gateway.stop()
    await lab.stop()
  }
}

const total = (values: Record<string, number>) => Object.values(values).reduce((sum, value) => sum + value, 0)

function figuresOf(size: Size): Figure[] {
  const { stores, receipts } = size
  const by = (cpuMs: Record<string, number>) =>
    Object.entries(cpuMs)
      .map(([name, ms]) => `${name} ${round3(ms / receipts)}`)
      .join(", ")
  const of = `${stores} stores, ${receipts} receipts`
  const megabytes = Object.entries(size.residentBytes).map(([name, bytes]) => `${name} ${Math.round(bytes / 1e6)}`)
  return [
    {
      name: `${of}: taken`,
      value: round3(size.takenSeconds),
      unit: "s",
      more: `stock booked after ${round3(size.bookedSeconds)} s`,
    },
    { name: `${of}: closed and posted`, value: round3(size.closedSeconds), unit: "s" },
    {
      name: `${of}: CPU, taking`,
      value: round3(total(size.takeCpuMs) / receipts),
      unit: "ms a receipt",
      more: by(size.takeCpuMs),
    },
    {
      name: `${of}: CPU, closing`,
      value: round3(total(size.closeCpuMs) / receipts),
      unit: "ms a receipt",
      more: by(size.closeCpuMs),
    },
    {
      name: `${of}: memory`,
      value: Math.round(total(size.residentBytes) / 1e6),
      unit: "MB",
      more: megabytes.join(", "),
    },
  ]
}

interface Parts {
  stack: Stack
  lab: BenchLab
  load: Program
  url: string
  key: string
  gateway: Child
  worker: Child
}

/** A chain of stores, and what it has sold. */
class Chain {
  readonly #parts: Parts
  readonly #wrong: string[] = []
  #receipts = 0
  #lines = 0
  #days = 0

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Sells, waits until the stock is booked, closes every store's day, and waits until the books have them. */
  async day(stores: number, each: number, daysAgo: number): Promise<Size> {
    const { stack, gateway, worker } = this.#parts
    const businessDay = new Date(Date.now() - daysAgo * 86_400_000).toISOString().slice(0, 10)
    const pids = { postgres: stack.pids["postgres"] ?? 0, gateway: gateway.pid, worker: worker.pid }
    const ids = Array.from({ length: stores }, (_, n) => `bench-${n + 1}`)
    const taking = countCpu(pids)
    const startedAt = performance.now()
    const takenSeconds = await this.#sell(ids, each, businessDay)
    await untilQuiet(pids)
    const bookedSeconds = (performance.now() - startedAt) / 1000
    const takeCpuMs = taking()
    await settle(stack.sql)
    const closing = countCpu(pids)
    const closedSeconds = await this.#close(ids, businessDay)
    const residentBytes = residentOf(pids)
    const receipts = stores * each
    return {
      stores,
      receipts,
      takenSeconds,
      bookedSeconds,
      closedSeconds,
      takeCpuMs,
      closeCpuMs: closing(),
      residentBytes,
    }
  }

  async #sell(ids: readonly string[], each: number, businessDay: string): Promise<number> {
    const { load, url, key } = this.#parts
    let tookMs = 0
    for (let at = 0; at < ids.length; at += atOnce) {
      const storeIds = ids.slice(at, at + atOnce)
      const connections = storeIds.length
      const receipts = connections * each
      await load.ask({
        do: "prepare",
        path: "/v1/sales",
        key,
        storeIds,
        tills: "till-",
        connections,
        receipts,
        batch: Math.min(batch, each),
        businessDay,
      })
      const sent = await load.ask<LoadResult>({ do: "send", url })
      this.#wrong.push(...sent.wrong.map((answer) => answer.slice(0, 300)))
      this.#receipts += receipts
      tookMs += sent.tookMs
    }
    return tookMs / 1000
  }

  async #close(ids: readonly string[], businessDay: string): Promise<number> {
    const { load, url, key } = this.#parts
    const last = await load.ask<[string, number][]>({ do: "lastNumbers" })
    const linesOf = (count: number) =>
      Array.from({ length: count }, (_, n) => lineCountOf(n + 1)).reduce((a, b) => a + b, 0)
    this.#lines = last.reduce((sum, [, count]) => sum + linesOf(count), 0)
    const startedAt = performance.now()
    const waiting = ids.values()
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (const storeId of waiting) {
          const tills = last.flatMap(([till, lastSequence]) => {
            const [of, tillId] = till.split("/")
            return of === storeId ? [{ tillId, lastSequence }] : []
          })
          const path = `/v1/store-days/${storeId}/${businessDay}/close`
          await callGateway(url, key, { method: "POST", path, body: { tills } })
        }
      }),
    )
    this.#days += ids.length
    const deadline = Date.now() + postedWithinMs
    for (;;) {
      const posted = await this.#posted()
      if (posted.length >= this.#days) return (performance.now() - startedAt) / 1000
      if (Date.now() > deadline) throw new Error(`${posted.length} of ${this.#days} days are in the books`)
      await sleep(100)
    }
  }

  async #posted(): Promise<Entry[]> {
    // The simulator's own shape: lab/store-books.
    return (await this.#parts.lab.books("books", "entries")) as Entry[]
  }

  /** The books have each store's day once, balanced, and every receipt is in one of them. */
  async violations(): Promise<string[]> {
    const entries = await this.#posted()
    const violations = this.#wrong.slice(0, 5).map((answer) => `wrong answer: ${answer}`)
    const expect = (what: string, found: number, wanted: number) => {
      if (found !== wanted) violations.push(`${what}: ${found}, should be ${wanted}`)
    }
    const days = new Set(entries.map(({ storeId, businessDate }) => `${storeId} ${businessDate}`))
    expect("entries in the books", entries.length, this.#days)
    expect("store days in the books", days.size, this.#days)
    expect(
      "receipts in the books",
      entries.reduce((sum, { receipts }) => sum + receipts.count, 0),
      this.#receipts,
    )
    const off = entries.filter(({ lines }) => lines.reduce((sum, { amountMinor }) => sum + amountMinor, 0) !== 0)
    expect("entries that do not balance", off.length, 0)
    const [row] = await this.#parts.stack.sql<{ late: number; onHand: number }[]>`
      select (select count(*) from receipts where closure is distinct from 0) as late,
        (select sum(on_hand_milli)::bigint from stock_positions where location_id like 'bench-%') as "onHand"`
    expect("receipts outside a closing", row?.late ?? -1, 0)
    expect("thousandths taken off the stores' stock", -(row?.onHand ?? 0), this.#lines * 1000)
    return violations
  }
}

interface Entry {
  storeId: string
  businessDate: string
  receipts: { count: number }
  lines: { amountMinor: number }[]
}

/** Waits until gateway and worker have nothing to do: what receipts bring about is then done. */
async function untilQuiet(pids: Record<string, number>): Promise<void> {
  for (let quiet = 0; quiet < quietLooks;) {
    const spent = countCpu(pids)
    await sleep(lookEveryMs)
    quiet = total(spent()) < busyMsPerLook ? quiet + 1 : 0
  }
}
