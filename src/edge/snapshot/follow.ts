import { AppError, asAppError, describeError } from "../../base/errors.ts"
import { monotonicMs, sleep, type Clock } from "../../base/time.ts"
import type { SnapshotPage } from "../../canonical/sales/snapshot.ts"
import type { UplinkSend } from "../uplink.ts"
import type { SnapshotFile } from "./snapshot-file.ts"
import type { Sold } from "./sold.ts"

const [limit, askedMax] = [200, 500]
const longestWaitMs = 60_000
/** What is confirmed again and again is written from time to time only; the age that is told is exact while the agent runs. */
const writeConfirmedEveryMs = 60_000
const [forgetEveryMs, coveredKeptMs] = [3_600_000, 8 * 86_400_000]

interface FollowParts {
  storeId: string
  file: SnapshotFile
  sold: Pick<Sold, "toAsk" | "covered">
  send: UplinkSend
  clock: Clock
  everyMs: number
  firstWaitMs: number
  /** False while the disk has to be left to receipts. */
  hasRoom: () => boolean
}

/** How old a snapshot is. */
export interface SnapshotAge {
  /** False until everything was read once. */
  isThere: boolean
  /** By the centre's clock. */
  asOf?: string
  ageMs?: number
  /** Why it is not newer; undefined while it follows. */
  trouble?: string
}

/** Follows what the centre has for the store, page by page, until it is stopped. A page that comes twice changes nothing. */
export class Follow {
  readonly #parts: FollowParts
  readonly #stop = new AbortController()
  /** Of the round that is being read: when it began, and which sold lines were booked then. */
  #round:
    | { asOf: string; confirmedMs: number; monotonicMs: number; booked: readonly string[]; askedAll: boolean }
    | undefined
  #confirmed: { asOf: string; confirmedMs: number; monotonicMs: number } | undefined
  #writtenMs = -Infinity
  #forgottenMs = -Infinity
  #trouble: string | undefined
  #run: Promise<void> | undefined

  constructor(parts: FollowParts) {
    this.#parts = parts
  }

  start(): void {
    this.#run ??= this.#loop()
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the agent stops"))
    await this.#run
  }

  age(): SnapshotAge {
    const { file, clock } = this.#parts
    const { asOf, confirmedMs } = file.reached()
    const trouble = this.#trouble === undefined ? {} : { trouble: this.#trouble }
    if (asOf === undefined) return { isThere: false, ...trouble }
    // The machine's clock may be set while it runs, and the other one stands still while it sleeps: of the two ages the larger one is told.
    const run = this.#confirmed ? monotonicMs() - this.#confirmed.monotonicMs : 0
    const wall = clock.now() - (this.#confirmed?.confirmedMs ?? confirmedMs ?? 0)
    return { isThere: true, asOf: this.#confirmed?.asOf ?? asOf, ageMs: Math.round(Math.max(run, wall)), ...trouble }
  }

  /** One round: pages up to the last one. Throws what the centre, or the line to it, says. */
  async pass(): Promise<void> {
    for (;;) {
      this.#stop.signal.throwIfAborted()
      const [isLast, isAgain] = await this.#page()
      if (isLast && !isAgain) return
    }
  }

  async #page(): Promise<[isLast: boolean, isAgain: boolean]> {
    const { storeId, file, sold, send, clock, hasRoom } = this.#parts
    if (!hasRoom()) throw new AppError("DISK_FULL", "the disk is full: what is left of it is for receipts")
    const { cursor } = file.reached()
    const [askedMs, askedMonotonicMs] = [clock.now(), monotonicMs()]
    const asked = sold.toAsk(askedMax)
    const body = { storeId, limit, sold: asked, ...(cursor === undefined ? {} : { cursor }) }
    const page = (await send("POST", "/v1/store-snapshots", body)) as SnapshotPage
    if (page.storeId !== storeId || !Array.isArray(page.items))
      throw new AppError("VENDOR_MISBEHAVED", `the centre answered for store ${page.storeId}`)
    if (page.isFirst)
      this.#round = {
        asOf: page.at,
        confirmedMs: askedMs,
        monotonicMs: askedMonotonicMs,
        booked: page.booked.map(({ fact }) => fact),
        askedAll: asked.length < askedMax,
      }
    const covered = coveredBy(page, this.#round?.booked ?? [])
    const round = page.isLast ? this.#round : undefined
    if (page.items.length > 0 || page.cursor !== cursor || covered.length > 0) file.apply(page, { covered, askedMs })
    else if (round && askedMonotonicMs - this.#writtenMs > writeConfirmedEveryMs) {
      file.confirm(round)
      this.#writtenMs = askedMonotonicMs
    }
    sold.covered(covered)
    if (round) this.#finish(round)
    // After a death in the middle of a round it is not known what was booked when it began: the next one tells.
    const isAgain = round ? !round.askedAll && covered.length > 0 : page.isLast
    return [page.isLast, isAgain]
  }

  #finish(round: { asOf: string; confirmedMs: number; monotonicMs: number }): void {
    this.#confirmed = round
    this.#round = undefined
    this.#trouble = undefined
    if (round.monotonicMs - this.#forgottenMs < forgetEveryMs) return
    this.#forgottenMs = round.monotonicMs
    this.#parts.file.forgetCovered(this.#parts.clock.now() - coveredKeptMs)
  }

  async #loop(): Promise<void> {
    let failures = 0
    while (!this.#stop.signal.aborted) {
      try {
        await this.pass()
        failures = 0
        await this.#sleep(this.#parts.everyMs)
      } catch (thrown) {
        if (this.#stop.signal.aborted) return
        const { retryAfterMs: asked = 0 } = asAppError(thrown)
        this.#trouble = describeError(thrown).message
        const waitMs = Math.min(longestWaitMs, this.#parts.firstWaitMs * 2 ** Math.min(failures, 10))
        failures += 1
        await this.#sleep(Math.max(asked, waitMs * (0.5 + Math.random() / 2)))
      }
    }
  }

  async #sleep(ms: number): Promise<void> {
    await sleep(ms, this.#stop.signal).catch(() => undefined)
  }
}

/**
 * Which sold lines the stock of the file has once a page is applied: those whose article is in the page, and after the last page all that
 * were booked when the round began, because what is in none of its pages is as it was.
 */
function coveredBy(page: SnapshotPage, bookedAtFirst: readonly string[]): string[] {
  const skus = new Set(page.items.flatMap(({ kind, key }) => (kind === "stock" ? [key] : [])))
  const here = page.booked.filter(({ sku }) => skus.has(sku)).map(({ fact }) => fact)
  return page.isLast ? [...new Set([...here, ...bookedAtFirst])] : here
}
