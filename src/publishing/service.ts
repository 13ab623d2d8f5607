import { contentDigest } from "../base/ids.ts"
import type { Log } from "../base/log.ts"
import { isStorageAway, type Sql } from "../base/sql.ts"
import { monotonicMs, sleep } from "../base/time.ts"
import type { Reader } from "../eventlog/readers/readers.ts"
import { watchStock } from "../stock/views/changed.ts"
import { ChannelDrain, type DrainParts } from "./drain.ts"
import type { StockChannel } from "./policies.ts"
import { PublishedRows } from "./rows.ts"

const watcher = "publishing"
const marksEveryMs = 200
/** While nothing changes, looks are further and further apart, up to this. */
const quietMarksEveryMs = 1000
/** How often it looks whether a crash of the database has forgotten who watches. */
const watchesEveryMs = 5000
const restMs = 250
const othersRestMs = 2000
const failureRestMs = 1000

interface PublisherOptions {
  sql: Sql
  log: Log
  channels: readonly StockChannel[]
  drainOf(channel: StockChannel): DrainParts
  readerOf(channel: StockChannel): Reader
  /** Everything besides the channels that values depend on, e.g. buffers: when it changed, all rows are computed anew. */
  dependsOn: unknown
}

/**
 * Publishes stock in every worker: one loop marks what changed, and one a channel brings the channel up to date. Workers share both: notes
 * of changes are taken by one, and a channel is one worker's at a time.
 */
export class StockPublisher {
  readonly #options: PublisherOptions
  readonly #rows: PublishedRows
  readonly #ending = new AbortController()
  #running: Promise<unknown> = Promise.resolve()
  #wakers: (() => void)[] = []
  #watchedMs = -Infinity

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#rows = new PublishedRows(options.sql)
  }

  async start(): Promise<void> {
    const { channels } = this.#options
    await this.#markAllIfNeeded()
    this.#running = Promise.all([this.#repeatMarks(), ...channels.map((one) => this.#drain(one))])
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    this.#wake()
    await this.#running
  }

  /** What was declared changed, or changes of stock may have been missed: every row that there is gets its value anew. */
  async #markAllIfNeeded(): Promise<void> {
    const { sql, channels, dependsOn } = this.#options
    const wasGone = await watchStock(sql, watcher)
    for (const channel of channels) {
      const declared = contentDigest({ channel, dependsOn })
      if (wasGone || (await this.#rows.declared(channel.channel)) !== declared)
        await this.#rows.markAll(channel.channel, declared)
    }
  }

  /** Marks what changed; returns how many. */
  async #mark(): Promise<number> {
    const { sql, channels } = this.#options
    // After a crash of the database nobody is known to watch any more. Then everything is marked, however late that is seen.
    if (monotonicMs() - this.#watchedMs > watchesEveryMs) {
      if (await watchStock(sql, watcher)) await this.#markAllIfNeeded()
      this.#watchedMs = monotonicMs()
    }
    const count = await this.#rows.markChanges(channels)
    if (count > 0) this.#wake()
    return count
  }

  async #drain(channel: StockChannel): Promise<void> {
    const { drainOf, readerOf, log } = this.#options
    const drain = new ChannelDrain(channel, drainOf(channel))
    const reader = readerOf(channel)
    while (!this.#ending.signal.aborted) {
      const round = await drain.round().catch((thrown: unknown) => {
        reader.failed(thrown)
        if (!isStorageAway(thrown))
          log.warn({ err: thrown, channel: channel.channel }, "a round of publishing did not finish")
        return { sent: 0, rows: 0, restMs: failureRestMs }
      })
      if (round && round.restMs !== failureRestMs) reader.succeeded()
      if (round && round.rows > 0 && round.restMs === 0) continue
      await this.#rest(round ? Math.max(round.restMs, restMs) : othersRestMs, round?.restMs === 0)
    }
    await drain.stop().catch(() => undefined)
  }

  /** Rests until its time, or until something is marked. */
  async #rest(ms: number, mayBeWoken: boolean): Promise<void> {
    const waking = new AbortController()
    const stop = () => waking.abort()
    if (mayBeWoken) this.#wakers.push(stop)
    this.#ending.signal.addEventListener("abort", stop, { once: true })
    await sleep(ms, waking.signal).catch(() => undefined)
    this.#ending.signal.removeEventListener("abort", stop)
  }

  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake()
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
