import { AppError } from "../../base/errors.ts"
import { epochMs, instant, parseInstant } from "../../base/time.ts"
import type { ChangeList, Delivery } from "../../ports/capabilities/intake.ts"
import { changesByMoment } from "../../protocols/changes-by-moment.ts"
import type { CallContext } from "./client.ts"
import { fieldOf, listOf, textOf } from "./payloads.ts"
import { orderDelivery, type ReadOptions } from "./reads-objects.ts"

/** SearchOrders: at most 10 locations, and 1,000 orders at once (SearchOrdersRequest, its description). */
const [locationsMax, takeMax] = [10, 1000]
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
  const search = async (
    location_ids: readonly string[],
    { fromMs, take }: { fromMs: number; take: number },
    call: CallContext,
  ) => {
    const query = {
      filter: { date_time_filter: { updated_at: { start_at: instant(fromMs) } } },
      sort: { sort_field: "UPDATED_AT", sort_order: "ASC" },
    }
    const { orders } = await client.ask("/v2/orders/search", { location_ids, query, limit: take }, call)
    return listOf(orders)
  }
  return {
    orders: changesByMoment<unknown>({
      overlapMs,
      pageSize,
      takeMax,
      async read(place, call) {
        const found: unknown[] = []
        for (const group of groups) found.push(...(await search(group, place, call)))
        // The first rows of all groups together: each group has all of its own up to there.
        return found.sort((one, other) => updatedMs(one) - updatedMs(other)).slice(0, place.take)
      },
      momentMsOf: updatedMs,
      deliveryOf: (order, call) => around(order, call),
    }),
  }
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

/** Payments and refunds go on after their order: only what is final there is remembered. */
function isSettled({ bytes }: Delivery): boolean {
  const read: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"))
  const all = [...listOf(fieldOf(read, "payments")), ...listOf(fieldOf(read, "refunds"))]
  return all.every((one) => ["COMPLETED", "CANCELED", "FAILED", "REJECTED"].includes(String(fieldOf(one, "status"))))
}

function remember(known: Map<string, Delivery>, key: string, delivery: Delivery): void {
  known.set(key, delivery)
  const [oldest] = known.keys()
  if (known.size > rememberedMax && oldest !== undefined) known.delete(oldest)
}
