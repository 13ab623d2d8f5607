import { AppError } from "../../base/errors.ts"
import { deliveredJson } from "../../base/json/delivered.ts"
import { compareInstants } from "../../base/time.ts"
import type { Delivery, ReceivesDeliveries, Translation } from "../../ports/capabilities/intake.ts"
import { verifyStandardWebhook } from "../../protocols/standard-webhooks.ts"
import { waitingParts } from "../../protocols/odd-parts.ts"
import { deliveredOrder, objectOf } from "./payloads.ts"
import { utc, type TranslationContext } from "./orders/placed-order.ts"
import { levelsTold } from "./stock/level-told.ts"
import { factsOf, factOf } from "./to-canonical.ts"

/**
 * Vendure has events inside its process but no webhooks. A small plugin posts them, signed by Standard Webhooks. A
 * delivery is `{ type, order: { id }, snapshot }`, where `snapshot` is the order as the Admin API returns
 * `orderFields`. A delivery without a snapshot only names the order, which is then read. One with a `variant` is about its stock.
 */
export function receivesDeliveries(options: {
  secrets: readonly string[]
  context: TranslationContext & { stock?: Readonly<Record<string, string>> }
}): ReceivesDeliveries {
  return {
    states: [
      "order.placed",
      "order.edited",
      "order.cancellation-requested",
      "order.tender-changed",
      "order.refunded",
      "order.fulfilled-by-channel",
      ...(options.context.stock ? (["stock.shown"] as const) : []),
    ],
    verify(delivery, nowMs) {
      const { id, sentAtMs } = verifyStandardWebhook(delivery, { secrets: options.secrets, nowMs })
      return { deliveryId: id, topic: "order", sentAtMs }
    },
    translate: (delivery) => translate(delivery, options.context),
  }
}

function translate(
  delivery: Delivery,
  context: TranslationContext & { stock?: Readonly<Record<string, string>> },
): Translation {
  const { snapshot, order: named, ...told } = objectOf(deliveredJson(delivery.bytes))
  if (told["type"] === "stock.changed") return levelsTold(told, context)
  if (snapshot === undefined || snapshot === null) return hint(named)
  const order = deliveredOrder(snapshot)
  if (order.orderPlacedAt === null) return { events: [], ignored: `${order.code} is a cart` }
  const { events, odd } = factsOf(order, context)
  const { id, code: number } = order
  const { system } = context
  // `updatedAt` does not move with payments, parcels and refunds. Most of their changes have an entry of the history; a refund that
  // begins as pending has none, so a state without it may have the same time.
  const at = latest(order.updatedAt, order.history.items[0]?.createdAt)
  const parts = {
    content: undefined,
    transaction: order.payments,
    refund: order.refunds,
    fulfilment: order.fulfilments,
  }
  return {
    events,
    readWhole: Object.entries(parts).map(([kind, all]) => {
      const has = all?.map((one) => one.id)
      return { prefix: `${factOf(order, context)}:${kind}`, at, ...(has && { has }) }
    }),
    ...waitingParts(odd, { system, id, fact: factOf(order, context), at, number }),
  }
}

function latest(updatedAt: string, entryAt: string | undefined): string {
  const [first, second] = [utc(updatedAt), utc(entryAt ?? updatedAt)]
  return compareInstants(first, second) < 0 ? second : first
}

function hint(named: unknown): Translation {
  const id = typeof named === "object" && named !== null && "id" in named ? named.id : undefined
  if ((typeof id !== "string" || id === "") && typeof id !== "number")
    throw new AppError("TRANSLATION_FAILED", "the delivery has neither an order nor an order id", {
      problems: [{ pointer: "/order/id", message: "must be the id of an order when there is no snapshot" }],
    })
  return {
    events: [],
    ignored: "the delivery only names the order, which Crossdock reads",
    fetch: [{ type: "order", id: String(id) }],
  }
}
