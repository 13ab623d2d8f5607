import { afterAll, beforeAll, expect, test } from "vitest"
import type { AccountView } from "../../src/orders/account-view.ts"
import { startReceiver } from "../../lab/receiver.ts"
import { control, eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  openExceptions,
  placeOrder,
  plentifulSkus,
  untilEnded,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import { shipAll } from "../fixtures/vendor-books.ts"

// News of payments that come after an order was paid: from the provider, by the payment's own number.

let t: TestCrossdock
let sku = ""
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 36,
    lab: quietWarehouse,
  })
  ;[sku = ""] = plentifulSkus(t, 1)
})
afterAll(() => t?.stop())

const euro = (amountMinor: number) => ({ amountMinor, currency: "EUR" })
let count = 0

/** A released order with its payment authorised, maybe by a card whose refunds misbehave. */
async function released(method = "pm_card_visa"): Promise<{ orderId: string; paymentId: string }> {
  const paymentId = await hold(method)
  const amount = { shop: euro(4000), presentment: euro(4000) }
  const tender = {
    id: "T1",
    kind: "card",
    provider: "stripe",
    state: "authorised",
    amount,
    reference: paymentId,
  } as const
  const lines = [{ sku, count: 1, totalMinor: 4000 }]
  const orderId = await placeOrder(t, { externalId: `reports-${(count += 1)}`, lines, tenders: [tender] })
  await untilState(t, orderId, "released")
  return { orderId, paymentId }
}

/** The same, closed with its payment captured. */
async function paid(method?: string): Promise<{ orderId: string; paymentId: string }> {
  const { orderId, paymentId } = await released(method)
  await shipAll(t, orderId)
  await untilEnded(t, orderId)
  return { orderId, paymentId }
}

async function stripeCall(path: string, fields: Record<string, string>): Promise<{ id: string }> {
  const headers = { authorization: "Bearer sk_test_lab" }
  const body = new URLSearchParams(fields)
  const answer = await fetch(`${t.lab.stripe.url}/v1/${path}`, { method: "POST", headers, body })
  if (!answer.ok) throw new Error(await answer.text())
  return (await answer.json()) as unknown as { id: string }
}

const hold = async (payment_method: string) =>
  (
    await stripeCall("payment_intents", {
      amount: "4000",
      currency: "eur",
      capture_method: "manual",
      confirm: "true",
      payment_method,
    })
  ).id

async function tenderOf(orderId: string): Promise<AccountView["tenders"][number]> {
  const { body } = await t.api("GET", `/v1/orders/${orderId}/account`)
  const [tender] = (body as unknown as AccountView).tenders
  if (!tender) throw new Error("the account has no tender")
  return tender
}

const closed = (orderId: string) =>
  eventually("nothing is open", async () => (await openExceptions(t, orderId)).length === 0)

test("P-35: a dispute is an exception with its money, and the account has the money as taken back until it is won", async () => {
  const { orderId, paymentId } = await paid()
  const { id } = (await control(t.lab.stripe, "disputes", {
    id: paymentId,
    reason: "product_not_received",
  })) as unknown as { id: string }
  const open = await untilException(t, orderId, "payment disputed")
  expect(open).toMatchObject({ owner: "finance", risk_minor: 4000 })
  expect(open.summary).toContain("product_not_received")
  await eventually("it is in the account", async () => (await tenderOf(orderId)).disputed.amountMinor === 4000)
  await control(t.lab.stripe, "disputes/close", { id, outcome: "won" })
  await closed(orderId)
  await eventually("it is ours again", async () => (await tenderOf(orderId)).disputed.amountMinor === 0)
  const rebuilt = await t.api("POST", `/v1/orders/${orderId}/account/rebuild`, {})
  expect(rebuilt).toMatchObject({ status: 200, body: { isChanged: false } })
})

test("P-35: a dispute whose messages come in reverse order ends as it ended", async () => {
  const { orderId, paymentId } = await paid()
  const receiver = await startReceiver()
  t.lab.stripe.setWebhookTarget(receiver.url)
  const { id } = (await control(t.lab.stripe, "disputes", { id: paymentId })) as unknown as { id: string }
  await control(t.lab.stripe, "disputes/close", { id, outcome: "won" })
  await t.lab.stripe.webhooks()?.idle()
  t.lab.stripe.setWebhookTarget(`${t.gatewayUrl}/hooks/stripe`)
  await receiver.stop()
  const disputed = () => t.sql<{ state: string }[]>`
    select data ->> 'state' as state from events where key = ${`order/${orderId}`} and type = 'payment.disputed' order by seq`
  // The order goes on meanwhile: its capture is told as well.
  const ofDispute = receiver.received.filter(({ body }) => String(body).includes("charge.dispute."))
  for (const [n, { headers, body }] of ofDispute.toReversed().entries()) {
    const { host: _host, connection: _connection, "content-length": _length, ...own } = headers
    const answer = await fetch(`${t.gatewayUrl}/hooks/stripe`, { method: "POST", headers: own, body })
    expect(answer.status).toBe(200)
    await eventually(`message ${n} is heard`, async () => (await disputed()).length > n)
  }
  expect((await disputed()).map(({ state }) => state)[0]).not.toBe("opened")
  await eventually(
    "it was told of",
    async () => (await t.sql`select 1 from exceptions where order_id = ${orderId}`).length === 1,
  )
  expect(await openExceptions(t, orderId)).toEqual([])
  expect((await tenderOf(orderId)).disputed.amountMinor).toBe(0)
})

test("P-35: a dispute that is lost stays lost, and finance learns of it", async () => {
  const { orderId, paymentId } = await paid()
  const { id } = (await control(t.lab.stripe, "disputes", { id: paymentId, amount: 1000 })) as unknown as { id: string }
  await untilException(t, orderId, "payment disputed")
  await control(t.lab.stripe, "disputes/close", { id, outcome: "lost" })
  expect(await untilException(t, orderId, "dispute lost")).toMatchObject({ risk_minor: 1000, owner: "finance" })
  expect((await openExceptions(t, orderId)).map(({ cause }) => cause)).toEqual(["dispute lost"])
  expect((await tenderOf(orderId)).disputed.amountMinor).toBe(1000)
})

test("P-35: a refund by hand at the provider is in the account, pending until it is there, and one that fails is told", async () => {
  const { orderId, paymentId } = await paid("pm_card_pendingRefund")
  t.lab.stripe.setFaults({})
  const { id } = await stripeCall("refunds", { payment_intent: paymentId, amount: "700" })
  await eventually("it is known", async () => (await tenderOf(orderId)).refunds[0])
  await control(t.lab.stripe, "refunds/settle", { id, outcome: "succeeded" })
  await eventually("it was given back", async () => (await tenderOf(orderId)).givenBack.amountMinor === 700)
  const second = await stripeCall("refunds", { payment_intent: paymentId, amount: "300" })
  await control(t.lab.stripe, "refunds/settle", { id: second.id, outcome: "failed" })
  const open = await untilException(t, orderId, "refund came back")
  expect(open).toMatchObject({ owner: "finance", risk_minor: 300 })
  expect((await tenderOf(orderId)).givenBack.amountMinor).toBe(700)
})

test("P-35: an authorisation that lapses while the goods wait is told before they leave", async () => {
  const { orderId, paymentId } = await released()
  await control(t.lab.stripe, "expire", { id: paymentId })
  expect(await untilException(t, orderId, "authorisation lapsed")).toMatchObject({ owner: "finance", risk_minor: 4000 })
})
