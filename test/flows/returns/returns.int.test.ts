import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { quietWarehouse, startTestCrossdock, type TestCrossdock } from "../../fixtures/crossdock.ts"
import { plentifulSkus } from "../../fixtures/order-flow.ts"
import { askReturn, bookedOf, lying, say, shippedOrder, untilReturn } from "../../fixtures/shop/returned-order.ts"
import { creditsOf } from "../../fixtures/vendor-books.ts"

// Goods that come back: requested, inspected, put away, paid and credited, each once.

let t: TestCrossdock
let skus: string[] = []
let place = ""
let other = ""
let count = 0
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 91, lab: quietWarehouse })
  skus = plentifulSkus(t, 2)
  ;[place = "", other = ""] = t.lab.estate.locations.map(({ locationId }) => locationId)
})
afterAll(async () => t?.stop())

const pieces = (n: number) => ({ milli: n * 1000, unit: "ea" })
const draft = (more: object = {}) => ({
  externalId: `R-${(count += 1)}`,
  lines: [
    { sku: skus[0] ?? "", count: 3, totalMinor: 10_000, discountMinor: 1000 },
    { sku: skus[1] ?? "", count: 1, totalMinor: 2500 },
  ],
  shippingMinor: 500,
  ...more,
})

describe("S-151 a return over three tracks", () => {
  test("STORES 21: three announced, two came: two are refunded, net of the discount, with the tax as charged", async () => {
    const orderId = await shippedOrder(t, draft())
    const before = await lying(t, skus[0] ?? "")
    const { returnId, isEligible } = await askReturn(t, {
      orderId,
      reference: "R1",
      lines: [{ lineId: "L1", quantity: pieces(3) }],
    })
    expect(isEligible).toBe(true)
    await untilReturn(t, returnId, { goods: "approved", money: "not due yet", books: "not due yet" })
    await say(t, `${returnId}/receive`, { id: "r", locationId: place, lines: [{ lineId: "L1", quantity: pieces(2) }] })
    await untilReturn(t, returnId, { goods: "received", money: "not due yet" })
    await say(t, `${returnId}/inspect`, {
      id: "i",
      locationId: place,
      isLast: true,
      lines: [{ lineId: "L1", quantity: pieces(2), condition: "as new", disposition: "sell here" }],
    })
    const closed = await untilReturn(t, returnId, { state: "closed" })
    expect(closed).toMatchObject({
      goods: "put away",
      money: "given back",
      books: "credited",
      givenBack: { amountMinor: 6000 },
    })
    expect(closed.buyer).toEqual({ state: "refunded", words: "Your refund has been paid." })
    expect((await lying(t, skus[0] ?? ""))[place]).toBe((before[place] ?? 0) + 2000)
    expect(creditsOf(t, orderId)).toHaveLength(1)
    expect(bookedOf(t, orderId).get("payment clearing")).toBe(9000 + 2500 + 500 - 6000)
    const { body } = await t.api("GET", `/v1/orders/${orderId}/account`)
    expect(body).toMatchObject({
      lines: [{ returnedMilli: 2000 }, { returnedMilli: 0 }],
      tenders: [{ givenBack: { amountMinor: 6000 } }],
      openClaims: [],
    })
  })

  test("STORES 22: sold at one place, back at another: the stock is where the goods are, set aside by what they are like", async () => {
    const orderId = await shippedOrder(t, draft())
    const before = await lying(t, skus[0] ?? "")
    const { returnId } = await askReturn(t, {
      orderId,
      reference: "R1",
      how: "bring to a store",
      lines: [{ lineId: "L1", quantity: pieces(3) }],
      takenOver: {
        locationId: other,
        lines: [
          { lineId: "L1", quantity: pieces(1), disposition: "sell here" },
          { lineId: "L1", quantity: pieces(1), disposition: "quarantine" },
          { lineId: "L1", quantity: pieces(1), disposition: "destroy" },
        ],
      },
    })
    await untilReturn(t, returnId, { state: "closed", givenBack: { amountMinor: 9000, currency: "EUR" } as never })
    const after = await lying(t, skus[0] ?? "")
    expect(after[other]).toBe((before[other] ?? 0) + 1000)
    expect(after[`${other}/in-inspection`]).toBe((before[`${other}/in-inspection`] ?? 0) + 1000)
    expect(after[place]).toBe(before[place])
  })

  test("everything back in two parts: the parts sum to the order to the cent, and shipping comes back with the last goods", async () => {
    const orderId = await shippedOrder(t, draft())
    const give = async (reference: string, lines: object[]) => {
      const { returnId } = await askReturn(t, {
        orderId,
        reference,
        how: "bring to a store",
        takenOver: { locationId: place, lines },
      })
      return untilReturn(t, returnId, { state: "closed" })
    }
    const first = await give("A", [{ lineId: "L1", quantity: pieces(1), disposition: "sell here" }])
    const second = await give("B", [
      { lineId: "L1", quantity: pieces(2), disposition: "sell here" },
      { lineId: "L2", quantity: pieces(1), disposition: "sell here" },
    ])
    expect([first.givenBack?.amountMinor, second.givenBack?.amountMinor]).toEqual([3000, 6000 + 2500 + 500])
    expect([...bookedOf(t, orderId)].filter(([, minor]) => minor !== 0)).toEqual([])
  })

  test("asked for twice with one reference it is one return, and the same inspection counts once", async () => {
    const orderId = await shippedOrder(t, draft())
    const asked = { orderId, reference: "once", lines: [{ lineId: "L2", quantity: pieces(1) }] }
    const [one, two] = [await askReturn(t, asked), await askReturn(t, asked)]
    expect(two.returnId).toBe(one.returnId)
    const inspection = {
      id: "i",
      locationId: place,
      lines: [{ lineId: "L2", quantity: pieces(1), disposition: "sell here" }],
    }
    await say(t, `${one.returnId}/inspect`, inspection)
    await say(t, `${one.returnId}/inspect`, inspection)
    const closed = await untilReturn(t, one.returnId, { state: "closed" })
    expect(closed.givenBack?.amountMinor).toBe(2500)
  })

  test("kept by the buyer: money and books, and no goods", async () => {
    const orderId = await shippedOrder(t, draft())
    const before = await lying(t, skus[1] ?? "")
    const { returnId } = await askReturn(t, {
      orderId,
      reference: "K",
      how: "keep",
      lines: [{ lineId: "L2", quantity: pieces(1) }],
    })
    const closed = await untilReturn(t, returnId, { state: "closed" })
    expect(closed).toMatchObject({
      goods: "none",
      money: "given back",
      books: "credited",
      givenBack: { amountMinor: 2500 },
    })
    expect(await lying(t, skus[1] ?? "")).toEqual(before)
  })

  test("cancelled before the goods come: nothing is due; after they came it is too late", async () => {
    const orderId = await shippedOrder(t, draft())
    const early = await askReturn(t, { orderId, reference: "C1", lines: [{ lineId: "L2", quantity: pieces(1) }] })
    await say(t, `${early.returnId}/cancel`, { reason: "the buyer changed her mind" })
    await untilReturn(t, early.returnId, { state: "cancelled", money: "nothing due", books: "nothing due" })
    const late = await askReturn(t, { orderId, reference: "C2", lines: [{ lineId: "L2", quantity: pieces(1) }] })
    await say(t, `${late.returnId}/receive`, {
      id: "r",
      locationId: place,
      lines: [{ lineId: "L2", quantity: pieces(1) }],
    })
    await untilReturn(t, late.returnId, { goods: "received" })
    await say(t, `${late.returnId}/cancel`, { reason: "too late" })
    await say(t, `${late.returnId}/inspect`, {
      id: "i",
      locationId: place,
      lines: [{ lineId: "L2", quantity: pieces(1), disposition: "sell here" }],
    })
    expect((await untilReturn(t, late.returnId, { state: "closed" })).givenBack?.amountMinor).toBe(2500)
  })
})
