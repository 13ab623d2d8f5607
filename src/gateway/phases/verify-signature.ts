import { hash } from "node:crypto"
import { AppError, asAppError } from "../../base/errors.ts"
import { instant } from "../../base/time.ts"
import type { Delivery, VerifiedDelivery } from "../../ports/capabilities/intake.ts"
import { freshWindowMs, replayKey } from "../../governance/replay-guard.ts"
import type { GatewayCore, Receiver } from "../core.ts"
import type { Exchange } from "../exchange.ts"
import type { Violations } from "../metrics.ts"

// The longest of the first connectors that keep one time over all retries: Shopify retries for 4 hours
// (shopify.dev, "Troubleshoot webhooks": 8 times over 4 hours). Stripe signs every retry anew.
const retryHorizonMsDefault = 4 * 3_600_000

/** A webhook's delivery as the inbox wants it. */
export function deliveryOf(exchange: Exchange, nowMs: number): Delivery {
  return {
    connection: exchange.parameter("connection"),
    via: "webhook",
    headers: keptHeaders(exchange),
    bytes: exchange.bytes,
    receivedAt: instant(nowMs),
  }
}

/**
 * Checks a webhook's signature over its raw bytes before anything reads them.
 *
 * A bad one is 401, is counted, and five within five minutes raise an alert. Replays: a delivery older than its sender's
 * retry time that was seen before is refused, because no honest sender repeats it then. Younger ones are accepted however
 * often they come: the answer to the first may have been lost, and their facts are stored once anyway.
 */
export function verifySignature(core: GatewayCore, violations: Violations) {
  const check = async (exchange: Exchange): Promise<void> => {
    const connection = exchange.parameter("connection")
    const receiver = core.receiver(connection)
    if (!receiver) throw new AppError("NOT_FOUND", "there is no such connection, or it receives nothing")
    try {
      await verify(core, exchange, receiver)
    } catch (thrown) {
      if (asAppError(thrown).code === "SIGNATURE_INVALID" && violations.signatureFailed(connection))
        core.log.warn({ connection }, "signatures of a connection keep failing: check secrets, proxies and clocks")
      throw thrown
    }
  }
  return (exchange: Exchange) => (exchange.route.credentials === "signature" ? check(exchange) : undefined)
}

async function verify(core: GatewayCore, exchange: Exchange, receiver: Receiver): Promise<void> {
  const { clock, replayGuard } = core
  const nowMs = clock.now()
  const delivery = deliveryOf(exchange, nowMs)
  const verified = receiver.receivesDeliveries.verify(delivery, nowMs)
  exchange.verified = verified
  const { sentAtMs, deliveryId } = verified
  if (sentAtMs === undefined) return
  const { connection } = delivery
  // Stored with the delivery, in the same transaction.
  exchange.replayKey = replayKey({ connection, deliveryId, digest: hash("sha256", exchange.bytes), sentAtMs })
  if (isTooOld({ ...verified, sentAtMs }, nowMs, receiver) && (await replayGuard.wasSeen(exchange.replayKey)))
    throw new AppError("SIGNATURE_INVALID", "this delivery is old and was received before")
}

function isTooOld(verified: VerifiedDelivery & { sentAtMs: number }, nowMs: number, receiver: Receiver): boolean {
  if (verified.sentAtMs - nowMs > freshWindowMs)
    throw new AppError("SIGNATURE_INVALID", "this delivery says it was sent in the future")
  return nowMs - verified.sentAtMs > Math.max(freshWindowMs, receiver.retryHorizonMs ?? retryHorizonMsDefault)
}

// Signatures, ids, topics and times travel in vendor headers, so all are kept but those that carry credentials of others
// or only describe the connection.
const droppedHeaders = new Set([
  "authorization",
  "cookie",
  "connection",
  "host",
  "accept",
  "accept-encoding",
  "proxy-authorization",
])

function keptHeaders(exchange: Exchange): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(exchange.request.headers))
    if (typeof value === "string" && !droppedHeaders.has(name) && value.length <= 2048) kept[name] = value
  return kept
}
