import { instant, type Clock } from "../../base/time.ts"
import type { ChangeList } from "../../ports/capabilities/intake.ts"
import type { HouseClient } from "../../protocols/house-http.ts"
import { readEventsPage } from "./payloads.ts"

// A count of a large store is an event of a megabyte, and a page of them must fit into one response.
const pageSize = 20

/**
 * Finds events whose webhook was lost. The warehouse numbers its events as it records them, and the cursor is such a
 * number, not a time. No event appears below it later, so no overlap is needed. `sinceMs` has no effect: without a
 * cursor, the list starts at the first event.
 */
export function listsChanges(
  client: HouseClient,
  context: { connectionId: string; clock: Clock },
): { events: ChangeList } {
  return {
    events: {
      overlapMs: 0,
      isCursorLasting: true,
      async listChanges({ cursor }, call) {
        const after = cursor === undefined ? "" : `&after=${encodeURIComponent(cursor)}`
        const { body } = await client.send({ method: "GET", path: `/events?limit=${pageSize}${after}`, call })
        const { events, next } = readEventsPage(body)
        const receivedAt = instant(context.clock.now())
        return {
          deliveries: events.map((event) => ({
            connection: context.connectionId,
            via: "poll" as const,
            headers: {},
            bytes: new TextEncoder().encode(JSON.stringify(event)),
            receivedAt,
          })),
          nextCursor: next,
          hasMore: events.length === pageSize,
        }
      },
    },
  }
}
