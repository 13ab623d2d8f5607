import { storage, type Sql } from "../../base/sql.ts"
import { originsOf, type OriginatedValue } from "./origins.ts"

/** A fact that told a version of an order's document. */
export interface ToldVersion {
  event: "order.placed" | "order.edited"
  /** When the channel changed it, and when Crossdock heard. */
  at: string
  heardAt: string
  /** Connection whose mapping made the fact of what came. */
  source: string
  /** Version of the event's shape, which that mapping writes. */
  schemaVersion: number
  /** Number of the delivery that told it; missing when the fact came without one. */
  delivery?: number
}

/** Who set each value of an order's document, when, and by which fact. */
export interface OrderLineage {
  orderId: string
  /** Oldest first; `since` of a value is a place in it. */
  versions: ToldVersion[]
  values: OriginatedValue[]
  /** Whether versions are missing: there were very many. */
  isComplete: boolean
}

const versionsMax = 200

interface Row {
  event: ToldVersion["event"]
  at: Date
  heardAt: Date
  source: string
  schemaVersion: number
  delivery: number | null
  document: unknown
}

/** Reads the lineage of an order; undefined when no version of its document is kept. */
export async function orderLineage(sql: Sql, orderId: string): Promise<OrderLineage | undefined> {
  const rows = await storage(
    () => sql<Row[]>`
      select type as event, time as at, recorded_at as "heardAt", source, schemaversion as "schemaVersion", inbox_id as delivery,
        data -> 'order' as document
      from events where key = ${`order/${orderId}`} and type in ('order.placed', 'order.edited')
      order by data #>> '{order,version}' desc, xid desc, seq desc limit ${versionsMax + 1}`,
  )
  if (rows.length === 0) return undefined
  const kept = rows.slice(0, versionsMax).toReversed()
  return {
    orderId,
    versions: kept.map(({ event, at, heardAt, source, schemaVersion, delivery }) => ({
      event,
      at: at.toISOString(),
      heardAt: heardAt.toISOString(),
      source,
      schemaVersion,
      ...(delivery === null ? {} : { delivery }),
    })),
    values: originsOf(kept.map(({ document }) => ({ document }))),
    isComplete: rows.length <= versionsMax,
  }
}
