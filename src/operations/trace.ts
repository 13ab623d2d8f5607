import { storage, type Sql } from "../base/sql.ts"
import type { Reference } from "../canonical/parts.ts"
import { ref } from "../canonical/refs.ts"
import type { OrderBook, OrderRecord } from "./order-book.ts"

/** One thing that happened to an order, wherever it happened. */
export interface Hop {
  at: string
  /** Where: a connection's id, or "crossdock". */
  system: string
  what: string
  outcome?: string
  reference?: Reference
  detail?: string
}

/** An order's whole way, oldest first. */
export interface Trace {
  order: Omit<OrderRecord, "document">
  correlation?: string
  waitingFor?: { kind: string; name: string; until?: string }[]
  hops: Hop[]
}

interface StepRow {
  step: string
  kind: string
  connection: string | null
  operation: string | null
  outcome: string | null
  attempts: number
  probes: number
  at: Date
  settled_at: Date | null
  reference: Reference | null
  error: { code: string; message: string } | null
  result: unknown
}

/** Gathers every hop of one order: deliveries, facts, steps with their attempts and probes, states. */
export async function traceOrder(sql: Sql, orderBook: OrderBook, idOrNumber: string): Promise<Trace | undefined> {
  const order = await orderBook.find(idOrNumber)
  if (!order) return undefined
  const about = ref("order", order.id)
  const [deliveries, events, steps, instances] = await storage(() =>
    Promise.all([
      sql<{ at: Date; connection: string; via: string; topic: string; state: string; reason: string | null }[]>`
        select received_at as at, connection, via, topic, state, reason from inbox
        where id in (select inbox_id from events where key = ${about}) order by received_at limit 500`,
      sql<{ at: Date; type: string; source: string; data: Record<string, unknown> }[]>`
        select recorded_at as at, type, source, data from events where key = ${about} order by xid, seq limit 1000`,
      sql<StepRow[]>`
        select case when kind = 'undo' then 'undo: ' else '' end || name as step, kind, connection, operation, outcome, attempts,
          probes, coalesce(sent_at, intent_at) as at, settled_at, reference, error, case when kind = 'decide' then result end as result
        from workflow_steps where about = ${about} and kind in ('effect', 'undo', 'decide') order by instance, n limit 1000`,
      sql<{ correlation: string; waiting: { kind: string; name: string; until?: string }[] | null }[]>`
        select i.correlation, q.waiting from workflow_instances i join workflow_queue q on q.instance = i.id where i.about = ${about}`,
    ]),
  )
  const hops: Hop[] = [
    ...deliveries.map((delivery) => ({
      at: delivery.at.toISOString(),
      system: delivery.connection,
      what: `${delivery.topic || "delivery"} by ${delivery.via}`,
      outcome: delivery.state,
      ...(delivery.reason === null ? {} : { detail: delivery.reason }),
    })),
    ...events.map((event) => ({
      at: event.at.toISOString(),
      system: "crossdock",
      what: event.type,
      ...eventDetail(event),
    })),
    ...steps.map(stepHop),
  ]
  const { document: _document, ...summary } = order
  const [instance] = instances
  return {
    order: summary,
    ...(instance ? { correlation: instance.correlation } : {}),
    ...(instance?.waiting ? { waitingFor: instance.waiting } : {}),
    hops: hops.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)),
  }
}

function stepHop(row: StepRow): Hop {
  const retries = [row.attempts > 1 ? `${row.attempts} attempts` : "", row.probes > 0 ? `looked up ${row.probes}×` : ""]
  const explanation = row.kind === "decide" ? decisionText(row.result) : (row.error?.message ?? "")
  const detail = [explanation, ...retries].filter((part) => part !== "").join("; ")
  return {
    at: (row.settled_at ?? row.at).toISOString(),
    system: row.connection ?? "crossdock",
    what: row.step,
    outcome: row.outcome ?? "under way",
    ...(row.reference === null ? {} : { reference: row.reference }),
    ...(detail === "" ? {} : { detail }),
  }
}

function decisionText(result: unknown): string {
  if (typeof result === "object" && result !== null && "explanation" in result) return String(result.explanation)
  return typeof result === "number" || typeof result === "string" ? String(result).slice(0, 200) : ""
}

function eventDetail(event: { source: string; data: Record<string, unknown> }): { detail?: string } {
  const said = event.data["state"] ?? event.data["summary"] ?? event.data["reason"] ?? event.data["action"]
  return typeof said === "string" ? { detail: said } : { detail: `from ${event.source}` }
}
