import { createHmac, timingSafeEqual } from "node:crypto"
import { AppError } from "../../base/errors.ts"
import { contentDigest } from "../../base/ids.ts"
import { validator } from "../../canonical/validate.ts"
import type { Delivery, VerifiedDelivery } from "../../ports/capabilities/intake.ts"
import { Event } from "./payloads.ts"

// docs.stripe.com/webhooks/signature: the library's default tolerance (npm stripe 23.1.0, Webhooks.DEFAULT_TOLERANCE).
const toleranceSeconds = 300

const events = validator(Event, "Stripe event")

/**
 * Checks `Stripe-Signature: t=…,v1=…`: hex HMAC-SHA256 over `t.body` with the whole `whsec_…` text as the key. During a
 * rotation of secrets Stripe signs with both and sends several v1; here too several secrets may be live.
 */
export function verifyStripe(
  delivery: Delivery,
  options: { secrets: readonly string[]; nowMs: number },
): VerifiedDelivery {
  const header = delivery.headers["stripe-signature"]
  if (!header) throw invalid("the Stripe-Signature header is missing")
  const parts = header.split(",").map((part) => part.trim().split("=", 2))
  const timestamp = parts.find(([name]) => name === "t")?.[1] ?? ""
  const signatures = parts.flatMap(([name, value]) => (name === "v1" && value ? [value] : []))
  if (!/^\d{1,12}$/.test(timestamp) || signatures.length === 0) throw invalid("Stripe-Signature has no time or no v1")
  const sentAtMs = Number(timestamp) * 1000
  if (Math.abs(options.nowMs - sentAtMs) > toleranceSeconds * 1000)
    throw invalid(`the signature was made ${Math.round((options.nowMs - sentAtMs) / 1000)} s away from our clock`)
  const isGenuine = options.secrets.some((secret) => {
    const expected = createHmac("sha256", secret).update(`${timestamp}.`).update(delivery.bytes).digest()
    return signatures.some((candidate) => {
      const offered = Buffer.from(candidate, "hex")
      return offered.length === expected.length && timingSafeEqual(offered, expected)
    })
  })
  if (!isGenuine) throw invalid("no signature matches the body with any live secret")
  return { ...namesOf(delivery), sentAtMs }
}

/** A genuine body that is not an event is accepted: it is parked as an exception with its bytes intact. */
function namesOf(delivery: Delivery): { deliveryId: string; topic: string } {
  try {
    const body: unknown = JSON.parse(new TextDecoder().decode(delivery.bytes))
    if (events.problems(body).length === 0) {
      const { id, type } = events.parse(body)
      return { deliveryId: id, topic: type }
    }
  } catch {
    // The content names it, see below.
  }
  return { deliveryId: contentDigest(Buffer.from(delivery.bytes).toString("base64")), topic: "unknown" }
}

function invalid(message: string): AppError {
  return new AppError("SIGNATURE_INVALID", message)
}
