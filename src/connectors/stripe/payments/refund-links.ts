import { AppError } from "../../../base/errors.ts"
import type { Payment, RefundsPayments } from "../../../ports/capabilities/payments.ts"
import { reference, type LinksOf } from "../../../ports/write.ts"
import type { StripeClient } from "../client.ts"
import { metadataNames } from "../from-canonical.ts"
import { readRefund, type Refund } from "../payloads.ts"
import { fromStripeAmount } from "./amounts.ts"

/** What a refund of Stripe is to us. VENDOR_REJECTED for one that failed. */
export function refunded(
  found: Refund,
  { paymentId, connectionId }: { paymentId: string; connectionId: string },
): Payment {
  const why = ended(found)
  if (why !== undefined) throw new AppError("VENDOR_REJECTED", `refund ${found.id} ${why}`)
  return paymentOf(found, { paymentId, connectionId })
}

function paymentOf(found: Refund, { paymentId, connectionId }: { paymentId: string; connectionId: string }): Payment {
  return {
    paymentId,
    amount: fromStripeAmount(found.amount, found.currency),
    state: "refunded",
    ...(found.status === "succeeded" ? {} : { isPending: true }),
    reference: reference(connectionId, "refund", found.id),
  }
}

/** Why no money goes back; docs.stripe.com/api/refunds/object: pending, requires_action, succeeded, failed, canceled. */
function ended({ status, failure_reason: reason }: Refund): string | undefined {
  return status === "failed" || status === "canceled" ? `${status}: ${reason ?? "no reason given"}` : undefined
}

/**
 * A refund that somebody linked, by its id (re_…). One made by hand carries no key of ours, so what becomes of it later is not heard:
 * it is linked once it has succeeded.
 */
export function refundLinks({
  client,
  connectionId,
}: {
  client: StripeClient
  connectionId: string
}): LinksOf<RefundsPayments["refund"]> {
  return {
    document: "refund",
    asks: ({ amount, paymentId }) => ({
      worth: amount,
      // docs.stripe.com/api/payment_intents/object: their ids begin with pi_. Anything else is resolved when it is sent.
      ...(paymentId.startsWith("pi_") ? { of: paymentName(paymentId) } : {}),
    }),
    async read({ number, key }, call) {
      const found = await refundIfThere(client, number.trim(), call)
      if (found === undefined) return undefined
      const mark = found.metadata?.[metadataNames.key] ?? ""
      const payment = found.payment_intent
      const paymentId = typeof payment === "string" ? payment : (payment?.id ?? "")
      const why = cannotBe(found, { mark, key })
      return {
        output: paymentOf(found, { paymentId, connectionId }),
        reference: mark,
        total: fromStripeAmount(found.amount, found.currency),
        ...(paymentId === "" ? {} : { of: paymentName(paymentId) }),
        state: found.status ?? "without a status",
        ...(why === undefined ? {} : { cannotBe: why }),
      }
    },
    named: (typed, { worth, of }) => {
      if (worth === undefined) throw new AppError("VENDOR_REJECTED", "the amount that was asked is not known")
      const id = typed.trim()
      const paymentId = of?.slice(paymentName("").length) ?? ""
      return { paymentId, amount: worth, state: "refunded", reference: reference(connectionId, "refund", id) }
    },
  }
}

const paymentName = (id: string) => `payment ${id}`

function cannotBe(found: Refund, { mark, key }: { mark: string; key: string }): string | undefined {
  const why = ended(found)
  if (why !== undefined) return `it ${why}`
  if (mark !== "" && mark !== key) return `it carries ${mark}, the reference of another step`
  return mark === key || found.status === "succeeded"
    ? undefined
    : `it is ${found.status ?? "without a status"}, and without our reference its end is not heard: link it when it has succeeded`
}

async function refundIfThere(
  client: StripeClient,
  id: string,
  call: Parameters<StripeClient["get"]>[1],
): Promise<Refund | undefined> {
  try {
    return readRefund(await client.get(`/v1/refunds/${encodeURIComponent(id)}`, call))
  } catch (error) {
    // Only Stripe's own error code means that there is none; a proxy may also return 404.
    if (error instanceof AppError && error.data["code"] === "resource_missing") return undefined
    throw error
  }
}
