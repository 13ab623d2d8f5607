import { canonicalJson, factKey } from "../../base/ids.ts"
import { storage, type Sql } from "../../base/sql.ts"
import { aboutOf, type NewEvent } from "../../canonical/events.ts"

/** Of facts that the log knows already: those that it knows with other content. What retention has removed counts as the same. */
export async function factsWithOtherContent(sql: Sql, events: readonly NewEvent[]): Promise<Set<string>> {
  if (events.length === 0) return new Set()
  const keyed = events.map((event) => ({ event, key: aboutOf(event) }))
  const rows = await storage(
    () => sql<{ key: string; fact: string; data: unknown }[]>`
      select e.key, e.fact, e.data from events e
      where e.key = any(${[...new Set(keyed.map(({ key }) => key))]}::text[])
        and e.fact = any(${keyed.map(({ event }) => event.fact)}::text[])`,
  )
  const known = new Map(rows.map(({ key, fact, data }) => [factKey(key, fact), canonicalJson(data)]))
  return new Set(
    keyed.flatMap(({ event, key }) => {
      const content = known.get(factKey(key, event.fact))
      return content === undefined || content === canonicalJson(event.data) ? [] : [event.fact]
    }),
  )
}
