import { existsSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { createLog } from "../../src/base/log.ts"
import { businessDate, instant, systemClock } from "../../src/base/time.ts"
import { sapS4hana } from "../../src/connectors/sap-s4hana/connector.ts"
import { AppError } from "../../src/base/errors.ts"
import type { Order } from "../../src/canonical/order.ts"
import { shopify } from "../../src/connectors/shopify/connector.ts"
import type { Delivery } from "../../src/ports/capabilities/intake.ts"
import { stripe } from "../../src/connectors/stripe/connector.ts"
import { createEstate } from "../../lab/estate/estate.ts"
import { demoCompany } from "../../lab/sap-s4hana/demo-company.ts"
import { startStripe, stripeSecretKey, stripeWebhookSecret } from "../../lab/stripe/stripe.ts"
import { startSap } from "../../lab/sap-s4hana/sap-s4hana.ts"
import { routedTo, sampleOrder } from "../laws/sample-order.ts"
import { startRecorder } from "./answers/recorder.ts"
import { sapSchema } from "./answers/sap.ts"
import { shopifySchema } from "./answers/shopify.ts"
import { stripeSchema } from "./answers/stripe.ts"
import { takenForAnswers, walk, type Walk } from "./answers/walk.ts"
import { erpSettings } from "./sap-bench.ts"
import { newCall, shopSettings, startShopBench } from "./shopify-bench.ts"

// Each field a connector demands of an answer is one that the vendor's schema guarantees, and each it sends, filters or selects by
// is one that the schema has for that.

const schemas = "../shared/schemas"

async function sapWalk(folder: string): Promise<Walk> {
  const estate = createEstate({ seed: 7, skuCount: 20 })
  const simulator = await startSap({ seed: 7, oddShare: 0, ...demoCompany(estate) })
  const recorder = await startRecorder(simulator.url)
  const log = createLog("test", "silent")
  const settings = erpSettings(estate, recorder.url)
  const erp = sapS4hana.connect(settings, { connectionId: "erp", clock: systemClock, log })
  const skus = estate.skus.filter(({ unit }) => unit === "ea").map(({ sku }) => sku)
  const today = businessDate(instant(systemClock.now()), { timeZone: "UTC" })
  let count = 0
  return {
    recorder,
    schema: sapSchema(folder),
    async steps() {
      const orders = [0, 1].map(() =>
        sampleOrder({ number: (count += 1), channel: "walk", skus: [skus[1] ?? "", skus[2] ?? ""] }),
      )
      const [order, other] = orders
      if (!order || !other) throw new Error("two orders")
      const routing = routedTo(order, "wh-leipzig")
      const book = (one: typeof order) => ({ order: one, routing: routedTo(one, "wh-leipzig"), businessDate: today })
      const booked = await erp.booksOrders.bookOrder.send(book(order), newCall(order.id))
      await erp.booksOrders.bookOrder.send(book(other), newCall(other.id))
      const { documentNumber } = booked
      const shipment = {
        id: `S-${count}`,
        orderId: order.id,
        locationId: "wh-leipzig",
        shippedAt: instant(systemClock.now()),
        trackingNumber: "T",
        carrier: "C",
        lines: routing.map(({ lineId, quantity }) => ({ lineId, quantity })),
      }
      const delivery = { orderId: order.id, documentNumber, shipment, lines: routing, postingDate: today }
      const eur = (amountMinor: number) => ({ amountMinor, currency: "EUR" })
      const entry = {
        number: `w${count}`,
        orderId: order.id,
        kind: "invoice" as const,
        postedAt: instant(systemClock.now()),
        businessDate: today,
        currency: "EUR",
        lines: [
          { account: "receivable" as const, amount: eur(1210) },
          { account: "revenue" as const, amount: eur(-1000) },
          { account: "tax payable" as const, amount: eur(-210), tax: { country: "DE", rates: ["19"] } },
        ],
      }
      const before = { ...entry, number: `${entry.number}b` }
      await erp.postsJournals.postEntry.send({ entry: before }, newCall(before.number))
      const edited = {
        order: { ...other, lines: other.lines.slice(0, 1) },
        routing: routedTo(other, "wh-leipzig").slice(0, 1),
        documentNumber: String(Number(documentNumber) + 1),
      }
      const third = sampleOrder({ number: (count += 1), channel: "walk", skus: [skus[1] ?? "", skus[2] ?? ""] })
      return {
        // Found only by what was posted before.
        "postEntry.probe": () => erp.postsJournals.postEntry.probe({ entry: before }, newCall(before.number)),
        "bookOrder.send": () => erp.booksOrders.bookOrder.send(book(third), newCall(third.id)),
        "bookOrder.probe": () => erp.booksOrders.bookOrder.probe(book(order), newCall(order.id)),
        "recordDelivery.send": () => erp.recordsDeliveries.recordDelivery.send(delivery, newCall(`del_${order.id}`)),
        "recordDelivery.probe": () => erp.recordsDeliveries.recordDelivery.probe(delivery, newCall(`del_${order.id}`)),
        "postEntry.send": () => erp.postsJournals.postEntry.send({ entry }, newCall(entry.number)),
        "amendOrder.send": () => erp.amendsOrders.amendOrder.send(edited, newCall()),
        "amendOrder.probe": () => erp.amendsOrders.amendOrder.probe(edited, newCall()),
        "cancelOrder.send": () => erp.cancelsOrders.cancelOrder.send({ orderId: other.id, reason: "" }, newCall()),
        check: () => erp.check(),
      }
    },
    async stop() {
      erp.close()
      await recorder.stop()
      await simulator.stop()
    },
  }
}

async function stripeWalk(file: string): Promise<Walk> {
  const simulator = await startStripe({ seed: 7, searchLagMs: 0, oddShare: 0 })
  const recorder = await startRecorder(simulator.url)
  const settings = {
    baseUrl: recorder.url,
    secretKey: stripeSecretKey,
    webhookSecrets: [stripeWebhookSecret],
    allowPrivateNetwork: true,
  }
  const context = { connectionId: "stripe", clock: systemClock, log: createLog("test", "silent") }
  const provider = stripe.connect(settings, context)
  const [sample] = sampleOrder({ number: 1 }).tenders
  if (!sample) throw new Error("the sample order has a tender")
  const amount = { amountMinor: 5_000, currency: "EUR" }
  const tender = { ...sample, amount: { shop: amount, presentment: amount }, reference: "pm_card_visa" }
  const orderId = "ord_0000000000000001"
  const { authorisesPayments, capturesPayments, voidsAuthorisations, refundsPayments } = provider
  let count = 0
  const key = () => newCall(`walk_${(count += 1)}`)
  const hold = async (call = key()) => {
    const { paymentId } = await authorisesPayments.authorise.send({ orderId, tender, amount }, call)
    return { paymentId, call }
  }
  return {
    recorder,
    schema: stripeSchema(file),
    async steps() {
      const [held, open, kept, taken] = await Promise.all([hold(), hold(), hold(), hold()])
      const sums = { upTo: amount, inAll: amount, takenBefore: { ...amount, amountMinor: 0 } }
      const share = (paymentId: string) => ({ orderId, paymentId, amount, ...sums, isFinal: true })
      await capturesPayments.capture.send(share(taken.paymentId), key())
      const [capture, release, refund] = [key(), key(), key()]
      const back = { orderId, paymentId: taken.paymentId, amount, reason: "a test", keptMinor: 0 }
      return {
        "authorise.send": () => hold(),
        "authorise.probe": () => authorisesPayments.authorise.probe({ orderId, tender, amount }, held.call),
        "capture.send": () => capturesPayments.capture.send(share(open.paymentId), capture),
        "capture.probe": () => capturesPayments.capture.probe(share(taken.paymentId), capture),
        "void.send": () => voidsAuthorisations.voidAuthorisation.send({ orderId, paymentId: kept.paymentId }, release),
        "void.probe": () =>
          voidsAuthorisations.voidAuthorisation.probe({ orderId, paymentId: kept.paymentId }, release),
        "refund.send": () => refundsPayments.refund.send(back, refund),
        "refund.probe": () => refundsPayments.refund.probe(back, refund),
        check: () => provider.check(),
      }
    },
    async stop() {
      provider.close()
      await recorder.stop()
      await simulator.stop()
    },
  }
}

async function shopifyWalk(file: string): Promise<Walk> {
  const bench = await startShopBench({ skuCount: 50 })
  const recorder = await startRecorder(bench.simulator.url)
  const context = { connectionId: "shop-de", clock: systemClock, log: createLog("test", "silent") }
  const shop = shopify.connect(shopSettings(recorder.url), context)
  await bench.act("orders", { count: 2, odd: ["order-discount"], payment: "paid" })
  const read = (deliveries: readonly Delivery[]) => {
    const translations = deliveries.map((delivery) => shop.receivesDeliveries.translate(delivery))
    const [refused] = translations.flatMap((one) => one.refused ?? [])
    if (refused)
      throw new AppError(refused.code, `${refused.message} ${refused.problems.map(({ pointer }) => pointer).join(" ")}`)
    return translations.flatMap(({ events }) => events)
  }
  const list = async () =>
    (await shop.listsChanges.orders.listChanges({ cursor: undefined, sinceMs: 0 }, newCall())).deliveries
  const fetched = async (id: string) => {
    const found = await shop.readsObjects.fetchObject({ type: "order", id }, newCall())
    return found === undefined ? [] : [found]
  }
  const ordersOf = (events: readonly { type: string; data: unknown }[]) =>
    events.filter(({ type }) => type === "order.placed").map(({ data }) => (data as { order: Order }).order)
  const [standing, shipping] = ordersOf(read(await list()))
  if (!standing || !shipping) throw new Error("the shop sold two orders")
  let count = 0
  return {
    recorder,
    schema: shopifySchema(file),
    async steps() {
      const [line] = shipping.lines
      const shipment = {
        id: `S-${(count += 1)}`,
        orderId: shipping.id,
        locationId: "anywhere",
        shippedAt: shipping.placedAt,
        trackingNumber: `T-${count}`,
        lines: [{ lineId: line?.id ?? "", quantity: { milli: 1_000, unit: "ea" } }],
      }
      const confirm = { order: shipping, shipment, notifyCustomer: false }
      return {
        "listChanges, translate": async () => read(await list()),
        "fetchObject, translate": async () => read(await fetched(standing.externalId)),
        "confirmFulfilment.probe": () => shop.confirmsFulfilment.confirmFulfilment.probe(confirm, newCall()),
        "confirmFulfilment.send": () => shop.confirmsFulfilment.confirmFulfilment.send(confirm, newCall()),
        check: () => shop.check(),
      }
    },
    async stop() {
      shop.close()
      await recorder.stop()
      await bench.stop()
    },
  }
}

const sapFolder = `${schemas}/sap-s4hana/openapi`
if (!existsSync(sapFolder)) console.log(`skipped: ${sapFolder} is not here, so SAP's answers are not walked`)
describe.skipIf(!existsSync(sapFolder))("SAP S/4HANA", () => {
  test(
    "P-46: demands only what SAP's schema guarantees, and sends only what it takes",
    { timeout: 240_000 },
    async () => {
      const walked = await sapWalk(sapFolder)
      try {
        const findings = await walk(walked)
        expect(findings.demanded).toEqual([])
        expect(findings.requests).toEqual([])
        expect(findings.tried).toBeGreaterThan(40)
        expect(findings.unchecked).toEqual([
          "/sap/bc/srt/scs_ext/sap/journalentrycreaterequestconfi: it is SOAP, and its WSDL is not here",
          "answers of API_OPLACCTGDOCITEMCUBE_SRV.A_OperationalAcctgDocItemCube",
          "requests to API_OPLACCTGDOCITEMCUBE_SRV: its schema is not here",
          "sap:creatable: systems create with fewer fields than the OpenAPI documents list",
          "sap:filterable: the OpenAPI documents do not say it",
          "which requests need If-Match: the OpenAPI documents do not say it",
        ])
      } finally {
        await walked.stop()
      }
    },
  )

  test("P-46: JSON that is no answer is refused, not taken for one", { timeout: 120_000 }, async () => {
    const walked = await sapWalk(sapFolder)
    try {
      expect(await takenForAnswers(walked)).toEqual([])
    } finally {
      await walked.stop()
    }
  })
})

const stripeFile = `${schemas}/stripe/stripe-23.1.0.types.schema.json`
if (!existsSync(stripeFile)) console.log(`skipped: ${stripeFile} is not here, so Stripe's answers are not walked`)
describe.skipIf(!existsSync(stripeFile))("Stripe", () => {
  test(
    "P-46: demands only what Stripe's types guarantee, and sends only what they have",
    { timeout: 240_000 },
    async () => {
      const walked = await stripeWalk(stripeFile)
      try {
        const findings = await walk(walked)
        expect(findings.demanded).toEqual([])
        expect(findings.requests).toEqual([])
        expect(findings.tried).toBeGreaterThan(60)
        expect(findings.unchecked).toEqual(["parameters of reads: they are not in the types we have"])
      } finally {
        await walked.stop()
      }
    },
  )

  test("P-46: JSON that is no answer is refused, not taken for one", { timeout: 120_000 }, async () => {
    const walked = await stripeWalk(stripeFile)
    try {
      expect(await takenForAnswers(walked)).toEqual([])
    } finally {
      await walked.stop()
    }
  })
})

const shopifyFile = `${schemas}/shopify/admin_2026-10.json.gz`
if (!existsSync(shopifyFile)) console.log(`skipped: ${shopifyFile} is not here, so Shopify's answers are not walked`)
describe.skipIf(!existsSync(shopifyFile))("Shopify", () => {
  test(
    "P-46: demands only what Shopify's schema guarantees, and asks only for what it has",
    { timeout: 240_000 },
    async () => {
      const walked = await shopifyWalk(shopifyFile)
      try {
        const findings = await walk(walked)
        const named = new Set(findings.demanded.map((text) => text.split(":")[0] ?? ""))
        expect([...named]).toEqual([])
        expect(findings.requests).toEqual([])
        expect(findings.tried).toBeGreaterThan(20)
        expect(findings.unchecked).toEqual([])
      } finally {
        await walked.stop()
      }
    },
  )

  test("P-46: JSON that is no answer is refused, not taken for one", { timeout: 120_000 }, async () => {
    const walked = await shopifyWalk(shopifyFile)
    try {
      expect(await takenForAnswers(walked)).toEqual([])
    } finally {
      await walked.stop()
    }
  })
})
