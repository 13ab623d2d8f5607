import type { Sql } from "../../base/sql.ts"
import { compareInstants } from "../../base/time.ts"
import type { EventData } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"
import { newestAbout } from "../../eventlog/news/newest-about.ts"
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
  /** False when there are older versions: what stands as set by the first one may be older. */
  isComplete: boolean
}

const versionsMax = 200
const versionTypes = ["order.placed", "order.edited"] as const

/** Reads the lineage of an order; undefined when no version of its document is kept. */
export async function orderLineage(sql: Sql, orderId: string): Promise<OrderLineage | undefined> {
  const events = await newestAbout(sql, ref("order", orderId), { types: versionTypes, limit: versionsMax })
  // The order book shows the newest version, in whatever order they were heard.
  const told = events.filter(isVersion).sort((a, b) => compareInstants(orderOf(a).version, orderOf(b).version))
  if (told.length === 0) return undefined
  return {
    orderId,
    versions: told.map(({ type, time, recordedAt, source, schemaversion, inboxId }) => ({
      event: type,
      at: time,
      heardAt: recordedAt,
      source,
      schemaVersion: schemaversion,
      ...(inboxId === undefined ? {} : { delivery: inboxId }),
    })),
    values: originsOf(told.map((event) => ({ document: orderOf(event) }))),
    isComplete: events.length < versionsMax,
  }
}

type VersionEvent = StoredEvent<"order.placed" | "order.edited">

function isVersion(event: StoredEvent): event is VersionEvent {
  return event.type === "order.placed" || event.type === "order.edited"
}

const orderOf = ({ data }: VersionEvent): EventData<"order.edited">["order"] => data.order
