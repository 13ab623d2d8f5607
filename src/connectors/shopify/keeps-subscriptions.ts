import type { KeepsSubscriptions, Subscription } from "../../ports/capabilities/intake.ts"
import { fulfilmentOrderTopics } from "./fulfilment/held-part.ts"
import { throwForUserErrors, type ShopClient } from "./client.ts"
import { levelTopic } from "./stock/level-told.ts"
import { createSubscription, deleteSubscription, listSubscriptions } from "./graph/operations.ts"

// Each topic carries facts that no other one carries; orders/paid and orders/fulfilled only repeat orders/updated.
const orderTopics = [
  "orders/create",
  "orders/updated",
  "orders/cancelled",
  "refunds/create",
  "fulfillments/create",
  "fulfillment_events/create",
  "order_transactions/create",
  ...fulfilmentOrderTopics,
] as const

/** `orders/create` → `ORDERS_CREATE`, as WebhookSubscriptionTopic names it. */
const enumOf = (topic: string): string => topic.toUpperCase().replace("/", "_")

const nameOf = (value: string): string => [...orderTopics, levelTopic].find((topic) => enumOf(topic) === value) ?? value

/**
 * Subscriptions made through the Admin API. Shopify deletes one after 8 failed retries of a delivery, over 4 hours:
 * https://shopify.dev/docs/apps/build/webhooks/troubleshooting-webhooks (read 2026-11)
 */
export function keepsSubscriptions({
  client,
  hasLocations,
}: {
  client: ShopClient
  hasLocations: boolean
}): KeepsSubscriptions {
  return {
    // The shop tells of levels with every sale: only where places of it are named can they mean something.
    topics: hasLocations ? [...orderTopics, levelTopic] : orderTopics,
    expectedForm: "JSON",
    async listSubscriptions(_input, call) {
      const found: Subscription[] = []
      let after: string | undefined
      do {
        const variables = after === undefined ? {} : { after }
        const page = (await client.read({ document: listSubscriptions, variables, call })).object(
          "webhookSubscriptions",
        )
        for (const node of page.list("nodes")) {
          const filter = node.optionalText("filter")
          const fields = node.rawList("includeFields") ?? []
          found.push({
            id: node.text("id"),
            topic: nameOf(node.text("topic")),
            address: node.text("uri"),
            // A filter or a selection of fields would hide facts from us.
            form: [
              node.text("format"),
              ...(filter === undefined ? [] : [`only ${filter}`]),
              ...(fields.length === 0 ? [] : [`only fields ${fields.join(", ")}`]),
            ].join(", "),
          })
        }
        const info = page.object("pageInfo")
        after = info.flag("hasNextPage") ? info.text("endCursor") : undefined
        page.settleAnswer("webhook subscriptions")
      } while (after !== undefined)
      return found
    },
    async createSubscription({ topic, address }, call) {
      const variables = { topic: enumOf(topic), uri: address }
      const data = await client.write({ document: createSubscription, variables, call })
      const payload = data.object("webhookSubscriptionCreate")
      // Another client created it after it was listed.
      const isTaken = payload.list("userErrors").some((error) => /already been taken/i.test(error.text("message")))
      if (!isTaken) throwForUserErrors(payload)
    },
    async removeSubscription({ id }, call) {
      const data = await client.write({ document: deleteSubscription, variables: { id }, call })
      const payload = data.object("webhookSubscriptionDelete")
      const isGone = payload.list("userErrors").some((error) => /does not exist|not found/i.test(error.text("message")))
      if (!isGone) throwForUserErrors(payload)
    },
  }
}
