import type { Sql } from "../../base/sql.ts"
import type { NewEvent } from "../../canonical/events.ts"
import type { EventLog } from "../../eventlog/event-log.ts"
import { haveOtherContent } from "../../eventlog/facts/other-content.ts"

/** What became of a row: `conflict` is a fact that was told before with other content, which stands. */
export type ToldOutcome = "accepted" | "same as before" | "conflict"

/** Puts facts into the log, each once; durable when it resolves. Of two that come at the same time with other content, the first counts. */
export async function tellPurchases(
  { sql, eventLog }: { sql: Sql; eventLog: Pick<EventLog, "append"> },
  events: readonly NewEvent[],
): Promise<ToldOutcome[]> {
  const appended = await Promise.all(events.map((event) => eventLog.append(event)))
  const known = events.flatMap((event, n) => (appended[n]?.isNew ? [] : [event]))
  const others = await haveOtherContent(sql, known)
  let next = 0
  return appended.map(({ isNew }) => {
    if (isNew) return "accepted"
    return others[next++] ? "conflict" : "same as before"
  })
}
