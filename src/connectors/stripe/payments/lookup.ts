import { AppError } from "../../../base/errors.ts"
import type { Clock } from "../../../base/time.ts"
import type { Call } from "../../../ports/write.ts"
import type { StripeClient } from "../client.ts"
import { metadataNames } from "../from-canonical.ts"
import {
  readPaymentIntent,
  readPaymentIntents,
  readPaymentMethod,
  readRefunds,
  type PaymentIntent,
  type Refund,
} from "../payloads.ts"

type CallContext = Omit<Call, "key">

// Search shows a new object within a minute (docs.stripe.com/search, "Data freshness", read 2026-11) and must not be
// used to read recent writes; lists may. So the newest two minutes come from a list: one for the delay, one for clock
// drift.
const windowSeconds = 120
const pageSize = 100
// Stripe's limit of 100 requests a second (docs.stripe.com/rate-limits) allows 12,000 intents in the window.
const pagesMax = 120

/** One payment intent with its charge, or undefined when Stripe has none with that id. */
async function findIntent(client: StripeClient, id: string, call: CallContext): Promise<PaymentIntent | undefined> {
  try {
    const path = `/v1/payment_intents/${encodeURIComponent(id)}?expand[]=latest_charge`
    return readPaymentIntent(await client.get(path, call))
  } catch (error) {
    // Only Stripe's own error code means that the intent does not exist; a proxy may also return 404.
    if (error instanceof AppError && error.data["code"] === "resource_missing") return undefined
    throw error
  }
}

/** The customer that a payment method belongs to: Stripe takes such a method only together with its customer. */
export async function customerOf(client: StripeClient, method: string, call: CallContext): Promise<string | undefined> {
  try {
    const path = `/v1/payment_methods/${encodeURIComponent(method)}`
    const { customer } = readPaymentMethod(await client.get(path, call))
    return typeof customer === "string" ? customer : customer?.id
  } catch (error) {
    // Stripe says what is wrong with the method when it is used.
    if (error instanceof AppError && error.code === "VENDOR_REJECTED") return undefined
    throw error
  }
}

/** Every payment intent with a value in its metadata: old ones by search, new ones by list. */
export async function intentsMarked(
  client: StripeClient,
  mark: { name: string; value: string },
  { call, clock }: { call: CallContext; clock: Clock },
): Promise<PaymentIntent[]> {
  const query = encodeURIComponent(`metadata['${mark.name}']:'${mark.value}'`)
  const searched = readPaymentIntents(await client.get(`/v1/payment_intents/search?query=${query}&limit=100`, call))
  const found = new Map(searched.data.map((intent) => [intent.id, intent]))
  const sinceSeconds = Math.floor(clock.now() / 1000) - windowSeconds
  const list = (after: string) =>
    client.get(`/v1/payment_intents?created[gte]=${sinceSeconds}&limit=${pageSize}${after}`, call)
  for await (const intent of pages(async (after) => readPaymentIntents(await list(after))))
    if (intent.metadata?.[mark.name] === mark.value) found.set(intent.id, intent)
  return [...found.values()]
}

/**
 * The payment of a caller. A workflow that requested a hold and never got its id (an undo is recorded before the hold
 * is made) gives the payment method or nothing. The payment is then the hold made for this order with that method.
 */
export async function findPayment(
  client: StripeClient,
  payment: { paymentId: string; orderId: string },
  { call, clock }: { call: CallContext; clock: Clock },
): Promise<PaymentIntent | undefined> {
  // docs.stripe.com/api/payment_intents/object: ids of payment intents begin with pi_.
  if (payment.paymentId.startsWith("pi_")) return findIntent(client, payment.paymentId, call)
  const mark = { name: metadataNames.order, value: payment.orderId }
  const found = (await intentsMarked(client, mark, { call, clock })).filter(
    (intent) =>
      (payment.paymentId === "" || intent.payment_method === payment.paymentId) &&
      intent.status !== "requires_payment_method" &&
      intent.status !== "requires_confirmation",
  )
  // A voided payment, e.g. of an edited order, does not count while another one is active.
  const standing = found.filter(({ status }) => status !== "canceled")
  if (standing.length > 1)
    throw new AppError(
      "VENDOR_MISBEHAVED",
      `order ${payment.orderId} has several holds: ${standing.map(({ id }) => id).join(", ")}`,
    )
  const one = standing[0] ?? found[0]
  return one && findIntent(client, one.id, call)
}

/** Every refund of a payment that was made under a key. The list of one payment's refunds is never stale. */
export async function refundsOfKey(client: StripeClient, paymentId: string, call: Call): Promise<Refund[]> {
  const found: Refund[] = []
  const path = `/v1/refunds?payment_intent=${encodeURIComponent(paymentId)}&limit=${pageSize}`
  for await (const refund of pages(async (after) => readRefunds(await client.get(`${path}${after}`, call))))
    if (refund.metadata?.[metadataNames.key] === call.key) found.push(refund)
  return found
}

async function* pages<Item extends { id: string }>(
  read: (after: string) => Promise<{ data: Item[]; has_more: boolean }>,
): AsyncGenerator<Item> {
  let after = ""
  for (let count = 0; count < pagesMax; count++) {
    const page = await read(after)
    yield* page.data
    const last = page.data.at(-1)
    if (!page.has_more || last === undefined) return
    after = `&starting_after=${encodeURIComponent(last.id)}`
  }
  throw new AppError(
    "VENDOR_UNAVAILABLE",
    `more than ${pagesMax * pageSize} objects to search; Crossdock tries again later`,
    {
      retryAfterMs: 60_000,
    },
  )
}
