import { storage, type Sql } from "../../base/sql.ts"

/** How many objects of a kind are in a state now, and since when the oldest is open. */
export interface BusinessState {
  kind: string
  state: string
  channel: string
  /** '' where it is at no place, or at several. */
  place: string
  isFinal: boolean
  count: number
  /** One entry a currency; currencies are never added. */
  value: { amountMinor: number; currency: string }[]
  /** The hour in which the oldest of them was opened. */
  oldestHour: string
}

export interface StatesOf {
  kind?: string | undefined
  /** Only objects of these channels. */
  channels?: readonly string[] | undefined
  /** Only objects opened since then; default: all that are open, and those that ended and were opened in the last 24 hours. */
  since: string
}

interface StateRow {
  kind: string
  state: string
  channel: string
  place: string
  is_final: boolean
  currency: string
  count: number
  value_minor: number
  oldest: Date
}

/** Objects by state: counters, so the answer costs the same at any number of objects. */
export async function readBusinessStates(sql: Sql, { kind, channels, since }: StatesOf): Promise<BusinessState[]> {
  const rows = await storage(
    () => sql<StateRow[]>`
      select kind, state, channel, place, is_final, currency, sum(count)::bigint as count, sum(value_minor)::bigint as value_minor,
        min(hour) as oldest
      from (
        select * from business_states where not is_final
        union all
        select * from business_states where is_final and hour >= date_trunc('hour', ${since}::timestamptz)
      ) counters
      where (${kind ?? null}::text is null or kind = ${kind ?? null})
        and (${channels === undefined} or channel = any(${[...(channels ?? [])]}))
      group by 1, 2, 3, 4, 5, 6 having sum(count) > 0 order by 1, 2, 3, 4, 6`,
  )
  const states = new Map<string, BusinessState>()
  for (const row of rows) {
    const key = [row.kind, row.state, row.channel, row.place].join("|")
    const known = states.get(key)
    const value = row.currency === "" ? [] : [{ amountMinor: row.value_minor, currency: row.currency }]
    if (!known) states.set(key, { ...named(row), count: row.count, value, oldestHour: row.oldest.toISOString() })
    else {
      known.count += row.count
      known.value.push(...value)
      if (row.oldest.toISOString() < known.oldestHour) known.oldestHour = row.oldest.toISOString()
    }
  }
  return [...states.values()]
}

function named({ kind, state, channel, place, is_final: isFinal }: StateRow) {
  return { kind, state, channel, place, isFinal }
}

/** Open objects by the hour they were opened: the age of the backlog. */
export async function readBacklogAges(
  sql: Sql,
  { kind, channels }: { kind: string; channels?: readonly string[] | undefined },
): Promise<{ hour: string; state: string; channel: string; place: string; count: number }[]> {
  const rows = await storage(
    () => sql<{ hour: Date; state: string; channel: string; place: string; count: number }[]>`
      select hour, state, channel, place, sum(count)::bigint as count from business_states
      where kind = ${kind} and not is_final and (${channels === undefined} or channel = any(${[...(channels ?? [])]}))
      group by 1, 2, 3, 4 order by 1`,
  )
  return rows.map((row) => ({ ...row, hour: row.hour.toISOString() }))
}
