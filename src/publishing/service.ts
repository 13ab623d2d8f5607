import { contentDigest } from "../base/ids.ts"
import type { Log } from "../base/log.ts"
import { isStorageAway, type Sql } from "../base/sql.ts"
import { monotonicMs, sleep } from "../base/time.ts"
import type { Reader } from "../eventlog/readers/readers.ts"
import { watchStock } from "../stock/views/changed.ts"
import type { Aspect } from "./decide/row.ts"
import type { ChannelDrain } from "./drain.ts"
import type { PublishingChannel, StockChannel } from "./policies.ts"
import { PublishedRows } from "./rows.ts"
import { markStockChanges } from "./stock/marks.ts"

const watcher = "publishing"
const marksEveryMs = 200
/** While nothing changes, looks are further and further apart, up to this. */
const quietMarksEveryMs = 1000
/** How often it looks whether a crash of the database has forgotten who watches. */
const watchesEveryMs = 5000
const restMs = 250
/** Of prices and products: nobody sells twice for a second. */
const restOfOthersMs = 1000
const othersRestMs = 2000
/** So many times longer rests who finds nothing to do for a while. */
const quietTimes = 4
/** And so many when no other worker takes notes of changes: those of this one wake it. */
const quietTimesAlone = 16
const failureRestMs = 1000

/** One aspect of what one channel shows, as it is published. */
export interface Publication {
  channel: PublishingChannel
  aspect: Aspect
  reader: Reader
  /** How old a change may be before the channel counts as behind. */
  freshMs?: number
  drain(): Pick<ChannelDrain<unknown>, "round" | "stop">
  /** Everything that values depend on, e.g. buffers: when it changed, all rows are computed anew. */
  dependsOn: unknown
}

interface PublisherOptions {
  sql: Sql
  log: Log
  publications: readonly Publication[]
  stock: readonly StockChannel[]
  /** True while no other worker runs. */
  isAlone(): boolean
}

/**
 * Publishes in every worker: one loop marks what changed in the stock, and one an aspect of a channel brings the channel up to date.
 * Workers share both: notes of changes are taken by one, and an aspect of a channel is one worker's at a time. What changes in the
 * catalogue is marked where it is derived.
 */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #ending = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  readonly #wakers = new Set<() => void>()
  #watchedMs = -Infinity

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    const { publications, stock } = this.#options
    await this.#markAllIfNeeded()
    const marks = stock.length > 0 ? [this.#repeatMarks()] : []
    this.#running = Promise.all([...marks, ...publications.map((one) => this.#drain(one))])
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    this.#wake()
    await this.#running
  }

  /** What was declared changed, or changes of stock may have been missed: every row that there is gets its value anew. */
  async #markAllIfNeeded(): Promise<void> {
    const { sql, publications, stock } = this.#options
    const wasGone = stock.length > 0 && (await watchStock(sql, watcher))
    for (const { channel, aspect, dependsOn } of publications) {
      const rows = new PublishedRows(sql, aspect)
      const declared = contentDigest({ channel, dependsOn })
      if ((wasGone && aspect === "stock") || (await rows.declared(channel.channel)) !== declared)
        await rows.markAll(channel.channel, declared)
    }
  }

  /** Marks what changed; returns how many. */
  async #mark(): Promise<number> {
    const { sql, stock } = this.#options
    // After a crash of the database nobody is known to watch any more. Then everything is marked, however late that is seen.
    if (monotonicMs() - this.#watchedMs > watchesEveryMs) {
      if (await watchStock(sql, watcher)) await this.#markAllIfNeeded()
      this.#watchedMs = monotonicMs()
    }
    const count = await markStockChanges(sql, stock)
    if (count > 0) this.#wake()
    return count
  }

  async #drain({
    channel: { channel },
    aspect,
    reader,
    freshMs = Infinity,
    drain: create,
  }: Publication): Promise<void> {
    const { log, isAlone } = this.#options
    const drain = create()
    const shortMs = aspect === "stock" ? restMs : restOfOthersMs
    // Without work the looks come apart; marks of this process wake it.
    let ms = shortMs
    while (!this.#ending.signal.aborted) {
      const round = await drain.round().catch((thrown: unknown) => {
        reader.failed(thrown)
        if (!isStorageAway(thrown)) log.warn({ err: thrown, channel, aspect }, "a round of publishing did not finish")
        return { sent: 0, rows: 0, oldestMs: 0, restMs: failureRestMs }
      })
      // A channel that is shown older values than its owners allow is behind, though every round goes well.
      if (round && round.restMs !== failureRestMs && round.oldestMs <= freshMs) reader.succeeded()
      ms =
        round && round.rows > 0
          ? shortMs
          : Math.min(ms * 1.2, (aspect === "stock" && isAlone() ? quietTimesAlone : quietTimes) * shortMs)
      if (round && round.rows > 0 && round.restMs === 0) continue
      await this.#rest(round ? Math.max(round.restMs, ms) : othersRestMs, aspect === "stock" && round?.restMs === 0)
    }
    await drain.stop().catch(() => undefined)
  }

  /** Rests until its time, or until something is marked. */
  async #rest(ms: number, mayBeWoken: boolean): Promise<void> {
    const waking = new AbortController()
    const stop = () => waking.abort()
    if (mayBeWoken) this.#wakers.add(stop)
    this.#ending.signal.addEventListener("abort", stop, { once: true })
    await sleep(ms, waking.signal).catch(() => undefined)
    this.#ending.signal.removeEventListener("abort", stop)
    this.#wakers.delete(stop)
  }

  #wake(): void {
    for (const wake of this.#wakers) wake()
  }

  async #repeatMarks(): Promise<void> {
    let everyMs = marksEveryMs
    while (!this.#ending.signal.aborted) {
      const startedMs = monotonicMs()
      const count = await this.#mark().catch((thrown: unknown) => {
        if (!isStorageAway(thrown)) this.#options.log.warn({ err: thrown }, "changes of stock could not be marked")
        return 0
      })
      everyMs = count > 0 ? marksEveryMs : Math.min(everyMs * 1.2, quietMarksEveryMs)
      await sleep(Math.max(10, everyMs - (monotonicMs() - startedMs)), this.#ending.signal).catch(() => undefined)
    }
  }
}
