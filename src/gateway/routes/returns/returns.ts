import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { derivedId } from "../../../base/ids.ts"
import { entity, OrderId, textMax } from "../../../canonical/parts.ts"
import type { EventData } from "../../../canonical/events.ts"
import {
  Inspection,
  ReturnLine,
  waysBack,
  type ReturnLine as Line,
  type ReturnObjection,
} from "../../../canonical/returns/parts.ts"
import { returnStates } from "../../../canonical/states.ts"
import { LocationId, linesMax } from "../../../canonical/parts.ts"
import { accept } from "../../accept.ts"
import { apiConnection } from "../../api-deliveries.ts"
import type { GatewayCore, Page, PageRequest } from "../../core.ts"
import type { Exchange } from "../../exchange.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"
import { visibleOrder, type Orders } from "../orders/orders.ts"
import { checkSameReport, checkSameRequest } from "./repeats.ts"

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

/** Why goods may not come back by the rules: for people, and in the words for the buyer. */
interface Reason {
  code: string
  text: string
  words: string
}

/** Returns as the routes need them. */
export interface Returns {
  list(
    request: PageRequest & { orderId?: string; state?: string; isOpen?: boolean; channels?: readonly string[] },
  ): Promise<Page<ReturnView>>
  find(returnId: string): Promise<ReturnView | undefined>
  /** One with its facts and the words for the buyer. */
  read(returnId: string, language: string): Promise<object | undefined>
  /** What speaks against a return now; without lines, of all that the buyer has. */
  check(orderId: string, lines?: readonly Line[]): Promise<readonly ReturnObjection[]>
  words(objections: readonly ReturnObjection[], language: string): Reason[]
  /** The request as the log has it; undefined when nobody asked. */
  asked(returnId: string): Promise<EventData<"return.requested"> | undefined>
  /** The data of a fact about a return, as the log has it. */
  told(returnId: string, fact: string): Promise<object | undefined>
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

/** Reports that are told apart by an id of their sender. */
export const toldAs = { receive: "received", inspect: "inspected" } as const

/** The same report of one return is one fact, whoever repeats it. */
export function saidFact(source: string, returnId: string, what: string): { fact: string; source: string } {
  return { fact: `${source}:return:${returnId}:${what}`, source }
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
      "Ask for goods of an order to come back, or say that a store took them over its counter. The answer says whether the rules allow it, and a repeat is answered as before. REFERENCE_REUSED: the order has a return with this reference and other content.",
    repeats: "natural key",
    bodySchema: ReturnRequest,
    responses: { 202: { description: "Durable", schema: AnyObject } },
    handle: async (exchange) => {
      const { orderId, reference, takenOver, lines, language = "en" } = exchange.body
      if (takenOver) checkStore(exchange, takenOver.locationId)
      const order = await visibleOrder(orders, exchange, orderId)
      if (exchange.body.exchangeOrderId !== undefined)
        await visibleOrder(orders, exchange, exchange.body.exchangeOrderId)
      const returnId = returnIdOf(order.id, reference)
      // Read again once it is durable: of two that come at once with one reference the first in the log stands.
      const named = lines ?? takenOver?.lines
      const now = { ...exchange.body, requestedBy: exchange.consumerId }
      const known = (await returns.asked(returnId)) ?? (await request())
      checkSameRequest(reference, now, known)
      const reasons = returns.words(known.objections ?? (await returns.check(order.id, named)), language)
      return { status: 202, body: { returnId, status: "accepted", isEligible: reasons.length === 0, reasons } }

      async function request() {
        const objections = await returns.check(order.id, named)
        checkLines(returns.words(objections, language), lines ? "/lines" : "/takenOver/lines")
        await accept(core, exchange, { objectId: `${returnId} ${order.channel}`, found: objections })
        return (await returns.asked(returnId)) ?? { ...now, objections }
      }
    },
  })
}

/** REQUEST_INVALID for goods that the order does not have. */
function checkLines(reasons: readonly Reason[], pointer: string): void {
  const unknown = reasons.filter(({ code }) => code === "unknown line" || code === "more than was sold")
  if (unknown.length > 0)
    throw new AppError("REQUEST_INVALID", "the order does not have these goods", {
      problems: unknown.map(({ text }) => ({ pointer, message: text })),
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
      const body = exchange.body as { locationId?: string; id?: string }
      if (exchange.stores) checkStore(exchange, body.locationId)
      const { returnId, orderId } = await visibleReturn(returns, exchange)
      await accept(core, exchange, `${returnId} ${orderId}`)
      if (body.id !== undefined && (name === "receive" || name === "inspect")) {
        const { fact } = saidFact(apiConnection(exchange.consumerId), returnId, `${toldAs[name]}:${body.id}`)
        const first = await returns.told(returnId, fact)
        if (first) checkSameReport(body.id, exchange.body, first)
      }
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
