import { factKey } from "../../base/ids.ts"
import { storage, type Sql } from "../../base/sql.ts"
import { aboutOf, type EventData, type NewEvent } from "../../canonical/events.ts"
import { editionOf } from "../../canonical/order.ts"

/**
 * Leaves out edits that change nothing. A channel states its orders as they are now, again and again: with every payment or parcel.
 * What is the same as before, or older, is no fact. An order that is again as it was once is a new fact, named by its time, too (P-39).
 * The lists are those of deliveries in the order in which they came; the same lists come back.
 */
export async function withoutOldNews(sql: Sql, lists: readonly (readonly NewEvent[])[]): Promise<NewEvent[][]> {
  const stated = statedEdits(lists)
  if (stated.length === 0) return lists.map((events) => [...events])
  const given = stated.map(({ event, edition, isAsPlaced }, n) => {
    const ref = aboutOf(event)
    return { n, ref, edition, at: event.time, as_placed: isAsPlaced, fact_key: factKey(ref, event.fact) }
  })
  const rows = await storage(
    () => sql<{ n: number; verdict: "first" | "known" | "again" | "new" }[]>`
      select n, verdict from compare_editions(${JSON.stringify(given)}::text::json)`,
  )
  const verdicts = new Map(rows.map(({ n, verdict }) => [stated[n]?.event, verdict]))
  const dropped = repeatedEdits(lists)
  return lists.map((events) =>
    events.flatMap((event) => {
      const verdict = verdicts.get(event)
      if (verdict === undefined) return [event]
      if (verdict === "known" || (verdict === "first" && dropped.has(event))) return []
      return [verdict === "again" ? { ...event, fact: `${event.fact}:${event.time}` } : event]
    }),
  )
}

/** All edits, and whether the delivery itself says that the order is as it was placed. */
function statedEdits(lists: readonly (readonly NewEvent[])[]) {
  return lists.flatMap((events) => {
    const placed = events.filter(({ type }) => type === "order.placed")
    return events.flatMap((event) => {
      if (event.type !== "order.edited") return []
      const edition = orderEdition(event)
      const isAsPlaced = placed.some((one) => aboutOf(one) === aboutOf(event) && orderEdition(one) === edition)
      return [{ event, edition, isAsPlaced }]
    })
  })
}

function orderEdition(event: NewEvent): string {
  // The type says which data it has.
  return editionOf((event.data as EventData<"order.edited">).order)
}

/** Edits that state what an earlier event of the same lists states: of an order that is new, its placing. */
export function repeatedEdits(lists: readonly (readonly NewEvent[])[]): Set<NewEvent> {
  const current = new Map<string, string>()
  const found = new Set<NewEvent>()
  for (const event of lists.flat()) {
    if (event.type !== "order.placed" && event.type !== "order.edited") continue
    const about = aboutOf(event)
    const edition = orderEdition(event)
    if (event.type === "order.edited" && current.get(about) === edition) found.add(event)
    if (event.type === "order.edited" || !current.has(about)) current.set(about, edition)
  }
  return found
}
