import { createHmac } from "node:crypto"
import type { Random } from "../random.ts"
import type { WebhookSender } from "../webhooks.ts"
import type { ShopOrder } from "./orders/model.ts"
import type { ShopStore, Subscription, Topic } from "./store.ts"

export type DeliveryOptions = {
  clientSecret: string
  shopDomain: string
  apiVersion: string
  /** Topics the app itself subscribes to, delivered to the simulator's webhook target. */
  appTopics: readonly Topic[]
}

/**
 * Eight retries over four hours with the original payload; the pauses between are not published.
 * https://shopify.dev/changelog/updates-to-webhook-retry-mechanism
 */
export const retryDelaysMs = [1, 2, 5, 10, 20, 40, 60, 102].map((minutes) => minutes * 60_000)

/** Sends one event to the app's own endpoint and to every subscription made through the API. */
export function createPublisher(
  options: DeliveryOptions & { store: ShopStore; sender: WebhookSender; random: Random },
): (topic: Topic, order: ShopOrder, body: () => unknown) => void {
  const { store, sender, random } = options
  const isOfApp = new Set<Topic>(options.appTopics)
  return (topic, _order, body) => {
    const subscriptions = [...store.subscriptions.values()].filter((subscription) => subscription.topic === topic)
    if (!isOfApp.has(topic) && subscriptions.length === 0) return
    const event = { topic, body: JSON.stringify(body()), eventId: uuid(random), triggeredAt: new Date().toISOString() }
    if (isOfApp.has(topic)) sender.send(message(event, options))
    for (const subscription of subscriptions) sender.send(message(event, options, subscription))
  }
}

type ShopEvent = { topic: Topic; body: string; eventId: string; triggeredAt: string }

type Message = Parameters<WebhookSender["send"]>[0]

function message(
  event: ShopEvent,
  options: DeliveryOptions & { random: Random },
  subscription?: Subscription,
): Message {
  const id = uuid(options.random)
  let signature: string | undefined
  return {
    id: subscription === undefined ? id : `${id}/${subscription.id}`,
    topic: event.topic,
    body: event.body,
    ...(subscription === undefined ? {} : { url: subscription.uri }),
    // Ids and times: https://shopify.dev/docs/apps/build/webhooks/best-practices, by the vendor notes of 2026-11-20.
    headers: () => {
      signature ??= createHmac("sha256", options.clientSecret).update(event.body).digest("base64")
      return {
        "X-Shopify-Topic": event.topic,
        "X-Shopify-Hmac-Sha256": signature,
        "X-Shopify-Shop-Domain": options.shopDomain,
        "X-Shopify-API-Version": options.apiVersion,
        "X-Shopify-Webhook-Id": id,
        "X-Shopify-Event-Id": event.eventId,
        "X-Shopify-Triggered-At": event.triggeredAt,
        "User-Agent": "Shopify-Captain-Hook",
      }
    },
  }
}

function uuid(random: Random): string {
  const hex = [0, 1, 2, 3].map(() => random.bits().toString(16).padStart(8, "0")).join("")
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}
