import { Type } from "typebox"
import { AppError, type ErrorCode } from "../../../base/errors.ts"
import { OrderState } from "../../../canonical/order.ts"
import { eventTypes, newEvent } from "../../../canonical/events.ts"
import { entity, OrderId } from "../../../canonical/parts.ts"
import { validator } from "../../../canonical/validate.ts"
import { accept } from "../../accept.ts"
import { checked, type ApiIntake } from "../../api-deliveries.ts"
import type { Articles } from "../../../stock/articles/articles.ts"
import type { GatewayCore, Page, PageRequest } from "../../core.ts"
import type { Exchange } from "../../exchange.ts"
import { completeOrder, orderIdOf, OrderRequest, orderRequestProblems } from "../../requests/order-request.ts"
import { route, type Answer, type Route } from "../../route.ts"
import { unknownSkus } from "./unknown-skus.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query, TraceAfter } from "../../requests/page-query.ts"

const governed = {
  tier: "process",
  owner: "order-management",
  criticality: "critical",
  serviceLevel: { p99Ms: 250, availabilityPercent: 99.95 },
  credentials: "consumer",
  reach: "own channels",
} as const

const Accepted = Type.Object({
  orderId: OrderId,
  status: Type.Literal("accepted"),
  links: Type.Object({ order: Type.String(), trace: Type.String() }),
})
const accepted = { 202: { description: "Accepted and durable. Follow its progress under the links", schema: Accepted } }

const CancellationRequest = entity("Cancellation request", {
  reason: Type.String({ minLength: 1, maxLength: 500 }),
  requestedBy: Type.Optional(Type.String({ minLength: 1, maxLength: 120, description: "the consumer when left out" })),
  requestId: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: "distinguishes a second request for the same order from a repeat",
    }),
  ),
})

/** An order as operations returns it. Further members are passed through. */
export interface OrderView {
  id: string
  channel: string
  state: string
}

/** The order book as the routes need it. */
export interface Orders {
  /** By its id only: a number may mean orders of several channels. */
  find(orderId: string): Promise<OrderView | undefined>
  list(request: PageRequest & { state?: string; channels?: readonly string[] }): Promise<Page<OrderView>>
  /** Everything that happened to one order over all systems, oldest first. */
  trace(request: { id: string; after?: string }): Promise<object | undefined>
}

interface Given {
  core: Pick<GatewayCore, "inbox" | "clock">
  orders: Orders
  articles: Pick<Articles, "find">
}

/** An order of the most lines, each with its taxes and texts. */
const orderBytesMax = 8 * 1024 * 1024

export function orderRoutes(given: Given): Route[] {
  return [...writeRoutes(given), ...readRoutes(given.orders)]
}

function writeRoutes(given: Given): Route[] {
  const { core, orders } = given
  return [
    route({
      ...governed,
      method: "POST",
      path: "/v1/orders",
      scope: "orders:write",
      summary: "Submit an order that a channel sold. The same channel and external id are the same order.",
      repeats: "natural key",
      bodySchema: OrderRequest,
      bodyLimitBytes: orderBytesMax,
      responses: accepted,
      handle: async (exchange) => {
        await checkOrder(given.articles, exchange, { order: exchange.body })
        return acceptFor(core, exchange, orderIdOf(exchange.body))
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/orders/{id}/edits",
      scope: "orders:write",
      summary: "Submit an order as it is after an edit: the whole order, with a later `version`.",
      repeats: "natural key",
      bodySchema: OrderRequest,
      bodyLimitBytes: orderBytesMax,
      responses: accepted,
      handle: async (exchange) => {
        const order = exchange.body
        await checkOrder(given.articles, exchange, { order, idInPath: exchange.parameter("id") })
        if (order.version === undefined)
          throw new AppError("REQUEST_INVALID", "an edit needs a version", {
            problems: [{ pointer: "/version", message: "an edit needs a version later than the one it replaces" }],
          })
        return acceptFor(core, exchange, orderIdOf(order))
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: "/v1/orders/{id}/cancellation",
      scope: "orders:write",
      summary:
        "Request the cancellation of an order. Goods that can no longer be stopped are shipped, and an exception says so.",
      repeats: "natural key",
      bodySchema: CancellationRequest,
      responses: accepted,
      handle: async (exchange) => {
        const order = await visibleOrder(orders, exchange)
        return acceptFor(core, exchange, order.id)
      },
    }),
  ]
}

function readRoutes(orders: Orders): Route[] {
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
      handle: async ({ channels, query: { state, ...page } }) => ({
        status: 200,
        body: await orders.list({
          ...pageRequest(page),
          ...(state === undefined ? {} : { state }),
          ...(channels ? { channels } : {}),
        }),
      }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/orders/{id}",
      scope: "orders:read",
      summary: "Read one order: its content, its state, and what it waits for.",
      repeats: "safe",
      responses: { 200: { description: "The order", schema: AnyObject } },
      handle: async (exchange) => ({ status: 200, body: await visibleOrder(orders, exchange) }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/orders/{id}/trace",
      scope: "orders:read",
      summary: "List everything that happened to one order in all systems, page by page, oldest first.",
      querySchema: query({ after: Type.Optional(TraceAfter) }),
      repeats: "safe",
      responses: { 200: { description: "The trace", schema: AnyObject } },
      handle: async (exchange) => {
        const order = await visibleOrder(orders, exchange)
        const { after } = exchange.query
        const trace = await orders.trace({ id: order.id, ...(after === undefined ? {} : { after }) })
        if (!trace) throw notFound(order.id)
        return { status: 200, body: trace }
      },
    }),
  ]
}

/** Finds every problem of an order at once: sums, ids, and SKUs that never had stock. */
async function checkOrder(
  articles: Pick<Articles, "find">,
  exchange: Exchange,
  { order, idInPath }: { order: OrderRequest; idInPath?: string },
): Promise<void> {
  if (!maySee(exchange, order.channel))
    throw new AppError(
      "PERMISSION_MISSING",
      `${exchange.consumerId} may not write orders of the channel ${order.channel}`,
    )
  const problems = [...orderRequestProblems(order), ...(await unknownSkus(articles, order))]
  if (idInPath !== undefined && orderIdOf(order) !== idInPath)
    problems.push({
      pointer: "/externalId",
      message: `channel and external id belong to ${orderIdOf(order)}, not to ${idInPath}`,
    })
  if (problems.length === 0) return
  const code: ErrorCode = problems.some((problem) => problem.code === "ORDER_TOTALS_WRONG")
    ? "ORDER_TOTALS_WRONG"
    : problems.every((problem) => problem.code === "STOCK_UNKNOWN")
      ? "STOCK_UNKNOWN"
      : "REQUEST_INVALID"
  throw new AppError(code, `the order has ${problems.length} problem(s)`, { problems })
}

function maySee({ channels }: Pick<Exchange, "channels">, channel: string): boolean {
  return channels?.includes(channel) ?? true
}

/** An order, when it exists and belongs to a channel of the caller; otherwise NOT_FOUND, which tells nothing. Default: the path's. */
export async function visibleOrder(
  orders: Pick<Orders, "find">,
  exchange: Exchange,
  id = exchange.parameter("id"),
): Promise<OrderView> {
  const order = await orders.find(id)
  if (!order || !maySee(exchange, order.channel)) throw notFound(id)
  return order
}

/** Accepts what belongs to an order and links to it. */
export async function acceptFor(
  core: Pick<GatewayCore, "inbox" | "clock">,
  exchange: Exchange,
  orderId: string,
): Promise<Answer> {
  await accept(core, exchange, orderId)
  const link = `/v1/orders/${orderId}`
  return { status: 202, body: { orderId, status: "accepted", links: { order: link, trace: `${link}/trace` } } }
}

function notFound(orderId: string): AppError {
  return new AppError("NOT_FOUND", `order ${orderId.slice(0, 64)} does not exist; look a number up with GET /v1/search`)
}

const orderBody = validator(OrderRequest, "order")
const cancellationBody = validator(CancellationRequest, "cancellation request")
const cancellationData = validator(eventTypes["order.cancellation-requested"].schema, "cancellation request")

/**
 * Facts from accepted requests. A fact is named by the order's channel and external id, as the channel's own connector names it,
 * so an order that comes by API and by webhook is one.
 */
export const orderIntake: ApiIntake = {
  "POST /v1/orders": (request) => {
    const order = checkedOrder(request.body)
    return newEvent({
      type: "order.placed",
      fact: `${order.channel}:order:${order.externalId}:placed`,
      source: request.source,
      time: order.placedAt,
      data: { orderId: order.id, order },
    })
  },
  "POST /v1/orders/{id}/edits": (request) => {
    const order = checkedOrder(request.body)
    return newEvent({
      type: "order.edited",
      fact: `${order.channel}:order:${order.externalId}:edited:${order.version}`,
      source: request.source,
      time: order.version,
      data: { orderId: order.id, order },
    })
  },
  "POST /v1/orders/{id}/cancellation": ({ body, objectId: orderId, consumer, source, receivedAt }) => {
    const { reason, requestedBy, requestId } = checked(cancellationBody, body)
    return newEvent({
      type: "order.cancellation-requested",
      fact: `${source}:order:${orderId}:cancellation-requested:${requestId ?? ""}`,
      source,
      time: receivedAt,
      data: cancellationData.parse({ orderId, reason, requestedBy: requestedBy ?? consumer }),
    })
  },
}

function checkedOrder(body: unknown) {
  const request = checked(orderBody, body)
  const problems = orderRequestProblems(request)
  if (problems.length > 0) throw new AppError("TRANSLATION_FAILED", "the order does not add up", { problems })
  return completeOrder(request)
}
