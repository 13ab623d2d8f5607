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
import { Internal, NotFound, ShopStock, stockLocations, UserInput } from "./stock.ts"

export const vendureUser = "superadmin"
export const vendurePassword = "lab-vendure-password"
const token = "lab-vendure-token"

interface Asked {
  orders: Orders
  stock: ShopStock
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
  activeChannel: () => ({ id: "1" }),
  globalSettings: () => ({ serverConfig: { moneyStrategyPrecision: 2 } }),
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
  productVariants: ({ stock, variables: { o = {} } }) => stock.list(o),
  updateProductVariants: ({ stock, call, variables: { i } }) =>
    call.commit(stock.update(i as unknown as Parameters<ShopStock["update"]>[0])),
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
  const stock = new ShopStock(context)
  const orders = new Orders(context, stock)
  app.post("/admin-api", async (request, reply) => {
    const { query, variables = {} } = jsonBody(request) as { query: string; variables?: Asked["variables"] }
    const field = rootField(query)
    if (field?.name.value === "login") return logIn(variables, reply)
    // A session that is not known is 200 with FORBIDDEN.
    if (request.headers.authorization !== `Bearer ${token}`) return errors("FORBIDDEN", "You are not authorized")
    const answer = field && answers[field.name.value]
    if (!answer) return reply.code(400).send(errors("GRAPHQL_VALIDATION_FAILED", "Cannot query that field"))
    const call = await context.begin(request, { operation: field.name.value, sentinel: JSON.stringify(variables) })
    try {
      return { data: { [field.alias?.value ?? field.name.value]: answer({ orders, stock, call, variables }) } }
    } catch (thrown) {
      if (thrown instanceof NotFound) return errors("ENTITY_NOT_FOUND", thrown.message)
      if (thrown instanceof UserInput) return errors("USER_INPUT_ERROR", thrown.message)
      if (thrown instanceof Internal) return errors("INTERNAL_SERVER_ERROR", thrown.message)
      throw thrown
    }
  })
  app.post("/__lab/orders", (request: FastifyRequest) => {
    const wanted = controlBody(request) as unknown as Parameters<Orders["place"]>[0]
    return orders.place(wanted)
  })
  app.post("/__lab/variants", (request: FastifyRequest) =>
    stock.make(controlBody(request) as unknown as Parameters<ShopStock["make"]>[0]),
  )
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
  const books = () => ({
    orders: orders.all(),
    variants: [...stock.variants.values()],
    stockMovements: [...stock.changes.values()],
  })
  const reset = () => {
    orders.clear()
    stock.clear()
  }
  return { books, reset, stop: () => undefined }
}

function logIn(variables: Record<string, unknown>, reply: FastifyReply): unknown {
  const isKnown = variables["user"] === vendureUser && variables["password"] === vendurePassword
  if (isKnown) void reply.header("vendure-auth-token", token)
  return { data: { login: { __typename: isKnown ? "CurrentUser" : "InvalidCredentialsError" } } }
}

function rootField(query: string): FieldNode | undefined {
  for (const definition of parse(query).definitions)
    if (definition.kind === "OperationDefinition")
      for (const selection of definition.selectionSet.selections) if (selection.kind === "Field") return selection
  return undefined
}

function errors(code: string, message: string): object {
  return { errors: [{ message, extensions: { code } }], data: null }
}
