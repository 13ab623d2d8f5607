import { AppError, asAppError } from "../base/errors.ts"
import { createHttpClient, type HttpClient } from "../base/http.ts"
import { epochMs, sleep, type Clock, type Instant } from "../base/time.ts"
import { eventTypes, eventTypesNamed, type EventName } from "../canonical/events.ts"
import type { StoredEvent } from "../eventlog/event-log.ts"
import type { Failure, Subscriber } from "../eventlog/subscriber.ts"
import { signStandardWebhook } from "../protocols/standard-webhooks.ts"
import { cloudEvent, messageId } from "./cloud-event.ts"

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

/** Most messages under way to one receiver; of one business object always one. */
const atOnceMax = 8
const timeoutMs = 15_000
/** Waits after failures in a row. Then hourly. */
const waitsMs = [1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000]
const waitMsMax = 3_600_000
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

/** Statuses by which a receiver says that it will never take this message. All others are about itself. */
const refusals = new Set([400, 409, 413, 415, 422])
const gone = 410

/**
 * Sends events to a receiver, one message each, signed after the Standard Webhooks specification; those of one business object in their
 * order. A receiver that takes nothing is tried again until it does, and nothing overtakes. An event that it refuses fails alone.
 *
 * A message may come twice, with the same `webhook-id`: after a crash, or when its answer was lost.
 */
export class SendsEvents implements Subscriber {
  readonly name: string
  readonly types: readonly EventName[]
  readonly batchSizeMax = 200
  readonly attemptsMax = 8
  readonly #receiver: Receiver
  readonly #path: string
  readonly #client: HttpClient
  readonly #clock: Clock
  readonly #notes: SendingNotes
  readonly #stop: AbortSignal
  #failures = 0
  #isStopped = false
  #recovery: Promise<void> | undefined

  /** CONFIG_INVALID: an address in a private network that is not allowed. */
  constructor(receiver: Receiver, of: { clock: Clock; notes?: SendingNotes; stop: AbortSignal }) {
    this.name = receiver.name
    this.types =
      receiver.types.length > 0 ? receiver.types.flatMap(eventTypesNamed) : (Object.keys(eventTypes) as EventName[])
    this.#receiver = receiver
    const { origin, pathname, search } = new URL(receiver.url)
    this.#path = pathname + search
    const { allowPrivateNetwork } = receiver
    this.#client = createHttpClient({ baseUrl: origin, timeoutMs, socketsMax: atOnceMax, allowPrivateNetwork })
    this.#clock = of.clock
    this.#notes = of.notes ?? noNotes
    this.#stop = of.stop
    of.stop.addEventListener("abort", () => this.#client.close(), { once: true })
  }

  async handle(events: readonly StoredEvent[]): Promise<Failure[]> {
    const failures: Failure[] = []
    const chains = [...Map.groupBy(events, ({ key }) => key).values()]
    const lane = async () => {
      for (let chain = chains.shift(); chain; chain = chains.shift())
        for (const event of chain) {
          const error = await this.#send(event)
          if (!error) continue
          failures.push({ event, error })
          break
        }
    }
    await Promise.all(Array.from({ length: Math.min(atOnceMax, chains.length) }, lane))
    return failures
  }

  /** Sends one message, and returns why the receiver refuses it. Resolves only then, or when it was taken. */
  async #send(event: StoredEvent): Promise<AppError | undefined> {
    for (;;) {
      await this.#recovery
      if (this.#stop.aborted || this.#isStopped) throw new AppError("VENDOR_UNAVAILABLE", "the sender stops")
      try {
        await this.post(messageId(event), JSON.stringify(cloudEvent(event)))
        this.#failures = 0
        this.#notes.sent(1)
        return undefined
      } catch (thrown) {
        const error = asAppError(thrown)
        if (this.#stop.aborted) throw error
        if (error.kind === "rejected") return error
        await (this.#recovery ??= this.#waitFor(error).finally(() => (this.#recovery = undefined)))
      }
    }
  }

  async #waitFor(error: AppError): Promise<void> {
    const since = await this.#notes.failing(error)
    const isGone = error.data["status"] === gone
    if (isGone || this.#clock.now() - epochMs(since) > patienceMs) {
      this.#isStopped = true
      await this.#notes.stopped(
        isGone ? "its receiver says that it is gone for good (410)" : "its receiver took nothing for five days",
      )
      throw error
    }
    const waitMs = Math.max(waitsMs[this.#failures] ?? waitMsMax, Math.min(error.retryAfterMs ?? 0, waitMsMax))
    this.#failures += 1
    await sleep(waitMs, this.#stop).catch(() => undefined)
  }

  /** One message, once. Throws `rejected` when the receiver refuses it, anything else when it takes nothing now. */
  async post(id: string, body: string): Promise<void> {
    const { status, headers } = await this.#client.send({
      method: "POST",
      path: this.#path,
      body,
      headers: { "content-type": "application/cloudevents+json; charset=utf-8", ...this.#signed({ id, body }) },
      signal: this.#stop,
    })
    if (status >= 200 && status < 300) return
    const moved = status >= 300 && status < 400 ? "; redirects are not followed, set the new address" : ""
    const retryAfter = Number(headers["retry-after"])
    throw new AppError(
      refusals.has(status) ? "VENDOR_REJECTED" : "VENDOR_UNAVAILABLE",
      `the receiver answers with status ${status}${moved}`,
      { data: { status }, ...(retryAfter > 0 ? { retryAfterMs: retryAfter * 1000 } : {}) },
    )
  }

  #signed(message: { id: string; body: string }): Record<string, string> {
    const nowMs = this.#clock.now()
    const all = this.#receiver.secrets.map((secret) => signStandardWebhook(message, { secret, nowMs }))
    return { ...all[0], "webhook-signature": all.map((one) => one["webhook-signature"]).join(" ") }
  }
}
