import { storage, type Sql } from "../base/sql.ts"
import type { AskedFor, ConnectionOrder } from "../eventlog/own-orders.ts"

/** What unfinished instances wait for, the most frequent first. */
export async function readWaiting(sql: Sql): Promise<{ kind: string; name: string; count: number }[]> {
  return storage(
    () => sql<{ kind: string; name: string; count: number }[]>`
      select w ->> 'kind' as kind, w ->> 'name' as name, count(*) as count
      from workflow_queue, jsonb_array_elements(waiting) as w group by 1, 2 order by 3 desc limit 12`,
  )
}

/** How many unfinished instances wait for each connection whose door is closed. */
export async function readWaitingByConnection(sql: Sql): Promise<Map<string, number>> {
  const rows = await storage(
    () => sql<{ connection: string; count: number }[]>`
      select waits_for as connection, count(*) as count from workflow_queue
      where claimed_by is null and waits_for is not null group by 1`,
  )
  return new Map(rows.map(({ connection, count }) => [connection, count]))
}

/** Most pairs kept in memory. A pair never changes: the journal is append-only. */
const rememberedMax = 20_000

/** Reads from the journals of orders which connections they asked to do something. */
export function askedForIn(sql: Sql): AskedFor {
  const remembered = new Set<string>()
  const keyOf = ({ connection, orderId }: ConnectionOrder) => `${connection} ${orderId}`
  return async (pairs) => {
    if (remembered.size > rememberedMax) remembered.clear()
    const known = pairs.filter((pair) => remembered.has(keyOf(pair)))
    const unknown = pairs.filter((pair) => !known.includes(pair))
    const found = unknown.length > 0 ? await readAskedFor(sql, unknown) : []
    for (const pair of found) remembered.add(keyOf(pair))
    return [...known, ...found]
  }
}

async function readAskedFor(sql: Sql, pairs: readonly ConnectionOrder[]): Promise<ConnectionOrder[]> {
  return storage(
    () => sql<ConnectionOrder[]>`
      select distinct p.connection, p.order_id as "orderId"
      from unnest(${pairs.map(({ connection }) => connection)}::text[], ${pairs.map(({ orderId }) => orderId)}::text[])
        as p(connection, order_id)
      where exists (
        select from workflow_instances i join workflow_journal j on j.instance = i.id
          cross join lateral json_array_elements(j.entries) e
        where i.about = 'order/' || p.order_id and e ->> 'connection' = p.connection)`,
  )
}
