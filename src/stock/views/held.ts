import { storage, type Sql } from "../../base/sql.ts"
import type { Instant } from "../../base/time.ts"

/** Units of one SKU that a reservation holds, at a place or anywhere in the pool. */
export interface HeldLine {
  /** Of the order that holds it, where one does. */
  orderId?: string
  /** Whose reservation it is. */
  owner: string
  channel?: string
  kind: "soft" | "hard"
  sku: string
  locationId?: string
  heldMilli: number
  reservedAt: Instant
  expiresAt?: Instant
}

interface HeldRow {
  key: string
  id: number
  owner: string
  channel: string | null
  kind: "soft" | "hard"
  sku: string
  location_id: string
  held_milli: number
  reserved_at: Date
  reserved_text: string
  expires_at: Date | null
}

export interface HeldRequest {
  sku?: string
  locationId?: string
  /** Only reservations of these channels. */
  channels?: readonly string[]
  limit: number
  after?: HeldAfter
}

export interface HeldAfter {
  at: string
  id: number
  sku: string
}

/**
 * What live reservations hold of a SKU, or at a place, the oldest first. Of a SKU it is found by index; of a place every live line is
 * looked at, which are as many as open orders have.
 */
export async function heldLines(
  sql: Sql,
  { sku, locationId, channels, limit, after }: HeldRequest,
): Promise<{ items: HeldLine[]; next?: HeldAfter }> {
  const rows = await storage(
    () => sql<HeldRow[]>`
      select r.key, r.id, r.owner, r.channel, r.kind, l.sku, l.location_id, l.held_milli, l.reserved_at,
        l.reserved_at::text as reserved_text, r.expires_at
      from stock_reservation_lines l join stock_reservations r on r.id = l.reservation_id
      where l.held_milli > 0 and (${sku ?? null}::text is null or l.sku = ${sku ?? null})
        and (${locationId ?? null}::text is null or l.location_id = ${locationId ?? null})
        and (${channels === undefined} or coalesce(r.channel = any(${[...(channels ?? [])]}), false))
        and (l.reserved_at, l.reservation_id, l.sku) > (${after?.at ?? "-infinity"}::text::timestamptz, ${after?.id ?? 0}::bigint, ${after?.sku ?? ""})
      order by l.reserved_at, l.reservation_id, l.sku limit ${limit + 1}`,
  )
  const items = rows.slice(0, limit)
  const last = rows.length > limit ? items.at(-1) : undefined
  return {
    items: items.map(heldLine),
    ...(last ? { next: { at: last.reserved_text, id: last.id, sku: last.sku } } : {}),
  }
}

// An order's own reservation has its id; keys of the API begin with their consumer.
const ofOrder = /^ord_[0-9a-z]{16}$/

function heldLine(row: HeldRow): HeldLine {
  const orderId = ofOrder.exec(row.key)?.[0]
  return {
    ...(orderId === undefined ? {} : { orderId }),
    owner: row.owner,
    ...(row.channel === null ? {} : { channel: row.channel }),
    kind: row.kind,
    sku: row.sku,
    ...(row.location_id === "" ? {} : { locationId: row.location_id }),
    heldMilli: row.held_milli,
    reservedAt: row.reserved_at.toISOString(),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at.toISOString() }),
  }
}
