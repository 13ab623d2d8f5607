import { startReceiver } from "../../lab/receiver.ts"
import { catalogueWebhookSecret, startCatalogue } from "../../lab/catalogue/catalogue.ts"
import { fraudWebhookSecret, startFraud } from "../../lab/fraud/fraud.ts"
import { shopifyDefaults } from "../../lab/shopify/shopify.ts"
import type { Simulator } from "../../lab/simulator.ts"
import { startStripe, stripeSecretKey, stripeWebhookSecret } from "../../lab/stripe/stripe.ts"
import { startWarehouse, warehouseWebhookSecret } from "../../lab/warehouse/warehouse.ts"
import { createLog } from "../../src/base/log.ts"
import { money } from "../../src/base/money.ts"
import { instant, systemClock } from "../../src/base/time.ts"
import { catalogueHttp } from "../../src/connectors/catalogue-http/connector.ts"
import { fraudHttp } from "../../src/connectors/fraud-http/connector.ts"
import { stripe } from "../../src/connectors/stripe/connector.ts"
import { warehouseHttp } from "../../src/connectors/warehouse-http/connector.ts"
import type { Delivery, ReceivesDeliveries } from "../../src/ports/capabilities/intake.ts"
import type { DeliverySubject } from "../../src/ports/delivery-laws.ts"
import { connectFraud } from "./subjects/fraud-http.ts"
import { connectWarehouse } from "./subjects/warehouse-http.ts"
import { routedTo, sampleOrder } from "./sample-order.ts"
import { connectShopify, shopControl, startShopSimulator } from "./subjects/shopify.ts"

const log = createLog("laws", "silent")
const anotherSecret = `whsec_${Buffer.from("another secret").toString("base64")}`
const call = (key: string) => ({ key, signal: AbortSignal.timeout(5_000), correlation: "laws" })

/** Lets a simulator send to a receiver while `act` makes it do things, and hands back what was sent. */
async function captured(
  connection: string,
  start: (target: string) => Promise<Simulator>,
  act: (simulator: Simulator) => Promise<void>,
): Promise<Delivery[]> {
  const receiver = await startReceiver()
  const simulator = await start(receiver.url)
  try {
    await act(simulator)
    await simulator.webhooks()?.idle()
    return receiver.received.map(({ headers, body }) => ({
      connection,
      via: "webhook" as const,
      headers,
      bytes: new TextEncoder().encode(body),
      receivedAt: instant(systemClock.now()),
    }))
  } finally {
    await simulator.stop()
    await receiver.stop()
  }
}

function subject(
  name: string,
  deliveries: readonly Delivery[],
  options: { connect(secrets: string[]): ReceivesDeliveries; secret: string; signsTime?: boolean },
): DeliverySubject {
  return {
    name,
    receives: options.connect([options.secret]),
    duringRotation: options.connect([anotherSecret, options.secret]),
    withWrongSecret: options.connect([anotherSecret]),
    deliveries,
    nowMs: systemClock.now(),
    signsTime: options.signsTime ?? true,
  }
}

const house = { baseUrl: "http://127.0.0.1:9", token: "unused", allowPrivateNetwork: true }
const context = (connectionId: string) => ({ connectionId, clock: systemClock, log })

export async function stripeDeliveries(): Promise<DeliverySubject> {
  const connect = (baseUrl: string, webhookSecrets: string[]) =>
    stripe.connect(
      { baseUrl, secretKey: stripeSecretKey, webhookSecrets, allowPrivateNetwork: true },
      context("stripe-eu"),
    )
  const deliveries = await captured(
    "stripe-eu",
    (webhookTarget) => startStripe({ seed: 7, webhookTarget }),
    async ({ url }) => {
      const payments = connect(url, [stripeWebhookSecret])
      const order = sampleOrder({ number: 1 })
      const hold = async (key: string, reference: string) => {
        const [tender] = order.tenders
        if (tender === undefined) throw new Error("the sample order has a tender")
        const amount = money(10_000, "EUR")
        const pair = { shop: amount, presentment: amount }
        const input = { orderId: order.id, tender: { ...tender, amount: pair, reference }, amount }
        return payments.authorisesPayments.authorise.send(input, call(key))
      }
      const upTo = (amountMinor: number) => ({
        upTo: money(amountMinor, "EUR"),
        inAll: money(amountMinor, "EUR"),
        takenBefore: money(0, "EUR"),
      })
      const take = async (paymentId: string, amountMinor: number) =>
        payments.capturesPayments.capture.send(
          { orderId: order.id, paymentId, amount: money(amountMinor, "EUR"), ...upTo(amountMinor), isFinal: true },
          call(`take_${paymentId}`),
        )
      await take((await hold("whole", "pm_card_visa")).paymentId, 10_000)
      const part = await hold("part", "pm_card_visa")
      await take(part.paymentId, 4_000)
      const back = { orderId: order.id, paymentId: part.paymentId, amount: money(1_000, "EUR") }
      await payments.refundsPayments.refund.send(back, call("back"))
      const { paymentId } = await hold("let_go", "pm_card_visa")
      await payments.voidsAuthorisations.voidAuthorisation.send({ orderId: order.id, paymentId }, call("let_go_2"))
      await hold("declined", "pm_card_chargeDeclined").catch(() => undefined)
    },
  )
  return subject("stripe", deliveries, {
    connect: (secrets) => connect(house.baseUrl, secrets).receivesDeliveries,
    secret: stripeWebhookSecret,
  })
}

export async function warehouseDeliveries(): Promise<DeliverySubject> {
  const deliveries = await captured(
    "wms",
    (webhookTarget) =>
      startWarehouse({
        seed: 7,
        webhookTarget,
        habits: { shipAfterMs: { min: 5, max: 10 }, deliverAfterMs: { min: 5, max: 10 }, splitShare: 0.5 },
        openingStock: [{ sku: "LAW-2", locationId: "wh-rotterdam", onHandMilli: 60_000, unit: "ea" }],
      }),
    async (simulator) => {
      const { releasesFulfilment } = connectWarehouse(simulator.url)
      for (let number = 1; number <= 20; number++) {
        const order = sampleOrder({ number, skus: number % 5 === 0 ? ["SHORT-1", "LAW-2"] : ["LAW-2"] })
        const lines = routedTo(order, "wh-rotterdam")
        await releasesFulfilment.releaseShipment.send(
          { order, locationId: "wh-rotterdam", lines },
          call(`rel_${number}`),
        )
      }
      await fetch(`${simulator.url}/__lab/counts`, {
        method: "POST",
        body: JSON.stringify({ locationId: "wh-rotterdam" }),
      })
      await new Promise((resolve) => setTimeout(resolve, 300))
    },
  )
  const connect = (webhookSecrets: string[]) =>
    warehouseHttp.connect({ ...house, webhookSecrets }, context("wms")).receivesDeliveries
  return {
    ...subject("warehouse-http", deliveries, { connect, secret: warehouseWebhookSecret }),
    spoilt: spoiltCount(deliveries),
  }
}

/** A count of 250 lines of which one has no number. */
function spoiltCount(deliveries: readonly Delivery[]) {
  const bodies = deliveries.map((delivery) => ({
    delivery,
    // The warehouse's events are JSON objects with a type (lab/warehouse/floor.ts).
    body: JSON.parse(new TextDecoder().decode(delivery.bytes)) as { type: string; lines: object[] },
  }))
  const count = bodies.find(({ body }) => body.type === "stock.counted")
  if (!count) throw new Error("the warehouse has counted nothing")
  const lines = Array.from({ length: 250 }, (_, n) => ({ sku: `SKU-${n}`, onHandMilli: n * 1000, unit: "ea" }))
  const spoilt = lines.with(99, { sku: "SKU-99", onHandMilli: "many", unit: "ea" } as never)
  const bytes = new TextEncoder().encode(JSON.stringify({ ...count.body, lines: spoilt }))
  return { delivery: { ...count.delivery, bytes }, pointer: "/lines/99", goodRecords: 249 }
}

export async function catalogueDeliveries(): Promise<DeliverySubject> {
  const say = (url: string, type: string, fields: object) =>
    fetch(`${url}/__lab/events`, { method: "POST", body: JSON.stringify({ type, fields }) })
  const deliveries = await captured(
    "pim",
    (webhookTarget) => startCatalogue({ seed: 7, webhookTarget }),
    async ({ url }) => {
      const title = { field: "title", locale: "de", value: "T-Shirt" }
      await say(url, "product.changed", {
        sku: "TEE-M",
        version: 1,
        fields: [title, { field: "brand", cleared: true }],
      })
      await say(url, "product.removed", { sku: "TEE-L", version: 4 })
      const price = {
        priceId: "p1",
        version: 1,
        sku: "TEE-M",
        kind: "sale",
        amount: { amountMinor: 1499, currency: "EUR" },
      }
      await say(url, "price.set", {
        ...price,
        tax: "inclusive",
        from: "2026-11-27",
        until: "2026-11-30",
        zone: "Europe/Berlin",
        compareAt: null,
      })
      await say(url, "price.ended", { priceId: "p1", version: 2, sku: "TEE-M" })
      await say(url, "promotion.ended", { promotionId: "summer", version: 2 })
    },
  )
  const connect = (webhookSecrets: string[]) =>
    catalogueHttp.connect({ ...house, webhookSecrets }, context("pim")).receivesDeliveries
  return subject("catalogue-http", deliveries, { connect, secret: catalogueWebhookSecret })
}

export async function fraudDeliveries(): Promise<DeliverySubject> {
  const deliveries = await captured(
    "fraud",
    (webhookTarget) => startFraud({ seed: 7, webhookTarget, reviewMs: { min: 5, max: 10 } }),
    async (simulator) => {
      const { screensFraud } = connectFraud(simulator.url)
      for (const [number, wish] of ["review-accept", "review-reject", "late-accept", "late-reject"].entries()) {
        const order = sampleOrder({ number, email: `ada+${wish}@example.com` })
        await screensFraud.screenOrder.send({ order }, call(`scr_${number}`))
      }
      await new Promise((resolve) => setTimeout(resolve, 150))
    },
  )
  const connect = (webhookSecrets: string[]) =>
    fraudHttp.connect({ ...house, webhookSecrets }, context("fraud")).receivesDeliveries
  return subject("fraud-http", deliveries, { connect, secret: fraudWebhookSecret })
}

export async function shopifyDeliveries(): Promise<DeliverySubject> {
  const deliveries = await captured("shop-de", startShopSimulator, async (simulator) => {
    const { orders } = await shopControl(simulator, "orders", { count: 60, odd: true })
    for (const [index, { id }] of orders.slice(0, 20).entries())
      await shopControl(simulator, `orders/${id}/${index % 2 === 0 ? "cancel" : "refund"}`, {}).catch(() => undefined)
  })
  const connect = (secrets: string[]) => connectShopify(house.baseUrl, secrets).receivesDeliveries
  return subject("shopify", deliveries, { connect, secret: shopifyDefaults.clientSecret, signsTime: false })
}
