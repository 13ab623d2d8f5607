import { createHmac, timingSafeEqual } from "node:crypto"
import { AppError } from "../base/errors.ts"

/** Longest difference between the sender's clock and ours. Standard Webhooks specification, "Verifying webhook authenticity". */
const toleranceSeconds = 300

/**
 * Checks a delivery signed after the Standard Webhooks specification with every live secret and returns its id and time.
 *
 * Header names are lower case; secrets are `whsec_` + base64. Several signatures in one header are separated by spaces.
 * Throws SIGNATURE_INVALID; nothing of the body is read before the signature fits.
 * Source: github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md, "Signature scheme", read 2026-11.
 */
export function verifyStandardWebhook(
  delivery: { headers: Record<string, string>; bytes: Uint8Array },
  options: { secrets: readonly string[]; nowMs: number },
): { id: string; sentAtMs: number } {
  const id = delivery.headers["webhook-id"]
  const timestamp = delivery.headers["webhook-timestamp"]
  const signatures = delivery.headers["webhook-signature"]
  if (!id || !timestamp || !signatures) throw invalid("a webhook-id, -timestamp or -signature header is missing")
  if (!/^\d{1,12}$/.test(timestamp)) throw invalid("webhook-timestamp is not a number of seconds")
  const sentAtMs = Number(timestamp) * 1000
  if (Math.abs(options.nowMs - sentAtMs) > toleranceSeconds * 1000)
    throw invalid(`the signature was made ${Math.round((options.nowMs - sentAtMs) / 1000)} s away from our clock`)
  const offered = signatures.split(" ").flatMap((part) => (part.startsWith("v1,") ? [part.slice(3)] : []))
  const isGenuine = options.secrets.some((secret) => {
    const expected = signature(secret, { id, timestamp, bytes: delivery.bytes })
    return offered.some((candidate) => sameBytes(Buffer.from(candidate, "base64"), expected))
  })
  if (!isGenuine) throw invalid("no signature fits the body with any live secret")
  return { id, sentAtMs }
}

/** The headers that sign a message of ours by the same specification. `id` stays the same when it is sent again. */
export function signStandardWebhook(
  { id, body }: { id: string; body: string },
  { secret, nowMs }: { secret: string; nowMs: number },
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000))
  const signed = signature(secret, { id, timestamp, bytes: Buffer.from(body) })
  return { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signed.toString("base64")}` }
}

/** The key inside a `whsec_…` secret; a text without the prefix is taken as base64 too. */
function secretKey(secret: string): Buffer {
  return Buffer.from(secret.startsWith("whsec_") ? secret.slice("whsec_".length) : secret, "base64")
}

function signature(secret: string, message: { id: string; timestamp: string; bytes: Uint8Array }): Buffer {
  return createHmac("sha256", secretKey(secret))
    .update(`${message.id}.${message.timestamp}.`)
    .update(message.bytes)
    .digest()
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right)
}

function invalid(message: string): AppError {
  return new AppError("SIGNATURE_INVALID", message)
}
