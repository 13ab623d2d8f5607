import type { SqlTransaction } from "../../base/sql.ts"
import type { EventData } from "../../canonical/events.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"
import type { KeepingSubscriber } from "../../eventlog/subscriber.ts"
import {
  beginPickup,
  isOver,
  pickupNews,
  pickupState,
  withNews,
  type Pickup,
  type PickupNews,
} from "../../rules/pickup/pickup.ts"

/** Keeps the list of pickups; setting its position back makes the list anew. */
export const pickupsKeeper: KeepingSubscriber = {
  name: "list of pickups",
  types: ["pickup.requested", ...pickupNews],
  async keep(transaction: SqlTransaction, events: readonly StoredEvent[]) {
    const ids = [...new Set(events.map(({ data }) => (data as { pickupId: string }).pickupId))]
    const known = await transaction<{ pickup_id: string; pickup: Pickup }[]>`
      select pickup_id, pickup from pickups where pickup_id = any (${ids}::text[])`
    const pickups = new Map(known.map(({ pickup_id, pickup }) => [pickup_id, pickup]))
    const changedAt = new Map<string, string>()
    for (const event of events) {
      const { pickupId } = event.data as { pickupId: string }
      const before = pickups.get(pickupId)
      const after =
        event.type === "pickup.requested"
          ? beginPickup(event.data as EventData<"pickup.requested">)
          : // The subscriber's types are those of the news.
            before && withNews(before, { type: event.type, data: event.data } as PickupNews)
      if (!after) continue
      pickups.set(pickupId, after)
      changedAt.set(pickupId, event.time)
    }
    const rows = [...changedAt].flatMap(([pickupId, at]) => {
      const pickup = pickups.get(pickupId)
      return pickup ? [{ pickupId, pickup, state: pickupState(pickup), isOpen: !isOver(pickup), at }] : []
    })
    await transaction`select keep_pickups(${JSON.stringify(rows)}::text::json)`
  },
}
