import { Type, type Static } from "typebox"
import { Duration, durationMs, epochMs, instant } from "../../base/time.ts"
import { movementKinds } from "../../canonical/events/stock.ts"
import type { EventData } from "../../canonical/events.ts"
import { entity } from "../../canonical/parts.ts"
import { stockStates, type StockState } from "../../canonical/stock/states.ts"
import type { IncludedReservations } from "../stock-ledger.ts"

/**
 * What a connection's word on stock means: which movements it has the last word on, and what an absolute number of it has inside.
 */
export const StockEquation = entity("Stock equation", {
  tells: Type.Optional(
    Type.Array(Type.Enum(movementKinds), {
      description:
        "The movements it has the last word on. Others of it are kept as events and not booked: another system tells them. Default: all.",
    }),
  ),
  orders: Type.Optional(
    Type.Union(
      [Type.Enum(["none", "all", "unknown"]), Type.Object({ upToAge: Duration }, { additionalProperties: false })],
      {
        description:
          "Which of our orders an absolute has taken off already: `none` (what stands there), `all` up to its moment, all but those younger than `upToAge`, or `unknown`, which is read as none: the lower promise. Default: what the connector says.",
      },
    ),
  ),
  states: Type.Optional(
    Type.Array(Type.Enum(stockStates), {
      description: "Goods that cannot be sold and are in its absolute. Default: what the connector says.",
    }),
  ),
  readEvery: Type.Optional({
    ...Duration,
    description:
      "How often its absolutes are read, where it can be asked; a gap in its movements has them read at once.",
  }),
})
export type StockEquation = Static<typeof StockEquation>

type Counted = EventData<"stock.counted">

/** What a counted number has inside: the estate's word, else the connector's. */
export function insideOf(
  { includesReservations, includesStates = [], countedAt }: Counted,
  { orders, states = includesStates }: StockEquation,
): { includesReservations: IncludedReservations; includesStates: readonly StockState[] } {
  return { includesReservations: ordersIn(orders ?? includesReservations, countedAt), includesStates: states }
}

function ordersIn(
  orders: NonNullable<StockEquation["orders"]> | Counted["includesReservations"],
  countedAt: string,
): IncludedReservations {
  if (orders === "unknown") return "none"
  if (typeof orders === "object" && "upToAge" in orders)
    return { until: instant(epochMs(countedAt) - durationMs(orders.upToAge)) }
  return orders
}
