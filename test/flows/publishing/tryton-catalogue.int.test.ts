import { afterAll, beforeAll, expect, test } from "vitest"
import { trytonUnits } from "../../../lab/tryton/products.ts"
import { startTryton, trytonPassword, trytonUser } from "../../../lab/tryton/tryton.ts"
import { tryton } from "../../../src/connectors/tryton/connector.ts"
import { own } from "../../../src/governance/ownership/own.ts"
import { eventually, startTestCrossdock } from "../../fixtures/crossdock.ts"
import { CatalogueBench } from "../../fixtures/stock/published-catalogue.ts"

// What the books say of products and prices is what the shop shows (issue "What every channel shows").
let erp: Awaited<ReturnType<typeof startTryton>>
let bench: CatalogueBench
const grossList = 3

beforeAll(async () => {
  erp = await startTryton({ seed: 63 })
  await staff("price-lists", { id: grossList, tax_included: true, lines: [{ formula: "list_price * 1.2" }] })
  // Long before Crossdock is there.
  await change("SKU-00010", { name: "Tea, green", list_price: "10.00" })
  await change("SKU-00011", { name: "Tea, black", list_price: "20.00" })
  const settings = {
    baseUrl: erp.url,
    database: "books",
    user: trytonUser,
    password: trytonPassword,
    currency: "EUR",
    company: 1,
    currencyId: 1,
    party: 2,
    address: 2,
    paymentTerm: 1,
    warehouses: {},
    units: { ea: trytonUnits.unit },
    catalogue: {
      products: { fields: ["title", "state"] as ("title" | "state")[] },
      prices: [{ list: grossList, tax: "inclusive" as const }],
    },
    chargeProducts: { shipping: "SERVICE-SHIPPING", rounding: "SERVICE-ROUNDING" },
    timeZone: "Europe/Brussels",
    taxAccount: 7,
    allowPrivateNetwork: true,
  }
  bench = new CatalogueBench(
    await startTestCrossdock({
      skuCount: 200,
      estate: (estate) => ({
        ...estate,
        connections: { ...estate.connections, tryton: { connector: tryton, settings, pollEveryMs: 500 } },
        ownership: [
          own("product.*", {}, { owner: "tryton", to: ["shopify"], foreign: "alert" }),
          own("price.*", {}, { owner: "tryton", to: ["shopify"], foreign: "alert" }),
          own("price.cost", {}, { owner: "tryton" }),
          own("promotion.terms", {}, { owner: "api:operator" }),
          own("stock.*", {}, { owner: "warehouse" }),
        ],
        policies: {
          ...estate.policies,
          publishing: {
            channels: { shopify: { prices: { currency: "EUR" }, products: { fields: ["title", "state"] } } },
          },
        },
      }),
    }),
  )
}, 120_000)
afterAll(async () => {
  await bench?.stop()
  await erp?.stop()
})

/** What people do in the books. */
async function staff(path: string, body: object): Promise<void> {
  const answer = await fetch(`${erp.url}/__lab/${path}`, { method: "POST", body: JSON.stringify(body) })
  expect(answer.status).toBe(200)
}
const change = (code: string, set: Record<string, unknown>) => staff("products", { code, set })
const shows = (sku: string, wanted: { title?: string; priceMinor?: number; status?: string }) =>
  eventually(
    `${sku} is shown so`,
    () => Object.entries(wanted).every(([key, value]) => Reflect.get(bench.shown(sku), key) === value),
    { withinMs: 60_000, seen: async () => [bench.shown(sku), await bench.row(sku, "price")] },
  )
const product = async (sku: string) =>
  (await bench.test.api("GET", `/v1/products/${sku}`)).body as unknown as { productId: string; sku: string }

test("what the books knew before the first day is shown with its name and with the price that their list makes of it", async () => {
  await shows("SKU-00010", { title: "Tea, green", priceMinor: 1200 })
  await shows("SKU-00011", { title: "Tea, black", priceMinor: 2400 })
})

test("a name, a price and a formula that the books change are shown, also one that goes back to what it was", async () => {
  await change("SKU-00010", { name: "Tea, white" })
  await change("SKU-00011", { list_price: "21.50" })
  await shows("SKU-00010", { title: "Tea, white", priceMinor: 1200 })
  await shows("SKU-00011", { priceMinor: 2580 })
  await change("SKU-00011", { list_price: "20.00" })
  await shows("SKU-00011", { priceMinor: 2400 })
  await staff("price-lists", { id: grossList, tax_included: true, lines: [{ formula: "list_price * 1.1" }] })
  await shows("SKU-00010", { priceMinor: 1100 })
  await shows("SKU-00011", { priceMinor: 2200 })
})

test("a product that the books deactivate is taken off sale, and is sold again when they take it back", async () => {
  await change("SKU-00011", { active: false })
  await shows("SKU-00011", { status: "ARCHIVED" })
  await change("SKU-00011", { active: true })
  await shows("SKU-00011", { status: "ACTIVE" })
})

test("PUBLISHING 21: a product that gets another code in the books stays the same product under its new name", async () => {
  const before = await eventually("it is known", async () => {
    const found = await product("SKU-00010")
    return found.productId !== undefined && found
  })
  await change("SKU-00010", { suffix_code: "TEA-WHITE" })
  const after = await eventually("it is known by its new name", async () => {
    const found = await product("TEA-WHITE")
    return found.productId !== undefined && found
  })
  expect(after).toMatchObject({ productId: before.productId, sku: "TEA-WHITE" })
  expect((await product("SKU-00010")).productId).toBe(before.productId)
  // Another product of the books takes the old code: it is told, and neither of the two is changed.
  await change("TEA-OTHER", { name: "Something else" })
  await eventually("the other one", async () => (await product("TEA-OTHER")).sku === "TEA-OTHER")
  await change("TEA-OTHER", { suffix_code: "SKU-00010" })
  await eventually("it waits with its reason", async () => {
    const rows = await bench.test.sql<{ error: { message: string } | null }[]>`
      select error from subscription_backlog where key = 'sku/SKU-00010'`
    return rows[0]?.error?.message.includes("names another product, and a SKU is never given away")
  })
  expect(await product("SKU-00010")).toMatchObject({ productId: before.productId, sku: "TEA-WHITE" })
})

test("a product made with a code that another one has given up is refused as well", async () => {
  await change("MADE-LATE", { name: "Late", suffix_code: "SKU-00010-X" })
  await eventually("its first name", async () => (await product("SKU-00010-X")).sku === "SKU-00010-X")
  await change("SKU-00010-X", { suffix_code: "SKU-00010-Y" })
  await eventually("it has two names", async () => (await product("SKU-00010-Y")).sku === "SKU-00010-Y")
  await change("SKU-00010-X", { name: "Not the same" })
  await eventually("it waits with its reason", async () => {
    const rows = await bench.test.sql<{ error: { message: string } | null }[]>`
      select error from subscription_backlog where key = 'sku/SKU-00010-X'`
    return rows[0]?.error?.message.includes("SKU-00010-X is an earlier name of SKU-00010-Y")
  })
})

test("what anybody else writes of a field that is the books' is refused, and the books' word stands", async () => {
  const changes = [{ field: "title", set: "Mine" }]
  const { body } = await bench.test.api("POST", "/v1/products", { products: [{ sku: "SKU-00011", changes }] })
  expect(body).toMatchObject({ results: [{ outcome: "refused" }] })
  expect(bench.shown("SKU-00011").title).toBe("Tea, black")
})
