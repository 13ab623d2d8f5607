import { AppError } from "../../../base/errors.ts"
import { AnyObject } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"
import { visibleOrder, type Orders } from "./orders.ts"

const governed = {
  tier: "process",
  owner: "order-management",
  criticality: "critical",
  serviceLevel: { p99Ms: 250, availabilityPercent: 99.95 },
  credentials: "consumer",
  reach: "own channels",
} as const

/** Accounts as the routes need them. */
export interface Accounts {
  /** What became of an order's lines and its money. */
  read(orderId: string): Promise<object | undefined>
  /** Makes the account anew from the log; what it was and is, when that differs. */
  rebuild(orderId: string): Promise<{ was: object; is: object } | undefined>
}

export function orderAccountRoutes({
  orders,
  accounts,
}: {
  orders: Pick<Orders, "find">
  accounts: Accounts
}): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/orders/{id}/account",
      scope: "orders:read",
      summary:
        "What became of an order's lines and money: shipped, returned, taken, given back and by whom, and what is booked.",
      repeats: "safe",
      responses: { 200: { description: "The account", schema: AnyObject } },
      handle: async (exchange) => {
        const { id } = await visibleOrder(orders, exchange)
        const account = await accounts.read(id)
        if (!account) throw new AppError("NOT_FOUND", `there is no order ${id}`)
        return { status: 200, body: account }
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/orders/{id}/account/rebuild",
      scope: "operations:write",
      summary: "Make the account of an order anew from the log; the answer says what was different.",
      repeats: "safe",
      responses: { 200: { description: "Whether it was different, and how", schema: AnyObject } },
      handle: async (exchange) => {
        const { id } = await visibleOrder(orders, exchange)
        const difference = await accounts.rebuild(id)
        return { status: 200, body: { orderId: id, isChanged: difference !== undefined, ...difference } }
      },
    }),
  ]
}
