import { setTimeout as timer } from "node:timers/promises"
import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { cut } from "../../../base/text.ts"
import { eventTypes, isEventName, type EventName } from "../../../canonical/events.ts"
import { parseRef, ref, type Ref } from "../../../canonical/refs.ts"
import { logStart, type Position, type StoredEvent } from "../../../eventlog/event-log.ts"
import type { GatewayCore } from "../../core.ts"
import { parsePositionCursor, positionCursor } from "../../requests/position-cursor.ts"
import { route, type Route } from "../../route.ts"
import { Slots } from "../../requests/slots.ts"
import { AnyObject, pageOf, pageQuery, query } from "../../requests/page-query.ts"

const followMsMax = 20_000
const behindOthersMs = 50
// Events that another process appends do not wake a request here.
const elsewhereMs = 1000

/** A follower holds a request and asks the database every second; more than these of one consumer are an error of its own. */
const followersMax = 10

export function eventRoutes(
  { eventLog }: Pick<GatewayCore, "eventLog">,
  cloudEvent: (event: StoredEvent) => object,
): Route[] {
  const following = new Slots({ most: followersMax, what: "follows the log", retryAfterMs: followMsMax })
  return [
    route({
      method: "GET",
      path: "/v1/events",
      scope: "events:read",
      // The log mixes all channels.
      reach: "all channels",
      summary: "Read the log of business events in its order. Every page has a `cursor`; pass it to get the next page.",
      tier: "process",
      owner: "integration",
      criticality: "high",
      serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
      credentials: "consumer",
      repeats: "safe",
      timeLimitMs: followMsMax + 5_000,
      querySchema: query({
        ...pageQuery,
        type: Type.Optional(Type.String({ maxLength: 1000, description: "comma-separated event types" })),
        key: Type.Optional(
          Type.String({
            minLength: 1,
            maxLength: 1024,
            description: "all events about one object: its ref, e.g. order/ord_… or stock/wh-1/TEE-M, or an order id",
          }),
        ),
        follow: Type.Optional(Type.Boolean({ description: "wait up to 20 s for the next event when there is none" })),
      }),
      responses: { 200: { description: "CloudEvents 1.0 in JSON", schema: pageOf(AnyObject) } },
      handle: async (exchange) => {
        const { cursor, limit = 100, key, type, follow = false } = exchange.query
        const types = eventNames(type)
        if (key !== undefined) {
          const events = await eventLog.readKey(refOf(key))
          const wanted = types ? events.filter((event) => types.includes(event.type)) : events
          return { status: 200, body: { items: wanted.map(cloudEvent) } }
        }
        const after = cursor === undefined ? logStart : parsePositionCursor(cursor)
        const reading = { after, limit, follow, closing: exchange.closing, ...(types ? { types } : {}) }
        const read = () => readPage(eventLog, reading)
        const leave = follow ? following.take(exchange.consumerId) : undefined
        const page = await read().finally(leave)
        return { status: 200, body: { items: page.events.map(cloudEvent), cursor: positionCursor(page.last) } }
      },
    }),
  ]
}

interface Reading {
  after: Position
  limit: number
  types?: readonly EventName[]
  follow: boolean
  closing: AbortSignal
}

/** Reads a page. With `follow` it waits for the first event, and returns an empty page when the time is over. */
async function readPage(eventLog: GatewayCore["eventLog"], { follow, closing, ...reading }: Reading) {
  const isOver = AbortSignal.any([AbortSignal.timeout(follow ? followMsMax : 0), closing])
  let appended = new AbortController()
  const stop = eventLog.onAppend(() => appended.abort())
  try {
    let { after } = reading
    for (let waitMs = elsewhereMs; ; waitMs = Math.min(waitMs * 2, elsewhereMs)) {
      // An event just appended may be behind a transaction that is still open; readers see it a moment later.
      if (appended.signal.aborted) waitMs = behindOthersMs
      appended = new AbortController()
      const page = await eventLog.read({ ...reading, after })
      if (page.events.length > 0 || !follow || isOver.aborted) return page
      after = page.last
      const until = AbortSignal.any([appended.signal, isOver])
      await timer(waitMs, undefined, { signal: until }).catch(() => undefined)
    }
  } finally {
    stop()
  }
}

/** Parses a ref; a bare order id means its order. */
function refOf(key: string): Ref {
  const named = /^ord_[0-9a-z]{16}$/.test(key) ? ref("order", key) : key
  const parsed = parseRef(named)
  if (parsed) return ref(parsed.kind, ...parsed.parts)
  throw new AppError("REQUEST_INVALID", "the key is not the ref of an object", {
    problems: [
      { pointer: "?key", message: "expected kind and parts, e.g. order/ord_… or stock/wh-1/TEE-M, or an order id" },
    ],
  })
}

function eventNames(text: string | undefined): EventName[] | undefined {
  if (text === undefined) return undefined
  const names = text.split(",")
  const unknown = names.filter((name) => !isEventName(name))
  if (unknown.length > 0)
    throw new AppError("REQUEST_INVALID", "the request has unknown event types", {
      problems: unknown.map((name) => ({
        pointer: "?type",
        message: `${cut(name, 64)} is not an event type; there are ${Object.keys(eventTypes).join(", ")}`,
      })),
    })
  return names as EventName[]
}
