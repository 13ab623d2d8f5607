import { AppError, asAppError } from "./errors.ts"
import { sleep } from "./time.ts"

interface BatcherOptions<Item, Result> {
  /** Writes the whole batch in one round trip and returns one result per item, in the same order. */
  flush: (items: readonly Item[]) => Promise<readonly Result[]>
  /** Most items in one flush. */
  sizeMax: number
  /** Most items waiting. Beyond it `add` rejects with STORAGE_UNAVAILABLE, so that callers slow down. */
  queueMax: number
  /** A second flush starts beside the first when this many items wait; order then holds only within a flush. Default: never. */
  besideFrom?: number
  /** After a flush of several, the next gathers for so long: a flush has a price of its own, however many share it. Default 0. */
  gatherMs?: number
}

/** A flush of fewer is not load, and one of more has paid its price: after both the next goes at once. */
const gathersAfter = { from: 4, to: 60 }

interface Waiting<Item, Result> {
  item: Item
  resolve: (result: Result) => void
  reject: (error: unknown) => void
}

/**
 * Shares one round trip among all requests that arrive while another one is in flight.
 *
 * A lone request goes at once, and batches grow by themselves under load, or a little more with `gatherMs`. One flush is in
 * flight at a time, so flushes happen in the order of `add`, unless `besideFrom` allows a second. A flush that fails is tried
 * again in halves until the failing item stands alone and only it is refused, unless storage itself is away, when all are refused.
 * `flush` must therefore be all or nothing.
 */
export class Batcher<Item, Result> {
  readonly #options: BatcherOptions<Item, Result>
  #queue: Waiting<Item, Result>[] = []
  readonly #running = new Set<Promise<void>>()
  // A count of its own: `#running` loses a flusher only a turn after it has seen an empty queue, and an item added in
  // that turn would wait for ever.
  #flusherCount = 0
  #inFlightCount = 0

  constructor(options: BatcherOptions<Item, Result>) {
    this.#options = options
  }

  /** Items not yet flushed. */
  get waitingCount(): number {
    return this.#queue.length
  }

  add(item: Item): Promise<Result> {
    if (this.#queue.length >= this.#options.queueMax)
      return Promise.reject(
        new AppError("STORAGE_UNAVAILABLE", "too much work waits for storage", { retryAfterMs: 1000 }),
      )
    return new Promise((resolve, reject) => {
      this.#queue.push({ item, resolve, reject })
      if (this.#flusherCount === 0 || this.#maySpread()) this.#start()
    })
  }

  /** Resolves when nothing waits and nothing is in flight. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }

  #maySpread(): boolean {
    const { besideFrom } = this.#options
    return besideFrom !== undefined && this.#flusherCount === 1 && this.#queue.length >= besideFrom
  }

  /** With two flushes: half of the waiting and in-flight items, because unequal halves would stay unequal. */
  #nextSize(): number {
    const { sizeMax, besideFrom } = this.#options
    if (besideFrom === undefined) return sizeMax
    return Math.min(sizeMax, Math.max(besideFrom, Math.ceil((this.#queue.length + this.#inFlightCount) / 2)))
  }

  #start(): void {
    this.#flusherCount += 1
    const running = this.#run().finally(() => this.#running.delete(running))
    this.#running.add(running)
  }

  async #run(): Promise<void> {
    // One turn of the event loop collects every item that is being added now.
    await Promise.resolve()
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, this.#nextSize())
      this.#inFlightCount += batch.length
      await this.#flush(batch)
      this.#inFlightCount -= batch.length
      await this.#gather(batch.length)
      // Two flushes are worth it only while there is enough for both.
      if (this.#flusherCount > 1 && this.#queue.length < (this.#options.besideFrom ?? 0)) break
    }
    this.#flusherCount -= 1
  }

  async #gather(flushedCount: number): Promise<void> {
    const { gatherMs } = this.#options
    const { from, to } = gathersAfter
    if (gatherMs !== undefined && flushedCount >= from && flushedCount < to) await sleep(gatherMs)
  }

  async #flush(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#options.flush(batch.map((waiting) => waiting.item))
      if (results.length !== batch.length)
        throw new AppError("INVARIANT_BROKEN", `a batch of ${batch.length} returned ${results.length} results`)
      for (const [index, waiting] of batch.entries()) waiting.resolve(results[index] as Result)
    } catch (thrown) {
      const isStorageAway = asAppError(thrown).code === "STORAGE_UNAVAILABLE"
      if (batch.length === 1 || isStorageAway) {
        for (const waiting of batch) waiting.reject(thrown)
        return
      }
      const middle = Math.ceil(batch.length / 2)
      await this.#flush(batch.slice(0, middle))
      await this.#flush(batch.slice(middle))
    }
  }
}
