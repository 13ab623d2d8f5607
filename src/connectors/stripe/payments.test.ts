import { createHmac } from "node:crypto"
import { existsSync, readFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { asAppError } from "../../base/errors.ts"
import { minorDigitsByCurrency } from "../../base/money/currencies.ts"
import { money } from "../../base/money.ts"
import type { EventData } from "../../canonical/events.ts"
import type { Tender } from "../../canonical/order.ts"
import type { Delivery } from "../../ports/capabilities/intake.ts"
import { fromStripeAmount, toStripeAmount } from "./payments/amounts.ts"
import { authorisationFields, captureFields, refundFields, releaseFields } from "./from-canonical.ts"
import type { FormFields } from "./payloads.ts"
import { translateStripeEvent } from "./to-canonical.ts"
import { verifyStripe } from "./receives-deliveries.ts"

const orderId = "ord_0123456789abcdef"

function tender(id = "t|1"): Tender {
  return {
    id,
    kind: "card",
    provider: "stripe",
    state: "pending",
    amount: { shop: money(10_001, "EUR"), presentment: money(11_111, "USD") },
    reference: "pm_card_visa",
  }
}

describe("amounts", () => {
  test("every currency survives the way to Stripe and back", () => {
    const currencies = Object.keys(minorDigitsByCurrency)
    fc.assert(
      fc.property(fc.constantFrom(...currencies), fc.integer({ min: 0, max: 999_999 }), (currency, hundreds) => {
        const amount = money(hundreds * 100, currency)
        expect(fromStripeAmount(toStripeAmount(amount), currency.toLowerCase())).toEqual(amount)
      }),
    )
  })

  test("currencies whose digits Stripe counts differently are moved, never rounded", () => {
    expect(toStripeAmount(money(1999, "EUR"))).toBe(1999)
    expect(toStripeAmount(money(500, "JPY"))).toBe(500)
    expect(toStripeAmount(money(5, "ISK"))).toBe(500)
    expect(toStripeAmount(money(500, "MGA"))).toBe(5)
    expect(() => toStripeAmount(money(501, "MGA"))).toThrow("fractions")
    expect(() => fromStripeAmount(550, "isk")).toThrow("finer")
  })
})

describe("signatures", () => {
  const body = '{"id":"evt_1","type":"payment_intent.succeeded","created":1763632800,"data":{"object":{}}}'
  const nowMs = 1_763_632_800_000
  const signed = (secret: string, atMs = nowMs): Delivery => {
    const t = Math.floor(atMs / 1000)
    const v1 = createHmac("sha256", secret).update(`${t}.${body}`).digest("hex")
    return delivery(body, { "stripe-signature": `t=${t},v0=ff,v1=${"0".repeat(64)},v1=${v1}` })
  }

  test("one good v1 among several is enough, with any live secret", () => {
    const verified = verifyStripe(signed("new"), { secrets: ["old", "new"], nowMs })
    expect(verified).toEqual({ deliveryId: "evt_1", topic: "payment_intent.succeeded", sentAtMs: nowMs })
  })

  test("300 seconds are let in and 301 are not", () => {
    expect(verifyStripe(signed("s", nowMs - 300_000), { secrets: ["s"], nowMs }).deliveryId).toBe("evt_1")
    expect(() => verifyStripe(signed("s", nowMs - 301_000), { secrets: ["s"], nowMs })).toThrow("301 s away")
  })

  test("a signature of another length is refused without an accident", () => {
    const short = delivery(body, { "stripe-signature": `t=${nowMs / 1000},v1=abcd` })
    expect(asAppErrorOf(() => verifyStripe(short, { secrets: ["s"], nowMs }))).toMatchObject({
      code: "SIGNATURE_INVALID",
    })
  })
})

describe("events", () => {
  const text = authorisationFields({ orderId, tender: tender(), amount: money(11_111, "USD") }, "k1")[
    "metadata[crossdock_tender]"
  ]
  const event = (type: string, received: number, metadata: Record<string, string> | null) =>
    delivery(
      JSON.stringify({
        id: "evt_1",
        type,
        created: 1_763_632_800,
        data: {
          object: {
            id: "pi_1",
            status: "succeeded",
            amount: 11_111,
            amount_capturable: 0,
            amount_received: received,
            currency: "usd",
            created: 1,
            metadata,
          },
        },
      }),
      {},
    )
  const ours = { crossdock_order: orderId, crossdock_tender: text ?? "" }

  test("a captured payment brings its tender back with both amounts", () => {
    const [fact] = translateStripeEvent(event("payment_intent.succeeded", 11_111, ours)).events
    expect(fact).toMatchObject({
      type: "order.tender-changed",
      fact: "stripe-eu:payment:pi_1:captured",
      data: { orderId, tender: { ...tender(), state: "captured", reference: "pi_1" } },
    })
  })

  test("of a payment taken in part both sides shrink, and never to more than was held", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 11_111 }), (received) => {
        const [fact] = translateStripeEvent(event("payment_intent.succeeded", received, ours)).events
        if (fact?.type !== "order.tender-changed") throw new Error("one fact about the tender was expected")
        // The type says which data it is.
        const { presentment, shop } = (fact.data as EventData<"order.tender-changed">).tender.amount
        expect(presentment.amountMinor).toBe(received)
        expect(Math.abs(shop.amountMinor - (10_001 * received) / 11_111)).toBeLessThanOrEqual(1)
      }),
    )
  })

  test("payments a shop made and events of no concern are let go with a reason", () => {
    expect(translateStripeEvent(event("payment_intent.succeeded", 1, {})).ignored).toContain("made by its shop")
    expect(translateStripeEvent(event("charge.updated", 1, ours)).ignored).toContain("not used")
  })

  test("a tender somebody changed by hand waits with its problem instead of becoming a wrong fact", () => {
    const spoilt = { ...ours, crossdock_tender: "card|1 EUR" }
    const error = asAppErrorOf(() => translateStripeEvent(event("payment_intent.succeeded", 1, spoilt)))
    expect(error).toMatchObject({ code: "TRANSLATION_FAILED" })
  })
})

const schemaFile = "../shared/schemas/stripe/stripe-23.1.0.types.schema.json"

describe.skipIf(!existsSync(schemaFile))(`parameters against ${schemaFile} (skipped where it is absent)`, () => {
  const amount = money(11_111, "USD")
  const requests: [string, FormFields][] = [
    ["PaymentIntentCreateParams", authorisationFields({ orderId, tender: tender(), amount }, "k".repeat(35))],
    ["PaymentIntentCaptureParams", captureFields({ stripeAmount: 1, leavesRest: true, key: "k".repeat(35) })],
    ["PaymentIntentCaptureParams", releaseFields("k".repeat(35))],
    ["PaymentIntentCancelParams", { cancellation_reason: "requested_by_customer" }],
    ["RefundCreateParams", refundFields({ orderId, paymentId: "pi_1", amount }, "k".repeat(35))],
  ]
  test.each(requests)("%s knows every field that is sent", (name, fields) => {
    for (const field of Object.keys(fields)) expect(unknownPart(name, field)).toBeUndefined()
    for (const [field, value] of Object.entries(fields).filter(([key]) => key.startsWith("metadata["))) {
      // docs.stripe.com/api/metadata: keys up to 40 characters, values up to 500.
      expect(field.length - "metadata[]".length).toBeLessThanOrEqual(40)
      expect(value.length).toBeLessThanOrEqual(500)
    }
  })
})

interface SchemaNode {
  $ref?: string
  anyOf?: SchemaNode[]
  properties?: Record<string, SchemaNode>
}
let definitions: Record<string, SchemaNode> | undefined

/** The part of a form field's name that the schema does not know; undefined when it knows all of it. */
function unknownPart(root: string, field: string): string | undefined {
  // The file is the vendor's schema; only these three keywords are read.
  definitions ??= (JSON.parse(readFileSync(schemaFile, "utf8")) as { $defs: Record<string, SchemaNode> }).$defs
  let nodes: SchemaNode[] = [definitions[root] ?? {}]
  for (const part of field.replaceAll("]", "").split("[")) {
    const next = nodes.flatMap((node) => node.properties?.[part] ?? [])
    if (next.length === 0) return field.startsWith("metadata[") ? undefined : part
    nodes = next.flatMap(resolved)
  }
  return undefined
}

function resolved(node: SchemaNode): SchemaNode[] {
  const target = node.$ref ? definitions?.[node.$ref.slice("#/$defs/".length)] : undefined
  return [node, ...(target ? resolved(target) : []), ...(node.anyOf ?? []).flatMap(resolved)]
}

function delivery(body: string, headers: Record<string, string>): Delivery {
  const bytes = new TextEncoder().encode(body)
  return { connection: "stripe-eu", via: "webhook", headers, bytes, receivedAt: "2026-11-20T10:00:00.000Z" }
}

function asAppErrorOf(act: () => unknown) {
  try {
    act()
  } catch (error) {
    return asAppError(error)
  }
  throw new Error("nothing was thrown")
}
