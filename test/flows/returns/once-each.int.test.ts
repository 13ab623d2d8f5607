import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../../fixtures/crossdock.ts"
import { plentifulSkus } from "../../fixtures/order-flow.ts"
import { saleReceipt } from "../../fixtures/sales/receipts.ts"
import {
  askReturn,
  bookedOf,
  decide,
  lying,
  questionOf,
  say,
  shippedOrder,
  untilReturn,
} from "../../fixtures/shop/returned-order.ts"

// A repeat is answered as before, a number stands for one thing, and a unit comes back once, wherever it is taken.

let t: TestCrossdock
let skus: string[] = []
let place = ""
let count = 0
let sequence = 0
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 94, lab: quietWarehouse })
  skus = plentifulSkus(t, 2)
  place = t.lab.estate.locations.find(({ kind }) => kind === "store")?.locationId ?? ""
})
afterAll(async () => t?.stop())

const pieces = (n: number) => ({ milli: n * 1000, unit: "ea" })
const order = () =>
  shippedOrder(t, {
    externalId: `O-${(count += 1)}`,
    lines: [
      { sku: skus[0] ?? "", count: 3, totalMinor: 9000 },
      { sku: skus[1] ?? "", count: 1, totalMinor: 2500 },
    ],
    shippingMinor: 500,
  })
const found = (lineId: string, n: number) => ({ lineId, quantity: pieces(n), disposition: "sell here" })
const over = (lineId: string, n: number) => ({
  how: "bring to a store",
  takenOver: { locationId: place, lines: [found(lineId, n)] },
})
async function givenBackOf(orderId: string): Promise<number> {
  const { body } = await t.api("GET", `/v1/orders/${orderId}/account`)
  const { tenders } = body as unknown as { tenders: { givenBack: { amountMinor: number } }[] }
  return tenders.reduce((sum, { givenBack }) => sum + givenBack.amountMinor, 0)
}
const told = (cause: string, about: string) =>
  eventually(
    `people are told: ${cause}`,
    async () =>
      (
        await t.sql<{ summary: string; risk_minor: number | null }[]>`
          select summary, risk_minor::int from exceptions where cause = ${cause} and about like ${`${about}%`}`
      )[0],
  )

describe("a repeat", () => {
  test("of a request is answered as the first was, also when all of it is back", async () => {
    const orderId = await order()
    const asked = { orderId, reference: "till 7", ...over("L1", 3), lines: [{ lineId: "L1", quantity: pieces(3) }] }
    const first = await askReturn(t, asked)
    expect(first).toMatchObject({ isEligible: true, reasons: [] })
    await untilReturn(t, first.returnId, { state: "closed" })
    expect(await askReturn(t, asked)).toEqual(first)
    expect((await askReturn(t, { ...asked, reference: "another" })).isEligible).toBe(false)
  })

  test("of a refused one names the same reasons, in the language that it asks for", async () => {
    const orderId = await order()
    const { returnId } = await askReturn(t, { orderId, reference: "1", ...over("L1", 3) })
    await untilReturn(t, returnId, { state: "closed" })
    const asked = { orderId, reference: "2", lines: [{ lineId: "L1", quantity: pieces(1) }] }
    const first = await askReturn(t, asked)
    expect(first.reasons.map(({ code }) => code)).toEqual(["not shipped"])
    expect(await askReturn(t, asked)).toEqual(first)
    const german = await askReturn(t, { ...asked, language: "de" })
    expect(german.reasons.map(({ words }) => words)).toEqual([expect.stringContaining("schon zurückgegeben")])
  })

  test("with other content is a conflict that names what differs, and changes nothing", async () => {
    const orderId = await order()
    const asked = { orderId, reference: "1", reason: "too small", lines: [{ lineId: "L1", quantity: pieces(1) }] }
    const { returnId } = await askReturn(t, asked)
    const other = { ...asked, lines: [{ lineId: "L1", quantity: pieces(2) }] }
    const refused = await t.api("POST", "/v1/returns", other)
    expect(refused.status).toBe(409)
    expect(refused.body).toMatchObject({ code: "REFERENCE_REUSED", problems: [{ pointer: "/lines" }] })
    await say(t, `${returnId}/inspect`, { id: "i", locationId: place, lines: [found("L1", 1)] })
    const inspected = await t.api("POST", `/v1/returns/${returnId}/inspect`, {
      id: "i",
      locationId: place,
      lines: [found("L1", 2)],
    })
    expect(inspected.status).toBe(409)
    expect(inspected.body).toMatchObject({ code: "REFERENCE_REUSED", problems: [{ pointer: "/lines" }] })
    expect((await untilReturn(t, returnId, { state: "closed" })).givenBack?.amountMinor).toBe(3000)
  })

  test("of many at once with two contents: one counts, and whoever sent the other hears of it", async () => {
    const orderId = await order()
    const asked = (n: number) =>
      t.api("POST", "/v1/returns", {
        orderId,
        reference: "1",
        reason: "too small",
        lines: [{ lineId: "L1", quantity: pieces(n) }],
      })
    const answers = await Promise.all([1, 2, 1, 2, 1, 2].map(asked))
    const statuses = answers.map(({ status }) => status)
    expect([statuses.filter((one) => one === 202).length, statuses.filter((one) => one === 409).length]).toEqual([3, 3])
    expect(statuses[0]).toBe(statuses[2])
    expect(statuses[0]).toBe(statuses[4])
  })
})

describe("one order, many returns", () => {
  test("five tills take three units at once: three come back, three are paid, and the others are told to people", async () => {
    const orderId = await order()
    const before = (await lying(t, skus[0] ?? ""))[place] ?? 0
    const all = await Promise.all(
      [1, 2, 3, 4, 5].map((n) => askReturn(t, { orderId, reference: `till ${n}`, ...over("L1", 1) })),
    )
    // Whether the rules allow it is read without the lock: those that are asked about are let in, so that the account decides.
    const closed = all.map(async ({ returnId }) => {
      const row = await eventually(`${returnId} ends or asks`, async () => {
        const { body } = await t.api("GET", `/v1/returns/${returnId}`)
        const { state } = body as unknown as { state: string }
        const [open] = await t.sql<{ id: string }[]>`
          select id from exceptions where state = 'open' and about = ${`return/${returnId}`} and cause = 'return needs a decision'`
        return state === "closed" || open ? { id: open?.id } : undefined
      })
      if (row.id !== undefined) await decide(t, row.id, "approve the return")
      return untilReturn(t, returnId, { state: "closed" })
    })
    const amounts = (await Promise.all(closed)).map(({ givenBack }) => givenBack?.amountMinor ?? 0)
    expect(amounts.toSorted((a, b) => a - b)).toEqual([0, 0, 3000, 3000, 3000])
    expect(await givenBackOf(orderId)).toBe(9000)
    expect((await lying(t, skus[0] ?? ""))[place]).toBe(before + 3000)
  })

  test("two inspections have the last goods at once: shipping comes back once", async () => {
    const orderId = await order()
    const first = await askReturn(t, { orderId, reference: "1", ...over("L1", 1) })
    await untilReturn(t, first.returnId, { state: "closed" })
    // More than the buyer has, so it waits for a person, and both inspections are there when she lets it in.
    const lines = [
      { lineId: "L1", quantity: pieces(3) },
      { lineId: "L2", quantity: pieces(1) },
    ]
    const { returnId } = await askReturn(t, { orderId, reference: "2", lines })
    const question = await questionOf(t, returnId, "return needs a decision")
    await say(t, `${returnId}/inspect`, { id: "1", locationId: place, lines: [found("L1", 2)] })
    await say(t, `${returnId}/inspect`, { id: "2", locationId: place, lines: [found("L2", 1)], isLast: true })
    await untilReturn(t, returnId, { goods: "inspected" })
    await decide(t, question, "approve the return")
    const closed = await untilReturn(t, returnId, { state: "closed" })
    expect(closed.due?.amountMinor).toBe(9000)
    expect(await givenBackOf(orderId)).toBe(12_000)
    expect([...bookedOf(t, orderId)].filter(([, minor]) => minor !== 0)).toEqual([])
  })
})

describe("a till that takes a unit back by its receipt", () => {
  const receipt = (orderId: string, sku: string) => ({
    ...saleReceipt({
      storeId: place,
      tillId: "t9",
      sequence: (sequence += 1),
      businessDay: "2026-11-20",
      sku,
      amountMinor: -2500,
    }),
  })
  const send = async (one: ReturnType<typeof receipt>, orderId: string) => {
    const lines = (one.lines ?? []).map((line) => ({ ...line, returned: { orderId } }))
    const { status, body } = await t.api("POST", "/v1/sales", { receipts: [{ ...one, lines }] })
    expect([status, body]).toMatchObject([200, { results: [{ outcome: "accepted" }] }])
  }

  test("and a return of the same unit: the second one gives nothing, and says so", async () => {
    const orderId = await order()
    const sku = skus[1] ?? ""
    const before = (await lying(t, sku))[place] ?? 0
    await send(receipt(orderId, sku), orderId)
    await eventually("the account has it", async () => {
      const { body } = await t.api("GET", `/v1/orders/${orderId}/account`)
      const { lines, openClaims } = body as unknown as { lines: { returnedMilli: number }[]; openClaims: unknown[] }
      return (lines[1]?.returnedMilli === 1000 && openClaims.length === 0) || undefined
    })
    const { returnId, isEligible } = await askReturn(t, { orderId, reference: "post", ...over("L2", 1) })
    expect(isEligible).toBe(false)
    await decide(t, await questionOf(t, returnId, "return needs a decision"), "approve the return")
    await untilReturn(t, returnId, { state: "closed", money: "nothing due" })
    await told("more came back than had left", `return/${returnId}`)
    expect(await givenBackOf(orderId)).toBe(0)
    expect((await lying(t, sku))[place]).toBe(before + 1000)
  })

  test("after a return of the same unit: the goods lie in the store, and the loss is named", async () => {
    const orderId = await order()
    const sku = skus[1] ?? ""
    const { returnId } = await askReturn(t, { orderId, reference: "post", ...over("L2", 1) })
    await untilReturn(t, returnId, { state: "closed" })
    const before = (await lying(t, sku))[place] ?? 0
    await send(receipt(orderId, sku), orderId)
    const loss = await told("unit was given back before", `sale/${place}/t9`)
    expect(loss.risk_minor).toBe(2500)
    expect(loss.summary).toContain(sku)
    await eventually(
      "the goods lie in the store",
      async () => (await lying(t, sku))[place] === before + 1000 || undefined,
    )
    expect(await givenBackOf(orderId)).toBe(2500)
  })
})
