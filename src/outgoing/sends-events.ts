import { AppError, asAppError } from "../base/errors.ts"
import { createHttpClient, retryAfterMs, type HttpClient } from "../base/http.ts"
import { epochMs, sleep, type Clock, type Instant } from "../base/time.ts"
import { eventTypes, eventTypesNamed, type EventName } from "../canonical/events.ts"
import type { StoredEvent } from "../eventlog/event-log.ts"
import type { Failure, Subscriber } from "../eventlog/subscriber.ts"
import { signStandardWebhook } from "../protocols/standard-webhooks.ts"
import { cloudEvent, messageId } from "./cloud-event.ts"
import {
  failedAgain,
  placeOf,
  usualPace,
  verdictOf,
  waitAfter,
  waitOfOne,
  whatIsLeft,
  type Pace,
  type Trial,
} from "./pace.ts"

/** A receiver of events, as its sender needs it. */
export interface Receiver {
  name: string
  url: string
  /** Names, or all of a kind (`order.*`). Empty: all types. */
  types: readonly string[]
  /** The newest first. */
  secrets: readonly string[]
  allowPrivateNetwork: boolean
}

export interface SendingNotes {
  sent(count: number): void
  /** Its receiver takes nothing. Returns since when. */
  failing(error: AppError): Promise<Instant>
  /** Nothing more will be sent to it before a person says so. */
  stopped(why: string): Promise<void>
}

/** Most messages under way to one receiver; of one business object always one. So many failures in a row mean that it is away. */
const atOnceMax = 8
const timeoutMs = 15_000
/** A receiver's status counts. What else it says is read up to here and no further. */
const answerBytesMax = 64 * 1024
/** A receiver that takes nothing for so long is stopped. */
const patienceMs = 5 * 86_400_000

const noNotes: SendingNotes = {
  sent: () => undefined,
  failing: () => Promise.reject(new AppError("INVARIANT_BROKEN", "only single messages are sent without notes")),
  stopped: () => Promise.resolve(),
}

/** Why an address cannot be called; undefined when it can. Outside a private network only https is. */
export function addressProblem(url: string, allowPrivateNetwork: boolean): string | undefined {
  const parsed = URL.parse(url)
  if (!parsed || parsed.username !== "" || parsed.password !== "") return "is no address to send to"
  if (parsed.protocol !== "https:" && !allowPrivateNetwork) return "must begin with https://"
  try {
    createHttpClient({ baseUrl: parsed.origin, timeoutMs, allowPrivateNetwork }).close()
    return undefined
  } catch {
    return "is a private address; policies.subscriptions.allowPrivateNetwork would have to be set"
  }
}

/** One time through what is left of a batch. */
interface Pass {
  taken: number
  /** Events at which the receiver failed; what it says about itself is not among them. */
  failed: (Failure & { error: AppError })[]
  failedInARow: number
  /** Whether events are left that were not tried. */
  isCutShort: boolean
  /** The receiver wants to be left alone for a while, or for good. */
  hold: AppError | undefined
}

/**
 * Sends events to a receiver, one message each, signed after the Standard Webhooks specification; those of one business object in their
 * order.
 *
 * - An event that it refuses, or at which it fails while it takes others, fails alone: later events of its object wait behind it.
 * - A receiver that takes nothing is away. The batch fails and comes again after a wait; what was settled is remembered and not sent again.
 *
 * A message may come twice, with the same `webhook-id`: after a crash, or when its answer was lost.
 */
export class SendsEvents implements Subscriber {
  readonly name: string
  readonly types: readonly EventName[]
  readonly batchSizeMax = 200
  readonly attemptsMax: number
  readonly #receiver: Receiver
  readonly #path: string
  readonly #client: HttpClient
  readonly #clock: Clock
  readonly #notes: SendingNotes
  readonly #stop: AbortSignal
  readonly #pace: Pace
  /** Of the batch under way: what was taken, and what failed alone. */
  readonly #settled = new Map<string, "taken" | AppError>()
  readonly #trials = new Map<string, Trial>()
  #taken = 0
  #failedPasses = 0
  #takesNothing = false
  #isStopped = false

  /** CONFIG_INVALID: an address in a private network that is not allowed. */
  constructor(receiver: Receiver, of: { clock: Clock; notes?: SendingNotes; stop: AbortSignal; pace?: Pace }) {
    this.name = receiver.name
    this.types =
      receiver.types.length > 0 ? receiver.types.flatMap(eventTypesNamed) : (Object.keys(eventTypes) as EventName[])
    this.#receiver = receiver
    const { origin, pathname, search } = new URL(receiver.url)
    this.#path = pathname + search
    const { allowPrivateNetwork } = receiver
    const limits = { timeoutMs, socketsMax: atOnceMax, answerBytesMax, cutsAnswers: true }
    this.#client = createHttpClient({ baseUrl: origin, ...limits, allowPrivateNetwork })
    this.#clock = of.clock
    this.#notes = of.notes ?? noNotes
    this.#stop = of.stop
    this.#pace = of.pace ?? usualPace
    this.attemptsMax = this.#pace.triesMax
    of.stop.addEventListener("abort", () => this.#client.close(), { once: true })
  }

  /** Whether the last that is known of its receiver is that it takes nothing. */
  get takesNothing(): boolean {
    return this.#takesNothing
  }

  async handle(events: readonly StoredEvent[], how?: { isRetry: boolean }): Promise<Failure[]> {
    if (this.#stop.aborted || this.#isStopped) throw new AppError("VENDOR_UNAVAILABLE", "the sender stops")
    if (how?.isRetry) return this.#retry(events)
    const pass = await this.#through(whatIsLeft(events, this.#settled, this.#trials))
    const failed = pass.failed.map(({ event, error }) => ({ event, error, trial: this.#noteTrial(event) }))
    const isAway = failed.length > 0 && (pass.taken === 0 || pass.failedInARow >= atOnceMax)
    if (pass.taken > 0) this.#failedPasses = 0
    // When each had its tries and nothing else is left of the batch, the log behind it shows whether the receiver is away.
    const haveHadTheirTries = !pass.isCutShort && failed.every(({ trial }) => trial.failures >= this.#pace.triesMax)
    if (pass.hold || (isAway && !haveHadTheirTries)) await this.#waitAndThrow(pass)
    for (const { event, error, trial } of failed) this.#settled.set(placeOf(event), this.#alone(event, error, trial))
    const failures = events.flatMap((event) => {
      const error = this.#settled.get(placeOf(event)) ?? "taken"
      return error === "taken" ? [] : [{ event, error }]
    })
    this.#settled.clear()
    this.#failedPasses = 0
    return failures
  }

  /** Tries the events of one object again that wait alone. It never waits here, since that would hold up all others. */
  async #retry(chain: readonly StoredEvent[]): Promise<Failure[]> {
    const [first] = chain
    if (this.#failedPasses > 0 && first) {
      const retryAfterMs = waitOfOne(this.#pace, this.#failedPasses)
      return [{ event: first, error: new AppError("VENDOR_UNAVAILABLE", "the receiver is away", { retryAfterMs }) }]
    }
    const takenBefore = this.#taken
    const pass = await this.#through([[...chain]])
    const event = chain.find((one) => this.#settled.get(placeOf(one)) !== "taken")
    const refused = event && this.#settled.get(placeOf(event))
    for (const one of chain) this.#settled.delete(placeOf(one))
    if (!event) return []
    if (refused instanceof AppError) return [{ event, error: refused }]
    const error = pass.hold ?? pass.failed[0]?.error ?? new AppError("VENDOR_UNAVAILABLE", "the sender stops")
    const before = this.#trials.get(placeOf(event))
    // Nothing was taken since it failed before: as far as anybody knows the receiver takes nothing.
    if (before?.takenBefore === takenBefore && pass.taken === 0) await this.#noteFailing(error)
    return [{ event, error: pass.hold ?? this.#alone(event, error, this.#noteTrial(event)) }]
  }

  async #through(chains: StoredEvent[][]): Promise<Pass> {
    const pass: Pass = { taken: 0, failed: [], failedInARow: 0, isCutShort: false, hold: undefined }
    const lane = async () => {
      for (let chain = chains.shift(); chain; chain = chains.shift()) await this.#along(chain, pass)
    }
    await Promise.all(Array.from({ length: Math.min(atOnceMax, chains.length) }, lane))
    return pass
  }

  /** Sends the events of one object, until one is not taken or the pass ends early. */
  async #along(chain: readonly StoredEvent[], pass: Pass): Promise<void> {
    for (const event of chain) {
      if (pass.hold || pass.failedInARow >= atOnceMax || this.#stop.aborted) {
        pass.isCutShort = true
        return
      }
      try {
        await this.post(messageId(event), JSON.stringify(cloudEvent(event)))
      } catch (thrown) {
        this.#noteFailure(event, asAppError(thrown), pass)
        return
      }
      pass.taken += 1
      pass.failedInARow = 0
      this.#taken += 1
      this.#takesNothing = false
      this.#trials.delete(placeOf(event))
      this.#settled.set(placeOf(event), "taken")
      this.#notes.sent(1)
    }
  }

  #noteFailure(event: StoredEvent, error: AppError, pass: Pass): void {
    const verdict = this.#stop.aborted ? "busy" : error.data["verdict"]
    if (verdict === "refused") this.#settled.set(placeOf(event), this.#alone(event, error, this.#noteTrial(event)))
    else if (verdict === "busy" || verdict === "gone") pass.hold ??= error
    else {
      pass.failed.push({ event, error })
      pass.failedInARow += 1
    }
  }

  #noteTrial(event: StoredEvent): Trial {
    const trial = failedAgain(this.#trials.get(placeOf(event)), this.#taken)
    this.#trials.set(placeOf(event), trial)
    return trial
  }

  /** Why an event waits alone. `rejected`, after its tries, gives it to a person; `unavailable` is tried again without end. */
  #alone(event: StoredEvent, error: AppError, { failures, counted }: Trial): AppError {
    const retryAfterMs = waitOfOne(this.#pace, failures, error.retryAfterMs)
    if (error.kind === "rejected") return new AppError("VENDOR_REJECTED", error.message, { retryAfterMs })
    if (counted < this.#pace.triesMax) return new AppError("VENDOR_UNAVAILABLE", error.message, { retryAfterMs })
    this.#trials.delete(placeOf(event))
    return new AppError("VENDOR_REJECTED", `${error.message}; ${counted} times, while it took other events`)
  }

  /** The batch comes again after the wait, with what the log took since then. */
  async #waitAndThrow(pass: Pass): Promise<never> {
    const error =
      pass.hold ?? pass.failed[0]?.error ?? new AppError("INVARIANT_BROKEN", "a pass failed without a failure")
    if (pass.taken === 0 || isGone(error)) await this.#noteFailing(error)
    this.#failedPasses += 1
    await sleep(waitAfter(this.#pace, this.#failedPasses, error.retryAfterMs), this.#stop).catch(() => undefined)
    throw new AppError("VENDOR_UNAVAILABLE", error.message, { cause: error })
  }

  /** Notes that its receiver takes nothing. Throws when nothing more will be sent to it. */
  async #noteFailing(error: AppError): Promise<void> {
    if (this.#stop.aborted) throw new AppError("VENDOR_UNAVAILABLE", "the sender stops")
    this.#takesNothing = true
    const since = await this.#notes.failing(error)
    if (!isGone(error) && this.#clock.now() - epochMs(since) <= patienceMs) return
    this.#isStopped = true
    await this.#notes.stopped(
      isGone(error) ? "its receiver says that it is gone for good (410)" : "its receiver took nothing for five days",
    )
    throw new AppError("VENDOR_UNAVAILABLE", error.message, { cause: error })
  }

  /** One message, once. Throws unless it is taken; `data.verdict` says what the failure is about, undefined when there was no answer. */
  async post(id: string, body: string): Promise<void> {
    const answer = await this.#client.send({
      method: "POST",
      path: this.#path,
      body,
      headers: { "content-type": "application/cloudevents+json; charset=utf-8", ...this.#signed({ id, body }) },
      signal: this.#stop,
    })
    const { status } = answer
    const waitMs = retryAfterMs(answer, this.#clock.now())
    const verdict = verdictOf(status, waitMs !== undefined)
    if (verdict === "taken") return
    const moved = status >= 300 && status < 400 ? "; redirects are not followed, set the new address" : ""
    throw new AppError(
      verdict === "refused" ? "VENDOR_REJECTED" : "VENDOR_UNAVAILABLE",
      `the receiver answers with status ${status}${moved}`,
      { data: { status, verdict }, ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }) },
    )
  }

  #signed(message: { id: string; body: string }): Record<string, string> {
    const nowMs = this.#clock.now()
    const all = this.#receiver.secrets.map((secret) => signStandardWebhook(message, { secret, nowMs }))
    return { ...all[0], "webhook-signature": all.map((one) => one["webhook-signature"]).join(" ") }
  }
}

const isGone = (error: AppError) => error.data["verdict"] === "gone"
