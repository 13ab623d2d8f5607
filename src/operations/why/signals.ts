import { storage, type Sql } from "../../base/sql.ts"

interface Window {
  from: string
  to: string
  channels?: readonly string[] | undefined
}

/** Exceptions of one cause that were opened in a time. */
export interface OpenedCases {
  group_id: string
  /** Kind of the objects that they are about: `order`, `delivery` … */
  about: string
  kind: "outage" | "data" | "flow"
  cause: string
  connection: string | null
  operation: string | null
  code: string | null
  field: string | null
  value: string | null
  channel: string | null
  cases: number
  orders: number
}

/** Causes that are shown at most: the largest. */
const causesMost = 30

/** What needed people in a time, by cause; what was opened before explains nothing of it. */
export async function casesOpened(sql: Sql, { from, to, channels }: Window): Promise<OpenedCases[]> {
  return storage(
    () => sql<OpenedCases[]>`
      select group_id, split_part(about, '/', 1) as about, kind, cause, connection, operation, code, field, value, min(channel) as channel, count(*) as cases,
        count(distinct order_id) as orders
      from exceptions
      where opened_at >= ${from}::timestamptz and opened_at < ${to}::timestamptz and kind <> 'outage'
        and (${channels === undefined} or channel = any(${[...(channels ?? [])]}))
      group by 1, 2, 3, 4, 5, 6, 7, 8, 9 order by orders desc, cases desc limit ${causesMost}`,
  )
}

/** A time in which a connection was in trouble, by the exception that told it. */
export interface OutageTold {
  id: string
  connection: string
  cause: string
  operation: string | null
  code: string | null
  summary: string
  opened_at: Date
  decided_at: Date | null
}

/** An outage that began more than this before the time asked about is found while it is open. */
const lookBack = "7 days"

/** Outages that were told and overlap a time, and deliveries that were turned away. */
export async function outagesTold(sql: Sql, { from, to }: Window): Promise<OutageTold[]> {
  return storage(
    () => sql<OutageTold[]>`
      select id, connection, cause, operation, code, summary, opened_at, decided_at from (
        select * from exceptions where state = 'open' and opened_at < ${to}::timestamptz
        union all
        select * from exceptions
        where state = 'decided' and opened_at < ${to}::timestamptz and opened_at > ${from}::timestamptz - ${lookBack}::interval
          and decided_at > ${from}::timestamptz
      ) overlapping
      where connection is not null and (kind = 'outage' or cause = 'signatures are refused') order by opened_at limit 500`,
  )
}
