import { storage, type Sql } from "../../base/sql.ts"
import { ref } from "../../canonical/refs.ts"
import { findObjects } from "../object-list.ts"

/** What a place holds for an order. */
interface HeldForOrder {
  orderId?: string
  sku: string
  heldMilli: number
  reservedAt: string
}

/** An order that a place has yet to send, in the words of those who work there. */
export interface PlaceOrder {
  orderId: string
  number: string
  state: string
  since: string
  channel: string
  /** When the goods were set aside for it. */
  reservedAt: string
  lines: { sku: string; heldMilli: number }[]
  /** Open cases about it. */
  exceptions: number
}

/** The orders behind what a place holds, in the order of its lines. */
export async function workOf(sql: Sql, held: readonly HeldForOrder[]): Promise<{ orders: PlaceOrder[] }> {
  const ids = [...new Set(held.flatMap(({ orderId }) => orderId ?? []))]
  const [objects, cases] = await Promise.all([
    findObjects(
      sql,
      ids.map((id) => ref("order", id)),
    ),
    openCases(sql, ids),
  ])
  const byId = new Map(objects.map((object) => [object.id, object]))
  const lines = Map.groupBy(held, ({ orderId }) => orderId)
  const orders = ids.flatMap((orderId): PlaceOrder[] => {
    const [object, own = []] = [byId.get(orderId), lines.get(orderId)]
    const [first] = own
    if (!object || !first) return []
    return [
      {
        orderId,
        number: object.number ?? orderId,
        state: object.state,
        since: object.since,
        channel: object.channel ?? "",
        reservedAt: first.reservedAt,
        lines: own.map(({ sku, heldMilli }) => ({ sku, heldMilli })),
        exceptions: cases.get(orderId) ?? 0,
      },
    ]
  })
  return { orders }
}

async function openCases(sql: Sql, orderIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await storage(
    () => sql<{ order_id: string; count: number }[]>`
      select order_id, count(*) as count from exceptions where order_id = any(${[...orderIds]}) and state = 'open' group by 1`,
  )
  return new Map(rows.map(({ order_id: id, count }) => [id, count]))
}
