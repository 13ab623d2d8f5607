import { storage, type Sql } from "../../base/sql.ts"

/** By what open exceptions may be filtered: each value with its number of open cases, the most frequent first. */
export interface ExceptionFilters {
  owners: FilterValue[]
  causes: FilterValue[]
  connections: FilterValue[]
  channels: FilterValue[]
}

export interface FilterValue {
  value: string
  open: number
}

const valuesMax = 100

/** Counted from the open cases that the caller may see: one look at them for all four. */
export async function readFilters(
  sql: Sql,
  { channels }: { channels?: readonly string[] | undefined },
): Promise<ExceptionFilters> {
  const rows = await storage(
    () => sql<{ name: keyof ExceptionFilters; value: string; open: number }[]>`
      select case when grouping(x.owner) = 0 then 'owners' when grouping(x.cause) = 0 then 'causes'
          when grouping(x.connection) = 0 then 'connections' else 'channels' end as name,
        coalesce(x.owner, x.cause, x.connection, x.channel) as value, count(*) as open
      from exceptions x
      where x.state = 'open' and (${channels === undefined} or (x.order_id is not null and x.channel = any(${[...(channels ?? [])]})))
      group by grouping sets (x.owner, x.cause, x.connection, x.channel)
      having coalesce(x.owner, x.cause, x.connection, x.channel) is not null
      order by 3 desc, 2`,
  )
  const filters: ExceptionFilters = { owners: [], causes: [], connections: [], channels: [] }
  for (const { name, value, open } of rows) if (filters[name].length < valuesMax) filters[name].push({ value, open })
  return filters
}
