import { Type } from "typebox"
import type { GatewayCore } from "../../core.ts"
import { deliveryOf } from "../../phases/verify-signature.ts"
import { route, type Route } from "../../route.ts"

export function webhookRoutes({ inbox, clock }: GatewayCore): Route[] {
  return [
    route({
      method: "POST",
      path: "/hooks/{connection}",
      summary: "Receive a vendor's webhook. Returns 200 once its bytes are durable; processing follows later.",
      tier: "system",
      owner: "integration",
      criticality: "critical",
      // Shopify's limit of five seconds is the shortest we know; a response within one second leaves room for the
      // network.
      serviceLevel: { p99Ms: 1000, availabilityPercent: 99.95 },
      credentials: "signature",
      repeats: "natural key",
      responses: {
        200: { description: "Durable", schema: Type.Object({ inboxId: Type.String() }) },
      },
      bodyLimitBytes: 4 * 1024 * 1024,
      // Shopify closes the connection after five seconds and would not see a later 503.
      timeLimitMs: 4_000,
      handle: async (exchange) => {
        const { inboxId } = await inbox.receive({
          ...deliveryOf(exchange, clock.now()),
          deliveryId: exchange.verified?.deliveryId ?? "",
          topic: exchange.verified?.topic ?? "",
          correlation: exchange.correlation,
          ...(exchange.traceparent === undefined ? {} : { traceparent: exchange.traceparent }),
          ...(exchange.replayKey === undefined ? {} : { replayKey: exchange.replayKey }),
        })
        return { status: 200, body: { inboxId: String(inboxId) } }
      },
    }),
  ]
}
