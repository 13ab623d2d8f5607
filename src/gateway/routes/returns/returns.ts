import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { derivedId } from "../../../base/ids.ts"
import { entity, OrderId, textMax } from "../../../canonical/parts.ts"
import { Inspection, ReturnLine, waysBack, type ReturnLine as Line } from "../../../canonical/returns/parts.ts"
import { returnStates } from "../../../canonical/states.ts"
import { LocationId, linesMax } from "../../../canonical/parts.ts"
import { accept } from "../../accept.ts"
import type { GatewayCore, Page, PageRequest } from "../../core.ts"
import type { Exchange } from "../../exchange.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"
import { visibleOrder, type Orders } from "../orders/orders.ts"

const governed = {
  tier: "process",
  owner: "returns",
  criticality: "high",
  serviceLevel: { p99Ms: 250, availabilityPercent: 99.9 },
  credentials: "consumer",
  reach: "own channels",
} as const

/** What the list of returns holds of one. */
export interface ReturnView {
  returnId: string
  orderId: string
  channel?: string
  state: string
}

/** Whether goods may come back by the rules, and what the buyer is told. */
export interface Eligibility {
  isEligible: boolean
  reasons: readonly { code: string; text: string; words: string }[]
}

/** Returns as the routes need them. */
export interface Returns {
  list(
    request: PageRequest & { orderId?: string; state?: string; isOpen?: boolean; channels?: readonly string[] },
  ): Promise<Page<ReturnView>>
  find(returnId: string): Promise<ReturnView | undefined>
  /** One with its facts and the words for the buyer. */
  read(returnId: string, language: string): Promise<object | undefined>
  check(orderId: string, request: { lines?: readonly Line[]; language: string }): Promise<Eligibility>
}

interface Given {
  core: Pick<GatewayCore, "inbox" | "clock">
  orders: Pick<Orders, "find">
  returns: Returns
}

/** A return that is asked for. */
export const ReturnRequest = entity("Return request", {
  orderId: OrderId,
  reference: Type.String({
    minLength: 1,
    maxLength: 128,
    description: "yours; the same one of an order is one return",
  }),
  how: Type.Optional(Type.Enum(waysBack)),
  toLocationId: Type.Optional(LocationId),
  lines: Type.Optional(Type.Array(ReturnLine, { minItems: 1, maxItems: linesMax })),
  exchangeOrderId: Type.Optional(OrderId),
  takenOver: Type.Optional(Inspection),
  reason: Type.String({ minLength: 1, maxLength: 500 }),
  language: Type.Optional(
    Type.String({ pattern: "^[a-z]{2}(-[A-Z]{2})?$", description: "of the reasons in the answer" }),
  ),
})

const Id = Type.String({ minLength: 1, maxLength: 128, description: "identifies the report: the same one counts once" })
const Decision = entity("Return decision", { reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })) })
const WithReason = entity("Return decision with its reason", { reason: Type.String({ minLength: 1, maxLength: 500 }) })
const Dispatch = entity("Return dispatch", {
  trackingNumber: Type.Optional(Type.String({ minLength: 1, maxLength: textMax })),
})
const Receipt = entity("Return receipt", {
  id: Id,
  locationId: LocationId,
  lines: Type.Array(ReturnLine, { minItems: 1, maxItems: linesMax }),
})
const Inspected = entity("Return inspection", { id: Id, ...Inspection.properties })

/** The bodies of what is said of a return, by the last part of the path. */
export const said = {
  approve: Decision,
  decline: WithReason,
  dispatch: Dispatch,
  receive: Receipt,
  inspect: Inspected,
  cancel: WithReason,
} as const

const summaries: Readonly<Record<keyof typeof said, string>> = {
  approve: "Let goods come back that the rules do not allow.",
  decline: "Decline a return. Goods that were inspected before are no longer refunded by it.",
  dispatch: "Say that the goods of a return are on their way.",
  receive: "Say which goods of a return arrived. Nothing is given back before they are inspected.",
  inspect: "Say what goods of a return are like and what becomes of them. Stock, money and books follow.",
  cancel: "Cancel a return. Once goods were taken it is too late.",
}

/** The id of the return that a reference of an order stands for. */
function returnIdOf(orderId: string, reference: string): string {
  return derivedId("ret", orderId, reference)
}

export function returnRoutes(given: Given): Route[] {
  const names = Object.keys(said) as (keyof typeof said)[]
  return [requestRoute(given), ...readRoutes(given), ...names.map((name) => saidRoute(given, name))]
}

function requestRoute({ core, orders, returns }: Given): Route {
  return route({
    ...governed,
    method: "POST",
    path: "/v1/returns",
    scope: "orders:write",
    summary:
      "Ask for goods of an order to come back, or say that a store took them over its counter. The answer says whether the rules allow it.",
    repeats: "natural key",
    bodySchema: ReturnRequest,
    responses: { 202: { description: "Durable", schema: AnyObject } },
    handle: async (exchange) => {
      const { orderId, reference, takenOver, lines, language = "en" } = exchange.body
      if (takenOver) checkStore(exchange, takenOver.locationId)
      const order = await visibleOrder(orders, exchange, orderId)
      if (exchange.body.exchangeOrderId !== undefined)
        await visibleOrder(orders, exchange, exchange.body.exchangeOrderId)
      const eligibility = await returns.check(order.id, { language, ...(lines ? { lines } : {}) })
      const unknown = eligibility.reasons.filter(({ code }) => code === "unknown line" || code === "more than was sold")
      if (unknown.length > 0)
        throw new AppError("REQUEST_INVALID", "the order does not have these goods", {
          problems: unknown.map(({ text }) => ({ pointer: "/lines", message: text })),
        })
      const returnId = returnIdOf(order.id, reference)
      await accept(core, exchange, `${returnId} ${order.channel}`)
      return { status: 202, body: { returnId, status: "accepted", ...eligibility } }
    },
  })
}

function readRoutes({ returns }: Given): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/returns",
      scope: "orders:read",
      summary: "List returns with their three tracks, newest first.",
      repeats: "safe",
      querySchema: query({
        ...pageQuery,
        order: Type.Optional(OrderId),
        state: Type.Optional(Type.Enum(returnStates)),
        open: Type.Optional(Type.Boolean({ description: "true: those that have not ended" })),
      }),
      responses: { 200: { description: "A page of returns", schema: pageOf(AnyObject) } },
      handle: async ({ channels, query: { order, state, open, ...page } }) => ({
        status: 200,
        body: await returns.list({
          ...pageRequest(page),
          ...(order === undefined ? {} : { orderId: order }),
          ...(state === undefined ? {} : { state }),
          ...(open === undefined ? {} : { isOpen: open }),
          ...(channels ? { channels } : {}),
        }),
      }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/returns/{id}",
      scope: "orders:read",
      summary: "One return: its three tracks, what was found, given back and credited, and the words for the buyer.",
      repeats: "safe",
      querySchema: query({
        language: Type.Optional(Type.String({ pattern: "^[a-z]{2}(-[A-Z]{2})?$", default: "en" })),
      }),
      responses: { 200: { description: "The return", schema: AnyObject } },
      handle: async (exchange) => {
        const { returnId } = await visibleReturn(returns, exchange)
        const body = await returns.read(returnId, exchange.query.language ?? "en")
        if (!body) throw new AppError("NOT_FOUND", `there is no return ${returnId}`)
        return { status: 200, body }
      },
    }),
  ]
}

function saidRoute({ core, returns }: Given, name: keyof typeof said): Route {
  return route({
    ...governed,
    method: "POST",
    path: `/v1/returns/{id}/${name}`,
    scope: "orders:write",
    summary: summaries[name],
    repeats: "natural key",
    bodySchema: said[name],
    responses: { 202: { description: "Durable", schema: AnyObject } },
    handle: async (exchange) => {
      const body = exchange.body as { locationId?: string }
      if (exchange.stores) checkStore(exchange, body.locationId)
      const { returnId, orderId } = await visibleReturn(returns, exchange)
      await accept(core, exchange, `${returnId} ${orderId}`)
      return { status: 202, body: { returnId, status: "accepted" } }
    },
  })
}

/** A return of a channel that the caller may see; NOT_FOUND for others. */
async function visibleReturn(
  returns: Pick<Returns, "find">,
  exchange: Pick<Exchange, "channels" | "parameter">,
): Promise<ReturnView> {
  const id = exchange.parameter("id")
  const found = await returns.find(id)
  const { channels } = exchange
  if (!found || (channels && !channels.includes(found.channel ?? "")))
    throw new AppError("NOT_FOUND", `there is no return ${id}`)
  return found
}
