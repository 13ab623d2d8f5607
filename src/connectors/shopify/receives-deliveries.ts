import { createHmac, timingSafeEqual } from "node:crypto"
import { AppError } from "../../base/errors.ts"
import { money } from "../../base/money.ts"
import { epochMs, parseInstant } from "../../base/time.ts"
import type { Delivery, ReceivesDeliveries, Translation, VerifiedDelivery } from "../../ports/capabilities/intake.ts"
import {
  fulfilmentOrderTopics,
  fulfilmentOrderType,
  heldFact,
  namedFulfilmentOrders,
  readFulfilmentOrderTopic,
} from "./fulfilment/held-part.ts"
import { ignoredTest, parseBody } from "./orders/body.ts"
import { milestoneFact, milestoneFromWebhook } from "./orders/milestones.ts"
import { readSnapshot } from "./orders/read-order.ts"
import { readFulfilment, readPart, readRefund, transactionAlone } from "./orders/read-parts.ts"
import { Reader } from "./orders/reader.ts"
import { levelTold, levelTopic } from "./stock/level-told.ts"
import { tenderFacts } from "./orders/tender-facts.ts"
import { waitingParts, type OddPart } from "../../protocols/odd-parts.ts"
import type { Snapshot, SnapshotRefund, Told } from "./payloads.ts"
import { refundFacts } from "./orders/refund-facts.ts"
import { factsOf, fulfilmentFacts, names, type TranslationContext } from "./to-canonical.ts"

/** Topic of deliveries that the poll makes from order nodes of the GraphQL API. */
export const polledOrderTopic = "crossdock/polled-order"
/** Our own topic for an order that a poll only names, because the page that it is on cannot be read. */
export const namedOrderTopic = "crossdock/named-order"

export interface ReceiveOptions {
  secrets: readonly string[]
  shopDomain: string
  shopCurrency: string
  /** What becomes of orders of the shop's test mode; default: they are ignored. */
  testOrders?: "ignore" | "mark"
  context: TranslationContext
}

export function receivesDeliveries(options: ReceiveOptions): ReceivesDeliveries {
  return {
    states: [
      "order.placed",
      "order.edited",
      "order.cancellation-requested",
      "order.tender-changed",
      "order.refunded",
      "order.hold-changed",
      "order.fulfilled-by-channel",
      "order.fulfilment-taken-back",
      "shipment.milestone",
      "stock.shown",
    ],
    verify: (delivery) => verify(delivery, options),
    translate: (delivery) => translate(delivery, options),
  }
}

/**
 * `X-Shopify-Hmac-Sha256` is the base64 HMAC-SHA256 of the raw body with the app's client secret. The protocol signs no time,
 * so a replay is recognised by `X-Shopify-Webhook-Id` only.
 * https://shopify.dev/docs/apps/build/webhooks/verify-deliveries (read 2026-11-20)
 */
function verify(delivery: Delivery, options: ReceiveOptions): VerifiedDelivery {
  const { headers } = delivery
  const given = Buffer.from(headers["x-shopify-hmac-sha256"] ?? "", "base64")
  const isGenuine = options.secrets
    .map((secret) => createHmac("sha256", secret).update(delivery.bytes).digest())
    .filter((expected) => expected.length === given.length && timingSafeEqual(expected, given))
  if (isGenuine.length === 0)
    throw new AppError("SIGNATURE_INVALID", "X-Shopify-Hmac-Sha256 matches none of the connection's secrets")
  // One app serves many shops with one secret, so a valid signature may belong to another shop.
  if (headers["x-shopify-shop-domain"] !== options.shopDomain)
    throw new AppError("SIGNATURE_INVALID", `signed for ${headers["x-shopify-shop-domain"]}, not ${options.shopDomain}`)
  const sentAt = parseInstant(headers["x-shopify-triggered-at"] ?? "")
  return {
    deliveryId: headers["x-shopify-webhook-id"] ?? headers["x-shopify-event-id"] ?? "",
    topic: headers["x-shopify-topic"] ?? "",
    ...(sentAt !== undefined && { sentAtMs: epochMs(sentAt) }),
  }
}

function translate(delivery: Delivery, options: ReceiveOptions): Translation {
  const topic = delivery.headers["x-shopify-topic"] ?? ""
  const parsed = parseBody(delivery.bytes)
  const isTest = delivery.headers["x-shopify-test"] === "true"
  const ignored = ignoredTest(parsed, { isTest, isMarked: options.testOrders === "mark" })
  if (ignored !== undefined) return { events: [], ignored }
  const body = new Reader(parsed, { isRest: !topic.startsWith("crossdock/") })
  const id = body.optionalId(topic.startsWith("orders/") || topic === polledOrderTopic ? "id" : "orderId")
  try {
    return byTopic(topic, body, options)
  } catch (thrown) {
    if (!(thrown instanceof AppError) || id === undefined) throw thrown
    // No state of an order contains its milestones or what else there is: these wait for a person.
    const isOfStates = [polledOrderTopic, "orders/", "refunds/", "fulfillments/", "order_transactions/"].some((start) =>
      topic.startsWith(start),
    )
    if (isOfStates) return refusedWhole(thrown, { delivery, topic, body, id })
    const about = { system: delivery.connection, type: "order", id }
    throw new AppError(thrown.code, thrown.message, { cause: thrown, problems: thrown.problems, data: { about } })
  }
}

/** A body whose order is known, and nothing else of it: it waits like a part of the order, until a state of the order can be read. */
function refusedWhole(
  error: AppError,
  { delivery, topic, body, id }: { delivery: Delivery; topic: string; body: Reader; id: string },
): Translation {
  const { fact, system } = names(id, { system: delivery.connection })
  const at = parseInstant(body.rawText("updatedAt") ?? "") ?? delivery.receivedAt
  const number = body.rawText("name")
  return {
    events: [],
    refused: [
      {
        pointer: "",
        code: error.code === "VENDOR_VALUE_UNKNOWN" ? "VENDOR_VALUE_UNKNOWN" : "TRANSLATION_FAILED",
        message: `a delivery (${topic}) could not be understood`,
        about: { system, type: "order", id },
        problems: error.problems.length > 0 ? error.problems : [{ pointer: "", message: error.message }],
        part: { name: `${fact}:delivery:${topic}@${at}`, at, ...(number === undefined ? {} : { number }) },
      },
    ],
  }
}

function byTopic(topic: string, body: Reader, options: ReceiveOptions): Translation {
  if (topic === readFulfilmentOrderTopic) return fulfilmentOrderAlone(body, options)
  if (fulfilmentOrderTopics.some((known) => known === topic)) {
    const named = namedFulfilmentOrders(body)
    body.settle(topic)
    const fetch = named.map((id) => ({ type: fulfilmentOrderType, id }))
    return { events: [], ignored: "names fulfilment orders and no order: they are read", fetch }
  }
  if (topic === namedOrderTopic) {
    const id = body.id("id")
    body.settle(topic)
    return { events: [], ignored: "names an order, which Crossdock reads", fetch: [{ type: "order", id }] }
  }
  if (topic === polledOrderTopic) return orderTold(readSnapshot(body), { options })
  switch (topic) {
    case "orders/create":
      return orderTold(readSnapshot(body), { options, isNew: true })
    case "orders/updated":
    case "orders/paid":
    case "orders/partially_fulfilled":
    case "orders/fulfilled":
    case "orders/cancelled":
      return orderTold(readSnapshot(body), { options })
    case "refunds/create":
      return refundAlone(body, options)
    case "fulfillments/create":
    case "fulfillments/update":
      return fulfilmentAlone(body, options)
    case "fulfillment_events/create":
      return milestoneAlone(body, options)
    case "order_transactions/create":
      return transactionTold(body, options)
    case levelTopic:
      return levelTold(body, options)
    case "orders/edited":
      body.object("order_edit")
      body.settle(topic)
      return {
        events: [],
        ignored: "names line ids without amounts; the order itself follows in orders/updated and the poll",
      }
    default:
      throw new AppError("VENDOR_VALUE_UNKNOWN", `no mapping for the topic "${topic}"`, {
        problems: [{ pointer: "", message: `topic ${topic}`, code: "VENDOR_VALUE_UNKNOWN" }],
      })
  }
}

/** What every state of an order contains. */
const inEveryState = [
  "content",
  "edit",
  "refund",
  "fulfilment",
  ...["orders", "crossdock", "refunds", "fulfillments"].map((topic) => `delivery:${topic}/`),
]

function orderTold(
  snapshot: Snapshot,
  { options: { context }, isNew = false }: { options: ReceiveOptions; isNew?: boolean },
): Translation {
  const { events, odd } = factsOf(snapshot, context, { isNew })
  const { fact } = names(snapshot.id, context)
  const at = snapshot.updatedAt
  // Webhooks contain no transactions: they say nothing of a transaction that waits.
  const kinds = snapshot.transactions ? [...inEveryState, "transaction", "delivery:order_transactions"] : inEveryState
  return {
    events,
    readWhole: kinds.map((kind) => {
      const has = idsOf(snapshot, kind)
      return { prefix: `${fact}:${kind}`, at, ...(has && { has }) }
    }),
    ...waiting(odd, { context, id: snapshot.id, at, number: snapshot.name }),
  }
}

/** Parts that come one by one, and may be missing in another state of the same second. */
function idsOf({ refunds, fulfilments, transactions }: Snapshot, kind: string): string[] | undefined {
  if (kind === "refund") return refunds.map(({ id }) => id)
  if (kind === "fulfilment") return fulfilments.map(({ id }) => id)
  return kind === "transaction" ? transactions?.map(({ id }) => id) : undefined
}

/** Parts of one order that wait. */
function waiting(
  odd: readonly OddPart[],
  { context, ...order }: { context: TranslationContext; id: string; at: string; number?: string },
): Pick<Translation, "refused"> {
  return waitingParts(odd, { ...order, ...names(order.id, context) })
}

/** `refunds/create` does not say whether prices include tax. The refunded amount may show it; otherwise the order is read. */
function refundAlone(body: Reader, { shopCurrency, context }: ReceiveOptions): Translation {
  body.knowCurrency({ shop: shopCurrency, presentment: shopCurrency })
  const id = body.id("orderId")
  body.settle("refunds/create")
  const [refund] = readPart(body.apart(), { kind: "refund", odd: [], read: readRefund })
  if (!refund) return readWithOrder(id)
  const presentment = [...refund.lines, ...refund.charges][0]?.subtotal.presentment.currency
  const currency = { shop: shopCurrency, presentment: presentment ?? shopCurrency }
  if (!isIn(currency, refund)) return readWithOrder(id)
  const value = { shop: money(0, currency.shop), presentment: money(0, currency.presentment) }
  const named = { ...names(id, context), places: context.places }
  for (const taxesIncluded of [true, false]) {
    const told: Told = { events: [], odd: [] }
    refundFacts(refund, { currency, taxesIncluded, value }, { ...named, told })
    if (told.odd.length > 0) return readWithOrder(id)
    const [event] = told.events
    if (!event) return { events: [], ignored: "no money has moved" }
    const prefix = `${named.fact}:refund:${refund.id}`
    if (!("worth" in event.data)) return { events: [event], readWhole: [{ prefix, at: refund.at }] }
  }
  return {
    events: [],
    ignored: "its value depends on the order, which Crossdock reads",
    fetch: [{ type: "order", id }],
  }
}

/** Whether all that a refund states is in these currencies: of others only its order knows what they are worth. */
function isIn({ shop, presentment }: { shop: string; presentment: string }, refund: SnapshotRefund): boolean {
  const pairs = [...refund.lines, ...refund.charges].map(({ subtotal }) => subtotal)
  const paid = [...refund.paidBack.map(({ amount }) => amount), ...refund.pending, ...refund.failed]
  return (
    pairs.every((pair) => pair.shop.currency === shop && pair.presentment.currency === presentment) &&
    paid.every(({ currency }) => currency === presentment)
  )
}

/** A part that cannot be read alone, or waits: the order that it belongs to has the number by which people know it. */
function readWithOrder(id: string): Translation {
  return { events: [], ignored: "its order states it as a part, which Crossdock reads", fetch: [{ type: "order", id }] }
}

function fulfilmentAlone(body: Reader, { context }: ReceiveOptions): Translation {
  const id = body.id("orderId")
  body.settle("fulfillments")
  const [fulfilment] = readPart(body.apart(), { kind: "fulfilment", odd: [], read: readFulfilment })
  if (!fulfilment) return readWithOrder(id)
  const events = fulfilmentFacts(fulfilment, id, context)
  return events.length > 0 ? { events } : { events, ignored: "the fulfilment has not succeeded" }
}

function fulfilmentOrderAlone(body: Reader, { context }: ReceiveOptions): Translation {
  const fact = heldFact(body, context.system)
  body.settle(readFulfilmentOrderTopic)
  return { events: [fact] }
}

function milestoneAlone(body: Reader, { context }: ReceiveOptions): Translation {
  const milestone = milestoneFromWebhook(body)
  const id = body.id("orderId")
  body.settle("fulfillment_events/create")
  return { events: [milestoneFact(milestone, id, context)] }
}

function transactionTold(body: Reader, { shopCurrency, context }: ReceiveOptions): Translation {
  const transaction = transactionAlone(body, shopCurrency)
  const id = body.id("orderId")
  body.settle("order_transactions/create")
  if (!transaction)
    return {
      events: [],
      ignored: "lacks the amount in the shop's currency or the cash rounding; Crossdock reads the order",
      fetch: [{ type: "order", id }],
    }
  const told: Told = { events: [], odd: [] }
  tenderFacts([transaction], { ...names(id, context), gateways: context.gateways, value: transaction.amount, told })
  const { events, odd } = told
  if (odd.length > 0) return { events, ...waiting(odd, { context, id, at: transaction.at }) }
  return events.length > 0 ? { events } : { events, ignored: "refunds come by refunds/create" }
}
