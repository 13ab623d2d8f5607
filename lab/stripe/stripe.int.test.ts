import { createHmac } from "node:crypto"
import { afterEach, describe, expect, test } from "vitest"
import type { FaultSettings } from "../faults.ts"
import { startReceiver } from "../receiver.ts"
import type { StripeSimulator, StripeSimulatorOptions } from "./stripe.ts"
import { startStripe, stripeSecretKey, stripeWebhookSecret } from "./stripe.ts"

const closers: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

/** The fields these tests read; which of them are there depends on the call. */
type Body = {
  id: string
  status: string
  latest_charge: string
  data: { id: string }[]
  error: { payment_intent: { id: string } }
}
type Answer = { status: number; headers: Headers; body: Body }

async function start(options: Partial<StripeSimulatorOptions> = {}): Promise<StripeSimulator> {
  const stripe = await startStripe({ seed: 7, searchLagMs: 0, ...options })
  closers.push(() => stripe.stop())
  return stripe
}

function caller(stripe: StripeSimulator) {
  type Extra = { fields?: Record<string, string>; headers?: Record<string, string> }
  const call = async (method: string, path: string, { fields, headers }: Extra = {}): Promise<Answer> => {
    const response = await fetch(stripe.url + path, {
      method,
      headers: { authorization: `Bearer ${stripeSecretKey}`, ...headers },
      ...(fields === undefined ? {} : { body: new URLSearchParams(fields) }),
    })
    return { status: response.status, headers: response.headers, body: (await response.json()) as Body }
  }
  return {
    post: (path: string, fields: Record<string, string> = {}, key?: string) =>
      call("POST", path, { fields, headers: key === undefined ? {} : { "idempotency-key": key } }),
    get: (path: string) => call("GET", path),
    call,
  }
}

const hold = {
  amount: "1999",
  currency: "eur",
  capture_method: "manual",
  confirm: "true",
  payment_method: "pm_card_visa",
  "metadata[order]": "ord_1",
}

describe("the life of a payment", () => {
  test("a hold is captured in part and the rest is released", async () => {
    const stripe = await start()
    const { post, get } = caller(stripe)
    const created = await post("/v1/payment_intents", hold)
    expect(created.body).toMatchObject({
      status: "requires_capture",
      amount_capturable: 1999,
      metadata: { order: "ord_1" },
    })
    const captured = await post(`/v1/payment_intents/${created.body.id}/capture`, { amount_to_capture: "1500" })
    expect(captured.body).toMatchObject({ status: "succeeded", amount_received: 1500, amount_capturable: 0 })
    const charge = await get(`/v1/charges/${captured.body.latest_charge}`)
    expect(charge.body).toMatchObject({ captured: true, amount: 1999, amount_captured: 1500, amount_refunded: 499 })
    const again = await post(`/v1/payment_intents/${created.body.id}/capture`)
    expect(again).toMatchObject({ status: 400, body: { error: { code: "payment_intent_unexpected_state" } } })
  })

  test("several captures need multicapture asked for at creation", async () => {
    const { post } = caller(await start())
    const plain = await post("/v1/payment_intents", hold)
    const refused = await post(`/v1/payment_intents/${plain.body.id}/capture`, {
      amount_to_capture: "1000",
      final_capture: "false",
    })
    expect(refused).toMatchObject({ status: 400, body: { error: { param: "final_capture" } } })
    const multi = await post("/v1/payment_intents", {
      ...hold,
      "payment_method_options[card][request_multicapture]": "if_available",
    })
    const capture = `/v1/payment_intents/${multi.body.id}/capture`
    const first = await post(capture, { amount_to_capture: "1000", final_capture: "false" })
    expect(first.body).toMatchObject({ status: "requires_capture", amount_received: 1000, amount_capturable: 999 })
    const tooMuch = await post(capture, { amount_to_capture: "1000" })
    expect(tooMuch).toMatchObject({ status: 400, body: { error: { code: "amount_too_large" } } })
    const last = await post(capture, { amount_to_capture: "999" })
    expect(last.body).toMatchObject({ status: "succeeded", amount_received: 1999 })
  })

  test("a cancelled hold cannot be captured, and cancelling it twice is an error", async () => {
    const { post } = caller(await start())
    const { id } = (await post("/v1/payment_intents", hold)).body
    const canceled = await post(`/v1/payment_intents/${id}/cancel`, { cancellation_reason: "requested_by_customer" })
    expect(canceled.body).toMatchObject({ status: "canceled", amount_capturable: 0 })
    for (const act of ["capture", "cancel"])
      expect(await post(`/v1/payment_intents/${id}/${act}`)).toMatchObject({
        status: 400,
        body: { error: { code: "payment_intent_unexpected_state", payment_intent: { id } } },
      })
  })

  test("refunds never add up to more than was captured", async () => {
    const { post, get } = caller(await start())
    const { id } = (await post("/v1/payment_intents", hold)).body
    expect((await post("/v1/refunds", { payment_intent: id })).status).toBe(400)
    await post(`/v1/payment_intents/${id}/capture`, { amount_to_capture: "1500" })
    expect((await post("/v1/refunds", { payment_intent: id, amount: "1000" })).body).toMatchObject({
      status: "succeeded",
      amount: 1000,
    })
    expect((await post("/v1/refunds", { payment_intent: id, amount: "501" })).status).toBe(400)
    expect((await post("/v1/refunds", { payment_intent: id })).body).toMatchObject({ amount: 500 })
    expect((await post("/v1/refunds", { payment_intent: id })).body).toMatchObject({
      error: { code: "charge_already_refunded" },
    })
    const list = await get(`/v1/refunds?payment_intent=${id}&limit=1`)
    expect(list.body).toMatchObject({ object: "list", has_more: true, data: [{ amount: 500 }] })
  })

  test("a declined card leaves a payment that waits for another card", async () => {
    const { post, get } = caller(await start())
    const declined = await post("/v1/payment_intents", {
      ...hold,
      payment_method: "pm_card_chargeDeclinedInsufficientFunds",
    })
    expect(declined).toMatchObject({
      status: 402,
      body: { error: { type: "card_error", code: "card_declined", decline_code: "insufficient_funds" } },
    })
    const { id } = declined.body.error.payment_intent
    expect((await get(`/v1/payment_intents/${id}`)).body).toMatchObject({
      status: "requires_payment_method",
      last_payment_error: { decline_code: "insufficient_funds" },
    })
    const second = await post(`/v1/payment_intents/${id}/confirm`, { payment_method: "pm_card_visa" })
    expect(second.body).toMatchObject({ status: "requires_capture", last_payment_error: null })
  })

  test("a refund to a dead card succeeds first and fails later", async () => {
    const stripe = await start({ refundSettleMs: { min: 5, max: 10 } })
    const { post, get } = caller(stripe)
    const { id } = (await post("/v1/payment_intents", { ...hold, payment_method: "pm_card_refundFail" })).body
    await post(`/v1/payment_intents/${id}/capture`)
    const refund = await post("/v1/refunds", { payment_intent: id })
    expect(refund.body).toMatchObject({ status: "succeeded" })
    await expect.poll(async () => (await get(`/v1/refunds/${refund.body.id}`)).body.status).toBe("failed")
    expect((await post("/v1/refunds", { payment_intent: id })).body).toMatchObject({ amount: 1999 })
  })

  test("a hold that nobody captures lapses", async () => {
    const stripe = await start()
    const id = stripe.createAuthorisation({ amountMinor: 700, currency: "eur", metadata: { order: "ord_9" } })
    await fetch(`${stripe.url}/__lab/expire`, { method: "POST", body: JSON.stringify({ id }) })
    const { body } = await caller(stripe).get(`/v1/payment_intents/${id}`)
    expect(body).toMatchObject({ status: "canceled", cancellation_reason: "automatic", metadata: { order: "ord_9" } })
  })
})

test("a payout is exactly the sum of its balance transactions, fees included", async () => {
  const stripe = await start()
  const { post, get } = caller(stripe)
  const { id } = (await post("/v1/payment_intents", hold)).body
  await post(`/v1/payment_intents/${id}/capture`, { amount_to_capture: "1500" })
  await post("/v1/refunds", { payment_intent: id, amount: "300" })
  await fetch(`${stripe.url}/__lab/payouts`, { method: "POST" })
  const [payout] = (await get("/v1/payouts")).body.data
  // 15.00 less 0.48 fee (1.5 % rounded up at the half, and 0.25) less 3.00 given back.
  expect(payout).toMatchObject({ object: "payout", amount: 1_152, status: "paid" })
  const inPayout = (await get(`/v1/balance_transactions?payout=${payout?.id}`)).body.data
  expect(inPayout).toMatchObject([
    { type: "payout", net: -1_152 },
    { type: "refund", net: -300, fee: 0 },
    { type: "charge", amount: 1_500, fee: 48, net: 1_452 },
  ])
  await fetch(`${stripe.url}/__lab/payouts`, { method: "POST" })
  expect((await get("/v1/payouts")).body.data).toHaveLength(1)
})

describe("search", () => {
  test("a new payment is found by its metadata only after the lag", async () => {
    const { post, get } = caller(await start({ searchLagMs: 150 }))
    const { id } = (await post("/v1/payment_intents", hold)).body
    const path = `/v1/payment_intents/search?query=${encodeURIComponent("metadata['order']:'ord_1' AND amount>100")}`
    expect((await get(path)).body).toMatchObject({ object: "search_result", data: [] })
    await expect.poll(async () => (await get(path)).body.data.map((found) => found.id)).toEqual([id])
  })

  test("a query that Stripe could not parse is refused", async () => {
    const { get } = caller(await start())
    for (const query of ["", "shoesize:'4'", "status:'succeeded' AND amount>1 OR amount>2"])
      expect((await get(`/v1/payment_intents/search?query=${encodeURIComponent(query)}`)).status).toBe(400)
  })
})

describe("idempotency keys", () => {
  test("a repeated request gets the first answer and changes nothing", async () => {
    const stripe = await start()
    const { post } = caller(stripe)
    const first = await post("/v1/payment_intents", hold, "key-1")
    const again = await post("/v1/payment_intents", hold, "key-1")
    expect(again.body).toEqual(first.body)
    expect(again.headers.get("idempotent-replayed")).toBe("true")
    expect(stripe.books()["paymentIntents"]).toHaveLength(1)
  })

  test("a decline is replayed too", async () => {
    const stripe = await start()
    const { post } = caller(stripe)
    const declined = { ...hold, payment_method: "pm_card_chargeDeclined" }
    expect((await post("/v1/payment_intents", declined, "key-1")).status).toBe(402)
    expect((await post("/v1/payment_intents", declined, "key-1")).status).toBe(402)
    expect(stripe.books()["charges"]).toHaveLength(1)
  })

  test("other parameters or another path under a known key are an error", async () => {
    const { post } = caller(await start())
    const { id } = (await post("/v1/payment_intents", hold, "key-1")).body
    const mismatch = { status: 400, body: { error: { type: "idempotency_error" } } }
    expect(await post("/v1/payment_intents", { ...hold, amount: "2000" }, "key-1")).toMatchObject(mismatch)
    expect(await post(`/v1/payment_intents/${id}/capture`, hold, "key-1")).toMatchObject(mismatch)
  })

  test("the order of form fields does not matter to a key", async () => {
    const { post } = caller(await start())
    const first = await post("/v1/payment_intents", hold, "key-1")
    const reversed = Object.fromEntries(Object.entries(hold).reverse())
    expect((await post("/v1/payment_intents", reversed, "key-1")).body.id).toBe(first.body.id)
  })

  test("what failed validation is not kept", async () => {
    const { post } = caller(await start())
    expect((await post("/v1/payment_intents", { ...hold, amount: "x" }, "key-1")).status).toBe(400)
    expect((await post("/v1/payment_intents", hold, "key-1")).status).toBe(200)
  })

  test("a second request while the first still runs is a conflict", async () => {
    const { post } = caller(await start({ faults: { latencyMs: { p50: 80, p99: 80 } } }))
    const answers = await Promise.all([
      post("/v1/payment_intents", hold, "key-1"),
      post("/v1/payment_intents", hold, "key-1"),
    ])
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409])
  })
})

describe("faults", () => {
  const cases: [keyof FaultSettings, { status: number | "reset"; payments: number; repeat: number }][] = [
    ["rate429", { status: 429, payments: 0, repeat: 200 }],
    ["rate5xx", { status: 503, payments: 0, repeat: 200 }],
    ["resetBeforeCommit", { status: "reset", payments: 0, repeat: 200 }],
    ["commitThenReset", { status: "reset", payments: 1, repeat: 200 }],
    ["commitThen5xx", { status: 500, payments: 1, repeat: 500 }],
  ]
  test.each(cases)("%s: the repeat under the same key never makes a second payment", async (fault, expected) => {
    const stripe = await start({ faults: { [fault]: 1 } })
    const { post } = caller(stripe)
    const first = await post("/v1/payment_intents", hold, "key-1").catch(() => ({ status: "reset" }))
    expect(first.status).toBe(expected.status)
    expect(stripe.books()["paymentIntents"]).toHaveLength(expected.payments)
    stripe.setFaults({})
    expect((await post("/v1/payment_intents", hold, "key-1")).status).toBe(expected.repeat)
    expect(stripe.books()["paymentIntents"]).toHaveLength(1)
    expect(stripe.faults().counts).toEqual({ [fault]: 1 })
  })

  test("metadata may ask for a fault, which strikes once", async () => {
    const stripe = await start()
    const { post } = caller(stripe)
    const asked = { ...hold, "metadata[note]": "lab:commit-then-reset" }
    await expect(post("/v1/payment_intents", asked, "key-1")).rejects.toThrow()
    expect((await post("/v1/payment_intents", asked, "key-1")).status).toBe(200)
    expect(stripe.books()["paymentIntents"]).toHaveLength(1)
  })

  test("a caller that gives up on a hung answer finds the payment made", async () => {
    const stripe = await start({ faults: { hangRate: 1, hangMs: 300 } })
    const asked = fetch(`${stripe.url}/v1/payment_intents`, {
      method: "POST",
      headers: { authorization: `Bearer ${stripeSecretKey}`, "idempotency-key": "key-1" },
      body: new URLSearchParams({ ...hold, description: "100 % cotton" }),
      signal: AbortSignal.timeout(60),
    })
    await expect(asked).rejects.toThrow()
    stripe.setFaults({})
    const { post } = caller(stripe)
    expect((await post("/v1/payment_intents", { ...hold, description: "100 % cotton" }, "key-1")).status).toBe(200)
    expect(stripe.books()["paymentIntents"]).toHaveLength(1)
  })

  test("an account over its rate gets 429", async () => {
    const { get } = caller(await start({ requestsPerSecond: 5 }))
    const statuses: number[] = []
    for (let i = 0; i < 8; i++) statuses.push((await get("/v1/payment_intents")).status)
    expect(statuses.slice(0, 5)).toEqual([200, 200, 200, 200, 200])
    expect(statuses).toContain(429)
  })
})

describe("the edges of the API", () => {
  test("a wrong key, an unknown parameter, an unknown object and an unknown path are refused in Stripe's envelope", async () => {
    const { post, get, call } = caller(await start())
    expect((await call("GET", "/v1/payment_intents", { headers: { authorization: "Bearer nope" } })).status).toBe(401)
    expect((await post("/v1/payment_intents", { ...hold, colour: "red" })).body).toMatchObject({
      error: { type: "invalid_request_error", code: "parameter_unknown", param: "colour" },
    })
    expect(await get("/v1/payment_intents/pi_nope")).toMatchObject({
      status: 404,
      body: { error: { code: "resource_missing" } },
    })
    expect((await get("/v1/shoes")).status).toBe(404)
  })

  test("Basic authentication with the key as user name works", async () => {
    const { call } = caller(await start())
    const authorization = `Basic ${Buffer.from(`${stripeSecretKey}:`).toString("base64")}`
    expect((await call("GET", "/v1/payment_intents", { headers: { authorization } })).status).toBe(200)
  })

  test("amounts in three-decimal currencies must end in zero", async () => {
    const { post } = caller(await start())
    expect((await post("/v1/payment_intents", { ...hold, currency: "kwd", amount: "1235" })).status).toBe(400)
    expect((await post("/v1/payment_intents", { ...hold, currency: "kwd", amount: "1230" })).status).toBe(200)
  })
})

test("a checkout's hold in a three-decimal currency is rounded up to what Stripe takes", async () => {
  const stripe = await start()
  stripe.createAuthorisation({ amountMinor: 1_235, currency: "KWD" })
  stripe.createAuthorisation({ amountMinor: 20, currency: "EUR" })
  expect(stripe.books()["paymentIntents"]).toMatchObject([
    { amount: 1_240, currency: "kwd", status: "requires_capture" },
    { amount: 50, currency: "eur" },
  ])
})

test("webhooks are signed over timestamp and raw body and tell the whole life of a payment", async () => {
  const receiver = await startReceiver()
  closers.push(receiver.stop)
  const stripe = await start({ webhookTarget: `${receiver.url}/hooks/stripe` })
  const { post } = caller(stripe)
  const { id } = (await post("/v1/payment_intents", hold, "key-1")).body
  await post(`/v1/payment_intents/${id}/capture`)
  await post("/v1/refunds", { payment_intent: id, amount: "10" })
  await stripe.webhooks()?.idle()
  const types = receiver.received.map((delivery) => JSON.parse(delivery.body).type)
  expect(types.sort()).toEqual(
    [
      "payment_intent.created",
      "charge.succeeded",
      "payment_intent.amount_capturable_updated",
      "charge.captured",
      "payment_intent.succeeded",
      "refund.created",
      "charge.refunded",
    ].sort(),
  )
  for (const { headers, body } of receiver.received) {
    const [, timestamp, signature] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(headers["stripe-signature"] ?? "") ?? []
    expect(createHmac("sha256", stripeWebhookSecret).update(`${timestamp}.${body}`).digest("hex")).toBe(signature)
  }
})

describe("odd objects", () => {
  test("an account on a later version has fields, words and events that nobody knows, and payments whole where there were ids", async () => {
    const receiver = await startReceiver()
    closers.push(() => receiver.stop())
    const stripe = await start({ oddShare: 1, webhookTarget: receiver.url })
    const { post } = caller(stripe)
    const { body: intent } = await post("/v1/payment_intents", { ...hold, capture_method: "automatic" })
    expect(intent).toMatchObject({ status: "succeeded", confirmation_method: "by_robot", settlement_plan: {} })
    const refunds = []
    for (let n = 0; n < 40; n += 1)
      refunds.push((await post("/v1/refunds", { payment_intent: intent.id, amount: "1" })).body)
    expect(refunds).toContainEqual(expect.objectContaining({ payment_intent: intent.id }))
    expect(refunds).toContainEqual(
      expect.objectContaining({ payment_intent: expect.objectContaining({ id: intent.id }) }),
    )
    await stripe.webhooks()?.idle()
    expect(receiver.received.map(({ body }) => (JSON.parse(body) as { type: string }).type)).toContain(
      "refund.looked_at",
    )
  })
})
