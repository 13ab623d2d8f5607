import { AppError, asAppError, describeError, type Problem } from "../base/errors.ts"
import { answerJson, headerText, retryAfterMs, type HttpAnswer, type HttpClient } from "../base/http.ts"
import { instant, monotonicMs, sleep, type Clock } from "../base/time.ts"
import type { Journal } from "./journal/journal.ts"
import { noteAnswers, unsent, type Corrected, type Unsent } from "./journal/sending.ts"

/** Rows of a request: the centre's own batch. Bytes stay well below what it takes. */
const [rowsMax, bytesMax] = [500, 4 * 1024 * 1024]
/** While rows of one till are at the centre, those of another are read, and its answers noted. */
const tillsAtOnce = 2
/** After a failure; doubled up to the last, and less a part by chance, so that a chain of stores does not come back in one moment. */
const [firstWaitMs, longestWaitMs] = [1000, 60_000]
/** When the line is quiet the centre is asked whether it hears us. */
const heartbeatMs = 60_000
/** While a store sells, its heads are told so often at most. */
const announceEveryMs = 30_000
/** A row that the centre refused may be taken later, when its store or article is known there. */
const refusedAgainMs = 10 * 60_000
/** A clock that is further off than this from the centre's is told. */
const clockOffMs = 120_000

/** How the line to the centre is. */
export interface Line {
  lastContactAt?: string
  /** Why the last call failed; undefined while the line is good. */
  trouble?: string
  /** The agent's clock less the centre's, when that is much. */
  clockAheadMs?: number
}

interface UplinkParts {
  journal: Journal
  client: HttpClient
  key: string
  clock: Clock
  /** Tells the centre how far the chains are. */
  announce: (send: UplinkSend) => Promise<void>
  /** Hears what the centre made of rows, once that is noted. */
  onAnswered?: (
    rows: readonly { tillId: string; digest: string; outcome: string }[],
    corrected: readonly Corrected[],
  ) => void
  /** Shortens waits in tests. */
  firstWaitMs?: number
}

/** A call to the centre. Errors: VENDOR_UNAVAILABLE or VENDOR_UNCERTAIN when it should be made again. */
export type UplinkSend = (method: "GET" | "POST", path: string, body?: object) => Promise<unknown>

/** Sends what the centre has not answered, each till's rows in their order, until it is stopped. A repeat is harmless: the centre knows receipts by number and content. */
export class Uplink {
  readonly line: Line
  /** When the centre answered last, by its own clock; undefined until it did in this process. */
  heardMs: number | undefined
  readonly #parts: UplinkParts
  readonly #stop = new AbortController()
  #wake: (() => void) | undefined
  #isWoken = false
  #run: Promise<void> | undefined
  #announceAtMs = 0

  constructor(parts: UplinkParts) {
    this.#parts = parts
    const lastContactAt = parts.journal.fact("last contact")
    this.line = lastContactAt === undefined ? {} : { lastContactAt }
  }

  start(): void {
    this.#run ??= this.#loop()
  }

  /** There is something new to send. */
  wake(): void {
    this.#isWoken = true
    this.#wake?.()
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error("the agent stops"))
    this.#wake?.()
    await this.#run
  }

  /**
   * One pass: tells the heads when that is due, so that the centre can name what is to come, and sends all that waits. Receipts are sent
   * whatever becomes of the announcement.
   */
  async pass(): Promise<void> {
    const failure = await this.#announce()
    await this.#sendTills()
    if (failure !== undefined) throw failure
  }

  /** Sends every till's rows. After a failure nothing more is begun, and what is under way has ended when it throws: no till is sent twice at once. */
  async #sendTills(): Promise<void> {
    const tills = this.#parts.journal.heads.keys()
    const failures: unknown[] = []
    const mayGoOn = () => failures.length === 0
    const sendNext = async () => {
      for (const tillId of tills) if (mayGoOn()) await this.#sendTill(tillId, mayGoOn)
    }
    const sending = Array.from({ length: tillsAtOnce }, () => sendNext().catch((thrown) => void failures.push(thrown)))
    await Promise.all(sending)
    if (failures.length > 0) throw failures[0]
  }

  async #announce(): Promise<AppError | undefined> {
    if (this.line.trouble === undefined && monotonicMs() < this.#announceAtMs) return undefined
    try {
      await this.#parts.announce(this.send)
      this.#announceAtMs = monotonicMs() + announceEveryMs
      return undefined
    } catch (thrown) {
      return asAppError(thrown)
    }
  }

  async #loop(): Promise<void> {
    const first = this.#parts.firstWaitMs ?? firstWaitMs
    let failures = 0
    while (!this.#stop.signal.aborted) {
      try {
        this.#isWoken = false
        await this.pass()
        failures = 0
        delete this.line.trouble
        await this.#sleep(heartbeatMs, true)
      } catch (thrown) {
        if (this.#stop.signal.aborted) return
        const { retryAfterMs: asked = 0 } = asAppError(thrown)
        this.line.trouble = describeError(thrown).message
        const waitMs = Math.min(longestWaitMs, first * 2 ** Math.min(failures, 10))
        failures += 1
        // Sales do not shorten this wait: a store that sells every second would otherwise call a dead centre every second.
        await this.#sleep(Math.max(asked, waitMs * (0.5 + Math.random() / 2)), false)
      }
    }
  }

  async #sleep(ms: number, isWokenBySales: boolean): Promise<void> {
    if (isWokenBySales && this.#isWoken) return
    const woken = new Promise<void>((resolve) => {
      this.#wake = () => {
        if (isWokenBySales || this.#stop.signal.aborted) resolve()
      }
    })
    const over = new AbortController()
    try {
      await Promise.race([woken, sleep(ms, over.signal)])
    } finally {
      over.abort()
      this.#wake = undefined
    }
  }

  async #sendTill(tillId: string, mayGoOn: () => boolean): Promise<void> {
    const { journal, clock } = this.#parts
    let most = rowsMax
    while (mayGoOn()) {
      this.#stop.signal.throwIfAborted()
      const rows = upTo(bytesMax, unsent(journal.file, tillId, { limit: most, at: instant(clock.now()) }))
      if (rows.length === 0) return
      try {
        this.#note(rows, await this.#post(rows))
        most = rowsMax
      } catch (thrown) {
        const error = asAppError(thrown)
        if (error.kind !== "invalid" || error.code === "AUTHENTICATION_FAILED" || error.code === "PERMISSION_MISSING")
          throw thrown
        // The request as a whole was refused: halves find the row that is to blame, and it alone is put aside.
        if (rows.length > 1) most = Math.ceil(rows.length / 2)
        else this.#note(rows, [{ outcome: "refused", problems: [{ pointer: "", message: error.message }] }])
      }
    }
  }

  async #post(rows: readonly Unsent[]): Promise<Result[]> {
    // Rows are JSON already, and go as they are kept.
    const body = `{"receipts":[${rows.map(({ receipt }) => receipt).join(",")}]}`
    const { results } = (await this.#sendText("POST", "/v1/sales", body)) as { results?: Result[] }
    if (!Array.isArray(results) || results.length !== rows.length)
      throw new AppError(
        "VENDOR_MISBEHAVED",
        `the centre was sent ${rows.length} receipts and told of ${results?.length}`,
      )
    return results
  }

  #note(rows: readonly Unsent[], results: readonly Result[]): void {
    const { journal, clock, onAnswered } = this.#parts
    const sendAfter = instant(clock.now() + refusedAgainMs)
    const answered = rows.map(({ tillId, place, digest }, n) => {
      const { outcome = "refused", problems } = results[n] ?? {}
      const again = outcome === "refused" ? { sendAfter } : {}
      return { tillId, place, digest, outcome, ...(problems ? { problems } : {}), ...again }
    })
    const corrected = noteAnswers(journal.file, answered, clock.now())
    onAnswered?.(answered, corrected)
  }

  readonly send: UplinkSend = (method, path, body) => this.#sendText(method, path, body && JSON.stringify(body))

  async #sendText(method: "GET" | "POST", path: string, body: string | undefined): Promise<unknown> {
    const { client, key } = this.#parts
    const answer = await client.send({
      method,
      path,
      headers: { authorization: `Bearer ${key}`, ...(body ? { "content-type": "application/json" } : {}) },
      ...(body ? { body } : {}),
      // The centre knows each receipt again: what got no answer is sent again without looking it up.
      isRead: true,
      signal: this.#stop.signal,
    })
    this.#heard(answer)
    if (answer.status >= 200 && answer.status < 300) return answerJson(answer)
    throw refusal(answer, this.#parts.clock)
  }

  #heard(answer: HttpAnswer): void {
    const { journal, clock } = this.#parts
    if (answer.status >= 500) return
    this.line.lastContactAt = instant(clock.now())
    try {
      journal.setFact("last contact", this.line.lastContactAt)
    } catch {
      // The disk is full; the tills are told, and this is only for people to read.
    }
    const date = headerText(answer, "date")
    const dateMs = date === undefined ? NaN : Date.parse(date)
    if (!Number.isNaN(dateMs)) this.heardMs = dateMs
    const aheadMs = Number.isNaN(dateMs) ? 0 : clock.now() - dateMs
    if (Math.abs(aheadMs) > clockOffMs) this.line.clockAheadMs = aheadMs
    else delete this.line.clockAheadMs
  }
}

interface Result {
  outcome?: string
  problems?: readonly Problem[]
}

function upTo(most: number, rows: readonly Unsent[]): Unsent[] {
  let bytes = 0
  return rows.filter(({ receipt }, n) => {
    bytes += Buffer.byteLength(receipt)
    return n === 0 || bytes <= most
  })
}

function refusal(answer: HttpAnswer, clock: Clock): AppError {
  const { status, text } = answer
  const words = `the centre answered ${status}: ${text.slice(0, 500)}`
  if (status === 401) return new AppError("AUTHENTICATION_FAILED", `the centre refuses the key: ${words}`)
  if (status === 403) return new AppError("PERMISSION_MISSING", `the key may not do this: ${words}`)
  if (status === 429 || status >= 500) {
    const wait = retryAfterMs(answer, clock.now())
    return new AppError("VENDOR_UNAVAILABLE", words, wait === undefined ? {} : { retryAfterMs: wait })
  }
  // A wrong address is nobody's receipt.
  if (status === 404 || status === 405) return new AppError("VENDOR_UNAVAILABLE", words)
  return new AppError(status === 413 ? "REQUEST_TOO_LARGE" : "REQUEST_INVALID", words)
}
