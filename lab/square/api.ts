import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify"
import { jsonBody, type SimulatorContext } from "../simulator.ts"
import type { Order, Payment, PaymentRefund } from "./records.ts"
import { searchOrders, type Search } from "./search.ts"

export const squareToken = "EAAAlab-square-token"
export const squareMerchant = "LABMERCHANT01"

const scopesDefault = ["ORDERS_READ", "PAYMENTS_READ", "ITEMS_READ", "MERCHANT_PROFILE_READ"]

/** The permission that each endpoint needs (`security` of its path in the OpenAPI description). */
const scopeOf: Readonly<Record<string, string>> = {
  RetrieveOrder: "ORDERS_READ",
  SearchOrders: "ORDERS_READ",
  BatchRetrieveOrders: "ORDERS_READ",
  GetPayment: "PAYMENTS_READ",
  GetPaymentRefund: "PAYMENTS_READ",
  BatchRetrieveCatalogObjects: "ITEMS_READ",
  ListLocations: "MERCHANT_PROFILE_READ",
}

export type ApiOptions = {
  scopes?: readonly string[]
  /** Why the token is refused (ErrorCode, 401). */
  token?: "ACCESS_TOKEN_EXPIRED" | "ACCESS_TOKEN_REVOKED"
  /** Locations that were closed. */
  inactive?: readonly string[]
  /** Locations whose orders the token's person may not see. */
  forbidden?: readonly string[]
  /** Pages of a search are no longer than this, whatever was asked for: "It is possible to receive fewer results" (SearchOrders). */
  pageMax?: number
  /** After so many searches the first orders of their page change: they move to the end of a list by `updated_at`. */
  changing?: number
  /** Whether an order in an answer names refunds by ids of their own, which no PaymentRefund has. */
  ownRefundIds?: boolean
}

export function errors(category: string, code: string, detail: string): object {
  return { errors: [{ category, code, detail }] }
}

export interface Seller {
  orders: Map<string, Order>
  payments: Map<string, Payment>
  refunds: Map<string, PaymentRefund>
  /** SKU of each variation; null for one without. */
  variations: Map<string, string | null>
  locationIds: readonly string[]
}

type Answering = { seller: Seller; options: ApiOptions }
type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

export function addApi(app: FastifyInstance, context: SimulatorContext, { seller, options }: Answering): void {
  let searches = 0
  const answered: Answered = (operation, answer) => async (request, reply) => {
    await context.begin(request, { operation })
    if (options.token !== undefined)
      return reply.code(401).send(errors("AUTHENTICATION_ERROR", options.token, `The access token is not valid`))
    if (request.headers.authorization !== `Bearer ${squareToken}`)
      return reply
        .code(401)
        .send(errors("AUTHENTICATION_ERROR", "UNAUTHORIZED", "This request could not be authorized."))
    if (!/^\d{4}-\d{2}-\d{2}$/.test(String(request.headers["square-version"])))
      return reply
        .code(400)
        .send(errors("INVALID_REQUEST_ERROR", "INVALID_SQUARE_VERSION_FORMAT", "Square-Version is a date"))
    const scope = scopeOf[operation]
    if (scope !== undefined && !(options.scopes ?? scopesDefault).includes(scope))
      return reply
        .code(403)
        .send(
          errors(
            "AUTHENTICATION_ERROR",
            "INSUFFICIENT_SCOPES",
            `The merchant has not given your application sufficient permissions to do that. The merchant must authorize your application for the following scopes: ${scope}`,
          ),
        )
    return answer(request, reply)
  }
  const one = (name: string, of: ReadonlyMap<string, object>) => (request: FastifyRequest, reply: FastifyReply) => {
    const found = of.get((request.params as { id: string }).id)
    return found
      ? { [name]: shown(found, options) }
      : reply.code(404).send(errors("INVALID_REQUEST_ERROR", "NOT_FOUND", "Could not find it"))
  }
  app.get("/v2/orders/:id", answered("RetrieveOrder", one("order", seller.orders)))
  app.get("/v2/payments/:id", answered("GetPayment", one("payment", seller.payments)))
  app.get("/v2/refunds/:id", answered("GetPaymentRefund", one("refund", seller.refunds)))
  app.post(
    "/v2/orders/search",
    answered("SearchOrders", (request, reply) => {
      const found = searchOrders([...seller.orders.values()], jsonBody(request) as Search, options)
      if ("refused" in found) return reply.code(found.status).send(errors(found.category, found.refused, found.detail))
      const answer = { ...found, orders: found.orders.map((order) => shown(order, options)) }
      searches += 1
      if (searches <= (options.changing ?? 0))
        for (const order of found.orders.slice(0, 3))
          seller.orders.set(order.id, { ...order, updated_at: new Date().toISOString() })
      return answer
    }),
  )
  app.post(
    "/v2/orders/batch-retrieve",
    answered("BatchRetrieveOrders", (request) => {
      const { order_ids = [] } = jsonBody(request) as { order_ids?: string[] }
      return { orders: order_ids.flatMap((id) => seller.orders.get(id) ?? []) }
    }),
  )
  addAccount(app, answered, { seller, options })
}

type Answered = (operation: string, answer: (request: FastifyRequest, reply: FastifyReply) => unknown) => Handler

function addAccount(app: FastifyInstance, answered: Answered, { seller, options }: Answering): void {
  app.post(
    "/v2/catalog/batch-retrieve",
    answered("BatchRetrieveCatalogObjects", (request) => {
      const { object_ids = [] } = jsonBody(request) as { object_ids?: string[] }
      const objects = object_ids.flatMap((id) => {
        const sku = seller.variations.get(id)
        if (sku === undefined) return []
        return [
          {
            type: "ITEM_VARIATION",
            id,
            is_deleted: false,
            item_variation_data: { name: "Regular", ...(sku === null ? {} : { sku }) },
          },
        ]
      })
      return { objects }
    }),
  )
  app.get(
    "/v2/locations",
    answered("ListLocations", () => ({
      locations: seller.locationIds.map((id) => ({
        id,
        name: `Store ${id}`,
        status: options.inactive?.includes(id) ? "INACTIVE" : "ACTIVE",
        merchant_id: squareMerchant,
      })),
    })),
  )
  app.post(
    "/oauth2/token/status",
    answered("RetrieveTokenStatus", () => ({
      scopes: options.scopes ?? scopesDefault,
      merchant_id: squareMerchant,
      client_id: "sq0idp-lab",
    })),
  )
}

/** An order whose refunds have ids of their own. */
function shown(found: object, { ownRefundIds = false }: ApiOptions): object {
  if (!ownRefundIds || !("refunds" in found)) return found
  const { refunds = [] } = found as Order
  return { ...found, refunds: refunds.map((refund) => ({ ...refund, id: `r-${refund.id.slice(-20)}` })) }
}
