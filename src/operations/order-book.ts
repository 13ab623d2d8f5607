import { AppError } from "../base/errors.ts"
import { storage, type Sql } from "../base/sql.ts"

/** What the order book knows of an order: the channel's document and where the order stands, in shopkeeper's words. */
export interface OrderRecord {
  id: string
  channel: string
  number: string
  externalId: string
  state: string
  reason?: string
  placedAt: string
  changedAt: string
  total: { amountMinor: number; currency: string }
  /** "poll" when no webhook brought it and the backstop found it. */
  foundVia?: string
  document: unknown
}

interface OrderRow {
  id: string
  channel: string
  number: string
  external_id: string
  state: string
  reason: string | null
  placed_at: Date
  changed_at: Date
  total_minor: number
  currency: string
  found_via: string | null
  document: unknown
}

interface OrderListRequest {
  limit: number
  cursor?: string
  state?: string
  channels?: readonly string[]
}

/** Reads the order book. */
export class OrderBook {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
  }

  /** By id, or by the number people know it by; undefined when there is none. */
  async find(idOrNumber: string): Promise<OrderRecord | undefined> {
    const rows = await storage(
      () => this.#sql<OrderRow[]>`
        select o.id, o.channel, o.number, o.external_id, o.state, o.reason, o.placed_at, o.changed_at, o.total_minor, o.currency,
          o.found_via, (
            select e.data -> 'order' from events e where e.key = o.ref and e.type in ('order.placed', 'order.edited')
            order by e.data #>> '{order,version}' desc, e.xid desc, e.seq desc limit 1) as document
        from (
          select * from orders where ref = ${`order/${idOrNumber}`}
          union all select * from orders where number = ${idOrNumber}
        ) o order by o.placed_at desc limit 1`,
    )
    return rows[0] ? orderRecord(rows[0]) : undefined
  }

  /** Newest first, without documents. */
  async list(request: OrderListRequest): Promise<{ items: OrderRecord[]; cursor?: string }> {
    const after = request.cursor === undefined ? undefined : parseCursor(request.cursor)
    const { state } = request
    const limit = request.limit + 1
    const [at, ref] = [after?.at ?? null, after ? `order/${after.id}` : null]
    const [isAnyChannel, channels] = [request.channels === undefined, [...(request.channels ?? [])]]
    // By state in two parts, each by an index of its own: orders that ended in it, and those under way that are in it now.
    const rows = await storage(() =>
      state === undefined
        ? this.#sql<OrderRow[]>`
            select o.*, o.value_minor as total_minor, null as document from objects o
            where kind = 'order' and (${at}::timestamptz is null or (placed_at, ref) < (${at}::timestamptz, ${ref}))
              and (${isAnyChannel} or channel = any(${channels}))
            order by placed_at desc, ref desc limit ${limit}`
        : this.#sql<OrderRow[]>`
            select p.*, p.value_minor as total_minor, null as document from (
              (select * from objects where kind = 'order' and ended_as = ${state}
                and (${at}::timestamptz is null or (placed_at, ref) < (${at}::timestamptz, ${ref}))
                and (${isAnyChannel} or channel = any(${channels})) order by placed_at desc, ref desc limit ${limit})
              union all
              (select * from objects where kind = 'order' and ended_as is null and state = ${state}
                and (${at}::timestamptz is null or (placed_at, ref) < (${at}::timestamptz, ${ref}))
                and (${isAnyChannel} or channel = any(${channels})) order by placed_at desc, ref desc limit ${limit})
            ) p order by placed_at desc, ref desc limit ${limit}`,
    )
    const items = rows.slice(0, request.limit).map(orderRecord)
    const last = items.at(-1)
    return rows.length > request.limit && last ? { items, cursor: makeCursor(last.placedAt, last.id) } : { items }
  }

  /** How many orders stand in which state, of those placed since. */
  async countByState(sinceHours = 24): Promise<Record<string, number>> {
    const rows = await this.#sql<{ state: string; count: number }[]>`
      select state, count(*) as count from orders where placed_at > now() - ${sinceHours} * interval '1 hour' group by state`
    return Object.fromEntries(rows.map((row) => [row.state, row.count]))
  }
}

function orderRecord(row: OrderRow): OrderRecord {
  return {
    id: row.id,
    channel: row.channel,
    number: row.number,
    externalId: row.external_id,
    state: row.state,
    ...(row.reason === null ? {} : { reason: row.reason }),
    placedAt: row.placed_at.toISOString(),
    changedAt: row.changed_at.toISOString(),
    total: { amountMinor: row.total_minor, currency: row.currency },
    ...(row.found_via === null ? {} : { foundVia: row.found_via }),
    ...(row.document === null ? {} : { document: row.document }),
  } as OrderRecord
}

/** An opaque place in a list that is ordered by time and id. */
export function makeCursor(at: string, id: string): string {
  return Buffer.from(`${at}|${id}`).toString("base64url")
}

/** Reads a cursor; REQUEST_INVALID when it is none of ours. */
export function parseCursor(cursor: string): { at: string; id: string } {
  const [at, id] = Buffer.from(cursor, "base64url").toString("utf8").split("|")
  if (!at || !id || Number.isNaN(Date.parse(at)))
    throw new AppError("REQUEST_INVALID", "the cursor is not one this list gave out", {
      problems: [{ pointer: "/cursor", message: "use the cursor of the page before" }],
    })
  return { at, id }
}
