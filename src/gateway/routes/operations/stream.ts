import { Readable } from "node:stream"
import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import type { Position } from "../../../eventlog/event-log.ts"
import { hasScope } from "../../../governance/scopes.ts"
import { hintTopics, type Changes } from "../../../operations/stream/changes.ts"
import { Pending } from "../../../operations/stream/pending.ts"
import type { GatewayCore } from "../../core.ts"
import type { Exchange } from "../../exchange.ts"
import { credentialOf } from "../../phases/session-cookie.ts"
import { query } from "../../requests/page-query.ts"
import { positionCursor, readPositionCursor } from "../../requests/position-cursor.ts"
import { Slots } from "../../requests/slots.ts"
import { route, type Route } from "../../route.ts"

/** What has changed, told once a second to everybody who listens. */
export interface Hints {
  listen(listener: (heard: Changes) => void): () => void
  since(position: Position): Promise<Changes>
  position(): Promise<Position>
}

/** A person's browser has one for all its tabs. */
const streamsMax = 10
const retryMs = 3000
/** Proxies drop what is silent for a minute. */
const silentReadingsMost = 15
/** Proxies pass each message on at once: nginx gathers answers unless it is told not to, others while they compress. */
const notGathered = { "x-accel-buffering": "no", "cache-control": "no-store, no-transform" }
/** A reader that has taken nothing of so much gets one hint instead of many when it reads again. */
const bufferedMostBytes = 64 * 1024

type StreamCore = Pick<GatewayCore, "access">

export function streamRoutes({ access }: StreamCore, hints: Hints): Route[] {
  const streams = new Slots({ most: streamsMax, what: "listens to changes", retryAfterMs: 10_000 })
  return [
    route({
      tier: "experience",
      owner: "operations",
      criticality: "normal",
      serviceLevel: { p99Ms: 1000, availabilityPercent: 99.9 },
      credentials: "consumer",
      method: "GET",
      path: "/v1/stream",
      scope: "operations:read",
      reach: "own channels",
      summary:
        "Hear what changes, as server-sent events: at most one a second, naming topics and ids, never the things themselves. " +
        "With `Last-Event-ID`, also what the log has since then.",
      repeats: "safe",
      querySchema: query({
        topics: Type.Optional(
          Type.String({ maxLength: 200, description: `comma-separated: ${hintTopics.join(", ")}; default all` }),
        ),
      }),
      responses: { 200: { description: "text/event-stream of `ready`, `hints` and `ended`" } },
      handle: async (exchange) => {
        const topics = topicsOf(exchange.query.topics)
        const answer = { status: 200, contentType: "text/event-stream; charset=utf-8", headers: notGathered }
        // HEAD asks for the headers alone: nobody would read the stream, or end it.
        if (exchange.request.method === "HEAD") return answer
        const onEnd = streams.take(exchange.consumerId)
        const stream = new HintStream({ access, exchange, topics, onEnd })
        try {
          await stream.begin(hints, exchange.header("last-event-id"))
        } catch (thrown) {
          stream.readable.destroy()
          throw thrown
        }
        // The caller has its error already, and will not read this.
        if (exchange.isLate) stream.readable.destroy()
        return { ...answer, stream: stream.readable }
      },
    }),
  ]
}

function topicsOf(text: string | undefined): string[] | undefined {
  if (text === undefined) return undefined
  const topics = text.split(",")
  const unknown = topics.filter((topic) => !(hintTopics as readonly string[]).includes(topic))
  if (unknown.length > 0)
    throw new AppError("REQUEST_INVALID", "the request has unknown topics", {
      problems: unknown.map((topic) => ({
        pointer: "?topics",
        message: `${topic.slice(0, 64)} is none of ${hintTopics.join(", ")}`,
      })),
    })
  return topics
}

interface StreamOptions {
  access: StreamCore["access"]
  exchange: Exchange
  topics: string[] | undefined
  onEnd: () => void
}

/** One caller's stream, from its request to the end of the session, of the gateway or of the caller's patience. */
class HintStream {
  readonly readable: Readable
  readonly #options: StreamOptions
  readonly #pending: Pending
  #stopListening: () => void = () => undefined
  #channels: readonly string[] | undefined
  #silentReadings = 0
  /** While it begins or checks, what comes is kept for the next hint. */
  #isBusy = true
  #isOver = false

  constructor(options: StreamOptions) {
    const { exchange, topics, onEnd } = options
    this.#options = options
    this.#channels = exchange.channels
    this.#pending = new Pending(topics)
    this.readable = new Readable({ read: () => undefined, highWaterMark: bufferedMostBytes })
    const end = () => this.#end()
    exchange.closing.addEventListener("abort", end)
    this.readable.once("close", () => {
      this.#isOver = true
      exchange.closing.removeEventListener("abort", end)
      this.#stopListening()
      onEnd()
    })
  }

  /**
   * Says where the stream begins. A caller that was away gets what it missed with the first hints. It listens before it reads, so that
   * nothing falls between the two.
   */
  async begin(hints: Hints, lastEventId: string | undefined): Promise<void> {
    const before = lastEventId === undefined ? undefined : readPositionCursor(lastEventId)
    this.#stopListening = hints.listen((heard) => void this.#hear(heard))
    const position = await hints.position()
    if (before) this.#pending.add((await hints.since(before)).changes, this.#channels)
    if (!this.#isOver) this.readable.push(`retry: ${retryMs}\n${message("ready", positionCursor(position), {})}`)
    this.#isBusy = false
  }

  async #hear({ changes, position }: Changes): Promise<void> {
    this.#pending.add(changes, this.#channels)
    // A check takes longer than a second while storage is away.
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      if (await this.#mayGoOn()) this.#tell(position)
      else this.#end()
    } finally {
      this.#isBusy = false
    }
  }

  /** Asked every second, as it is answered from memory: the stream of somebody who has signed out or lost the right ends. */
  async #mayGoOn(): Promise<boolean> {
    try {
      const grant = await this.#options.access.authenticate(credentialOf(this.#options.exchange.request))
      const { scope = "" } = this.#options.exchange.route
      // Other limits begin with a stream of their own.
      return hasScope(grant.scopes, scope) && String(grant.consumer.channels) === String(this.#channels)
    } catch {
      return false
    }
  }

  #tell(position: Position): void {
    if (this.#isOver || this.readable.readableLength > bufferedMostBytes) return
    const hints = this.#pending.take()
    this.#silentReadings = hints.length === 0 ? this.#silentReadings + 1 : 0
    if (hints.length > 0) {
      const version = positionCursor(position)
      this.readable.push(message("hints", version, { hints, version }))
    } else if (this.#silentReadings % silentReadingsMost === 0) this.readable.push(": still here\n\n")
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stopListening()
    this.readable.push("event: ended\ndata: {}\n\n")
    this.readable.push(null)
  }
}

const message = (event: string, id: string, data: object) =>
  `event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`
