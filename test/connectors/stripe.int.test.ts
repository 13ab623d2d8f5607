import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { stripeSecretKey } from "../../lab/stripe/stripe.ts"
import { asAppError } from "../../src/base/errors.ts"
import { money } from "../../src/base/money.ts"
import { sampleOrder } from "../laws/sample-order.ts"
import { startStripeBench } from "../laws/subjects/stripe.ts"

let bench: Awaited<ReturnType<typeof startStripeBench>>
beforeAll(async () => {
  bench = await startStripeBench()
})
beforeEach(() => {
  bench.simulator.setFaults({})
  bench.simulator.reset()
})
afterAll(() => bench.stop())

const orderId = "ord_0123456789abcdef"
const eur = (amountMinor: number) => money(amountMinor, "EUR")
const call = (key = bench.nextKey()) => ({ key, signal: AbortSignal.timeout(5_000), correlation: "test" })

function holdInput(amountMinor = 10_000, reference = "pm_card_visa") {
  const [tender] = sampleOrder({ number: 1 }).tenders
  if (tender === undefined) throw new Error("the sample order has a tender")
  return { orderId, tender: { ...tender, reference }, amount: eur(amountMinor) }
}
const hold = async (amountMinor = 10_000) =>
  (await bench.payments.authorise.send(holdInput(amountMinor), call())).paymentId
/** A share of a payment; `upTo` and `inAll` are the share itself unless said otherwise. */
const share = (
  paymentId: string,
  amountMinor: number,
  more: { upTo?: number; inAll?: number; isFinal?: boolean } = {},
) => {
  const { upTo = amountMinor, inAll = upTo, isFinal = true } = more
  return {
    orderId,
    paymentId,
    amount: eur(amountMinor),
    upTo: eur(upTo),
    inAll: eur(inAll),
    takenBefore: eur(0),
    isFinal,
  }
}
const intent = (paymentId: string) => bench.intents().find(({ id }) => id === paymentId)
const writes = async (path: RegExp) => {
  const answer = await fetch(`${bench.simulator.url}/__lab/requests?limit=500`)
  // lab/request-log.ts says what a request looks like.
  const { requests } = (await answer.json()) as {
    requests: { method: string; url: string; headers: Record<string, string> }[]
  }
  return requests.filter(({ method, url }) => method === "POST" && path.test(url))
}

describe("a stored failure", () => {
  test("is replayed for ever, so a payment that did happen is found instead of repeated", async () => {
    const input = holdInput()
    const intended = call()
    bench.simulator.setFaults({ operations: { createPaymentIntent: { commitThen5xx: 1 } } })
    await expect(bench.payments.authorise.send(input, intended)).rejects.toMatchObject({ kind: "uncertain" })
    bench.simulator.setFaults({})
    const payment = await bench.payments.authorise.send(input, intended)
    expect(bench.intents()).toMatchObject([{ id: payment.paymentId, status: "requires_capture" }])
    const keys = (await writes(/payment_intents$/)).map(({ headers }) => headers["idempotency-key"])
    expect(keys).toEqual([intended.key, intended.key])
  })

  test("of a payment that did not happen is got past with the next key of the row", async () => {
    const intended = call()
    bench.simulator.setFaults({ operations: { createPaymentIntent: { commitThen5xx: 1 } } })
    await bench.payments.authorise.send(holdInput(), intended).catch(() => undefined)
    bench.simulator.setFaults({})
    // As if the failure had come before the payment: nothing carries our key any more.
    // The simulator's books hand out its own metadata objects (lab/stripe/payments/books.ts).
    for (const { metadata } of bench.intents()) delete metadata["crossdock_key"]
    const payment = await bench.payments.authorise.send(holdInput(), intended)
    expect(payment.state).toBe("authorised")
    const keys = (await writes(/payment_intents$/)).map(({ headers }) => headers["idempotency-key"])
    expect(keys).toEqual([intended.key, intended.key, `${intended.key}-2`])
  })
})

describe("P-35: a refusal is stored too", () => {
  test("so a person's retry goes under another key, and what was refused for a passing reason is done", async () => {
    const paymentId = await hold(10_000)
    await bench.payments.capture.send(share(paymentId, 10_000), call())
    const play = async (action: string, body: object) => {
      const headers = { "content-type": "application/json" }
      const answer = await fetch(`${bench.simulator.url}/__lab/${action}`, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
      })
      return (await answer.json()) as { id: string }
    }
    const { id } = await play("disputes", { id: paymentId })
    const refund = { orderId, paymentId, amount: eur(500) }
    const intended = call()
    expect(await bench.payments.refund.send(refund, intended).catch(asAppError)).toMatchObject({
      code: "VENDOR_REJECTED",
    })
    await play("disputes/close", { id, outcome: "won" })
    // The stored answer, although it would work by now.
    expect(await bench.payments.refund.send(refund, intended).catch(asAppError)).toMatchObject({
      code: "VENDOR_REJECTED",
    })
    const again = { ...intended, refusals: 1 }
    expect(await bench.payments.refund.send(refund, again)).toMatchObject({ state: "refunded", amount: eur(500) })
    expect(await bench.payments.refund.probe(refund, again)).toMatchObject({ amount: eur(500) })
  })
})

test("a card that a customer saved is authorised together with its customer", async () => {
  const answer = await fetch(`${bench.simulator.url}/__lab/payment-methods`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ card: "pm_card_visa", customer: "cus_42" }),
  })
  const { id } = (await answer.json()) as { id: string }
  expect(await bench.payments.authorise.send(holdInput(10_000, id), call())).toMatchObject({ state: "authorised" })
})

test("an amount of a three-decimal currency whose last digit is not 0 is refused in Stripe's own words", async () => {
  const input = { ...holdInput(), amount: money(12_345, "KWD") }
  const error = await bench.payments.authorise.send(input, call()).catch(asAppError)
  expect(error).toMatchObject({ code: "VENDOR_REJECTED" })
  expect(asAppError(error).message).toContain("last digit")
})

describe("several captures of one hold", () => {
  test("leave the rest held until the last one releases it", async () => {
    const paymentId = await hold(10_000)
    let upTo = 0
    const take = (amountMinor: number, isFinal: boolean) =>
      bench.payments.capture.send(
        share(paymentId, amountMinor, { upTo: (upTo += amountMinor), inAll: 9_000, isFinal }),
        call(),
      )
    expect(await take(3_000, false)).toMatchObject({ state: "captured", amount: eur(3_000) })
    expect(intent(paymentId)).toMatchObject({ status: "requires_capture", amount_received: 3_000 })
    expect(await take(2_000, false)).toMatchObject({ amount: eur(2_000) })
    expect(await take(1_000, true)).toMatchObject({ amount: eur(1_000) })
    expect(intent(paymentId)).toMatchObject({ status: "succeeded", amount_received: 6_000, captures: 3 })
  })

  test("letting go of the rest keeps what was taken", async () => {
    const paymentId = await hold(10_000)
    await bench.payments.capture.send(share(paymentId, 4_000, { isFinal: false }), call())
    const intended = call()
    const released = await bench.payments.voidAuthorisation.send({ orderId, paymentId }, intended)
    expect(released).toMatchObject({ state: "cancelled", amount: eur(4_000) })
    expect(intent(paymentId)).toMatchObject({ status: "succeeded", amount_received: 4_000 })
    expect(await bench.payments.voidAuthorisation.probe({ orderId, paymentId }, intended)).toEqual(released)
  })

  test("more than is held is refused in Stripe's own words and nothing is taken", async () => {
    const paymentId = await hold(10_000)
    const error = await bench.payments.capture.send(share(paymentId, 10_001), call()).catch(asAppError)
    expect(error).toMatchObject({ code: "VENDOR_REJECTED", data: { code: "amount_too_large" } })
    expect(intent(paymentId)).toMatchObject({ amount_received: 0 })
  })
})

describe("P-35: what others captured by hand", () => {
  const byHand = (paymentId: string, fields: Record<string, string> = {}) =>
    fetch(`${bench.simulator.url}/v1/payment_intents/${paymentId}/capture`, {
      method: "POST",
      headers: { authorization: `Bearer ${stripeSecretKey}` },
      body: new URLSearchParams(fields),
    })

  test("in part leaves the rest of the share, and the answer says what is taken in all", async () => {
    const paymentId = await hold(10_000)
    await byHand(paymentId, { amount_to_capture: "1000", final_capture: "false" })
    const captured = await bench.payments.capture.send(share(paymentId, 10_000), call())
    expect(captured).toMatchObject({ amount: eur(9_000), taken: eur(10_000), isEnded: true })
  })

  test("in full leaves nothing to do, whoever asks and however often", async () => {
    const paymentId = await hold(10_000)
    await byHand(paymentId)
    const intended = call()
    const once = await bench.payments.capture.send(share(paymentId, 4_000, { inAll: 10_000, isFinal: false }), intended)
    expect(once).toMatchObject({ amount: eur(0), taken: eur(10_000), isEnded: true })
    expect(
      await bench.payments.capture.send(share(paymentId, 4_000, { inAll: 10_000, isFinal: false }), intended),
    ).toEqual(once)
    expect(intent(paymentId)).toMatchObject({ amount_received: 10_000, captures: 1 })
  })

  test("of more than the last share needs lets the rest go", async () => {
    const paymentId = await hold(10_000)
    await byHand(paymentId, { amount_to_capture: "6000", final_capture: "false" })
    const captured = await bench.payments.capture.send(share(paymentId, 5_000), call())
    expect(captured).toMatchObject({ amount: eur(0), taken: eur(6_000), isEnded: true })
    expect(intent(paymentId)).toMatchObject({ status: "succeeded", amount_received: 6_000 })
  })

  test("in part and finally is a conflict that says what is missing: the rest cannot be taken any more", async () => {
    const paymentId = await hold(10_000)
    await byHand(paymentId, { amount_to_capture: "1000" })
    const error = await bench.payments.capture.send(share(paymentId, 10_000), call()).catch(asAppError)
    expect(error).toMatchObject({ code: "VENDOR_CONFLICT" })
    expect(asAppError(error).message).toContain("10.00 EUR of 100.00 EUR were taken, and nothing more is authorised")
  })
})

test("P-35: a lapsed authorisation is gone for ever, and no conflict", async () => {
  const paymentId = await hold(10_000)
  const body = JSON.stringify({ id: paymentId })
  const headers = { "content-type": "application/json" }
  await fetch(`${bench.simulator.url}/__lab/expire`, { method: "POST", headers, body })
  const error = await bench.payments.capture.send(share(paymentId, 10_000), call()).catch(asAppError)
  expect(error).toMatchObject({ code: "AUTHORISATION_GONE" })
  expect(asAppError(error).message).toContain("lapsed: 0.00 EUR of 100.00 EUR were taken")
})

test("P-35: where only one capture is allowed, the first takes all that can become due, and the next find it taken", async () => {
  const paymentId = (await bench.payments.authorise.send(holdInput(10_000, "pm_card_amex"), call())).paymentId
  const first = await bench.payments.capture.send(share(paymentId, 3_000, { inAll: 9_000, isFinal: false }), call())
  expect(first).toMatchObject({ amount: eur(9_000), taken: eur(9_000), isEnded: true })
  const next = await bench.payments.capture.send(share(paymentId, 6_000, { upTo: 9_000 }), call())
  expect(next).toMatchObject({ amount: eur(0), taken: eur(9_000), isEnded: true })
  expect(intent(paymentId)).toMatchObject({ status: "succeeded", amount_received: 9_000, captures: 1 })
})

describe("refusals", () => {
  test.each([
    ["pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds"],
    ["pm_card_chargeDeclinedExpiredCard", "expired_card"],
    ["pm_card_authenticationRequired", "the bank requires the buyer"],
  ])("%s is rejected with the bank's reason %s", async (method, reason) => {
    const error = await bench.payments.authorise.send(holdInput(10_000, method), call()).catch(asAppError)
    expect(error).toMatchObject({ code: "VENDOR_REJECTED" })
    expect(asAppError(error).message).toContain(reason)
  })

  test("an amount in another currency than the payment's is never sent", async () => {
    const paymentId = await hold(10_000)
    const error = await bench.payments.capture
      .send({ ...share(paymentId, 10_000), amount: money(10_000, "USD") }, call())
      .catch(asAppError)
    expect(error).toMatchObject({ code: "VENDOR_REJECTED" })
    expect(await writes(/capture$/)).toHaveLength(0)
  })

  test("a captured payment is not cancelled but called a conflict", async () => {
    const paymentId = await hold()
    await bench.payments.capture.send(share(paymentId, 10_000), call())
    const error = await bench.payments.voidAuthorisation.send({ orderId, paymentId }, call()).catch(asAppError)
    expect(error).toMatchObject({ code: "VENDOR_CONFLICT" })
  })

  test("one key for two different amounts is a conflict, not a second payment", async () => {
    const intended = call()
    await bench.payments.authorise.send(holdInput(10_000), intended)
    const error = await bench.payments.authorise.send(holdInput(20_000), intended).catch(asAppError)
    expect(error).toMatchObject({ code: "VENDOR_CONFLICT" })
    expect(bench.intents()).toHaveLength(1)
  })

  test("two payments under one key are named, not chosen between", async () => {
    const intended = call()
    const first = await bench.payments.authorise.send(holdInput(), intended)
    const second = bench.simulator.createAuthorisation({
      amountMinor: 10_000,
      currency: "EUR",
      metadata: { crossdock_key: intended.key },
    })
    const error = await bench.payments.authorise.probe(holdInput(), intended).catch(asAppError)
    expect(error).toMatchObject({ code: "VENDOR_MISBEHAVED" })
    expect(asAppError(error).message).toContain(first.paymentId)
    expect(asAppError(error).message).toContain(second)
  })
})

test("a payment is found while search does not show it yet, and after its key was forgotten", async () => {
  const intended = call()
  const input = holdInput()
  const sent = await bench.payments.authorise.send(input, intended)
  // The simulator's search lags by two seconds in this bench.
  expect(await bench.payments.authorise.probe(input, intended)).toEqual(sent)
})

test("a refund is found among many of the same payment", async () => {
  const paymentId = await hold(50_000)
  await bench.payments.capture.send(share(paymentId, 50_000), call())
  const input = { orderId, paymentId, amount: eur(100) }
  const wanted = call()
  const sent = await bench.payments.refund.send(input, wanted)
  for (let index = 0; index < 120; index++) await bench.payments.refund.send(input, call())
  expect(await bench.payments.refund.probe(input, wanted)).toEqual(sent)
})

describe("a hold whose id was never learnt", () => {
  const undo = (paymentId: string) => bench.payments.voidAuthorisation.send({ orderId, paymentId }, call())

  test.each(["pm_card_visa", ""])("is let go when its undo names '%s'", async (paymentId) => {
    const held = await hold()
    expect(await undo(paymentId)).toMatchObject({ paymentId: held, state: "cancelled" })
    expect(intent(held)).toMatchObject({ status: "canceled" })
  })

  test("is captured and refunded under its payment method too", async () => {
    const held = await hold()
    const part = { orderId, paymentId: "pm_card_visa", amount: eur(2_000) }
    const captured = call()
    expect(await bench.payments.capture.send(share("pm_card_visa", 2_000), captured)).toMatchObject({ paymentId: held })
    expect(await bench.payments.capture.probe(share("pm_card_visa", 2_000), captured)).toMatchObject({
      paymentId: held,
    })
    const given = call()
    const refunded = await bench.payments.refund.send(part, given)
    expect(refunded).toMatchObject({ paymentId: held, amount: eur(2_000) })
    expect(await bench.payments.refund.probe(part, given)).toEqual(refunded)
  })

  test("is not guessed at when there are two", async () => {
    const [first, second] = [await hold(), await hold()]
    expect(await undo("").catch(asAppError)).toMatchObject({ code: "VENDOR_MISBEHAVED" })
    expect([intent(first), intent(second)].map((row) => row?.status)).toEqual(["requires_capture", "requires_capture"])
  })

  test("leaves the holds of other orders alone", async () => {
    const held = await hold()
    const other = { orderId: "ord_zzzzzzzzzzzzzzzz", paymentId: "" }
    await bench.payments.voidAuthorisation.send(other, call())
    expect(intent(held)).toMatchObject({ status: "requires_capture" })
  })
})

describe("a refund that a person links", () => {
  const paid = async () => {
    const paymentId = await hold(10_000)
    await bench.payments.capture.send(share(paymentId, 10_000), call())
    return { orderId, paymentId, amount: eur(500) }
  }
  // Links of a refund do not look at the order.
  const order = {} as never

  test("is what sending it returned, with its payment, amount and our reference", async () => {
    const input = await paid()
    const [intended, links] = [call(), bench.payments.refund.links]
    const sent = await bench.payments.refund.send(input, intended)
    const wanted = { number: ` ${sent.reference?.id ?? ""} `, order, key: intended.key }
    const found = await links?.read(wanted, call())
    const { worth: total, of } = links?.asks(input) ?? {}
    expect(found).toEqual({ output: sent, reference: intended.key, total, of, state: "succeeded" })
    expect((await links?.read({ ...wanted, key: "another" }, call()))?.cannotBe).toContain(
      "the reference of another step",
    )
    expect(await links?.read({ ...wanted, number: "re_none" }, call())).toBeUndefined()
    expect(links?.named(sent.reference?.id ?? "", links.asks(input))).toEqual(sent)
  })

  test("and that was made by hand counts once it has succeeded", async () => {
    const act = async (path: string, body: Record<string, string>) => {
      const answer = await fetch(`${bench.simulator.url}${path}`, {
        method: "POST",
        headers: { authorization: `Bearer ${stripeSecretKey}` },
        body: path.startsWith("/__lab") ? JSON.stringify(body) : new URLSearchParams(body),
      })
      return (await answer.json()) as { id: string }
    }
    const byHand = async (card: string) => {
      const { paymentId } = await bench.payments.authorise.send(holdInput(10_000, card), call())
      await bench.payments.capture.send(share(paymentId, 10_000), call())
      const { id } = await act("/v1/refunds", { payment_intent: paymentId, amount: "500" })
      const read = () => bench.payments.refund.links?.read({ number: id, order, key: "k" }, call())
      return { id, paymentId, read }
    }
    const { read, paymentId } = await byHand("pm_card_visa")
    expect(await read()).toMatchObject({
      reference: "",
      total: eur(500),
      of: `payment ${paymentId}`,
      state: "succeeded",
    })
    expect(await read()).not.toHaveProperty("cannotBe")
    const waits = await byHand("pm_card_pendingRefund")
    expect((await waits.read())?.cannotBe).toContain("link it when it has succeeded")
    await act("/__lab/refunds/settle", { id: waits.id, outcome: "failed" })
    expect((await waits.read())?.cannotBe).toContain("it failed")
  })
})
