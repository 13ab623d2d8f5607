import { storage, type Sql } from "../base/sql.ts"

/** What unfinished instances wait for, the most frequent first. */
export async function readWaiting(sql: Sql): Promise<{ kind: string; name: string; count: number }[]> {
  return storage(
    () => sql<{ kind: string; name: string; count: number }[]>`
      select w ->> 'kind' as kind, w ->> 'name' as name, count(*) as count
      from workflow_queue, jsonb_array_elements(waiting) as w group by 1, 2 order by 3 desc limit 12`,
  )
}
