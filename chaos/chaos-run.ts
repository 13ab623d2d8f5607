import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { checkBooks, type Report } from "./checker.ts"
import type { Books } from "./books/books.ts"
import { readBooks } from "./books/read-books.ts"
import { RowWatch } from "./books/read-channel.ts"
import { RescueWatch } from "./rescue.ts"
import { AvailabilityWatch, readProgress, settle } from "./settle.ts"
import type { ChaosSettings } from "./settings.ts"
import { Stage, vendors } from "./stage.ts"
import { Stores } from "./stores/stores.ts"
import { faultWindowMs, planStrikes, strikeText, type Strike } from "./strikes.ts"
import { FloorPeople, type OpeningGoods } from "./stream/floor.ts"
import { trade, vendorFaults, type Trading } from "./trade.ts"

/** Result of a run. */
export interface ChaosOutcome {
  report: Report
  books: Books
  trading: Trading
  strikes: readonly Strike[]
  /** Where everything is kept, when that was asked for or something is violated. */
  keptIn: string | undefined
  timings: Record<"startedMs" | "tradedMs" | "settledMs" | "readMs", number>
}

interface RunOptions {
  settings: ChaosSettings
  onProgress: (text: string) => void
}

/**
 * One whole run: start everything, trade under faults, end the faults, wait until all orders settle, read the books and
 * compare.
 */
export async function runChaos({ settings, onProgress }: RunOptions): Promise<ChaosOutcome> {
  const stage = new Stage()
  let stopping: Promise<void> | undefined
  // After a second signal (npm passes its own on) this process must still wait until everything it started has ended.
  const stopEarly = () => void (stopping ??= stage.stop(settings.isKept).finally(() => process.exit(130)))
  process.on("SIGINT", stopEarly).on("SIGTERM", stopEarly)
  const clock = stopwatch()
  let isKept = settings.isKept
  try {
    await stage.start({ settings, skuCount: skuCountFor(settings.orders), onProgress })
    const goods = await loadOpeningStock(stage, onProgress)
    const startedMs = clock()
    if (!settings.isCalm) await setFaults(stage, true)
    const watch = new AvailabilityWatch()
    // The catalogue's first items sell most.
    watch.start(stage, [...new Set(goods.stock.map(({ sku }) => sku))].sort())
    const rows = new RowWatch()
    rows.start(stage)
    const floor = new FloorPeople(stage, settings.seed, goods)
    await floor.start()
    const stores = new Stores(stage, settings, goods)
    await stores.start()
    const strikes = planStrikes(settings)
    const rescues = new RescueWatch(stage.databaseUrl)
    const fire = { settings, strikes, rescues, stores, onProgress }
    const { trading, finishedDuringFaults } = await tradeUnderFire(stage, fire)
    await floor.stop()
    await Promise.all([watch.stop(), rows.stop()])
    const tradedMs = clock()
    await setFaults(stage, false)
    await stage.whenUp()
    onProgress("all faults have ended")
    await stores.finish(onProgress)
    const kinds = [...trading.kinds.values()]
    const known = kinds.filter(({ right }) => right.ends.some((state) => state !== "unknown")).length
    const settledAfterMs = await settle(stage, { ...settings, known, onProgress })
    const settledMs = clock()
    onProgress("reading the books")
    const facts = {
      placed: trading.placed,
      kinds: Object.fromEntries([...trading.kinds].map(([id, { kind }]) => [id, kind])),
      leastAvailableMilli: watch.leastMilli,
      availabilitySamples: watch.samples,
      settledAfterMs,
      tailMs: settings.tailMs,
      readAt: new Date().toISOString(),
      finishedDuringFaults,
      rescues: rescues.rescues,
    }
    const moved = [...floor.moved, ...stores.moved]
    const books: Books = {
      ...(await readBooks(stage, facts, { moved, transfers: floor.transfers, sightings: rows.sightings })),
      ...(settings.stores === 0 ? {} : { stores: await stores.read() }),
    }
    const timings = { startedMs, tradedMs, settledMs, readMs: clock() }
    const report = checkBooks(books)
    isKept ||= report.violations.length > 0
    const queue = await rescues.stop()
    if (isKept) keep(stage, { books, queue })
    return { report, books, trading, strikes, keptIn: isKept ? stage.folder : undefined, timings }
  } catch (thrown) {
    // A run that broke off is explained by the logs of its processes, so they are kept.
    isKept = true
    onProgress(`what it left is in ${stage.folder}`)
    throw thrown
  } finally {
    process.off("SIGINT", stopEarly).off("SIGTERM", stopEarly)
    await stage.stop(isKept)
  }
}

function keep(stage: Stage, books: Record<string, unknown>): void {
  for (const [name, content] of Object.entries(books))
    writeFileSync(join(stage.folder, `${name}.json`), JSON.stringify(content, null, 1))
}

function stopwatch(): () => number {
  let last = Date.now()
  return () => {
    const elapsed = Date.now() - last
    last = Date.now()
    return elapsed
  }
}

/** Few enough SKUs that orders compete for some, many enough that most orders find theirs. */
function skuCountFor(orders: number): number {
  return Math.min(2000, Math.max(200, orders))
}

interface Fire extends RunOptions {
  strikes: readonly Strike[]
  rescues: RescueWatch
  stores: Stores
}

async function tradeUnderFire(
  stage: Stage,
  { settings, strikes, rescues, stores, onProgress }: Fire,
): Promise<{ trading: Trading; finishedDuringFaults: number }> {
  const windowMs = faultWindowMs(settings)
  const startedAt = Date.now()
  const striking = strikes.map(async (strike) => {
    await sleep(Math.max(0, strike.atMs - (Date.now() - startedAt)))
    onProgress(strikeText(strike))
    await rescues.around(strike, () => carryOut(stage, strike))
  })
  const struck = Promise.all(striking)
  // Awaited below; until then a failure must not end the process and leave everything running.
  struck.catch(() => undefined)
  const open = stores.trade(windowMs, onProgress)
  open.catch(() => undefined)
  let told = 0
  const onPlaced = (placed: number) => {
    if (placed - told < settings.orders / 10 && placed < settings.orders) return
    told = placed
    onProgress(`${bar(placed / settings.orders)} ${placed} of ${settings.orders} orders placed`)
  }
  const trading = await trade(stage, settings, { onPlaced, onOrder: (order, kind) => stores.heard(order, kind) })
  await Promise.all([struck, open])
  await sleep(Math.max(0, windowMs - (Date.now() - startedAt)))
  // The vendors' faults last until most orders are through: faults that end before the books are written prove nothing.
  if (!settings.isCalm) await untilMostAreThrough(stage, settings.orders)
  const progress = await readProgress(stage).catch(() => undefined)
  return { trading, finishedDuringFaults: progress?.finished ?? 0 }
}

function carryOut(stage: Stage, { kind, victim, number, pauseMs }: Strike): Promise<void> {
  if (kind === "failover") return stage.failOver()
  return kind === "kill" ? stage.kill(victim, number) : stage.pause(victim, number, pauseMs)
}

const throughShare = 0.8
const throughWaitMs = 60_000

async function untilMostAreThrough(stage: Stage, orders: number): Promise<void> {
  const deadline = Date.now() + throughWaitMs
  while (Date.now() < deadline) {
    const progress = await readProgress(stage).catch(() => undefined)
    if (progress && progress.finished + progress.waitingForPerson >= orders * throughShare) return
    await sleep(1000)
  }
}

function bar(share: number): string {
  const full = Math.round(share * 20)
  return `[${"#".repeat(full)}${".".repeat(20 - full)}]`
}

async function setFaults(stage: Stage, isOn: boolean): Promise<void> {
  for (const vendor of vendors)
    await stage.lab(vendor, "faults", { method: "PUT", body: isOn ? (vendorFaults[vendor] ?? {}) : {} })
}

const movementsPerRequest = 1000

/** Books the estate's opening stock through the API; returns it, and every SKU that is sold. */
async function loadOpeningStock(stage: Stage, onProgress: (text: string) => void): Promise<OpeningGoods> {
  const { stock, skus } = (await stage.lab("estate", "estate")) as {
    stock: OpeningGoods["stock"]
    skus: readonly { sku: string }[]
  }
  onProgress(`booking the opening stock of ${stock.length} SKU-places`)
  const movements = stock
    .filter(({ onHandMilli }) => onHandMilli > 0)
    .map(({ sku, locationId, onHandMilli }) => ({
      kind: "receipt",
      fact: `chaos:opening:${sku}:${locationId}`,
      sku,
      locationId,
      milli: onHandMilli,
      occurredAt: "2026-01-01T06:00:00.000Z",
    }))
  for (let at = 0; at < movements.length; at += movementsPerRequest)
    await stage.api("/v1/stock-movements", {
      method: "POST",
      body: { movements: movements.slice(at, at + movementsPerRequest) },
    })
  return { stock, skus: skus.map(({ sku }) => sku) }
}
