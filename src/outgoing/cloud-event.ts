import { derivedId } from "../base/ids.ts"
import type { StoredEvent } from "../eventlog/event-log.ts"

/** An event in the JSON format of CloudEvents 1.0; our own attributes are extensions. */
export function cloudEvent(event: StoredEvent): object {
  const { type, source, time, fact, key, correlation, causation, traceparent, schemaversion, data } = event
  return {
    specversion: "1.0",
    id: fact,
    type,
    source,
    time,
    datacontenttype: "application/json",
    subject: key,
    key,
    fact,
    correlation,
    ...(causation === undefined ? {} : { causation }),
    ...(traceparent === undefined ? {} : { traceparent }),
    schemaversion,
    data,
  }
}

/** The id of an event's message: the same whenever it is sent again, so that a receiver knows it by that. */
export function messageId({ key, fact }: Pick<StoredEvent, "key" | "fact">): string {
  return derivedId("evt", key, fact)
}
