import { createHmac } from "node:crypto"
import type { Random } from "../random.ts"
import type { WebhookOptions, WebhookSender } from "../webhooks/sender.ts"
import { written } from "./shapes/written.ts"
import type { Publish, ShopStore, Subscription, Topic } from "./store.ts"

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
  options: Pick<DeliveryOptions, "appTopics"> & { store: ShopStore; sender: WebhookSender; random: Random },
): { ofOrder: Publish; ofLevel(level: object): void } {
  const { store, sender, random } = options
  const isOfApp = new Set<Topic>(options.appTopics)
  const publish = (topic: Topic, body: () => unknown): void => {
    const subscriptions = [...store.subscriptions.values()].filter((subscription) => subscription.topic === topic)
    if (!isOfApp.has(topic) && subscriptions.length === 0) return
    const text = JSON.stringify(body())
    const event = { eventId: uuid(random), triggeredAt: new Date().toISOString() }
    const send = (subscription?: Subscription): void => {
      const webhookId = uuid(random)
      sender.send({
        id: subscription === undefined ? webhookId : `${webhookId}/${subscription.id}`,
        topic,
        body: text,
        facts: { ...event, webhookId },
        ...(subscription === undefined ? {} : { url: subscription.uri }),
      })
    }
    if (isOfApp.has(topic)) send()
    for (const subscription of subscriptions) send(subscription)
  }
  return {
    ofOrder: (topic, order, body) => publish(topic, () => written(order, { topic, body: body() })),
    ofLevel: (level) => publish("inventory_levels/update", () => level),
  }
}

/** Ids and times: https://shopify.dev/docs/apps/build/webhooks/best-practices, by the vendor notes of 2026-11-20. */
export function shopHeaders(options: Omit<DeliveryOptions, "appTopics">): WebhookOptions["headers"] {
  return ({ topic, body, facts }) => ({
    "X-Shopify-Topic": topic,
    "X-Shopify-Hmac-Sha256": createHmac("sha256", options.clientSecret).update(body).digest("base64"),
    "X-Shopify-Shop-Domain": options.shopDomain,
    "X-Shopify-API-Version": options.apiVersion,
    "X-Shopify-Webhook-Id": facts?.["webhookId"] ?? "",
    "X-Shopify-Event-Id": facts?.["eventId"] ?? "",
    "X-Shopify-Triggered-At": facts?.["triggeredAt"] ?? "",
    "User-Agent": "Shopify-Captain-Hook",
  })
}

function uuid(random: Random): string {
  const hex = [0, 1, 2, 3].map(() => random.bits().toString(16).padStart(8, "0")).join("")
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`
}
