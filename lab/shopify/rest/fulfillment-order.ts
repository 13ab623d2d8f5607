import type { FulfillmentOrder } from "../orders/model.ts"
import type { Json } from "./parts.ts"

/**
 * A fulfillment order as the `fulfillment_orders/*` topics carry it: its global id and status, and nothing that says which
 * order it belongs to (payload examples of WebhookSubscriptionTopic, shopify.dev, read 2026-11-29).
 */
export function restFulfillmentOrder({ id, status, fulfillAt }: FulfillmentOrder): Json {
  return {
    id: `gid://shopify/FulfillmentOrder/${id}`,
    status: status.toLowerCase(),
    ...(status === "SCHEDULED" ? { fulfill_at: fulfillAt ?? null } : {}),
  }
}
