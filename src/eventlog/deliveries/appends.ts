import type { Translated } from "../translate.ts"
import type { IncomingDelivery } from "./stored-deliveries.ts"

/** The events of a delivery with their origin. */
export function appendsOf(translated: Translated, delivery: IncomingDelivery | undefined, inboxId: number) {
  const { correlation = "", traceparent, via = "api" } = delivery ?? {}
  return translated.events.map((event) => ({ event, correlation, inboxId, traceparent, via }))
}

/** The objects that a delivery only names, to be noted with it. */
export function fetchesOf({ fetch = [] }: Translated, delivery: IncomingDelivery | undefined, inboxId: number) {
  if (!delivery) return []
  const { connection, correlation } = delivery
  return fetch.map(({ type, id }) => ({ connection, type, id, inbox_id: inboxId, correlation }))
}
