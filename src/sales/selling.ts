import type { Sql, SqlTransaction } from "../base/sql.ts"
import type { Clock, DayPlace } from "../base/time.ts"
import { aboutOf, type NewEvent } from "../canonical/events.ts"
import type { EventLog } from "../eventlog/event-log.ts"
import type { SalesPolicies } from "./policies.ts"

/** What the parts of this folder work with. */
export interface Selling {
  sql: Sql
  clock: Clock
  eventLog: Pick<EventLog, "prepare" | "stored">
  /** The stores of the estate, each with its time zone and cut-off. */
  stores: ReadonlyMap<string, DayPlace>
  policies: SalesPolicies
}

/** Stores events in a transaction; the returned function wakes readers once it is committed. */
export async function storeEvents(
  tx: SqlTransaction,
  { eventLog }: Pick<Selling, "eventLog">,
  events: readonly NewEvent[],
): Promise<() => void> {
  if (events.length === 0) return () => undefined
  const prepared = eventLog.prepare(events.map((event) => ({ event, correlation: aboutOf(event) })))
  await tx`select from store_events(${JSON.stringify(prepared.events)}::text::json, ${JSON.stringify(prepared.follow)}::text::json)`
  return () => eventLog.stored(prepared)
}
