import { storage, type Sql } from "../../base/sql.ts"
import type { EventName } from "../../canonical/events.ts"
import type { Ref } from "../../canonical/refs.ts"
import { storedEvent, type EventRow, type StoredEvent } from "../event-log.ts"

/** The newest events of some types about one object, oldest first, at most so many; however long the object's history is. */
export async function newestAbout(
  sql: Sql,
  key: Ref,
  { types, limit }: { types: readonly EventName[]; limit: number },
): Promise<StoredEvent[]> {
  const rows = await storage(
    () => sql<EventRow[]>`
      select xid, seq, type, fact, key, source, time, recorded_at, correlation, causation, traceparent, schemaversion, inbox_id, data
      from events where key = ${key} and type = any(${[...types]}) order by xid desc, seq desc limit ${limit}`,
  )
  return rows.toReversed().map(storedEvent)
}
