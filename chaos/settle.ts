import { setTimeout as sleep } from "node:timers/promises"
import { randomStream } from "../lab/random.ts"
import { finalStates, type Availability, type ExceptionView, type OrderView } from "./books/books.ts"
import { pages } from "./books/pages.ts"
import { rowsUnderWay } from "./books/read-channel.ts"
import type { Stage } from "./stage.ts"
import { skuOf } from "./stream/goods.ts"

const lookEveryMs = 1000
// Nothing may change for this long: longer than any backoff of running work, and than a poll of the backstop.
const quietMs = 12_000
const retriesMax = 2

/** Orders that have neither ended nor wait for a person. */
export interface Progress {
  known: number
  finished: number
  waitingForPerson: number
}

/** Progress of the orders, by the public API. */
export async function readProgress(stage: Stage): Promise<Progress & { fingerprint: string }> {
  const orders = await pages<OrderView & { changedAt: string }>(stage, "/v1/orders")
  const open = await pages<ExceptionView>(stage, "/v1/exceptions", "&state=open")
  const covered = new Set(open.filter(({ about }) => !about.startsWith("delivery/")).map(({ orderId }) => orderId))
  const finished = orders.filter(({ state }) => finalStates.has(state))
  const waiting = orders.filter(({ id, state }) => !finalStates.has(state) && covered.has(id))
  const newest = orders.reduce((latest, { changedAt }) => (changedAt > latest ? changedAt : latest), "")
  return {
    known: orders.length,
    finished: finished.length,
    waitingForPerson: waiting.length,
    fingerprint: `${orders.length} ${finished.length} ${newest} ${open.map(({ id }) => id).join(" ")}`,
  }
}

/**
 * Waits until every order has ended or waits for a person, and nothing changes any more. Returns how long that took, or
 * undefined when the time ran out; the checker then reports the stuck orders.
 */
export async function settle(
  stage: Stage,
  options: { known: number; tailMs: number; seed: number; onProgress: (text: string) => void },
): Promise<number | undefined> {
  const startedAt = Date.now()
  const desk = new Operator(stage, options.seed)
  let last = { fingerprint: "", sinceMs: Date.now() }
  while (Date.now() - startedAt < options.tailMs) {
    await desk.decideWhatBlocks()
    const progress = await readProgress(stage)
    if (progress.fingerprint !== last.fingerprint) last = { fingerprint: progress.fingerprint, sinceMs: Date.now() }
    const isComplete =
      progress.known === options.known && progress.finished + progress.waitingForPerson === options.known
    const isIdle = isComplete && (await isNothingUnderWay(stage, startedAt))
    options.onProgress(
      `settling: ${progress.finished} of ${options.known} at an end, ${progress.waitingForPerson} with a person`,
    )
    if (isIdle && Date.now() - last.sinceMs >= quietMs) return last.sinceMs - startedAt
    await sleep(lookEveryMs)
  }
  return undefined
}

async function isNothingUnderWay(stage: Stage, faultsEndedMs: number): Promise<boolean> {
  for (const vendor of ["shopify", "warehouse", "fraud", "stripe"] as const) {
    const report = (await stage.lab(vendor, "webhooks")) as { pending?: number }
    if ((report.pending ?? 0) > 0) return false
  }
  for (const outcome of ["under way", "unknown", "retryable"]) {
    const effects = await pages(stage, "/v1/effects", `&outcome=${encodeURIComponent(outcome)}`)
    if (effects.length > 0) return false
  }
  return (await rowsUnderWay(stage, faultsEndedMs)) === 0
}

/** Acts as the person who decides exceptions: chooses an action that an order waits for, at random per exception. */
class Operator {
  readonly #stage: Stage
  readonly #seed: number
  readonly #retries = new Map<string, number>()

  constructor(stage: Stage, seed: number) {
    this.#stage = stage
    this.#seed = seed
  }

  /** Says once what an article is; every order that waits for it goes on. */
  async #map(article: string, sku: string): Promise<void> {
    const body = { channel: "shopify", article, sku, reason: "the shop's old number" }
    await this.#stage.api("/v1/article-mappings", { method: "POST", body })
  }

  async decideWhatBlocks(): Promise<void> {
    const open = await pages<ExceptionView & { allowedActions: string[]; sku?: string }>(
      this.#stage,
      "/v1/exceptions",
      "&state=open",
    )
    for (const { id, orderId = "", cause, allowedActions, sku = "" } of open) {
      const known = cause === "article is unknown" ? skuOf(sku) : undefined
      if (known !== undefined) {
        await this.#map(sku, known)
        continue
      }
      const retries = this.#retries.get(`${orderId} ${cause}`) ?? 0
      // An acknowledgement changes nothing, so it is left to people and shows in the tie-out. A step that was refused
      // several times is left as it is, where its actions allow that.
      // Nothing can be retried of an authorisation that is gone.
      const isRetried = retries < retriesMax && !goneForGood.includes(cause)
      const wanted = isRetried ? ["apply", "keep", "retry"] : ["leave it", "ship on account"]
      const moves = allowedActions.filter((action) => wanted.includes(action))
      if (moves.length === 0) continue
      const action = randomStream(this.#seed, `chaos/decision/${id}`).pick(moves)
      if (action === "retry") this.#retries.set(`${orderId} ${cause}`, retries + 1)
      await this.#stage
        .api(`/v1/exceptions/${encodeURIComponent(id)}/decision`, {
          method: "POST",
          body: { action },
          headers: { "idempotency-key": `chaos-${id}-${action}`.replaceAll(" ", "-").slice(0, 120) },
        })
        .catch(ignoreDecided)
    }
  }
}

const goneForGood = ["authorisation is gone", "nothing more can be captured"]

/** The exception may have been decided by what happened since it was read. */
function ignoreDecided(error: Error): void {
  if (!/was not answered: (404|409)/.test(error.message)) throw error
}

/** Samples availability while faults are on; it must never be negative. */
export class AvailabilityWatch {
  leastMilli = Number.MAX_SAFE_INTEGER
  samples = 0
  readonly #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()

  start(stage: Stage, skus: readonly string[]): void {
    this.#running = this.#loop(stage, skus)
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #loop(stage: Stage, skus: readonly string[]): Promise<void> {
    const body = { items: skus.slice(0, 100).map((sku) => ({ sku })) }
    while (!this.#stop.signal.aborted) {
      // The gateway may be down; the next sample is soon enough.
      const answer = (await stage.tryApi("/v1/availability/query", { method: "POST", body }).catch(() => undefined)) as
        | { items?: Availability[] }
        | undefined
      for (const { onHandMilli, reservedMilli, backorderLimitMilli = 0 } of answer?.items ?? []) {
        this.samples += 1
        this.leastMilli = Math.min(this.leastMilli, onHandMilli + backorderLimitMilli - reservedMilli)
      }
      await sleep(1500, undefined, { signal: this.#stop.signal }).catch(() => undefined)
    }
  }
}
