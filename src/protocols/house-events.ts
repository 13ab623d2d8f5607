import { Type } from "typebox"
import { AppError } from "../base/errors.ts"
import { instant, type Clock } from "../base/time.ts"
import { validator } from "../canonical/validate.ts"
import type { ChangeList } from "../ports/capabilities/intake.ts"
import type { HouseClient } from "./house-http.ts"

const page = validator(Type.Object({ events: Type.Array(Type.Unknown()), next: Type.String() }), "page of events")

// A count of a large store is an event of a megabyte, and a page of them must fit into one response.
const pageSize = 20

/**
 * Finds events of a house system whose webhook was lost. The system numbers its events as it records them, and the cursor is such a
 * number, not a time. No event appears below it later, so no overlap is needed. `sinceMs` has no effect: without a cursor, the list
 * starts at the first event.
 */
export function houseEvents(
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
        const problems = page.problems(body)
        if (problems.length > 0)
          throw new AppError("VENDOR_MISBEHAVED", "the answer is no page of events", { problems })
        const { events, next } = page.parse(body)
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
