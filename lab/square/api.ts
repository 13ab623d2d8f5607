import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify"
import { jsonBody, type SimulatorContext } from "../simulator.ts"
import type { Order, Payment, PaymentRefund } from "./records.ts"

export const squareToken = "EAAAlab-square-token"
export const squareMerchant = "LABMERCHANT01"

/** SearchOrdersRequest: the default and the most of `limit`, and the most locations. */
const [limitDefault, limitMax, locationsMax] = [500, 1000, 10]
const scopesDefault = ["ORDERS_READ", "PAYMENTS_READ", "ITEMS_READ", "MERCHANT_PROFILE_READ"]

export type ApiOptions = {
  scopes?: readonly string[]
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
  const answered: Answered = (operation, answer) => async (request, reply) => {
    await context.begin(request, { operation })
    if (request.headers.authorization !== `Bearer ${squareToken}`)
      return reply
        .code(401)
        .send(errors("AUTHENTICATION_ERROR", "UNAUTHORIZED", "This request could not be authorized."))
    if (!/^\d{4}-\d{2}-\d{2}$/.test(String(request.headers["square-version"])))
      return reply
        .code(400)
        .send(errors("INVALID_REQUEST_ERROR", "INVALID_SQUARE_VERSION_FORMAT", "Square-Version is a date"))
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
    answered("SearchOrders", (request, reply) => search(seller, options, { request, reply })),
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
        status: "ACTIVE",
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

function search(
  seller: Seller,
  options: ApiOptions,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
) {
  const {
    location_ids = [],
    query = {},
    limit = limitDefault,
  } = jsonBody(request) as {
    location_ids?: string[]
    limit?: number
    query?: {
      filter?: { date_time_filter?: Record<string, { start_at?: string; end_at?: string }> }
      sort?: { sort_field?: string; sort_order?: string }
    }
  }
  const range = Object.entries(query.filter?.date_time_filter ?? {})[0]
  const refuse = (code: string, detail: string) => reply.code(400).send(errors("INVALID_REQUEST_ERROR", code, detail))
  if (location_ids.length === 0 || location_ids.length > locationsMax)
    return refuse("ARRAY_LENGTH_TOO_LONG", "1 to 10 location_ids")
  if (limit > limitMax) return refuse("VALUE_TOO_HIGH", "limit is at most 1000")
  if (range && query.sort?.sort_field !== range[0].toUpperCase())
    return refuse("BAD_REQUEST", "sort_field must match the timestamp field of the date_time_filter")
  const [field = "created_at", { start_at = "", end_at = "9999" } = {}] = range ?? []
  const of = (order: Order) => String(order[field as keyof Order] ?? "")
  const found = [...seller.orders.values()]
    .filter((order) => location_ids.includes(order.location_id) && of(order) >= start_at && of(order) <= end_at)
    .sort((left, right) => (of(left) < of(right) ? -1 : 1))
  const sorted = query.sort?.sort_order === "ASC" ? found : found.reverse()
  return { orders: sorted.slice(0, limit).map((order) => shown(order, options)) }
}
