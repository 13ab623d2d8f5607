import { cut } from "../base/text.ts"
import { newEvent, type EventData, type NewEvent } from "../canonical/events.ts"
import { ref } from "../canonical/refs.ts"
import type { EventLog, StoredEvent } from "../eventlog/event-log.ts"
import type { Subscriber } from "../eventlog/subscriber.ts"

/**
 * Raises one exception for checks that are skipped for one reason, however many orders that concerns: once for a channel and
 * a country, once for a channel and a day when the other system is away. The counters have how many there were.
 */
export function skippedCheckSubscriber(eventLog: Pick<EventLog, "append">): Subscriber {
  return {
    name: "skipped checks",
    types: ["order.check-skipped"],
    async handle(events) {
      const raised = new Map(events.map(opened).map((event) => [event.fact, event]))
      for (const event of raised.values()) await eventLog.append(event)
      return []
    },
  }
}

function opened({ data, time }: StoredEvent): NewEvent {
  // The subscription has only this event type.
  const { check, channel, cause, country, reason, at } = data as EventData<"order.check-skipped">
  const what = cause === "away" ? time.slice(0, 10) : (country ?? "no country")
  const exceptionId = `skipped:${check}:${channel}:${what}`.slice(0, 64)
  const which = `Orders of ${channel} ${cause === "away" ? "on" : "to"} ${what}`
  return newEvent({
    type: "exception.opened",
    fact: `exception:${exceptionId}:opened`,
    source: "crossdock:skipped checks",
    time: at,
    data: {
      exceptionId,
      about: ref("channel", channel),
      cause: `${check} check skipped`,
      because: { kind: cause === "away" ? "outage" : "data", operation: `${check} check`, value: country ?? channel },
      summary: cut(`${which} go on without the ${check} check: ${reason}`, 1000),
      doneSoFar: [],
      ifNobodyActs: "what the shop charged is posted, and nobody compares it",
      owner: "finance",
      allowedActions: ["acknowledge"],
      at,
    },
  })
}
