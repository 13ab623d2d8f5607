import { AppError } from "../../base/errors.ts"
import { deliveredJson } from "../../base/json/delivered.ts"
import { splitMoney, type Money } from "../../base/money.ts"
import { instant } from "../../base/time.ts"
import { newEvent } from "../../canonical/events.ts"
import type { Tender } from "../../canonical/order.ts"
import type { MoneyPair } from "../../canonical/parts.ts"
import { validator } from "../../canonical/validate.ts"
import { own } from "../../base/lookup.ts"
import type { Delivery, Translation } from "../../ports/capabilities/intake.ts"
import { metadataNames } from "./from-canonical.ts"
import { Event, PaymentIntent } from "./payloads.ts"
import { lapseOf, reportOfPayment } from "./payments/reports.ts"

const events = validator(Event, "Stripe event")
const intents = validator(PaymentIntent, "payment intent")

// Event types: docs.stripe.com/api/events/types, read 2026-11.
const tenderStates: Readonly<Record<string, Tender["state"]>> = {
  "payment_intent.amount_capturable_updated": "authorised",
  "payment_intent.succeeded": "captured",
  "payment_intent.payment_failed": "failed",
  "payment_intent.canceled": "failed",
}

const tenderKinds: readonly Tender["kind"][] = ["card", "giftCard", "cash", "wallet", "invoice", "other"]

/**
 * Facts of payments that Crossdock made, one per payment and state, whatever the order of Stripe's events. What becomes of payments
 * a shop made is left to the shop's own messages, which know the order; except what a shop may never hear of: refunds by hand,
 * disputes, authorisations that lapsed.
 */
export function translateStripeEvent(delivery: Delivery): Translation {
  const event = readEvent(delivery)
  const reported = reportOfPayment(delivery, event)
  if (reported) return reported
  const state = own(tenderStates, event.type)
  if (state === undefined) return { events: [], ignored: `${event.type} is not used` }
  const problems = intents.problems(event.data.object)
  if (problems.length > 0)
    throw new AppError("TRANSLATION_FAILED", "the event's payment intent is not as documented", { problems })
  const intent = intents.parse(event.data.object)
  const orderId = intent.metadata?.[metadataNames.order]
  const text = intent.metadata?.[metadataNames.tender]
  const lapsed = lapseOf(delivery, event, intent)
  if (orderId === undefined || text === undefined)
    return lapsed
      ? { events: [lapsed] }
      : { events: [], ignored: `payment ${intent.id} was made by its shop, which reports it` }
  const held = readTender(text)
  const amount = state === "captured" ? partOf(held.amount, intent) : held.amount
  return {
    events: [
      newEvent({
        type: "order.tender-changed",
        fact: `${delivery.connection}:payment:${intent.id}:${state}`,
        source: delivery.connection,
        time: instant(event.created * 1000),
        data: {
          orderId,
          tender: { ...held, amount, provider: "stripe", state, reference: intent.id },
          at: instant(event.created * 1000),
        },
      }),
      ...(lapsed ? [lapsed] : []),
    ],
  }
}

/** Less than the hold may have been taken; the shop's side of that is its share by largest remainder. */
function partOf(held: MoneyPair, intent: PaymentIntent): MoneyPair {
  if (intent.amount_received >= intent.amount) return held
  const weights = [intent.amount_received, intent.amount - intent.amount_received]
  const share = (whole: Money) => splitMoney(whole, weights)[0] ?? whole
  return { shop: share(held.shop), presentment: share(held.presentment) }
}

/** The tender as `authorisationFields` wrote it: kind|shop|presentment|id. */
function readTender(text: string): Pick<Tender, "id" | "kind" | "amount"> {
  const [kindText, shopText, presentmentText, ...id] = text.split("|")
  const kind = tenderKinds.find((known) => known === kindText)
  const shop = readAmount(shopText)
  const presentment = readAmount(presentmentText)
  if (kind === undefined || shop === undefined || presentment === undefined || id.length === 0)
    throw new AppError("TRANSLATION_FAILED", `"${text}" is not a tender as Crossdock writes it`, {
      problems: [
        { pointer: `/data/object/metadata/${metadataNames.tender}`, message: "kind|shop|presentment|id expected" },
      ],
    })
  return { id: id.join("|"), kind, amount: { shop, presentment } }
}

function readAmount(text: string | undefined): Money | undefined {
  const match = /^(-?\d{1,16}) ([A-Z]{3})$/.exec(text ?? "")
  return match?.[1] && match[2] ? { amountMinor: Number(match[1]), currency: match[2] } : undefined
}

function readEvent(delivery: Delivery) {
  const body = deliveredJson(delivery.bytes)
  const problems = events.problems(body)
  if (problems.length > 0) throw new AppError("TRANSLATION_FAILED", "the body is not a Stripe event", { problems })
  return events.parse(body)
}
