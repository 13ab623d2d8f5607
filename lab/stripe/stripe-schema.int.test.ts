import { existsSync, readFileSync } from "node:fs"
import { Ajv2020 } from "ajv/dist/2020.js"
import type { ValidateFunction } from "ajv/dist/2020.js"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { cancelParams, captureParams, confirmParams, createParams } from "./payments/payment-intents.ts"
import { refundParams } from "./payments/refunds.ts"
import type { StripeSimulator } from "./stripe.ts"
import { startStripe, stripeSecretKey } from "./stripe.ts"

// Derived from npm stripe 23.1.0; lies beside the project, is not part of it.
const schemaFile = "../shared/schemas/stripe/stripe-23.1.0.types.schema.json"
const hasSchema = existsSync(schemaFile)
if (!hasSchema) console.log(`skipped: ${schemaFile} is not there`)

describe.skipIf(!hasSchema)("Stripe's own types", () => {
  type Definition = { properties?: Record<string, unknown>; required?: string[] }
  let definitions: Record<string, Definition> = {}
  let ajv: Ajv2020
  let stripe: StripeSimulator

  beforeAll(async () => {
    const schema = JSON.parse(readFileSync(schemaFile, "utf8")) as { $defs: Record<string, Definition> }
    definitions = schema.$defs
    ajv = new Ajv2020({ strict: false, allErrors: true })
    ajv.addSchema(schema, "stripe")
    stripe = await startStripe({ seed: 7, searchLagMs: 0, oddShare: 0 })
  }, 20_000)
  afterAll(() => stripe?.stop())

  const validator = (name: string): ValidateFunction => ajv.compile({ $ref: `stripe#/$defs/${name}` })
  const call = async (
    method: string,
    path: string,
    fields?: Record<string, string>,
  ): Promise<Record<string, unknown>> => {
    const response = await fetch(stripe.url + path, {
      method,
      headers: { authorization: `Bearer ${stripeSecretKey}` },
      ...(fields === undefined ? {} : { body: new URLSearchParams(fields) }),
    })
    return (await response.json()) as Record<string, unknown>
  }
  const hold = {
    amount: "1999",
    currency: "eur",
    capture_method: "manual",
    confirm: "true",
    payment_method: "pm_card_visa",
  }

  test("every PaymentIntent, Charge, Refund and Event of a payment's life fits", async () => {
    const created = await call("POST", "/v1/payment_intents", hold)
    const captured = await call("POST", `/v1/payment_intents/${created["id"]}/capture`, { amount_to_capture: "1500" })
    const refund = await call("POST", "/v1/refunds", {
      payment_intent: String(created["id"]),
      amount: "500",
      reason: "duplicate",
    })
    const waiting = await call("POST", "/v1/payment_intents", {
      ...hold,
      payment_method: "pm_card_authenticationRequired",
    })
    await call("POST", "/v1/payment_intents", { ...hold, payment_method: "pm_card_chargeDeclined" })
    const canceled = await call("POST", `/v1/payment_intents/${waiting["id"]}/cancel`)
    const charges = (await call("GET", "/v1/charges"))["data"] as unknown[]
    const intents = (await call("GET", "/v1/payment_intents?limit=100&expand[]=data.latest_charge"))[
      "data"
    ] as unknown[]
    const played = async (action: string, body: Record<string, unknown>) => {
      const headers = { "content-type": "application/json" }
      const answer = await fetch(`${stripe.url}/__lab/${action}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      })
      return (await answer.json()) as Record<string, unknown>
    }
    await played("payouts", {})
    for (const outcome of ["won", "lost"]) {
      const { id } = await played("disputes", { id: created["id"], amount: 300 })
      await played("disputes/close", { id, outcome })
    }
    const cases = {
      BalanceTransaction: (await call("GET", "/v1/balance_transactions"))["data"] as unknown[],
      Payout: (await call("GET", "/v1/payouts"))["data"] as unknown[],
      PaymentIntent: [created, captured, waiting, canceled, ...intents],
      Charge: charges,
      Refund: [refund],
    }
    for (const [name, objects] of Object.entries(cases)) {
      expect(objects.length).toBeGreaterThan(0)
      const validate = validator(name)
      for (const object of objects) {
        validate(object)
        expect(validate.errors ?? []).toEqual([])
      }
    }
    const known = new Map(eventDefinitions(definitions))
    const events = (await call("GET", "/v1/events?limit=100"))["data"] as { type: string }[]
    expect(events.length).toBeGreaterThan(10)
    for (const event of events) {
      const validate = validator(known.get(event.type) ?? `no event type ${event.type}`)
      validate(event)
      expect(validate.errors ?? []).toEqual([])
    }
    // Compiling the vendor's types takes most of it.
  }, 90_000)

  test("no object carries a field that Stripe's types do not have", async () => {
    const created = await call("POST", "/v1/payment_intents", hold)
    const charge = await call("GET", `/v1/charges/${created["latest_charge"]}`)
    await call("POST", `/v1/payment_intents/${created["id"]}/capture`)
    const refund = await call("POST", "/v1/refunds", { payment_intent: String(created["id"]) })
    for (const [name, object] of Object.entries({ PaymentIntent: created, Charge: charge, Refund: refund })) {
      const known = Object.keys(definitions[name]?.properties ?? {})
      expect(Object.keys(object).filter((field) => !known.includes(field))).toEqual([])
    }
  })

  test("every parameter understood here is one of Stripe's", () => {
    const understood = {
      PaymentIntentCreateParams: createParams,
      PaymentIntentConfirmParams: confirmParams,
      PaymentIntentCaptureParams: captureParams,
      PaymentIntentCancelParams: cancelParams,
      RefundCreateParams: refundParams,
    }
    for (const [name, params] of Object.entries(understood)) {
      const known = Object.keys(definitions[name]?.properties ?? {})
      expect(params.filter((param) => !known.includes(param))).toEqual([])
    }
  })
})

function eventDefinitions(definitions: Record<string, { properties?: Record<string, unknown> }>): [string, string][] {
  return Object.entries(definitions).flatMap(([name, definition]): [string, string][] => {
    const type = definition.properties?.["type"]
    const isEvent = name.endsWith("Event") && typeof type === "object" && type !== null && "const" in type
    return isEvent ? [[String(type.const), name]] : []
  })
}
