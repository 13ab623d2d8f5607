import { createHmac } from "node:crypto"
import type { SimulatorContext } from "../simulator.ts"
import { derivedId } from "./protocol.ts"

export type ProtocolEvent = { type: string; eventId: string; occurredAt: string; [field: string]: unknown }

/** Emits signed events. `fact` identifies the event, so its id is the same in every run. */
export type EventEmitter = {
  emit(event: { type: string; fact: string; fields: Record<string, unknown> }): ProtocolEvent
}

const seconds = 1_000
const hours = 3_600 * seconds
// docs/reference/http-json-systems.md, "Webhooks"; the table of the Standard Webhooks specification, section "Retries".
const retryDelaysMs = [
  5 * seconds,
  300 * seconds,
  1_800 * seconds,
  2 * hours,
  5 * hours,
  10 * hours,
  14 * hours,
  20 * hours,
  24 * hours,
]

/** The webhooks of a simulator that speaks our protocols. */
export function createEventEmitter(
  context: SimulatorContext,
  options: { secret: string; retryScale?: number },
): EventEmitter {
  const key = webhookKey(options.secret)
  const sender = context.webhooks({
    retryDelaysMs,
    timeoutMs: 15 * seconds,
    headers: ({ id, body }) => signedHeaders({ eventId: id, body, key }),
    ...(options.retryScale === undefined ? {} : { retryScale: options.retryScale }),
  })
  return {
    emit: ({ type, fact, fields }) => {
      const eventId = derivedId("evt_", `${context.name}/${type}/${fact}`)
      const event = { type, eventId, occurredAt: new Date().toISOString(), ...fields }
      const body = JSON.stringify(event)
      sender.send({ id: eventId, topic: type, body })
      return event
    },
  }
}

/** Standard Webhooks specification, "Signature scheme": HMAC-SHA256 over `id.timestamp.body`, base64, prefix `v1,`. */
function signedHeaders(message: { eventId: string; body: string; key: Buffer }): Record<string, string> {
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const signature = createHmac("sha256", message.key)
    .update(`${message.eventId}.${timestamp}.${message.body}`)
    .digest("base64")
  return { "webhook-id": message.eventId, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` }
}

/** The key inside a `whsec_…` secret. */
function webhookKey(secret: string): Buffer {
  if (!secret.startsWith("whsec_")) throw new Error("a webhook secret starts with whsec_")
  return Buffer.from(secret.slice("whsec_".length), "base64")
}
