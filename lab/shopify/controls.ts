import type { FastifyInstance } from "fastify"
import { setTimeout as sleep } from "node:timers/promises"
import { controlBody } from "../control.ts"
import type { Random } from "../random.ts"
import { cancelOrder } from "./changes/cancel.ts"
import type { EditRequest } from "./changes/edit.ts"
import { editOrder, payOutstanding } from "./changes/edit.ts"
import type { ShopOrder } from "./orders/model.ts"
import type { Oddity } from "./orders/oddities.ts"
import { oddities, sales } from "./orders/oddities.ts"
import { shapes, unreadable, type Shape } from "./shapes/names.ts"
import type { OrderFactory } from "./orders/order-factory.ts"
import type { CreateAuthorisation, PaymentState } from "./placing.ts"
import { placeOrder } from "./placing.ts"
import { setFields } from "./set-fields.ts"
import { totalsOf } from "./orders/totals.ts"
import { bookOrder } from "./rest/documents.ts"
import { staffActions } from "./staff.ts"
import { addProductControls } from "./products/product-controls.ts"
import type { ShopStore } from "./store.ts"

export type ShopControlOptions = {
  store: ShopStore
  factory: OrderFactory
  random: Random
  createAuthorisation: CreateAuthorisation | undefined
  authorisedShare: number
}

type OrderWish = {
  odd?: boolean | readonly Oddity[]
  shapes?: readonly Shape[]
  note?: string
  skus?: readonly string[]
  payment?: PaymentState
  /** How long ago it was placed, in milliseconds. */
  ageMs?: number
  /** SKUs whose fulfillment is on hold from the start, as a pre-order's is. */
  held?: readonly string[]
  /** Fulfillment of these SKUs, or of all, is scheduled for a later time, ISO 8601. */
  scheduled?: { skus?: readonly string[]; at: string }
}

/** Endpoints that play the customers and the merchant's staff. */
export function addShopControls(app: FastifyInstance, options: ShopControlOptions): { stop(): void } {
  const { store, factory, random } = options
  let lastNumber = store.lastOrderNumber()
  let trading: NodeJS.Timeout | undefined

  const place = async (wish: OrderWish): Promise<ShopOrder> => {
    lastNumber += 1
    const { ageMs = 0, ...request } = wish
    const { order, oddities: chosen } = factory.create({ number: lastNumber, nowMs: store.nowMs() - ageMs, ...request })
    for (const line of order.lines) line.sku = store.soldAs.get(line.sku) ?? line.sku
    const payment = wish.payment ?? (random.chance(options.authorisedShare) ? "authorised" : "paid")
    await placeOrder(store, order, {
      oddities: chosen,
      payment,
      createAuthorisation: options.createAuthorisation,
      held: wish.held ?? [],
      scheduled: wish.scheduled,
    })
    return order
  }
  const stop = (): void => clearInterval(trading)

  app.post("/__lab/orders", async (request) => {
    const body = controlBody(request)
    const count = wholeNumber(body["count"], 1)
    const pauseMs = typeof body["ratePerSecond"] === "number" ? 1_000 / body["ratePerSecond"] : 0
    const wish = wishOf(body)
    const placed: { id: number; name: string }[] = []
    for (let index = 0; index < count; index++) {
      if (pauseMs > 0 && index > 0) await sleep(pauseMs)
      const { id, name } = await place(wish)
      placed.push({ id, name })
    }
    return { orders: placed }
  })

  app.post("/__lab/trading", (request) => {
    const body = controlBody(request)
    const perSecond = typeof body["ordersPerSecond"] === "number" ? body["ordersPerSecond"] : 0
    stop()
    if (perSecond > 0) trading = startTrading(perSecond, () => void place(wishOf(body)))
    return { ordersPerSecond: perSecond }
  })
  addOrderActions(app, store)
  addStockControl(app, store)
  addProductControls(app, store)
  addBreaks(app, store)
  return { stop }
}

/**
 * The staff sets the available units of one SKU at one location, by the location's name in the estate; with `by`, lowers or raises them.
 * A copied product has the SKU of its original.
 */
function addStockControl(app: FastifyInstance, store: ShopStore): void {
  app.put("/__lab/stock", (request, reply) => {
    const { sku, locationId, available, by } = controlBody(request)
    const location = store.locations.find(({ externalId }) => externalId === locationId)
    const [item] = store.inventory.bySku(String(sku))
    const now = location && item?.available.get(location.id)
    const to = typeof by === "number" ? (now ?? 0) + by : available
    if (!location || !item || typeof to !== "number")
      return reply.code(404).send({ error: "needs sku and locationId that exist, and available or by" })
    store.inventory.set(item, location.id, { to, reason: "correction", by: "staff" })
    return { sku, locationId, available: to }
  })
  app.post("/__lab/bundles", (request, reply) => {
    const { sku, isBundle } = controlBody(request)
    const isThere = store.inventory.bundle(String(sku), isBundle !== false)
    return isThere ? { sku, isBundle: isBundle !== false } : reply.code(404).send({ error: "needs a sku that exists" })
  })
  app.post("/__lab/copies", (request, reply) => {
    const sku = String(controlBody(request)["sku"])
    const copy = store.inventory.copy(sku)
    store.products.copy(sku)
    return copy ? { id: copy.id } : reply.code(404).send({ error: "needs a sku that exists" })
  })
}

/** What goes wrong in a shop without anybody's fault being injected: an article is renamed, refunds are refused. */
function addBreaks(app: FastifyInstance, store: ShopStore): void {
  app.put("/__lab/articles", (request) => {
    const { sku, soldAs } = controlBody(request)
    if (typeof soldAs === "string") store.soldAs.set(String(sku), soldAs)
    else if (sku === undefined) store.soldAs.clear()
    else store.soldAs.delete(String(sku))
    return { soldAs: Object.fromEntries(store.soldAs) }
  })
  app.put("/__lab/access", (request) => {
    const { without, refusesPersonal } = controlBody(request)
    store.access.refusesPersonal = refusesPersonal === true
    if (typeof without === "string") store.access.scopes.delete(without)
    return { scopes: [...store.access.scopes] }
  })
  app.put("/__lab/payments", (request) => {
    store.refusesRefunds = controlBody(request)["refusesRefunds"] === true
    return { refusesRefunds: store.refusesRefunds }
  })
}

/** Actions of a customer or the staff on one order; `id` is the number in its global id. */
function addOrderActions(app: FastifyInstance, store: ShopStore): void {
  app.get("/__lab/orders/:id", (request, reply) => {
    // It is in the route's pattern.
    const { id } = request.params as { id: string }
    const order = store.orders.get(Number(id))
    return order ? bookOrder(order, totalsOf(order)) : reply.code(404).send({ error: "no such order" })
  })
  app.post("/__lab/orders/:id/:action", (request, reply) => {
    // Both are in the route's pattern.
    const { id, action } = request.params as { id: string; action: string }
    const order = store.orders.get(Number(id))
    if (order === undefined) return reply.code(404).send({ error: "no such order" })
    const body = controlBody(request)
    if (action === "edit") return editOrder(store, order, editOf(body))
    if (action === "pay") return { paid: payOutstanding(store, order) }
    if (action === "cancel") {
      const reason = typeof body["reason"] === "string" ? body["reason"] : "CUSTOMER"
      cancelOrder(store, order, { reason, restock: true, refundsPayments: body["refund"] !== false, staffNote: null })
      return { cancelled: order.cancelledAtMs !== null }
    }
    if (action === "set") {
      const set = typeof body["set"] === "object" && body["set"] !== null ? { ...body["set"] } : {}
      const wrong = setFields(store, order, { set, silent: body["silent"] === true })
      return wrong.length > 0 ? reply.code(404).send({ error: `no such field: ${wrong.join(", ")}` }) : { set }
    }
    const known = ["edit", "cancel", "pay", "set", ...Object.keys(staffActions)]
    return staffActions[action]?.(store, order, body) ?? reply.code(404).send({ error: known.join(", ") })
  })
}

function editOf(body: Record<string, unknown>): EditRequest {
  // Sent by tests and the console's demo; wrong ids simply match no line.
  const { remove, add, note } = body as Partial<EditRequest>
  return { remove: remove ?? [], add: add ?? [], ...(note === undefined ? {} : { note }) }
}

/** Ticks fifty times a second and carries fractions over, so that any rate is kept on average. */
function startTrading(perSecond: number, placeOne: () => void): NodeJS.Timeout {
  const startedMs = performance.now()
  let placed = 0
  return setInterval(() => {
    const due = Math.floor(((performance.now() - startedMs) / 1_000) * perSecond)
    while (placed < due) {
      placed += 1
      placeOne()
    }
  }, 20)
}

function wishOf(body: Record<string, unknown>): OrderWish {
  const { odd, note, skus, payment, shapes: named } = body
  const wish: OrderWish = {}
  if (typeof odd === "boolean") wish.odd = odd
  if (Array.isArray(odd)) wish.odd = [...oddities, ...sales].filter((oddity) => odd.includes(oddity))
  if (Array.isArray(named)) wish.shapes = [...shapes, ...unreadable].filter((shape) => named.includes(shape))
  if (typeof note === "string") wish.note = note
  if (typeof body["ageMs"] === "number") wish.ageMs = body["ageMs"]
  if (Array.isArray(skus)) wish.skus = skus.map(String)
  if (Array.isArray(body["held"])) wish.held = body["held"].map(String)
  const scheduled = scheduleOf((body["scheduled"] ?? {}) as Record<string, unknown>)
  if (scheduled) wish.scheduled = scheduled
  if (payment === "paid" || payment === "authorised" || payment === "held" || payment === "pending")
    wish.payment = payment
  return wish
}

/** At a moment, or so long after the sale; some of the articles, or all. */
function scheduleOf({ skus, at, afterMs }: Record<string, unknown>): OrderWish["scheduled"] {
  const moment = typeof afterMs === "number" ? new Date(Date.now() + afterMs).toISOString() : at
  if (typeof moment !== "string") return undefined
  return { at: moment, ...(Array.isArray(skus) ? { skus: skus.map(String) } : {}) }
}

function wholeNumber(value: unknown, fallback: number): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : fallback
}
