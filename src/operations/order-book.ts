import { AppError } from "../base/errors.ts"
import { storage, type Sql } from "../base/sql.ts"
import type { StoredEvent } from "../eventlog/event-log.ts"
import type { Subscriber } from "../eventlog/subscriptions.ts"

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

const finishedStates = ["closed", "cancelled", "refused"]

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

/** Keeps the order book from the log. Repeats change nothing that is newer. */
export function orderBookSubscriber(sql: Sql): Subscriber {
  return {
    name: "order book",
    types: ["order.placed", "order.edited", "order.state-changed"],
    batchSizeMax: 500,
    async handle(events) {
      await storage(() => writePlaced(sql, ofType(events, "order.placed")))
      await storage(() => writeEdited(sql, ofType(events, "order.edited")))
      await storage(() => writeStates(sql, ofType(events, "order.state-changed")))
      await storage(() => writeShipmentValues(sql, ofType(events, "order.state-changed")))
      return []
    },
  }
}

function ofType<Name extends StoredEvent["type"]>(events: readonly StoredEvent[], type: Name): StoredEvent<Name>[] {
  return events.filter((event): event is StoredEvent<Name> => event.type === type)
}

async function writePlaced(sql: Sql, events: readonly StoredEvent<"order.placed">[]): Promise<void> {
  if (events.length === 0) return
  const rows = events.map(({ data: { order }, time, inboxId }) => ({
    id: order.id,
    channel: order.channel,
    number: order.number,
    external_id: order.externalId,
    version: order.version,
    placed_at: order.placedAt,
    total_minor: order.total.shop.amountMinor,
    currency: order.total.shop.currency,
    document: order,
    at: time,
    inbox_id: inboxId ?? null,
  }))
  await sql`
    insert into orders (id, channel, number, external_id, state, version, placed_at, total_minor, currency, document, found_via, changed_at)
    select o.id, o.channel, o.number, o.external_id, 'accepted', o.version, o.placed_at, o.total_minor, o.currency, o.document,
      (select via from inbox where inbox.id = o.inbox_id), o.at
    from json_to_recordset(${JSON.stringify(rows)}::text::json) as o(id text, channel text, number text, external_id text,
      version text, placed_at timestamptz, total_minor bigint, currency text, document json, at timestamptz, inbox_id bigint)
    on conflict (id) do nothing`
}

async function writeEdited(sql: Sql, events: readonly StoredEvent<"order.edited">[]): Promise<void> {
  for (const { data } of events)
    await sql`
      update orders set document = ${JSON.stringify(data.order)}::text::json, version = ${data.order.version},
        total_minor = ${data.order.total.shop.amountMinor}
      where id = ${data.orderId} and version <= ${data.order.version}`
}

async function writeStates(sql: Sql, events: readonly StoredEvent<"order.state-changed">[]): Promise<void> {
  if (events.length === 0) return
  // One row per order: the last state of the batch, which is in log order.
  const last = new Map(events.map(({ data }) => [data.orderId, data]))
  const rows = [...last.values()].map(({ orderId, state, reason, at }) => ({
    id: orderId,
    state,
    reason: reason ?? null,
    at,
  }))
  await sql`
    update orders set state = s.state, reason = s.reason, changed_at = s.at,
      finished_at = case when s.state = any(${finishedStates}) then s.at else orders.finished_at end
    from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as s(id text, state text, reason text, at timestamptz)
    where orders.id = s.id`
}

async function writeShipmentValues(sql: Sql, events: readonly StoredEvent<"order.state-changed">[]): Promise<void> {
  // The workflow names the state after the shipment: "… state: shipped#SH-1".
  const rows = events.flatMap(({ data, fact }) => {
    const shipment = fact.split("#")[1]
    if (!data.amount || shipment === undefined || !data.state.endsWith("shipped")) return []
    const { amountMinor, currency } = data.amount
    return [{ order_id: data.orderId, shipment, total_minor: amountMinor, currency, at: data.at }]
  })
  if (rows.length === 0) return
  await sql`
    insert into shipment_values (order_id, shipment, total_minor, currency, at)
    select * from jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb)
      as x(order_id text, shipment text, total_minor bigint, currency text, at timestamptz)
    on conflict do nothing`
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
        select id, channel, number, external_id, state, reason, placed_at, changed_at, total_minor, currency, found_via, document
        from orders where id = ${idOrNumber} or number = ${idOrNumber} order by placed_at desc limit 1`,
    )
    return rows[0] ? orderRecord(rows[0]) : undefined
  }

  /** Newest first, without documents. */
  async list(request: OrderListRequest): Promise<{ items: OrderRecord[]; cursor?: string }> {
    const after = request.cursor === undefined ? undefined : parseCursor(request.cursor)
    const rows = await storage(
      () => this.#sql<OrderRow[]>`
        select id, channel, number, external_id, state, reason, placed_at, changed_at, total_minor, currency, found_via, null as document
        from orders
        where (${after?.at ?? null}::timestamptz is null or (placed_at, id) < (${after?.at ?? null}::timestamptz, ${after?.id ?? null}))
          and (${request.state ?? null}::text is null or state = ${request.state ?? null})
          and (${request.channels === undefined} or channel = any(${[...(request.channels ?? [])]}))
        order by placed_at desc, id desc limit ${request.limit + 1}`,
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
