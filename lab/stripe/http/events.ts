import { createHmac } from "node:crypto"
import type { KeptMap } from "../../keep/kept.ts"
import type { WebhookSender } from "../../webhooks/sender.ts"
import { defaultApiVersion } from "../payments/objects.ts"
import { laterEventType, oddObject, type Oddness } from "./odd-objects.ts"

export type StripeEvent = {
  id: string
  object: "event"
  api_version: string
  created: number
  data: { object: Record<string, unknown> }
  livemode: false
  pending_webhooks: number
  request: { id: string | null; idempotency_key: string | null }
  type: string
}

/** Cause of an event: the API request, or none when it happened by itself. */
export type EventCause = { requestId: string | null; idempotencyKey: string | null }

export type EventLog = {
  emit(type: string, object: Record<string, unknown>): void
  during<T>(cause: EventCause, act: () => T): T
  find(id: string): StripeEvent | undefined
  all(): readonly StripeEvent[]
  reset(): void
}

// `GET /v1/events` goes 30 days back on the real one; here the last so many.
const eventsMax = 20_000
const nobody: EventCause = { requestId: null, idempotencyKey: null }

/** Makes events of changes and sends them to the endpoint. */
export function createEventLog(options: {
  nextId(prefix: string): string
  sender: WebhookSender
  events: KeptMap<string, StripeEvent>
  odd: Oddness
}): EventLog {
  const { events, odd } = options
  let cause = nobody
  const emit = (type: string, object: Record<string, unknown>): void => {
    const event: StripeEvent = {
      id: options.nextId("evt"),
      object: "event",
      api_version: defaultApiVersion,
      created: Math.floor(Date.now() / 1_000),
      // An object stays one.
      data: { object: oddObject(object, odd) as Record<string, unknown> },
      livemode: false,
      pending_webhooks: 1,
      request: { id: cause.requestId, idempotency_key: cause.idempotencyKey },
      type,
    }
    events.set(event.id, event)
    const [oldest] = events.keys()
    if (events.size > eventsMax && oldest !== undefined) events.delete(oldest)
    const body = JSON.stringify(event)
    options.sender.send({ id: event.id, topic: type, body })
  }
  return {
    emit: (type, object) => {
      emit(type, object)
      if (odd.random.chance(odd.share / 10)) emit(laterEventType(object), object)
    },
    during: (nextCause, act) => {
      cause = nextCause
      try {
        return act()
      } finally {
        cause = nobody
      }
    },
    find: (id) => events.get(id),
    all: () => [...events.values()],
    reset: () => events.clear(),
  }
}

/** npm stripe 23.1.0, Webhooks: `t=<seconds>,v1=<hex HMAC-SHA256 of "t.body">`, the whole `whsec_…` text being the key. */
export function signedHeaders(body: string, secret: string): Record<string, string> {
  const timestamp = Math.floor(Date.now() / 1_000)
  const signature = createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex")
  return { "content-type": "application/json; charset=utf-8", "stripe-signature": `t=${timestamp},v1=${signature}` }
}
