import { AppError } from "../../base/errors.ts"
import { epochMs, instant, parseInstant } from "../../base/time.ts"
import type { ChangeList, Delivery } from "../../ports/capabilities/intake.ts"
import { changesByMoment } from "../../protocols/changes-by-moment.ts"
import type { CallContext, SquareClient } from "./client.ts"
import { fieldOf, listOf, textOf } from "./payloads.ts"
import { isSettled, orderDelivery, type ReadOptions } from "./reads-objects.ts"

/** SearchOrders: at most 10 locations, and 1,000 orders at once (SearchOrdersRequest, its description). */
export const locationsMax = 10
const takeMax = 1000
/** Orders read around at once: each names payments, articles and other orders. */
const [pageSize, atOnceMax] = [100, 4]
/** Orders of the last passes, so that the overlap does not read their payments again. */
const rememberedMax = 2000

/**
 * Finds orders by `updated_at`, which moves with every change of an order; sales, returns and exchanges of every device are orders. Filter and sort must name the same time, and the start of the
 * range is in it (SearchOrdersDateTimeFilter). Receipts of a till that was offline come when it has sent them, up to 72 hours later.
 */
export function listsChanges(options: ReadOptions & { locationIds: readonly string[]; overlapMs: number }): {
  orders: ChangeList
} {
  const { client, locationIds, overlapMs } = options
  const around = remembered((order, call) => orderDelivery(order, options, call))
  const groups = Array.from({ length: Math.ceil(locationIds.length / locationsMax) }, (_, n) =>
    locationIds.slice(n * locationsMax, (n + 1) * locationsMax),
  )
  return {
    orders: changesByMoment<unknown>({
      overlapMs,
      pageSize,
      takeMax,
      async read(place, call) {
        const pages = []
        for (const group of groups) pages.push(await search(client, { ...place, locationIds: group }, call))
        // Up to there each group has all of its own.
        const untilMs = Math.min(...pages.map(({ orders, hasMore }) => (hasMore ? lastMs(orders) : Infinity)))
        const rows = pages
          .flatMap(({ orders }) => orders.filter((order) => updatedMs(order) <= untilMs))
          .sort((one, other) => updatedMs(one) - updatedMs(other))
        const hasMore = rows.length > place.take || pages.some((page) => page.hasMore)
        return { rows: rows.slice(0, place.take), hasMore }
      },
      momentMsOf: updatedMs,
      deliveryOf: (order, call) => around(order, call),
    }),
  }
}

/**
 * The first orders from a moment on. A page may be shorter than was asked for (SearchOrdersRequest, `limit`): a cursor says that there are more. The cursor
 * is followed only while all orders have one moment; from another moment on the list asks anew, because orders that
 * change while it is read move to its end, and nobody says what a cursor makes of that.
 */
async function search(
  client: SquareClient,
  { locationIds, fromMs, take }: { locationIds: readonly string[]; fromMs: number; take: number },
  call: CallContext,
): Promise<{ orders: unknown[]; hasMore: boolean }> {
  const query = {
    filter: { date_time_filter: { updated_at: { start_at: instant(fromMs) } } },
    sort: { sort_field: "UPDATED_AT", sort_order: "ASC" },
  }
  const found: unknown[] = []
  let cursor: string | undefined
  do {
    const body = { location_ids: locationIds, query, limit: take, ...(cursor === undefined ? {} : { cursor }) }
    const answer = await client.ask("/v2/orders/search", body, call)
    found.push(...listOf(answer["orders"]))
    cursor = textOf(answer["cursor"])
  } while (cursor !== undefined && found.length < take && lastMs(found) <= fromMs)
  return { orders: found, hasMore: cursor !== undefined || found.length > take }
}

/** The moment of the last order; before all time where there is none. */
function lastMs(orders: readonly unknown[]): number {
  return orders.length === 0 ? -Infinity : updatedMs(orders.at(-1))
}

function updatedMs(order: unknown): number {
  const at = parseInstant(textOf(fieldOf(order, "updated_at")) ?? "")
  if (at === undefined) throw new AppError("VENDOR_MISBEHAVED", "an order of a page without updated_at")
  return epochMs(at)
}

/** Reads around few orders at once, and around one that has not changed only once. */
function remembered(read: (order: unknown, call: CallContext) => Promise<Delivery>) {
  const known = new Map<string, Delivery>()
  const waiting: (() => void)[] = []
  let free = atOnceMax
  return async (order: unknown, call: CallContext): Promise<Delivery> => {
    const key = JSON.stringify([fieldOf(order, "id"), fieldOf(order, "updated_at"), fieldOf(order, "version")])
    const before = known.get(key)
    if (before) return before
    if (free === 0) await new Promise<void>((resolve) => waiting.push(resolve))
    else free -= 1
    try {
      const delivery = await read(order, call)
      if (isSettled(delivery)) remember(known, key, delivery)
      return delivery
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}

function remember(known: Map<string, Delivery>, key: string, delivery: Delivery): void {
  known.set(key, delivery)
  const [oldest] = known.keys()
  if (known.size > rememberedMax && oldest !== undefined) known.delete(oldest)
}
