import { hash } from "node:crypto"
import { cut } from "../../base/text.ts"
import { AppError, asAppError } from "../../base/errors.ts"
import { instant } from "../../base/time.ts"
import type { Delivery, VerifiedDelivery } from "../../ports/capabilities/intake.ts"
import { freshWindowMs, replayKey } from "../../governance/replay-guard.ts"
import type { GatewayCore, Receiver } from "../core.ts"
import type { Exchange } from "../exchange.ts"
import type { Violations } from "../metrics.ts"

// Shopify retries longest of the connectors that keep one time over all retries: 8 times over 4 hours (shopify.dev,
// "Troubleshoot webhooks"). Stripe signs every retry anew.
const retryHorizonMsDefault = 4 * 3_600_000

const loggedMax = 50
/** One answer for every refusal: more would help only who has no secret. The log at `debug` says which check failed. */
const wrongSignature = "the delivery's signature fits no connection of this name, or it is too old or a replay"

/** A webhook's delivery in the form the inbox takes. */
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
 * Checks a webhook's signature over its raw bytes before anything parses them.
 *
 * A wrong signature is 401 and is counted; five within five minutes raise an alert. A delivery that was seen before and
 * is older than its sender's retry time is refused as a replay, because a legitimate sender no longer repeats it.
 * Younger ones are accepted however often they come: the response to the first may have been lost, and their facts are
 * stored only once.
 */
export function verifySignature(core: GatewayCore, violations: Violations) {
  // Whoever guesses names must not learn which are right; whoever mistyped one finds it in the log.
  const logged = new Set<string>()
  const unknown = (connection: string) => {
    if (logged.size < loggedMax && !logged.has(connection)) {
      logged.add(connection)
      core.log.warn(
        { connection: cut(connection, 63) },
        "a delivery came for a connection that is unknown or takes none",
      )
    }
    return new AppError("SIGNATURE_INVALID", wrongSignature)
  }
  const check = async (exchange: Exchange): Promise<void> => {
    const connection = exchange.parameter("connection")
    const receiver = core.receiver(connection)
    if (!receiver) throw unknown(connection)
    try {
      await verify(core, exchange, receiver)
      receiver.heartbeat?.succeeded()
    } catch (thrown) {
      const error = asAppError(thrown)
      if (error.code !== "SIGNATURE_INVALID") throw thrown
      receiver.heartbeat?.turnedAway(thrown)
      if (violations.signatureFailed(connection))
        core.log.warn({ connection }, "a connection's signatures keep failing: check secrets, proxies and clocks")
      core.log.debug({ connection, err: error }, "a delivery's signature was refused")
      throw new AppError("SIGNATURE_INVALID", wrongSignature, { cause: error })
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

// Signatures, ids, topics and times are in vendor headers, so all headers are kept except those with credentials of
// others and those that only describe the HTTP connection.
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
