import { storage, type Sql } from "../../base/sql.ts"
import { isMoment } from "../../base/time.ts"
import { money, type Money } from "../../base/money.ts"
import type { Tracks } from "../../canonical/returns/parts.ts"

/** A return as people list it. */
export interface ReturnRecord extends Tracks {
  returnId: string
  orderId: string
  channel?: string
  reference?: string
  how: string
  reason: string
  requestedBy: string
  requestedAt: string
  changedAt: string
  state: string
  /** In the buyer's currency; missing while nothing was inspected. */
  due?: Money
  givenBack?: Money
}

/** Which returns, and from where on. */
export interface ReturnListRequest {
  limit: number
  cursor?: string
  orderId?: string
  state?: string
  isOpen?: boolean
  channels?: readonly string[]
}

interface Row {
  return_id: string
  order_id: string
  channel: string | null
  reference: string | null
  how: string
  reason: string
  requested_by: string
  requested_at: Date
  changed_at: Date
  state: string
  goods: Tracks["goods"]
  money: Tracks["money"]
  books: Tracks["books"]
  due_minor: number
  given_minor: number
  currency: string | null
}

/** Returns, the newest first; a cursor that is none begins at the newest. */
export async function listReturns(
  sql: Sql,
  { limit, cursor, orderId, state, isOpen, channels }: ReturnListRequest,
): Promise<{ items: ReturnRecord[]; cursor?: string }> {
  const after = cursor === undefined ? undefined : Buffer.from(cursor, "base64url").toString().split(" ")
  const [at, id] = isMoment(after?.[0] ?? "") ? (after as [string, string]) : ["infinity", ""]
  const rows = await storage(
    () => sql<Row[]>`
      select * from returns where (requested_at, return_id) < (${at}::text::timestamptz, ${id}::text)
        ${orderId === undefined ? sql`` : sql`and order_id = ${orderId}`}
        ${state === undefined ? sql`` : sql`and state = ${state}`}
        ${channels === undefined ? sql`` : sql`and channel = any (${[...channels]}::text[])`}
        ${isOpen === true ? sql`and state not in ('closed', 'declined', 'cancelled')` : sql``}
        ${isOpen === false ? sql`and state in ('closed', 'declined', 'cancelled')` : sql``}
      order by requested_at desc, return_id desc limit ${limit + 1}`,
  )
  const items = rows.slice(0, limit)
  const last = rows.length > limit ? items.at(-1) : undefined
  const next = last && Buffer.from(`${last.requested_at.toISOString()} ${last.return_id}`).toString("base64url")
  return { items: items.map(recordOf), ...(next === undefined ? {} : { cursor: next }) }
}

/** One return; undefined when the list does not have it yet. */
export async function findReturn(sql: Sql, returnId: string): Promise<ReturnRecord | undefined> {
  const [row] = await storage(() => sql<Row[]>`select * from returns where return_id = ${returnId}`)
  return row && recordOf(row)
}

function recordOf(row: Row): ReturnRecord {
  const { currency } = row
  return {
    returnId: row.return_id,
    orderId: row.order_id,
    ...(row.channel === null ? {} : { channel: row.channel }),
    ...(row.reference === null ? {} : { reference: row.reference }),
    how: row.how,
    reason: row.reason,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at.toISOString(),
    changedAt: row.changed_at.toISOString(),
    state: row.state,
    goods: row.goods,
    money: row.money,
    books: row.books,
    ...(currency === null ? {} : { due: money(row.due_minor, currency), givenBack: money(row.given_minor, currency) }),
  }
}
