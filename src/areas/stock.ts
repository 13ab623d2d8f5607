import { availabilityRoutes } from "../gateway/routes/stock/availability.ts"
import { reservationRoutes } from "../gateway/routes/stock/reservations.ts"
import { stockMovementRoutes } from "../gateway/routes/stock/stock-movements.ts"
import { createAvailability, readStockTotals } from "../stock/availability.ts"
import { stockCountSubscriber } from "../stock/counts.ts"
import { setStockPolicies, StockPolicyBlock } from "../stock/policies.ts"
import { createStockLedger } from "../stock/stock-ledger.ts"
import { defineArea } from "./define-area.ts"

const expiredAtOnceMax = 500

/** Stock by location, and its reservations. */
export const stock = defineArea({
  name: "stock",
  policies: { schema: StockPolicyBlock, whenLeftOut: "defaults" },
  kpis: async ({ sql }) => ({ stock: await readStockTotals(sql) }),
  routes: ({ core, sql, reservations }) => [
    ...reservationRoutes(core, reservations),
    ...availabilityRoutes(createAvailability(sql)),
    ...stockMovementRoutes(createStockLedger(sql)),
  ],
  subscribers: ({ sql }) => [stockCountSubscriber(createStockLedger(sql))],
  services: ({ sql }, policies: StockPolicyBlock | undefined) => [
    { start: () => setStockPolicies(sql, policies ?? {}) },
  ],
  /** Ends expired soft holds. */
  async upkeep({ reservations }) {
    while ((await reservations.expireDue(expiredAtOnceMax)).length === expiredAtOnceMax);
  },
})
