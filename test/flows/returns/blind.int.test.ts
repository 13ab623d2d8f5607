import { afterAll, beforeAll, expect, test } from "vitest"
import type { ReceiptLine } from "../../../src/canonical/sales/receipt-line.ts"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../../fixtures/crossdock.ts"
import { saleReceipt } from "../../fixtures/sales/receipts.ts"

// Goods without their receipt at tills, through a whole Crossdock: what their prices are is read from the catalogue.

let t: TestCrossdock
let store = ""
let sequence = 0
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 132,
    lab: quietWarehouse,
    estate: (estate) => ({
      ...estate,
      policies: {
        ...estate.policies,
        returns: {
          days: 30,
          onObjection: "ask",
          arriveWithin: { days: 30 },
          approveAbove: [],
          refundsShipping: "never",
          placesTell: [],
          atTills: {
            blind: {
              aloneUpTo: [{ amountMinor: 10_000, currency: "EUR" }],
              tenders: ["cash"],
              lowestPrice: { days: 30 },
            },
          },
        },
      },
    }),
  })
  store = t.lab.estate.locations.find(({ kind }) => kind === "store")?.locationId ?? ""
})
afterAll(async () => t?.stop())

const price = (amountMinor: number, scope: object = {}) => {
  return { type: "base", amount: { amountMinor, currency: "EUR" }, taxBasis: "inclusive", scope, validity: {} }
}
async function product(sku: string, prices: object[], changes: object[] = []): Promise<void> {
  const written = await t.api("PUT", `/v1/products/${sku}`, { changes: [{ field: "title", set: sku }, ...changes] })
  expect([written.status, written.body]).toMatchObject([200, { outcome: "accepted" }])
  const records = prices.map((one, n) => ({ sku, record: `${sku} ${n}`, price: one }))
  const priced = await t.api("PUT", "/v1/prices", { prices: records })
  expect([priced.status, priced.body]).toMatchObject([200, { results: prices.map(() => ({ outcome: "accepted" })) }])
}
async function back(sku: string, amountMinor: number, more: Partial<ReceiptLine> = {}): Promise<number> {
  sequence += 1
  const whole = saleReceipt({
    storeId: store,
    tillId: "t1",
    sequence,
    businessDay: "2026-11-20",
    endedAt: new Date().toISOString(),
    sku,
    amountMinor: -amountMinor,
  })
  const lines = (whole.lines ?? []).map((line) => ({ ...line, ...more }))
  const { status, body } = await t.api("POST", "/v1/sales", {
    receipts: [{ ...whole, businessDay: new Date().toISOString().slice(0, 10), lines }],
  })
  expect([status, body]).toMatchObject([200, { results: [{ outcome: "accepted" }] }])
  return sequence
}
/** What is told of receipts, by their number; after the last one was read. */
async function told(): Promise<Record<string, string>> {
  const last = await back("NOBODY-KNOWS-IT", 100)
  const read = async () =>
    t.sql<{ n: string; summary: string }[]>`
      select split_part(about, '/', 6) as n, summary from exceptions where cause = 'return without a receipt is beyond the limits'`
  const rows = await eventually(
    "the last is told",
    async () => {
      const all = await read()
      return all.some(({ n }) => n === String(last)) && all
    },
    { withinMs: 40_000 },
  )
  return Object.fromEntries(
    rows.filter(({ n }) => n !== String(last)).map(({ n, summary }) => [n, summary.split(": ").slice(2).join(": ")]),
  )
}

test(
  "a price that names no unit is of the base unit, or of the piece; of a unit that nobody has named, a person decides",
  { retry: 0 },
  async () => {
    const units = { base: "ea", sales: [{ unit: "case", baseMilli: 24_000 }] }
    await product("CAN", [price(100)], [{ field: "units", set: units }])
    await product("BOX", [price(100), price(2000, { unit: "case" })], [{ field: "units", set: units }])
    await product("BARE", [price(100)])
    await back("CAN", 100)
    await back("BOX", 2000, { unit: "case" })
    await back("BARE", 100)
    const [byCase, dear, bare] = [
      await back("CAN", 90, { unit: "case" }),
      await back("BOX", 2400, { unit: "case" }),
      await back("BARE", 100, { unit: "kg" }),
    ]
    expect(await told()).toEqual({
      [byCase]: "the prices of CAN are not known to be of its unit case.",
      [dear]: "BOX was 20.00 EUR at its lowest.",
      [bare]: "the prices of BARE are not known to be of its unit kg.",
    })
  },
)
