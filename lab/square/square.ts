import { createHmac } from "node:crypto"
import type { FastifyInstance } from "fastify"
import type { VendorState } from "../books.ts"
import { controlBody } from "../control.ts"
import {
  startSimulator,
  type FaultAnswer,
  type Simulator,
  type SimulatorContext,
  type VendorOptions,
} from "../simulator.ts"
import { addApi, errors, squareMerchant, type ApiOptions, type Seller } from "./api.ts"
import type { Order, PaymentRefund } from "./records.ts"
import { giveBack, orderStatus, type GiveBack } from "./refunds.ts"
import { ringUp, type Sale } from "./register.ts"

export const squareSignatureKey = "lab-square-signature-key"

export type SquareOptions = VendorOptions &
  ApiOptions & {
    /** The seller's locations; default one. */
    locationIds?: readonly string[]
    /** The notification URL of the webhook subscription, which Square signs with the body. Default: the address that is called. */
    notificationUrl?: string
    retryScale?: number
  }

const minutes = 60_000
const hours = 60 * minutes
// docs/webhooks/overview: repeated with growing pauses for up to 24 hours; here the beginning of that list.
const retryDelaysMs = [minutes, 2 * minutes, 4 * minutes, 8 * minutes, 16 * minutes, 30 * minutes, hours, 2 * hours]

/** Starts the part of Square's API that receipts of tills need (`real.md`). */
export function startSquare(options: SquareOptions): Promise<Simulator> {
  return startSimulator({
    ...options,
    name: "square",
    faultAnswer,
    routes: (app, context) => addSquare(app, context, options),
  })
}

function faultAnswer(fault: string): FaultAnswer {
  if (fault === "rate429")
    return {
      status: 429,
      headers: { "retry-after": "1" },
      body: errors("RATE_LIMIT_ERROR", "RATE_LIMITED", "Too many requests"),
    }
  return { status: 503, body: errors("API_ERROR", "SERVICE_UNAVAILABLE", "Try again") }
}

function addSquare(app: FastifyInstance, context: SimulatorContext, options: SquareOptions): VendorState {
  const seller: Seller = {
    orders: context.keep("orders"),
    payments: context.keep("payments"),
    refunds: context.keep("refunds"),
    variations: context.keep("variations"),
    locationIds: options.locationIds ?? ["LLAB00000001"],
  }
  const random = context.random("ids")
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
  const nextId = (length: number) =>
    Array.from({ length }, () => letters[random.integer(0, letters.length - 1)]).join("")
  const sender = context.webhooks({
    retryDelaysMs,
    ...(options.retryScale === undefined ? {} : { retryScale: options.retryScale }),
    headers: ({ body }, attempt) => ({
      "content-type": "application/json",
      "x-square-hmacsha256-signature": createHmac("sha256", squareSignatureKey)
        .update((options.notificationUrl ?? target()) + body)
        .digest("base64"),
      "square-environment": "Sandbox",
      ...(attempt > 0 ? { "square-retry-number": String(attempt), "square-retry-reason": "http_error" } : {}),
    }),
  })
  let aimed = options.webhookTarget ?? ""
  const target = () => aimed
  app.put("/__lab/notification-url", (request) => {
    aimed = String(controlBody(request)["url"])
    return { url: aimed }
  })
  const emit = (type: string, id: string, object: object) => {
    const event_id = nextId(32)
    const created_at = new Date().toISOString()
    const [name] = Object.keys(object)
    const body = JSON.stringify({
      merchant_id: squareMerchant,
      type,
      event_id,
      created_at,
      data: { type: name, id, object },
    })
    sender.send({ id: event_id, topic: type, body })
  }
  addApi(app, context, { seller, options })
  addTill(app, { seller, nextId, emit })
  return {
    books: () => ({
      orders: [...seller.orders.values()],
      payments: [...seller.payments.values()],
      refunds: [...seller.refunds.values()],
    }),
    reset: () => {
      for (const one of [seller.orders, seller.payments, seller.refunds, seller.variations]) one.clear()
    },
    stop: () => undefined,
  }
}

interface Till {
  seller: Seller
  nextId: (length: number) => string
  emit: (type: string, id: string, object: object) => void
}

/** Routes for tests: sales, refunds and other changes that people make at a register or in Square's dashboard. */
function addTill(app: FastifyInstance, { seller, nextId, emit }: Till): void {
  const tell = (order: Order) => {
    const { id: order_id, location_id, state, created_at, updated_at } = order
    emit("order.updated", order_id, { order_updated: { order_id, location_id, state, created_at, updated_at } })
  }
  app.post("/__lab/variations", (request) => {
    const { id = nextId(24), sku = null } = controlBody(request) as { id?: string; sku?: string | null }
    seller.variations.set(id, sku)
    return { id, sku }
  })
  app.post("/__lab/sales", (request) => {
    const { order, payments } = ringUp(controlBody(request) as unknown as Sale, nextId)
    seller.orders.set(order.id, order)
    for (const payment of payments) {
      seller.payments.set(payment.id, payment)
      emit("payment.updated", payment.id, { payment })
    }
    tell(order)
    return { order, payments }
  })
  app.post("/__lab/refunds", (request) => {
    const wanted = controlBody(request) as unknown as GiveBack
    const sold = seller.orders.get(wanted.orderId)
    const payment = seller.payments.get(sold?.tenders?.[0]?.payment_id ?? "")
    if (!sold || !payment) return { order: null }
    const { order, refund } = giveBack(sold, wanted, { nextId, sourceType: payment.source_type })
    seller.orders.set(order.id, order)
    seller.refunds.set(refund.id, refund)
    seller.payments.set(payment.id, { ...payment, refund_ids: [...(payment.refund_ids ?? []), refund.id] })
    emit("refund.updated", refund.id, { refund })
    tell(order)
    return { order, refund }
  })
  // Any change that Square or its people make: of the records by their ids, with what is told of it.
  app.patch("/__lab/records", (request) => {
    const { kind, id, change } = controlBody(request) as {
      kind: "orders" | "payments" | "refunds"
      id: string
      change: object
    }
    const found = seller[kind].get(id)
    if (!found) return { found: false }
    const changed = { ...found, ...change, updated_at: new Date().toISOString() }
    ;(seller[kind] as Map<string, object>).set(id, changed)
    if (kind === "orders") tell(changed as Order)
    if (kind === "payments") emit("payment.updated", id, { payment: changed })
    if (kind === "refunds") {
      emit("refund.updated", id, { refund: changed })
      const order = seller.orders.get((changed as PaymentRefund).order_id)
      if (order) tell(withRefund(order, changed as PaymentRefund, seller))
    }
    return { found: true }
  })
}

/** "When the payment and refund are updated, the associated order is also updated" (docs/refunds-api/webhooks). */
function withRefund(order: Order, { id, status, updated_at }: PaymentRefund, seller: Seller): Order {
  const refunds = (order.refunds ?? []).map((one) => (one.id === id ? { ...one, status: orderStatus(status) } : one))
  const changed = { ...order, refunds, updated_at }
  seller.orders.set(order.id, changed)
  return changed
}
