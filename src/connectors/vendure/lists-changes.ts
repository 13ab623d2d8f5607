import { AppError } from "../../base/errors.ts"
import { instant, type Clock } from "../../base/time.ts"
import type { ChangesPage, ChangeList } from "../../ports/capabilities/intake.ts"
import { objectOf, type VendureClient } from "./client.ts"
import { orderFields } from "./payloads.ts"
import { orderDelivery, orderOrAsListed } from "./reads-objects.ts"

const pageSize = 25

/**
 * Finds orders by the time they were placed, because no other time of an order is reliable: `updatedAt` does not change
 * on payment, shipping, cancellation and refund (seen in 3.7.3, on 72 of 72 orders). Changes later than the overlap
 * come only by webhook; a longer overlap reads orders again for longer.
 *
 * `orderPlacedAt` is set inside the transaction that places the order, so it may become visible after a later one. The
 * list is sorted by that key alone: with a second key the API sorts by whichever its schema names first.
 */
export function listsChanges(options: {
  client: VendureClient
  connectionId: string
  clock: Clock
  overlapMs: number
}): { orders: ChangeList } {
  const { client, connectionId, clock, overlapMs } = options
  return {
    orders: {
      overlapMs,
      async listChanges({ cursor, sinceMs }, call): Promise<ChangesPage> {
        // The caller starts each window before the end of the last one, by the overlap declared here.
        const place = cursor === undefined ? { sinceMs, skip: 0 } : readCursor(cursor)
        const query = `query ($o: OrderListOptions) { orders(options: $o) { totalItems items { ${orderFields} } } }`
        const list = {
          take: pageSize,
          skip: place.skip,
          // `after` excludes the time itself.
          filter: { orderPlacedAt: { after: instant(place.sinceMs - 1) }, active: { eq: false } },
          sort: { orderPlacedAt: "ASC" },
        }
        const { items } = objectOf((await client.read({ query, variables: { o: list }, call }))["orders"])
        if (!Array.isArray(items)) throw new AppError("VENDOR_MISBEHAVED", "a page of orders without items")
        const snapshots = await Promise.all(items.map((item: unknown) => orderOrAsListed(client, item, call)))
        return {
          deliveries: snapshots.map((snapshot) => orderDelivery(snapshot, { connectionId, clock })),
          // Pages are counted from the front of a window that only grows at its end. A row that appears inside it
          // shifts others to later pages, where they are read again.
          nextCursor: JSON.stringify({ ...place, skip: place.skip + items.length }),
          hasMore: items.length === pageSize,
        }
      },
    },
  }
}

function readCursor(cursor: string): { sinceMs: number; skip: number } {
  const { sinceMs, skip } = objectOf(JSON.parse(cursor))
  if (typeof sinceMs !== "number" || typeof skip !== "number")
    throw new AppError("REQUEST_INVALID", `"${cursor}" is not a cursor of this connector`)
  return { sinceMs, skip }
}
