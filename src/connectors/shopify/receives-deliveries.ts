import { createHmac, timingSafeEqual } from "node:crypto"
import { AppError, type Problem } from "../../base/errors.ts"
import { epochMs, parseInstant } from "../../base/time.ts"
import type { NewEvent } from "../../canonical/events.ts"
import type { Delivery, ReceivesDeliveries, Translation, VerifiedDelivery } from "../../ports/capabilities/intake.ts"
import {
  fulfilmentOrderTopics,
  fulfilmentOrderType,
  heldFact,
  namedFulfilmentOrders,
  readFulfilmentOrderTopic,
} from "./fulfilment/held-part.ts"
import { snapshotFromGraph } from "./orders/graph-order.ts"
import { orderId } from "./orders/placed-order.ts"
import { Reader } from "./orders/reader.ts"
import { milestoneFact, milestoneFromWebhook } from "./orders/milestones.ts"
import { tenderFact } from "./orders/tender-facts.ts"
import {
  factsOf,
  fulfilmentFacts,
  refuse,
  paidBackMinor,
  refundFacts,
  type TranslationContext,
} from "./to-canonical.ts"
import {
  fulfilmentFromWebhook,
  refundFromWebhook,
  snapshotFromWebhook,
  transactionFromWebhook,
} from "./orders/webhook-order.ts"

/** Topic of deliveries that the poll makes from order nodes of the GraphQL API. */
export const polledOrderTopic = "crossdock/polled-order"

export interface ReceiveOptions {
  secrets: readonly string[]
  shopDomain: string
  shopCurrency: string
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
      "shipment.milestone",
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
  const parsed = parse(delivery.bytes)
  const body = new Reader(parsed)
  const topic = delivery.headers["x-shopify-topic"] ?? ""
  try {
    try {
      return byTopic(topic, body, options)
    } catch (thrown) {
      // Amounts that could not be read cannot be added either: what is wrong is what could not be read.
      body.settle(topic)
      throw thrown
    }
  } catch (thrown) {
    throw namingOrder(thrown, { system: delivery.connection, id: orderIdOf(topic, parsed) })
  }
}

/** The error with the order it is about, so that whoever looks for the order finds the delivery that could not be read. */
function namingOrder(thrown: unknown, { system, id }: { system: string; id: string | undefined }): unknown {
  if (!(thrown instanceof AppError) || id === undefined) return thrown
  const about = { system, type: "order", id }
  return new AppError(thrown.code, thrown.message, { cause: thrown, problems: thrown.problems, data: { about } })
}

/** The order's id in a delivery whose other content may be anything. */
function orderIdOf(topic: string, parsed: unknown): string | undefined {
  if (typeof parsed !== "object" || parsed === null) return undefined
  const id: unknown = Reflect.get(parsed, topic.startsWith("orders/") ? "id" : "order_id")
  return typeof id === "number" || (typeof id === "string" && /^\d+$/.test(id)) ? String(id) : undefined
}

function byTopic(topic: string, body: Reader, options: ReceiveOptions): Translation {
  if (topic === readFulfilmentOrderTopic) return fulfilmentOrderAlone(body, options)
  if (fulfilmentOrderTopics.some((known) => known === topic)) {
    const named = namedFulfilmentOrders(body)
    body.settle(topic)
    const fetch = named.map((id) => ({ type: fulfilmentOrderType, id }))
    return { events: [], ignored: "names fulfilment orders and no order: they are read", fetch }
  }
  if (topic === polledOrderTopic) return settled(snapshotFromGraph(body), { body, topic, options })
  switch (topic) {
    case "orders/create":
    case "orders/updated":
    case "orders/paid":
    case "orders/partially_fulfilled":
    case "orders/fulfilled":
    case "orders/cancelled":
      return settled(snapshotFromWebhook(body), { body, topic, options })
    case "refunds/create":
      return refundAlone(body, options)
    case "fulfillments/create":
    case "fulfillments/update":
      return fulfilmentAlone(body, options)
    case "fulfillment_events/create":
      return milestoneAlone(body, options)
    case "order_transactions/create":
      return transactionAlone(body, options)
    case "orders/edited":
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

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"))
  } catch (thrown) {
    throw new AppError("TRANSLATION_FAILED", "the body is not JSON", { cause: thrown })
  }
}

function settled(
  snapshot: ReturnType<typeof snapshotFromGraph>,
  from: { body: Reader; topic: string; options: ReceiveOptions },
): Translation {
  from.body.settle(from.topic)
  return { events: factsOf(snapshot, from.options.context) }
}

/** `refunds/create` does not say whether prices include tax. The refunded amount may show it; otherwise the order is read. */
function refundAlone(body: Reader, { shopCurrency, context }: ReceiveOptions): Translation {
  const refund = refundFromWebhook(body)
  const id = body.id("order_id")
  body.settle("refunds/create")
  if (paidBackMinor(refund) === 0) return { events: [], ignored: "no money has moved" }
  const presentment = [...refund.lines.map((line) => line.subtotal), ...refund.extras][0]?.presentment.currency
  const currency = { shop: shopCurrency, presentment: presentment ?? shopCurrency }
  let events: NewEvent[] = []
  for (const taxesIncluded of [true, false]) {
    const problems: Problem[] = []
    events = refundFacts(refund, { id, currency, taxesIncluded }, { context, problems })
    if (problems.length === 0) return { events }
  }
  return {
    events: [],
    ignored: "its value depends on the order, which Crossdock reads",
    fetch: [{ type: "order", id }],
  }
}

function fulfilmentAlone(body: Reader, { context }: ReceiveOptions): Translation {
  const fulfilment = fulfilmentFromWebhook(body)
  const id = body.id("order_id")
  body.settle("fulfillments")
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
  const id = body.id("order_id")
  body.settle("fulfillment_events/create")
  return { events: [milestoneFact(milestone, id, context)] }
}

function transactionAlone(body: Reader, { shopCurrency, context }: ReceiveOptions): Translation {
  const transaction = transactionFromWebhook(body, shopCurrency)
  const id = body.id("order_id")
  body.settle("order_transactions/create")
  if (!transaction)
    return {
      events: [],
      ignored: "lacks the amount in the shop's currency or the cash rounding; Crossdock reads the order",
      fetch: [{ type: "order", id }],
    }
  const problems: Problem[] = []
  const { gateways, system } = context
  const names = { system, externalOrderId: id, orderId: orderId(system, id) }
  const fact = tenderFact(transaction, { ...names, gateways, problems })
  refuse("order_transactions/create", problems)
  return fact ? { events: [fact] } : { events: [], ignored: "refunds come by refunds/create" }
}
