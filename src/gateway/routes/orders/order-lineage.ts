import { AppError } from "../../../base/errors.ts"
import { AnyObject } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"
import { visibleOrder, type Orders } from "./orders.ts"

/** Who set the values of orders, as the route needs it. */
export interface OrderLineages {
  read(orderId: string): Promise<object | undefined>
}

export function orderLineageRoutes(orders: Pick<Orders, "find">, lineages: OrderLineages): Route[] {
  return [
    route({
      tier: "experience",
      owner: "order-management",
      criticality: "normal",
      serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
      credentials: "consumer",
      reach: "own channels",
      method: "GET",
      path: "/v1/orders/{id}/lineage",
      scope: "orders:read",
      summary:
        "Who set each value of an order, when, by which fact and delivery, and what stood there before. Lines keep their history by their ids.",
      repeats: "safe",
      responses: {
        200: {
          description: "The versions of the order, and the values with the version that set each",
          schema: AnyObject,
        },
      },
      handle: async (exchange) => {
        const { id } = await visibleOrder(orders, exchange)
        const lineage = await lineages.read(id)
        if (!lineage) throw new AppError("NOT_FOUND", `no version of order ${id} is kept: retention has removed them`)
        return { status: 200, body: lineage }
      },
    }),
  ]
}
