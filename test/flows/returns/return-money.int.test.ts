import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { OrderRequest } from "../../../src/gateway/requests/order-request.ts"
import {
  control,
  eventually,
  quietWarehouse,
  startTestCrossdock,
  type TestCrossdock,
} from "../../fixtures/crossdock.ts"
import { plentifulSkus } from "../../fixtures/order-flow.ts"
import { saleReceipt } from "../../fixtures/sales/receipts.ts"
import {
  askReturn,
  bookedOf,
  decide,
  held,
  questionOf,
  shippedOrder,
  untilReturn,
} from "../../fixtures/shop/returned-order.ts"
import { creditsOf } from "../../fixtures/vendor-books.ts"

// The money of a return: split over tenders, pending, failed, approved, paid by hand.

let t: TestCrossdock
let sku = ""
let place = ""
let count = 0
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 92,
    // No refund ends by itself here.
    lab: { ...quietWarehouse, stripe: { refundSettleMs: { min: 3_600_000, max: 3_600_000 } } },
    estate: (estate) => ({
      ...estate,
      policies: {
        ...estate.policies,
        returns: {
          days: 30,
          onObjection: "ask",
          arriveWithin: { days: 30 },
          approveAbove: [{ amountMinor: 20_000, currency: "EUR" }],
          refundsShipping: "never",
          restockingPercent: 10,
          label: [{ amountMinor: 299, currency: "EUR" }],
          placesTell: [],
          atTills: {
            blind: {
              aloneUpTo: [{ amountMinor: 2000, currency: "EUR" }],
              tenders: ["store credit"],
              lowestPrice: { days: 30 },
            },
          },
        },
      },
    }),
  })
  ;[sku = ""] = plentifulSkus(t, 1)
  ;[place = ""] = t.lab.estate.locations.map(({ locationId }) => locationId)
})
afterAll(async () => t?.stop())

type Tender = NonNullable<OrderRequest["tenders"]>[number]
const euro = (amountMinor: number) => {
  const money = { amountMinor, currency: "EUR" }
  return { shop: money, presentment: money }
}

async function card(id: string, amountMinor: number, paymentMethod?: string): Promise<Tender> {
  const reference = await held(t, amountMinor, paymentMethod)
  return { id, kind: "card", provider: "stripe", state: "authorised", amount: euro(amountMinor), reference }
}

const order = (totalMinor: number, tenders: Tender[], pieces = 2) =>
  shippedOrder(t, { externalId: `M-${(count += 1)}`, lines: [{ sku, count: pieces, totalMinor }], tenders })

/** Pieces that came over a store's counter. */
const over = (n: number) => ({
  how: "bring to a store",
  takenOver: {
    locationId: place,
    lines: [{ lineId: "L1", quantity: { milli: n * 1000, unit: "ea" }, disposition: "sell here" }],
  },
})

interface Refund {
  id: string
  payment_intent: string
  amount: number
  status: string
}
const refundsOf = (reference: string | undefined) =>
  (t.lab.stripe.books()["refunds"] as Refund[]).filter((one) => one.payment_intent === reference)

describe("P-18 money that is on its way", () => {
  test("STORES 18: a refund is pending: no credit yet; it resumes by itself when the provider tells", async () => {
    const tender = await card("T1", 8000, "pm_card_pendingRefund")
    const orderId = await order(8000, [tender])
    const { returnId } = await askReturn(t, { orderId, reference: "1", ...over(1) })
    const waits = await untilReturn(t, returnId, { goods: "put away", money: "pending", books: "waits for the money" })
    expect(waits.buyer.state).toBe("refund on its way")
    expect(creditsOf(t, orderId)).toEqual([])
    const [refund] = refundsOf(tender.reference)
    await control(t.lab.stripe, "refunds/settle", { id: refund?.id, outcome: "succeeded" })
    await untilReturn(t, returnId, { state: "closed", money: "given back", books: "credited" })
    expect(creditsOf(t, orderId)).toHaveLength(1)
  })

  test("STORES 19: a refund fails later: finance is told, pays in another way, and it is credited once", async () => {
    const tender = await card("T1", 8000, "pm_card_pendingRefund")
    const orderId = await order(8000, [tender])
    const { returnId } = await askReturn(t, { orderId, reference: "1", ...over(1) })
    await untilReturn(t, returnId, { money: "pending" })
    const [refund] = refundsOf(tender.reference)
    await control(t.lab.stripe, "refunds/settle", { id: refund?.id, outcome: "failed" })
    await decide(t, await questionOf(t, returnId, "money could not be given back"), "store credit given")
    await untilReturn(t, returnId, { state: "closed", money: "given back", books: "credited" })
    expect(creditsOf(t, orderId)).toHaveLength(1)
    const { body } = await t.api("GET", `/v1/orders/${orderId}/account`)
    const [account] = (body as unknown as { tenders: { givenBack: object; refunds: { state: string }[] }[] }).tenders
    expect(account?.givenBack).toEqual({ amountMinor: 4000, currency: "EUR" })
    expect(account?.refunds.map(({ state }) => state).toSorted()).toEqual(["failed", "settled"])
    // The buyer has no money but a claim on goods: a liability.
    expect(bookedOf(t, orderId).get("gift card liability")).toBe(-4000)
  })

  test("STORES 19: one that fails after all had ended is told to finance", async () => {
    const tender = await card("T1", 8000, "pm_card_refundFail")
    const orderId = await order(8000, [tender])
    const { returnId } = await askReturn(t, { orderId, reference: "1", ...over(1) })
    await untilReturn(t, returnId, { state: "closed" })
    const [refund] = refundsOf(tender.reference)
    await control(t.lab.stripe, "refunds/settle", { id: refund?.id, outcome: "failed" })
    await questionOf(t, returnId, "refund failed after all had ended")
  })
})

describe("P-22 split tenders", () => {
  test("STORES 20: a gift card, two cards and cash, returned in two parts: each gives back what it took, gift card first and cash last", async () => {
    const [one, two] = [await card("C1", 3000), await card("C2", 5000)]
    const giftCard: Tender = {
      id: "G1",
      kind: "giftCard",
      provider: "gift_card",
      state: "captured",
      amount: euro(2000),
    }
    const cash: Tender = { id: "K1", kind: "cash", provider: "till", state: "captured", amount: euro(2000) }
    const orderId = await order(12_000, [cash, one, giftCard, two])
    const first = await askReturn(t, { orderId, reference: "1", ...over(1) })
    await decide(t, await questionOf(t, first.returnId, "money could not be given back"), "store credit given")
    await untilReturn(t, first.returnId, {
      state: "closed",
      givenBack: { amountMinor: 6000, currency: "EUR" } as never,
    })
    expect([refundsOf(one.reference), refundsOf(two.reference)].map((all) => all.map(({ amount }) => amount))).toEqual([
      [3000],
      [1000],
    ])
    const second = await askReturn(t, { orderId, reference: "2", ...over(1) })
    await decide(t, await questionOf(t, second.returnId, "money could not be given back"), "paid by hand")
    await untilReturn(t, second.returnId, {
      state: "closed",
      givenBack: { amountMinor: 6000, currency: "EUR" } as never,
    })
    expect(refundsOf(two.reference).map(({ amount }) => amount)).toEqual([1000, 4000])
    const { body } = await t.api("GET", `/v1/orders/${orderId}/account`)
    const tenders = (body as unknown as { tenders: { tenderId: string; givenBack: { amountMinor: number } }[] }).tenders
    expect(Object.fromEntries(tenders.map(({ tenderId, givenBack }) => [tenderId, givenBack.amountMinor]))).toEqual({
      G1: 2000,
      C1: 3000,
      C2: 5000,
      K1: 2000,
    })
    expect([...bookedOf(t, orderId)].filter(([, minor]) => minor !== 0)).toEqual([])
  })
})

describe("S-51 what people decide of money", () => {
  test("above the limit another person approves it first, and not who asked for it", async () => {
    const orderId = await order(50_000, [await card("T1", 50_000)])
    const { returnId } = await askReturn(t, { orderId, reference: "1", ...over(1) })
    await untilReturn(t, returnId, { goods: "put away", money: "waits for approval", state: "needs a person" })
    const question = await questionOf(t, returnId, "refund needs approval")
    const desk = { name: "The desk", owner: "operations", scopes: ["operations:read", "operations:write"] }
    await t.api("PUT", "/v1/consumers/desk", desk)
    const { key } = (await t.api("POST", "/v1/consumers/desk/keys")).body as unknown as { key: string }
    const refused = await fetch(`${t.gatewayUrl}/v1/exceptions/${encodeURIComponent(question)}/decision`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json", "idempotency-key": "desk-1" },
      body: JSON.stringify({ action: "approve the refund", reason: "the desk wants it" }),
    })
    expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining("finance or admin")])
    const many = { action: "approve the refund", ids: [question] }
    const atOnce = await t.api("POST", "/v1/operations", { kind: "decide", spec: many, reason: "all at once" })
    expect(atOnce.status).toBe(409)
    await decide(t, question, "approve the refund")
    // The operator asked for it.
    await untilReturn(t, returnId, { money: "waits for approval" })
    await decide(t, await questionOf(t, returnId, "refund needs approval"), "decline the refund")
    await untilReturn(t, returnId, { state: "closed", money: "left", books: "nothing due" })
    expect(creditsOf(t, orderId)).toEqual([])
  })

  test("fees of goods that are sent back are lines of their own, and the books have what was given", async () => {
    const orderId = await order(8000, [await card("T1", 8000)])
    const { returnId } = await askReturn(t, { orderId, reference: "1", ...over(2), how: "send back" })
    await untilReturn(t, returnId, {
      state: "closed",
      givenBack: { amountMinor: 8000 - 800 - 299, currency: "EUR" } as never,
    })
    expect(bookedOf(t, orderId).get("payment clearing")).toBe(800 + 299)
    const { body } = await t.api("GET", `/v1/returns/${returnId}`)
    expect(JSON.stringify(body)).toContain('"what":"restocking fee","amount":{"amountMinor":-800')
  })

  test("what the rules do not allow is asked about, with the reason in the answer and in the buyer's words", async () => {
    const orderId = await order(8000, [await card("T1", 8000)])
    await untilReturn(t, (await askReturn(t, { orderId, reference: "1", ...over(2) })).returnId, { state: "closed" })
    const again = await askReturn(t, {
      orderId,
      reference: "2",
      language: "de",
      lines: [{ lineId: "L1", quantity: { milli: 1000, unit: "ea" } }],
    })
    expect(again).toMatchObject({ isEligible: false, reasons: [{ code: "not shipped" }] })
    expect(again.reasons[0]?.words).toContain("schon zurückgegeben")
    await decide(t, await questionOf(t, again.returnId, "return needs a decision"), "decline the return")
    await untilReturn(t, again.returnId, { state: "declined", money: "nothing due", books: "nothing due" })
  })
})

test("goods without their receipt: what a till gave beyond the limits is one case with the store, the till and the money", async () => {
  const store = t.lab.estate.locations.find(({ kind }) => kind === "store")?.locationId ?? ""
  const of = { storeId: store, tillId: "t1", sequence: 1, businessDay: "2026-11-20", sku: "NOBODY-KNOWS-IT" }
  const { status, body } = await t.api("POST", "/v1/sales", { receipts: [saleReceipt({ ...of, amountMinor: -2500 })] })
  expect([status, body]).toMatchObject([200, { results: [{ outcome: "accepted" }] }])
  const told = await eventually("finance is told", async () => {
    const rows = await t.sql<{ owner: string; risk: number; summary: string }[]>`
      select owner, risk_minor::int as risk, summary from exceptions where cause = 'return without a receipt is beyond the limits'`
    return rows[0]
  })
  expect(told).toMatchObject({ owner: "finance", risk: 2500 })
  const says = [`${store} till t1: 1`, "above the limit of 20.00 EUR", "as cash", "nobody knows a price"]
  expect(says.filter((text) => !told.summary.includes(text))).toEqual([])
})

describe("P-19 an exchange is a return and a sale with one settlement", () => {
  const cases = [
    { name: "STORES 16: cheaper", worth: 2500, paid: 0, refunded: 1500 },
    { name: "equal", worth: 4000, paid: 0, refunded: 0 },
    { name: "STORES 17: dearer, the difference paid by card", worth: 5500, paid: 1500, refunded: 0 },
  ]
  test.each(cases)("$name: the difference alone moves, and nothing is left on either order", async (one) => {
    const first = await order(4000, [await card("T1", 4000)], 1)
    const second = await order(one.worth, one.paid > 0 ? [await card("T1", one.paid)] : [], 1)
    const { returnId } = await askReturn(t, { orderId: first, reference: "1", exchangeOrderId: second, ...over(1) })
    await untilReturn(t, returnId, { state: "closed", money: "given back", books: "credited" })
    const { body } = await t.api("GET", `/v1/orders/${first}/account`)
    expect(body).toMatchObject({ tenders: [{ givenBack: { amountMinor: one.refunded } }] })
    const both = [bookedOf(t, first), bookedOf(t, second)]
    const sum = (account: string) => both.reduce((total, booked) => total + (booked.get(account) ?? 0), 0)
    expect([sum("receivable"), sum("payment clearing")]).toEqual([0, 4000 + one.paid - one.refunded])
    expect(both.flatMap((booked) => [...booked.values()]).reduce((total, minor) => total + minor, 0)).toBe(0)
  })

  test("two returns that name one order pay it together, and what it does not cost is given back", async () => {
    const returned = [
      await order(4000, [await card("T1", 4000)], 1),
      await order(4000, [await card("T1", 4000)], 1),
    ] as const
    const taken = await order(5000, [], 1)
    const both = await Promise.all(
      returned.map((orderId, n) => askReturn(t, { orderId, reference: `${n}`, exchangeOrderId: taken, ...over(1) })),
    )
    for (const { returnId } of both) await untilReturn(t, returnId, { state: "closed" })
    const given = await Promise.all(
      returned.map(async (orderId) => {
        const { body } = await t.api("GET", `/v1/orders/${orderId}/account`)
        return (body as { tenders?: { givenBack: { amountMinor: number } }[] }).tenders?.[0]?.givenBack.amountMinor
      }),
    )
    expect(given.toSorted()).toEqual([0, 3000])
    const booked = [...returned, taken].flatMap((orderId) => [...bookedOf(t, orderId)])
    const sum = (account: string) =>
      booked.filter(([name]) => name === account).reduce((total, [, minor]) => total + minor, 0)
    expect([sum("receivable"), sum("payment clearing")]).toEqual([0, 5000])
  })
})
