import { canonicalJson, factKey } from "../../base/ids.ts"
import { storage, type Sql } from "../../base/sql.ts"
import { aboutOf, type NewEvent } from "../../canonical/events.ts"

/** Whether the log knows the fact of each event with other content. What retention has removed counts as the same. */
export async function haveOtherContent(sql: Sql, events: readonly NewEvent[]): Promise<boolean[]> {
  if (events.length === 0) return []
  const keyed = events.map((event) => ({ ...event, key: aboutOf(event) }))
  const rows = await storage(
    () => sql<{ key: string; fact: string; data: unknown }[]>`
      select e.key, e.fact, e.data from events e
      where e.key = any(${[...new Set(keyed.map(({ key }) => key))]}::text[])
        and e.fact = any(${keyed.map(({ fact }) => fact)}::text[])`,
  )
  const known = new Map(rows.map(({ key, fact, data }) => [factKey(key, fact), canonicalJson(data)]))
  return keyed.map(({ key, fact, data }) => {
    const content = known.get(factKey(key, fact))
    return content !== undefined && content !== canonicalJson(data)
  })
}
