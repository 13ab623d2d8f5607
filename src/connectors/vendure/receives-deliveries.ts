import { AppError } from "../../base/errors.ts"
import type { Delivery, ReceivesDeliveries, Translation } from "../../ports/capabilities.ts"
import { verifyStandardWebhook } from "../../ports/standard-webhooks.ts"
import { objectOf } from "./client.ts"
import { deliveredOrder } from "./payloads.ts"
import type { TranslationContext } from "./placed-order.ts"
import { factsOf } from "./to-canonical.ts"

/**
 * Vendure has events inside its process and no webhooks of its own; a small plugin posts them, signed after Standard Webhooks.
 * A delivery is `{ type, order: { id }, snapshot }`, where `snapshot` is the order as the Admin API answers `orderFields`. A
 * delivery without one is only a hint: the poll brings the facts.
 */
export function receivesDeliveries(options: {
  secrets: readonly string[]
  context: TranslationContext
}): ReceivesDeliveries {
  return {
    states: [
      "order.placed",
      "order.edited",
      "order.cancellation-requested",
      "order.tender-changed",
      "order.refunded",
      "order.fulfilled-by-channel",
    ],
    verify(delivery, nowMs) {
      const { id, sentAtMs } = verifyStandardWebhook(delivery, { secrets: options.secrets, nowMs })
      return { deliveryId: id, topic: "order", sentAtMs }
    },
    translate: (delivery) => translate(delivery, options.context),
  }
}

function translate(delivery: Delivery, context: TranslationContext): Translation {
  const { snapshot } = objectOf(parse(delivery.bytes))
  if (snapshot === undefined || snapshot === null)
    return { events: [], ignored: "a hint without the order; the poll brings it" }
  const order = deliveredOrder(snapshot)
  if (order.orderPlacedAt === null) return { events: [], ignored: `${order.code} is a cart` }
  return { events: factsOf(order, context) }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))
  } catch (error) {
    throw new AppError("TRANSLATION_FAILED", "the body is not JSON in UTF-8", { cause: error })
  }
}
