import { createAvailability, openParcelsByLocation } from "../stock/availability.ts"
import type { OrderPolicies } from "../workflows/fulfil-order/policies.ts"
import type { Parts } from "./parts.ts"

const backlogFreshForMs = 5000

/** An estate's order policies together with what they read. */
export function orderPolicies({ estate, sql, clock }: Parts): OrderPolicies {
  const availability = createAvailability(sql)
  let openParcels = { readAtMs: 0, byLocation: new Map<string, number>() }
  const readOpenParcels = async () => {
    if (clock.now() - openParcels.readAtMs > backlogFreshForMs) {
      openParcels = { readAtMs: clock.now(), byLocation: await openParcelsByLocation(sql) }
    }
    return openParcels.byLocation
  }
  return {
    ...estate.orders,
    locations: async () => {
      const busy = await readOpenParcels()
      return estate.locations.map(({ capacityPerDay, timeZone: _zone, ...location }) => ({
        ...location,
        capacityLeft: Math.max(0, capacityPerDay - (busy.get(location.id) ?? 0)),
      }))
    },
    freeStock: (skus) => availability.freeByLocation(skus),
  }
}
