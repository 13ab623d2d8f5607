import { contentDigest } from "../../base/ids.ts"
import { storage, type Sql } from "../../base/sql.ts"
import { instant, type DayPlace } from "../../base/time.ts"
import type { EventName } from "../../canonical/events.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"
import type { Subscriber } from "../../eventlog/subscriber.ts"
import type { NamedPromise } from "../../rules/promises/definition.ts"
import { foldPromises, ordersNamed, placedBy, type OrderScope } from "../../rules/promises/fold.ts"
import { outcomes } from "../../rules/promises/outcomes.ts"

/** Promises as the estate declares them, and where their days are counted. */
export interface KeptPromises {
  promises: readonly NamedPromise[]
  /** Of a store or warehouse; without one, of the company. */
  placeOf: (store?: string) => DayPlace
}

// Raised when outcomes are derived in another way, so that all are derived again.
const derivation = 1

/** Names promises as they are declared: another declaration is derived from the log anew. */
export function buildOf({ promises, placeOf }: KeptPromises): string {
  const measured = promises.map(({ name, of, within, by, only, per }) => ({ name, of, within, by, only, per }))
  const zone = promises.some(({ by }) => by !== undefined) ? placeOf() : null
  return contentDigest({ derivation, measured, zone }).slice(0, 16)
}

/** Derives outcomes from the log. */
export function promiseSubscriber(sql: Sql, kept: KeptPromises): Subscriber {
  const build = buildOf(kept)
  const types = new Set<EventName>(["order.placed", ...kept.promises.flatMap(({ of }) => outcomes[of].types)])
  return {
    name: subscriptionName(build),
    types: [...types],
    gathersMs,
    async handle(events) {
      const told = events.filter((event) => !isOfTest(event))
      const placed = told.flatMap((event) => placedBy(event) ?? [])
      const orders = await scopesOf(sql, { named: ordersNamed(kept.promises, told), placed })
      const { changes, oldest } = foldPromises(kept.promises, told, { orders, placeOf: kept.placeOf })
      if (placed.length + changes.length + oldest.length === 0) return []
      const json = (rows: readonly object[]) => JSON.stringify(rows)
      await storage(
        () => sql`
          select note_promises(${build}, ${json(placed)}::text::json, ${json(changes)}::text::json, ${json(oldest)}::text::json)`,
      )
      return []
    },
  }
}

/** A promise of minutes or days is judged a second later, and an order's steps are written together. */
const gathersMs = 1000

export const subscriptionName = (build: string) => `promises ${build}`

function isOfTest({ type, data }: StoredEvent): boolean {
  return type === "order.placed" && "order" in data && (data as { order: { isTest?: boolean } }).order.isTest === true
}

/** What is known of orders: those of the batch itself, and those that came before. */
async function scopesOf(
  sql: Sql,
  { named, placed }: { named: ReadonlySet<string>; placed: readonly OrderScope[] },
): Promise<Map<string, OrderScope>> {
  const known = new Map(placed.map((scope) => [scope.orderId, scope]))
  const missing = [...named].filter((id) => id !== "" && !known.has(id))
  if (missing.length === 0) return known
  const rows = await storage(
    () => sql<ScopeRow[]>`
      select order_id, channel, store, region, method, total_minor, currency, placed_at
      from promise_orders where order_id = any(${missing})`,
  )
  for (const row of rows) known.set(row.order_id, scopeOf(row))
  return known
}

interface ScopeRow {
  order_id: string
  channel: string
  store: string | null
  region: string | null
  method: string
  total_minor: number
  currency: string
  placed_at: Date
}

function scopeOf(row: ScopeRow): OrderScope {
  const { order_id: orderId, channel, store, region, method, total_minor: amountMinor, currency } = row
  return {
    orderId,
    channel,
    ...(store === null ? {} : { store }),
    ...(region === null ? {} : { region }),
    method,
    total: { amountMinor, currency },
    placedAt: row.placed_at.toISOString(),
  }
}

const atOnceMax = 2000
/** What may be on its way into the log when it is read to its end. */
const graceMs = 2000

/**
 * Marks what is due and has not come true. Only up to the moment until which the log was read: while it is being read again, what looks
 * overdue may have come true long ago.
 */
export async function markDue(sql: Sql, build: string, readUntilMs: number): Promise<number> {
  let marked = 0
  for (;;) {
    const [row] = await storage(
      () => sql<{ count: number }[]>`
        select promises_due(${build}, ${instant(readUntilMs - graceMs)}::timestamptz, ${atOnceMax}) as count`,
    )
    marked += row?.count ?? 0
    if ((row?.count ?? 0) < atOnceMax) return marked
  }
}

const forgottenAtOnce = 5000
const keptForMs = 400 * 86_400_000

/** Deletes old outcomes, and those of promises that nobody declares any more. */
export async function forgetPromises(sql: Sql, { build, nowMs }: { build: string; nowMs: number }): Promise<void> {
  for (let step = 0; step < 50; step += 1) {
    const [row] = await storage(
      () => sql<{ gone: number }[]>`
        select forget_promises(${build}, ${instant(nowMs - keptForMs)}::timestamptz, ${forgottenAtOnce}) as gone`,
    )
    if ((row?.gone ?? 0) < forgottenAtOnce) return
  }
}
