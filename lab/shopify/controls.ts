import type { FastifyInstance } from "fastify"
import { setTimeout as sleep } from "node:timers/promises"
import { controlBody } from "../control.ts"
import type { Random } from "../random.ts"
import type { ShopOrder } from "./orders/model.ts"
import type { Oddity } from "./orders/oddities.ts"
import { oddities } from "./orders/oddities.ts"
import type { OrderFactory } from "./orders/order-factory.ts"
import type { CreateAuthorisation, PaymentState } from "./placing.ts"
import { placeOrder } from "./placing.ts"
import type { ShopStore } from "./store.ts"

export type ShopControlOptions = {
  store: ShopStore
  factory: OrderFactory
  random: Random
  createAuthorisation: CreateAuthorisation | undefined
  authorisedShare: number
}

type OrderWish = { odd?: boolean | readonly Oddity[]; note?: string; skus?: readonly string[]; payment?: PaymentState }

/** Endpoints that play the customers and the merchant's staff. */
export function addShopControls(app: FastifyInstance, options: ShopControlOptions): { stop(): void } {
  const { store, factory, random } = options
  let lastNumber = 0
  let trading: NodeJS.Timeout | undefined

  const place = async (wish: OrderWish): Promise<ShopOrder> => {
    lastNumber += 1
    const { order, oddities: chosen } = factory.create({ number: lastNumber, nowMs: store.nowMs(), ...wish })
    const payment = wish.payment ?? (random.chance(options.authorisedShare) ? "authorised" : "paid")
    await placeOrder(store, order, { oddities: chosen, payment, createAuthorisation: options.createAuthorisation })
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
  return { stop }
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
  const { odd, note, skus, payment } = body
  const wish: OrderWish = {}
  if (typeof odd === "boolean") wish.odd = odd
  if (Array.isArray(odd)) wish.odd = oddities.filter((oddity) => odd.includes(oddity))
  if (typeof note === "string") wish.note = note
  if (Array.isArray(skus)) wish.skus = skus.map(String)
  if (payment === "paid" || payment === "authorised" || payment === "pending") wish.payment = payment
  return wish
}

function wholeNumber(value: unknown, fallback: number): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : fallback
}
