import { instant } from "../base/time.ts"
import { apiConnection, apiHeaders } from "./api-deliveries.ts"
import type { GatewayCore } from "./core.ts"
import type { Exchange } from "./exchange.ts"

/**
 * Puts a request unchanged into the inbox. It is durable when this resolves, so the route may return 202. The intake of its
 * route translates it and gets `objectId`: the business object that the path or the body names, and what the route `found` out.
 */
export async function accept(
  { inbox, clock }: Pick<GatewayCore, "inbox" | "clock">,
  exchange: Exchange,
  about: string | { objectId: string; found: object },
): Promise<void> {
  const { objectId, found } = typeof about === "string" ? { objectId: about, found: undefined } : about
  await inbox.receive({
    connection: apiConnection(exchange.consumerId),
    via: "api",
    topic: exchange.route.id,
    deliveryId: exchange.header("idempotency-key")?.slice(0, 255) ?? "",
    headers: {
      "content-type": "application/json",
      [apiHeaders.route]: exchange.route.id,
      [apiHeaders.version]: exchange.version,
      [apiHeaders.objectId]: objectId,
      [apiHeaders.consumer]: exchange.consumerId,
      ...(found === undefined ? {} : { [apiHeaders.found]: JSON.stringify(found) }),
    },
    bytes: exchange.bytes,
    receivedAt: instant(clock.now()),
    correlation: exchange.correlation,
    ...(exchange.traceparent === undefined ? {} : { traceparent: exchange.traceparent }),
  })
}
