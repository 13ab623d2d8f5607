import { storage, type Sql } from "../base/sql.ts"
import type { Order } from "../canonical/order.ts"
import { ref } from "../canonical/refs.ts"
import { withParts, type MadeOf } from "../canonical/stock/made-of.ts"
import { objectRows, type ObjectRow } from "./object-list.ts"
import { readRemovals, removedOf } from "./removals.ts"

/** An order of the order book: the channel's document, and the state in a shopkeeper's words. */
export interface OrderRecord {
  id: string
  channel: string
  number: string
  externalId: string
  state: string
  reason?: string
  placedAt: string
  changedAt: string
  /** When it ended. */
  finishedAt?: string
  total: { amountMinor: number; currency: string }
  /** "poll" when no webhook brought it and the backstop found it. */
  foundVia?: string
  document?: unknown
  /** For people: the parts that retention has deleted. The document is deleted with the events. */
  removed?: string[]
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

  /** By id, with the goods that its kits are; undefined when there is none. A number may mean orders of several channels: `searchObjects` finds those. */
  async find(id: string): Promise<OrderRecord | undefined> {
    const rows = await storage(
      () => this.#sql<(ObjectRow & { document: unknown; made: MadeOf[][] | null })[]>`
        select o.*, (
            select jsonb_agg(e.data -> 'made' order by e.xid, e.seq) from events e
            where e.key = o.ref and e.type = 'order.taken-apart') as made, (
            select e.data -> 'order' from events e where e.key = o.ref and e.type in ('order.placed', 'order.edited')
            order by e.data #>> '{order,version}' desc, e.xid desc, e.seq desc limit 1) as document
        from objects o where o.kind = 'order' and o.ref = ${`order/${id}`}`,
    )
    const [row] = rows
    if (!row) return undefined
    const record = orderRecord(row)
    // The log only takes orders that its catalogue's schema admitted.
    if (row.document !== null) return { ...record, document: withParts(row.document as Order, row.made?.flat() ?? []) }
    const removed = removedOf(record.placedAt, await readRemovals(this.#sql), { events: 0 })
    return removed.length > 0 ? { ...record, removed } : record
  }

  /** What kits and sales units of an order were taken apart into. */
  async madeOf(id: string): Promise<MadeOf[]> {
    const rows = await storage(
      () => this.#sql<{ made: MadeOf[] }[]>`
        select data -> 'made' as made from events where key = ${ref("order", id)} and type = 'order.taken-apart' order by xid, seq`,
    )
    return rows.flatMap(({ made }) => made)
  }

  /** Those of these orders that exist, without documents. */
  async many(ids: readonly string[]): Promise<OrderRecord[]> {
    const refs = ids.map((id) => `order/${id}`)
    const rows = await storage(
      () => this.#sql<ObjectRow[]>`select * from objects where ref = any(${refs}) and kind = 'order'`,
    )
    return rows.map(orderRecord)
  }

  /** The tracking number of a channel's fulfilment of an order; undefined while it is not known. */
  async findTrackingNumber(orderId: string, fulfilmentId: string): Promise<string | undefined> {
    const [row] = await storage(
      () => this.#sql<{ number: string }[]>`
        select data ->> 'trackingNumber' as number from events
        where key = ${ref("order", orderId)} and type = 'order.fulfilled-by-channel'
          and data ->> 'fulfilmentId' = ${fulfilmentId} and data ->> 'trackingNumber' is not null limit 1`,
    )
    return row?.number
  }

  /** Newest first, without documents. */
  async list(request: OrderListRequest): Promise<{ items: OrderRecord[]; cursor?: string }> {
    const page = await objectRows(this.#sql, { ...request, kind: "order" })
    return { ...page, items: page.items.map(orderRecord) }
  }
}

function orderRecord(row: ObjectRow): OrderRecord {
  return {
    id: row.id,
    channel: row.channel ?? "",
    number: row.number ?? "",
    externalId: row.external_id ?? "",
    state: row.state,
    ...(row.reason === null ? {} : { reason: row.reason }),
    placedAt: row.opened_at.toISOString(),
    changedAt: row.since.toISOString(),
    ...(row.finished_at === null ? {} : { finishedAt: row.finished_at.toISOString() }),
    total: { amountMinor: row.value_minor ?? 0, currency: row.currency ?? "" },
    ...(row.found_via === null ? {} : { foundVia: row.found_via }),
  }
}
