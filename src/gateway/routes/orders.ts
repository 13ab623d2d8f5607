import { Type } from "typebox"
import { AppError, type ErrorCode, type Problem } from "../../base/errors.ts"
import { instant } from "../../base/time.ts"
import { OrderState } from "../../canonical/order.ts"
import { OrderId } from "../../canonical/parts.ts"
import type { Grant } from "../../governance/access.ts"
import { apiConnection, apiHeaders, CancellationRequest } from "../api-deliveries.ts"
import type { GatewayDependencies, OrderView } from "../dependencies.ts"
import type { Exchange } from "../exchange.ts"
import { orderIdOf, OrderRequest, orderRequestProblems } from "../requests/order-request.ts"
import { route, type Answer, type Route } from "../route.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../requests/page-query.ts"

const governed = {
  tier: "process",
  owner: "order-management",
  criticality: "critical",
  serviceLevel: { p99Ms: 250, availabilityPercent: 99.95 },
  credentials: "consumer",
} as const

const Accepted = Type.Object({
  orderId: OrderId,
  status: Type.Literal("accepted"),
  links: Type.Object({ order: Type.String(), trace: Type.String() }),
})
const accepted = { 202: { description: "Durable; its way can be followed under the links", schema: Accepted } }

export function orderRoutes(dependencies: GatewayDependencies): Route[] {
  return [...writeRoutes(dependencies), ...readRoutes(dependencies)]
}

function writeRoutes(dependencies: GatewayDependencies): Route[] {
  return [
    route({
      ...governed,
      method: "POST",
      path: "/v1/orders",
      scope: "orders:write",
      summary: "Hand in an order that a channel sold. The same channel and external id are the same order.",
      repeats: "natural key",
      bodySchema: OrderRequest,
      responses: accepted,
      handle: async (exchange) => {
        await checkOrder(dependencies, exchange, { order: exchange.body })
        return accept(dependencies, exchange, orderIdOf(exchange.body))
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/orders/{id}/edits",
      scope: "orders:write",
      summary: "Hand in an order as it is after an edit: the whole order, with a later `version`.",
      repeats: "natural key",
      bodySchema: OrderRequest,
      responses: accepted,
      handle: async (exchange) => {
        const order = exchange.body
        await checkOrder(dependencies, exchange, { order, idInPath: exchange.parameter("id") })
        if (order.version === undefined)
          throw new AppError("REQUEST_INVALID", "an edit needs the version it makes", {
            problems: [{ pointer: "/version", message: "an edit needs a version later than the one it replaces" }],
          })
        return accept(dependencies, exchange, orderIdOf(order))
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/orders/{id}/cancellation",
      scope: "orders:write",
      summary: "Ask for an order to be cancelled. What has gone too far to be stopped is shipped and said so.",
      repeats: "natural key",
      bodySchema: CancellationRequest,
      responses: accepted,
      handle: async (exchange) => {
        const order = await visibleOrder(dependencies, exchange)
        return accept(dependencies, exchange, order.id)
      },
    }),
  ]
}

function readRoutes(dependencies: GatewayDependencies): Route[] {
  const { orders } = dependencies
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/orders",
      scope: "orders:read",
      summary: "List orders, newest first.",
      repeats: "safe",
      querySchema: query({ ...pageQuery, state: Type.Optional(OrderState) }),
      responses: { 200: { description: "A page of orders", schema: pageOf(AnyObject) } },
      handle: async ({ grant, query: { state, ...page } }) => ({
        status: 200,
        body: await orders.list({
          ...pageRequest(page),
          ...(state === undefined ? {} : { state }),
          ...(grant.consumer.channels ? { channels: grant.consumer.channels } : {}),
        }),
      }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/orders/{id}",
      scope: "orders:read",
      summary: "One order: what was sold, where it stands, who waits for what.",
      repeats: "safe",
      responses: { 200: { description: "The order", schema: AnyObject } },
      handle: async (exchange) => ({ status: 200, body: await visibleOrder(dependencies, exchange) }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/orders/{id}/trace",
      scope: "orders:read",
      summary: "Everything that happened to one order over all systems.",
      repeats: "safe",
      responses: { 200: { description: "The trace", schema: AnyObject } },
      handle: async (exchange) => {
        const order = await visibleOrder(dependencies, exchange)
        const trace = await orders.trace(order.id)
        if (!trace) throw notFound(order.id)
        return { status: 200, body: trace }
      },
    }),
  ]
}

/** Everything that is wrong with an order, at once: sums, ids, and SKUs that nobody has ever stocked. */
async function checkOrder(
  { stock }: GatewayDependencies,
  exchange: Exchange,
  { order, idInPath }: { order: OrderRequest; idInPath?: string },
): Promise<void> {
  if (!maySee(exchange.grant, order.channel))
    throw new AppError(
      "PERMISSION_MISSING",
      `${exchange.consumerId} may not write orders of the channel ${order.channel}`,
    )
  const problems = [...orderRequestProblems(order), ...(await unknownSkus(stock, order))]
  if (idInPath !== undefined && orderIdOf(order) !== idInPath)
    problems.push({
      pointer: "/externalId",
      message: `channel and external id are those of ${orderIdOf(order)}, not ${idInPath}`,
    })
  if (problems.length === 0) return
  const code: ErrorCode = problems.some((problem) => problem.code === "ORDER_TOTALS_WRONG")
    ? "ORDER_TOTALS_WRONG"
    : problems.every((problem) => problem.code === "STOCK_UNKNOWN")
      ? "STOCK_UNKNOWN"
      : "REQUEST_INVALID"
  throw new AppError(code, `the order has ${problems.length} problem(s)`, { problems })
}

async function unknownSkus({ availability }: GatewayDependencies["stock"], order: OrderRequest): Promise<Problem[]> {
  const goods = order.lines.flatMap((line, index) => {
    if (line.isGiftCard || line.fulfilment.method === "digital") return []
    if (!line.components) return [{ sku: line.sku, pointer: `/lines/${index}/sku` }]
    return line.components.map(({ sku }, at) => ({ sku, pointer: `/lines/${index}/components/${at}/sku` }))
  })
  const answers = await availability.query(goods.map(({ sku }) => ({ sku })))
  return goods.flatMap(({ sku, pointer }, index) =>
    answers[index]?.isKnown
      ? []
      : [{ pointer, code: "STOCK_UNKNOWN", message: `${sku} is not a SKU that was ever stocked` }],
  )
}

/** Puts the request into the inbox as it came; 202 only after it is durable. */
export async function accept(
  { inbox, clock }: Pick<GatewayDependencies, "inbox" | "clock">,
  exchange: Exchange,
  orderId: string,
): Promise<Answer> {
  await inbox.receive({
    connection: apiConnection(exchange.consumerId),
    via: "api",
    topic: exchange.route.id,
    deliveryId: exchange.header("idempotency-key")?.slice(0, 255) ?? "",
    headers: {
      "content-type": "application/json",
      [apiHeaders.route]: exchange.route.id,
      [apiHeaders.version]: exchange.version,
      [apiHeaders.orderId]: orderId,
      [apiHeaders.consumer]: exchange.consumerId,
    },
    bytes: exchange.bytes,
    receivedAt: instant(clock.now()),
    correlation: exchange.correlation,
    traceparent: exchange.traceparent,
  })
  const link = `/v1/orders/${orderId}`
  return { status: 202, body: { orderId, status: "accepted", links: { order: link, trace: `${link}/trace` } } }
}

function maySee(grant: Grant, channel: string): boolean {
  return grant.consumer.channels?.includes(channel) ?? true
}

/** The order of the path, when it exists and belongs to a channel of the caller; otherwise NOT_FOUND, which tells nothing. */
async function visibleOrder({ orders }: Pick<GatewayDependencies, "orders">, exchange: Exchange): Promise<OrderView> {
  const id = exchange.parameter("id")
  const order = await orders.find(id)
  if (!order || !maySee(exchange.grant, order.channel)) throw notFound(id)
  return order
}

function notFound(orderId: string): AppError {
  return new AppError("NOT_FOUND", `there is no order ${orderId.slice(0, 64)}`)
}
