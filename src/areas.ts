import { access } from "./areas/access.ts"
import { alerts } from "./areas/promises/alerts.ts"
import { catalogue } from "./areas/catalogue/catalogue.ts"
import { connections } from "./areas/connections.ts"
import type { PoliciesOver } from "./areas/define-area.ts"
import { deliveries } from "./areas/deliveries.ts"
import { events } from "./areas/events/events.ts"
import { figures } from "./areas/figures.ts"
import { modes } from "./areas/modes.ts"
import { operations } from "./areas/operations.ts"
import { orders } from "./areas/orders.ts"
import { pickups } from "./areas/pickups/pickups.ts"
import { promises } from "./areas/promises/promises.ts"
import { publishing } from "./areas/publishing/publishing.ts"
import { refunds } from "./areas/returns/refunds.ts"
import { retention } from "./areas/retention.ts"
import { returns } from "./areas/returns/returns.ts"
import { sales } from "./areas/sales/sales.ts"
import { subscriptions } from "./areas/events/subscriptions.ts"
import { stock } from "./areas/stock.ts"
import { replenishment } from "./areas/stock/replenishment.ts"
import { adjustments, transfers } from "./areas/stock/transfers.ts"

/** Every area there is. */
export const areas = [
  orders,
  refunds,
  deliveries,
  stock,
  transfers,
  adjustments,
  replenishment,
  returns,
  pickups,
  sales,
  catalogue,
  publishing,
  operations,
  figures,
  promises,
  alerts,
  connections,
  modes,
  events,
  subscriptions,
  access,
  retention,
] as const

/** The retailer's decisions by area: `policies` of the estate. */
export type EstatePolicies = PoliciesOver<(typeof areas)[number]>
