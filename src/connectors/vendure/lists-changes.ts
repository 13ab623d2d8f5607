import { AppError } from "../../base/errors.ts"
import { instant, sleep, type Clock } from "../../base/time.ts"
import type { ChangesPage, ListsChanges } from "../../ports/capabilities.ts"
import { objectOf, type VendureClient } from "./client.ts"
import { answeredOrder, isTorn, orderFields, type VendureOrder } from "./payloads.ts"

const pageSize = 25

/**
 * Finds orders by the time they were placed, because no other time of an order can be relied on: `updatedAt` stands still on
 * payment, shipping, cancellation and refund (seen in 3.7.3, on 72 of 72 orders). What happens to an order later than the
 * overlap is told by webhooks alone; a longer overlap reads it again for longer.
 *
 * `orderPlacedAt` is set inside the transaction that places the order, so it may become visible after a later one.
 * Sorted by that key alone: with a second one the API sorts by whichever its schema names first.
 */
export function listsChanges(options: {
  client: VendureClient
  connectionId: string
  clock: Clock
  overlapMs: number
}): ListsChanges {
  const { client, connectionId, clock, overlapMs } = options
  return {
    overlapMs,
    async listChanges({ cursor, sinceMs }, call): Promise<ChangesPage> {
      // Whoever asks begins each window earlier than the last one ended by the overlap this connector declares.
      const place = cursor === undefined ? { sinceMs, skip: 0 } : readCursor(cursor)
      const query = `query ($o: OrderListOptions) { orders(options: $o) { totalItems items { ${orderFields} } } }`
      const list = {
        take: pageSize,
        skip: place.skip,
        // `after` leaves out the moment itself.
        filter: { orderPlacedAt: { after: instant(place.sinceMs - 1) }, active: { eq: false } },
        sort: { orderPlacedAt: "ASC" },
      }
      const { items } = objectOf((await client.read({ query, variables: { o: list }, call }))["orders"])
      if (!Array.isArray(items)) throw new AppError("VENDOR_MISBEHAVED", "a page of orders without items")
      const snapshots = await Promise.all(items.map((item: unknown) => wholeOrder(client, item, call)))
      const receivedAt = instant(clock.now())
      return {
        deliveries: snapshots.map((snapshot) => ({
          connection: connectionId,
          via: "poll" as const,
          headers: {},
          bytes: Buffer.from(JSON.stringify({ type: "order.polled", snapshot })),
          receivedAt,
        })),
        // Pages are counted from the front of a window that only grows at its end; what slips into it shifts rows to later
        // pages, where they are read again.
        nextCursor: JSON.stringify({ ...place, skip: place.skip + items.length }),
        hasMore: items.length === pageSize,
      }
    },
  }
}

const rereadsMax = 5

/** The order as it was listed, or read again until it is of one moment. One that never is goes on and is parked with its sums. */
async function wholeOrder(
  client: VendureClient,
  listed: unknown,
  call: Parameters<VendureClient["order"]>[1],
): Promise<VendureOrder> {
  let order = answeredOrder(listed)
  for (let reread = 1; isTorn(order) && reread <= rereadsMax; reread += 1) {
    await sleep(100 * reread, call.signal)
    order = await client.order(order.id, call)
  }
  return order
}

function readCursor(cursor: string): { sinceMs: number; skip: number } {
  const { sinceMs, skip } = objectOf(JSON.parse(cursor))
  if (typeof sinceMs !== "number" || typeof skip !== "number")
    throw new AppError("REQUEST_INVALID", `"${cursor}" is no cursor of this connector`)
  return { sinceMs, skip }
}
