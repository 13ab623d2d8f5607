import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify"
import { type FieldNode, parse } from "graphql"
import type { VendorState } from "../books.ts"
import { controlBody } from "../control.ts"
import {
  jsonBody,
  startSimulator,
  type Call,
  type Simulator,
  type SimulatorContext,
  type VendorOptions,
} from "../simulator.ts"
import { Orders, Refused, type Line } from "./orders.ts"
import { ChannelNotFound, channelOf, languages, type Channel } from "./channels.ts"
import { ShopPrices, type PriceInput } from "./prices.ts"
import { ShopProducts, type ProductUpdate } from "./products.ts"
import { Internal, InvalidValue, NotFound, UserInput } from "./refusals.ts"
import { ShopStock, stockLocations, type NewVariant } from "./stock.ts"

export const vendureUser = "superadmin"
export const vendurePassword = "lab-vendure-password"
const token = "lab-vendure-token"

interface Asked {
  orders: Orders
  stock: ShopStock
  products: ShopProducts
  channel: Channel
  call: Call
  variables: Record<string, never> & {
    i?: Record<string, never>
    id?: string
    s?: string
    o?: Parameters<ShopStock["list"]>[0]
  }
}

/** Starts the Admin API of a Vendure shop: orders, fulfilments, cancellations and refunds (`real.md`). */
export function startVendure(options: VendorOptions): Promise<Simulator> {
  return startSimulator({
    ...options,
    name: "vendure",
    faultAnswer: (fault) =>
      fault === "rate429"
        ? { status: 429, headers: { "retry-after": "1" }, body: "Too many requests" }
        : { status: 503, body: "Service unavailable" },
    routes: (app, context) => addAdminApi(app, context),
  })
}

const answers: Readonly<Record<string, (asked: Asked) => unknown>> = {
  activeChannel: ({ channel }) => channel,
  globalSettings: () => ({ availableLanguages: languages, serverConfig: { moneyStrategyPrecision: 2 } }),
  order: ({ orders, stock, variables }) => {
    const order = orders.find(String(variables.id))
    const withLevels = (variant: Line["productVariant"]) => ({ ...variant, ...stock.find(variant.sku) })
    const lines = order?.lines.map((line) => ({ ...line, productVariant: withLevels(line.productVariant) }))
    return order ? { ...order, lines } : null
  },
  orders: ({ orders, variables }) => {
    const items = orders.all().slice(0, variables.o?.take ?? 100)
    return { totalItems: orders.all().length, items }
  },
  addFulfillmentToOrder: ({ orders, call, variables: { i } }) => {
    const { lines, handler } = i as unknown as {
      lines: { orderLineId: string; quantity: number }[]
      handler: { arguments: { name: string; value: string }[] }
    }
    const made = orders.addFulfillment(
      lines,
      Object.fromEntries(handler.arguments.map(({ name, value }) => [name, value])),
    )
    return made instanceof Refused ? made : { __typename: "Fulfillment", ...call.commit(made) }
  },
  transitionFulfillmentToState: ({ orders, call, variables: { id = "", s = "" } }) => {
    const found = orders.fulfillment(id)
    const allowed = { Pending: ["Shipped", "Delivered", "Cancelled"], Shipped: ["Delivered", "Cancelled"] }
    const next = (allowed as Record<string, string[]>)[found?.state ?? ""] ?? []
    if (!found || !next.includes(s))
      return new Refused("FulfillmentStateTransition", `Cannot transition Fulfillment from "${found?.state}" to "${s}"`)
    call.transition(() => {
      found.state = s
    })
    return { __typename: "Fulfillment", id, state: s }
  },
  cancelOrder: ({ orders, call, variables: { i } }) => {
    const { orderId, reason } = i as unknown as { orderId: string; reason: string }
    const order = orders.find(orderId)
    if (!order) throw new NotFound(`No Order with the id "${orderId}" could be found`)
    call.transition(() => orders.cancel(order, reason))
    return { __typename: "Order", id: orderId, state: "Cancelled" }
  },
  refundOrder: ({ orders, call, variables: { i } }) => {
    const made = orders.refund(i as unknown as Parameters<Orders["refund"]>[0])
    return made instanceof Refused ? made : { __typename: "Refund", ...call.commit(made) }
  },
  stockLocations: () => ({ totalItems: stockLocations.length, items: stockLocations.map((id) => ({ id })) }),
  productVariants: ({ stock, channel, variables: { o = {} } }) => stock.list(o, channel),
  productVariant: ({ stock, channel, variables: { id = "" } }) => {
    const variant = stock.variants.get(id)
    return variant?.channelIds.includes(channel.id) ? stock.view(variant, channel) : null
  },
  updateProductVariants: ({ stock, channel, call, variables: { i } }) =>
    call.commit(stock.update(i as unknown as Parameters<ShopStock["update"]>[0], channel)),
  product: ({ products, variables: { id = "" } }) => products.products.get(id) ?? null,
  updateProducts: ({ products, call, variables: { i } }) =>
    call.commit(products.update(i as unknown as ProductUpdate[])),
  settleRefund: ({ orders, call, variables: { i } }) => {
    const { id } = i as unknown as { id: string }
    const found = orders.findRefund(id)
    if (found?.state !== "Pending")
      return new Refused("RefundStateTransition", `Cannot transition Refund from "${found?.state}" to "Settled"`)
    call.transition(() => {
      found.state = "Settled"
    })
    return { __typename: "Refund", id, state: "Settled" }
  },
}

function addAdminApi(app: FastifyInstance, context: SimulatorContext): VendorState {
  const prices = new ShopPrices(context)
  const products = new ShopProducts(context)
  const stock = new ShopStock(context, { prices, products })
  const orders = new Orders(context, stock)
  app.post("/admin-api", async (request, reply) => {
    const { query, variables = {} } = jsonBody(request) as { query: string; variables?: Asked["variables"] }
    const fields = rootFields(query)
    if (fields[0]?.name.value === "login") return logIn(variables, reply)
    // A session that is not known is 200 with FORBIDDEN.
    if (request.headers.authorization !== `Bearer ${token}`) return errors("FORBIDDEN", "You are not authorized")
    if (fields.length === 0 || fields.some(({ name }) => !answers[name.value]))
      return reply.code(400).send(errors("GRAPHQL_VALIDATION_FAILED", "Cannot query that field"))
    const operation = fields.map(({ name }) => name.value).join("+")
    const call = await context.begin(request, { operation, sentinel: JSON.stringify(variables) })
    try {
      const channel = channelOf(request.headers["vendure-token"])
      const asked = { orders, stock, products, channel, call, variables }
      return {
        data: Object.fromEntries(
          fields.map(({ name, alias }) => [alias?.value ?? name.value, answers[name.value]?.(asked)]),
        ),
      }
    } catch (thrown) {
      if (thrown instanceof InvalidValue)
        return reply.code(400).send(errors("GRAPHQL_VALIDATION_FAILED", thrown.message))
      if (thrown instanceof ChannelNotFound) return errors("CHANNEL_NOT_FOUND", thrown.message)
      if (thrown instanceof NotFound) return errors("ENTITY_NOT_FOUND", thrown.message)
      if (thrown instanceof UserInput) return errors("USER_INPUT_ERROR", thrown.message)
      if (thrown instanceof Internal) return { errors: [{ message: thrown.message }], data: null }
      throw thrown
    }
  })
  app.post("/__lab/orders", (request: FastifyRequest) => {
    const wanted = controlBody(request) as unknown as Parameters<Orders["place"]>[0]
    return orders.place(wanted)
  })
  app.post("/__lab/variants", (request: FastifyRequest) => stock.make(controlBody(request) as unknown as NewVariant))
  // What the shop's own people set in the admin.
  app.put("/__lab/variants", (request: FastifyRequest) => {
    const { sku, onHand = 0, allocated } = controlBody(request) as { sku: string; onHand: number; allocated?: number }
    const level = stock.find(sku)?.stockLevels[0]
    if (level)
      Object.assign(level, { stockOnHand: onHand, ...(allocated !== undefined && { stockAllocated: allocated }) })
    return level ?? {}
  })
  app.delete("/__lab/variants", (request: FastifyRequest) => {
    const variant = stock.find(String(controlBody(request)["sku"]))
    return { isGone: stock.variants.delete(variant?.id ?? "") }
  })
  addStaff(app, { stock, prices, products })
  const books = () => ({
    orders: orders.all(),
    prices: prices.all().map(([variantId, rows]) => ({ variantId, rows })),
    priceChanges: [...prices.changes.values()],
    products: [...products.products.values()],
    productChanges: [...products.changes.values()],
    variants: [...stock.variants.values()],
    stockMovements: [...stock.changes.values()],
  })
  const reset = () => {
    orders.clear()
    stock.clear()
    prices.clear()
    products.clear()
  }
  return { books, reset, stop: () => undefined }
}

/** Changes of prices and products by the shop's own people. */
function addStaff(
  app: FastifyInstance,
  { stock, prices, products }: { stock: ShopStock; prices: ShopPrices; products: ShopProducts },
): void {
  app.put("/__lab/prices", (request: FastifyRequest) => {
    const { sku, channel, ...price } = controlBody(request) as unknown as PriceInput & { sku: string; channel?: string }
    const variantId = stock.find(sku)?.id ?? ""
    prices.write([price], { variantId, channel: channelOf(channel), by: "staff" })
    return prices.of(variantId, channelOf(channel))
  })
  app.put("/__lab/breaks", (request: FastifyRequest) => {
    const { skus } = controlBody(request) as { skus: string[] }
    stock.broken.clear()
    products.broken.clear()
    for (const sku of skus) {
      stock.broken.add(sku)
      products.broken.add(stock.find(sku)?.productId ?? "")
    }
    return { skus }
  })
  app.put("/__lab/products", (request: FastifyRequest) => {
    const { sku, ...change } = controlBody(request) as unknown as Omit<ProductUpdate, "id"> & { sku: string }
    return products.update([{ id: stock.find(sku)?.productId ?? "", ...change }], "staff")()
  })
}

function logIn(variables: Record<string, unknown>, reply: FastifyReply): unknown {
  const isKnown = variables["user"] === vendureUser && variables["password"] === vendurePassword
  if (isKnown) void reply.header("vendure-auth-token", token)
  return { data: { login: { __typename: isKnown ? "CurrentUser" : "InvalidCredentialsError" } } }
}

function rootFields(query: string): FieldNode[] {
  for (const definition of parse(query).definitions)
    if (definition.kind === "OperationDefinition")
      return definition.selectionSet.selections.filter((selection) => selection.kind === "Field")
  return []
}

function errors(code: string, message: string): object {
  return { errors: [{ message, extensions: { code } }], data: null }
}
