import { AppError } from "../../base/errors.ts"
import { epochMs, instant, parseInstant, type Clock } from "../../base/time.ts"
import type { ChangeList } from "../../ports/capabilities/intake.ts"
import { changesByMoment } from "../../protocols/changes-by-moment.ts"
import type { VendureClient } from "./client.ts"
import { objectOf, orderFields } from "./payloads.ts"
import { orderDelivery, untilWhole } from "./reads-objects.ts"

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
    orders: changesByMoment<unknown>({
      overlapMs,
      pageSize: 25,
      takeMax: 100,
      async read({ fromMs, take }, call) {
        const query = `query ($o: OrderListOptions) { orders(options: $o) { totalItems items { ${orderFields} } } }`
        const list = {
          take,
          // `after` excludes the time itself.
          filter: { orderPlacedAt: { after: instant(fromMs - 1) }, active: { eq: false } },
          sort: { orderPlacedAt: "ASC" },
        }
        const { items } = objectOf((await client.read({ query, variables: { o: list }, call }))["orders"])
        if (!Array.isArray(items)) throw new AppError("VENDOR_MISBEHAVED", "a page of orders without items")
        return items
      },
      momentMsOf(item) {
        const placedAt = parseInstant(String(objectOf(item)["orderPlacedAt"]))
        if (placedAt === undefined) throw new AppError("VENDOR_MISBEHAVED", "an order of a page without orderPlacedAt")
        return epochMs(placedAt)
      },
      deliveryOf: async (item, call) => orderDelivery(await untilWhole(client, item, call), { connectionId, clock }),
    }),
  }
}
