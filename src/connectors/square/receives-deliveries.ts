import { createHmac, timingSafeEqual } from "node:crypto"
import { AppError } from "../../base/errors.ts"
import { deliveredJson, isObject } from "../../base/json/delivered.ts"
import { contentDigest } from "../../base/ids.ts"
import { own } from "../../base/lookup.ts"
import { cut } from "../../base/text.ts"
import type { Delivery, ReceivesDeliveries, Translation, VerifiedDelivery } from "../../ports/capabilities/intake.ts"
import { fieldOf, readOrderType, textOf } from "./payloads.ts"
import type { SquareSettings } from "./settings.ts"
import { readOrderIn, translateRead } from "./to-canonical.ts"

/** Notifications of Square. Each only names an order, which is then read: they come late, out of order and more than once. */
export function receivesDeliveries(settings: SquareSettings, system: string): ReceivesDeliveries {
  return {
    states: ["receipt.told"],
    verify: (delivery) => verify(delivery, settings),
    translate: (delivery) => translate(delivery, { system, settings }),
  }
}

/**
 * Checks `x-square-hmacsha256-signature`: base64 of HMAC-SHA256, with the subscription's signature key as text, over the notification URL
 * and the raw body after it. No time is signed, so a repeat is known by its `event_id` alone.
 * developer.squareup.com/docs/webhooks/step3validate; npm square 46.0.0, WebhooksHelper.
 */
function verify(delivery: Delivery, { signatureKeys, notificationUrl }: SquareSettings): VerifiedDelivery {
  const given = Buffer.from(delivery.headers["x-square-hmacsha256-signature"] ?? "", "base64")
  const isGenuine = signatureKeys
    .map((key) => createHmac("sha256", key).update(notificationUrl).update(delivery.bytes).digest())
    .filter((expected) => expected.length === given.length && timingSafeEqual(expected, given))
  if (isGenuine.length === 0)
    throw new AppError(
      "SIGNATURE_INVALID",
      "x-square-hmacsha256-signature matches no live key with the notification URL and the body",
    )
  return namesOf(delivery)
}

/** A genuine body that is no notification is accepted: it is parked with its bytes intact. */
function namesOf({ bytes }: Delivery): VerifiedDelivery {
  try {
    const body: unknown = JSON.parse(new TextDecoder().decode(bytes))
    const [id, type] = [textOf(fieldOf(body, "event_id")), textOf(fieldOf(body, "type"))]
    if (id !== undefined && type !== undefined) return { deliveryId: cut(id, 200), topic: cut(type, 100) }
  } catch {
    // The content names it, see below.
  }
  return { deliveryId: contentDigest(Buffer.from(bytes).toString("base64")), topic: "unknown" }
}

/** Where a notification names its order, and what it says of its state. Others say nothing of receipts. */
interface Naming {
  /** The path of the order's id below `data.object`. */
  order: readonly [string, string]
  /** Where its state is, and the states that are no receipt yet or ever. */
  state?: readonly [string, string]
  passedOver?: readonly string[]
}

const unpaid = { passedOver: ["APPROVED", "PENDING", "CANCELED", "FAILED"] } as const
const openOrders = { passedOver: ["OPEN", "DRAFT", "CANCELED"] } as const

/** developer.squareup.com/docs/webhooks/v2webhook-events-tech-ref: `data.object` has the payment or refund whole, of orders ids and states. */
const namings: Readonly<Record<string, Naming>> = {
  "order.created": { order: ["order_created", "order_id"], state: ["order_created", "state"], ...openOrders },
  "order.updated": { order: ["order_updated", "order_id"], state: ["order_updated", "state"], ...openOrders },
  "order.fulfillment.updated": {
    order: ["order_fulfillment_updated", "order_id"],
    state: ["order_fulfillment_updated", "state"],
    ...openOrders,
  },
  "payment.created": { order: ["payment", "order_id"], state: ["payment", "status"], ...unpaid },
  "payment.updated": { order: ["payment", "order_id"], state: ["payment", "status"], ...unpaid },
  "refund.created": { order: ["refund", "order_id"] },
  "refund.updated": { order: ["refund", "order_id"] },
}

function translate(
  delivery: Delivery,
  { system, settings }: { system: string; settings: SquareSettings },
): Translation {
  const body = parse(delivery.bytes)
  const type = textOf(body["type"])
  if (type === readOrderType) return translateRead(readOrderIn(body), { system, settings })
  const merchant = textOf(body["merchant_id"])
  if (settings.merchantId !== undefined && merchant !== settings.merchantId)
    return { events: [], ignored: `it is about the merchant ${cut(merchant ?? "", 100)}` }
  const naming = type === undefined ? undefined : own(namings, type)
  if (!naming)
    throw new AppError("VENDOR_VALUE_UNKNOWN", `no mapping for notifications of type "${cut(type ?? "", 100)}"`, {
      problems: [
        {
          pointer: "/type",
          message: `known are ${Object.keys(namings).join(", ")}: take others off the subscription`,
          code: "VENDOR_VALUE_UNKNOWN",
        },
      ],
    })
  const object = fieldOf(body, "data", "object")
  const state = naming.state && textOf(fieldOf(object, ...naming.state))
  if (state !== undefined && naming.passedOver?.includes(state))
    return { events: [], ignored: `what it names is ${state}` }
  const id = textOf(fieldOf(object, ...naming.order))
  if (id === undefined)
    throw new AppError("TRANSLATION_FAILED", "the notification names no order", {
      problems: [{ pointer: `/data/object/${naming.order.join("/")}`, message: "must be the id of an order" }],
    })
  return { events: [], ignored: "it only names an order, which Crossdock reads", fetch: [{ type: "order", id }] }
}

function parse(bytes: Uint8Array): Record<string, unknown> {
  const body = deliveredJson(bytes)
  if (isObject(body)) return body
  const message = "the body must be a JSON object"
  throw new AppError("TRANSLATION_FAILED", message, { problems: [{ pointer: "", message }] })
}
