import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { startTryton, trytonPassword, trytonUser } from "../../lab/tryton/tryton.ts"
import { trytonUnits } from "../../lab/tryton/products.ts"
import { asAppError } from "../../src/base/errors.ts"
import { createLog } from "../../src/base/log.ts"
import type { EventData, NewEvent } from "../../src/canonical/events.ts"
import type { CatalogueSettings } from "../../src/connectors/tryton/catalogue/settings.ts"
import { tryton } from "../../src/connectors/tryton/connector.ts"
import type { Delivery, RefusedRecord } from "../../src/ports/capabilities/intake.ts"
import { pagingMissesNothing } from "../../src/ports/delivery-laws.ts"

// Products and prices that Tryton tells (issue "What every channel shows", products and prices from Tryton).
let simulator: Awaited<ReturnType<typeof startTryton>>
const open: { close(): unknown }[] = []

const all = ["title", "description", "units", "gtins", "state"] as const

function connect(catalogue: CatalogueSettings, baseUrl = simulator.url) {
  const settings = {
    baseUrl,
    database: "books",
    user: trytonUser,
    password: trytonPassword,
    currency: "EUR",
    company: 1,
    currencyId: 1,
    party: 2,
    address: 2,
    paymentTerm: 1,
    warehouses: { "wh-1": 5 },
    units: { ea: trytonUnits.unit, kg: trytonUnits.kilogram, dozen: trytonUnits.dozen },
    catalogue,
    chargeProducts: { shipping: "SERVICE-SHIPPING", rounding: "SERVICE-ROUNDING" },
    timeZone: "Europe/Brussels",
    taxAccount: 7,
    allowPrivateNetwork: true,
  }
  const clock = { now: () => Date.now() }
  const erp = tryton.connect(settings, { connectionId: "erp", clock, log: createLog("test", "silent") })
  open.push(erp)
  const { listsChanges: { products } = {}, receivesDeliveries } = erp
  if (!products || !receivesDeliveries) throw new Error("it tells no products")
  return { ...erp, products, receivesDeliveries }
}
type Erp = ReturnType<typeof connect>

beforeAll(async () => {
  simulator = await startTryton({ seed: 62 })
})
beforeEach(() => simulator.reset())
afterAll(async () => {
  for (const one of open) one.close()
  await simulator?.stop()
})

const call = () => ({ key: "catalogue", signal: AbortSignal.timeout(10_000), correlation: "test" })

async function control(path: string, body: object): Promise<{ id: number }> {
  const answer = await fetch(`${simulator.url}/__lab/${path}`, { method: "POST", body: JSON.stringify(body) })
  return (await answer.json()) as { id: number }
}
/** What staff change of a product; one that is not there is made first. */
const change = (code: string, set: Record<string, unknown> = {}, how: object = {}) =>
  control("products", { code, set, ...how })

async function deliveries(erp: Erp, sinceMs = 0): Promise<Delivery[]> {
  const found: Delivery[] = []
  for (let cursor: string | undefined; ;) {
    const page = await erp.products.listChanges({ cursor, sinceMs }, call())
    found.push(...page.deliveries)
    cursor = page.nextCursor
    if (!page.hasMore) return found
  }
}

interface Heard {
  events: NewEvent[]
  refused: readonly RefusedRecord[]
  ignored: string[]
}

async function listed(erp: Erp, sinceMs = 0): Promise<Heard> {
  const all = (await deliveries(erp, sinceMs)).map((one) => erp.receivesDeliveries.translate(one))
  return {
    events: all.flatMap(({ events }) => events),
    refused: all.flatMap(({ refused = [] }) => refused),
    ignored: all.flatMap(({ ignored }) => ignored ?? []),
  }
}

/** What was told of a product: its fields with their scope, the last of each. */
function fieldsOf({ events }: Heard, sku: string): Record<string, unknown> {
  const told = events.flatMap(({ type, data }) =>
    type === "product.reported" && (data as EventData<"product.reported">).sku === sku
      ? (data as EventData<"product.reported">).changes
      : [],
  )
  return Object.fromEntries(
    told.map(({ field, scope, set, clear }) => [
      scope?.locale === undefined ? field : `${field}@${scope.locale}`,
      clear ? "cleared" : set,
    ]),
  )
}

function pricesOf({ events }: Heard, sku: string): unknown[] {
  return events.flatMap(({ type, data }) => {
    const { sku: of, price, ended } = data as EventData<"price.reported">
    if (type !== "price.reported" || of !== sku) return []
    return [ended ? "ended" : { minor: price?.amount.amountMinor, tax: price?.taxBasis, ...price?.scope }]
  })
}

test("a product is told whole: texts in each language, units, GTINs with 14 digits, whether it is sold", async () => {
  const erp = connect({ products: { fields: [...all], languages: { nl: "nl", de: "de" } } })
  await change("TEE-1", {
    name: "Tee",
    description: "Of cotton",
    sale_uom: trytonUnits.dozen,
    identifiers: [
      { type: "ean", code: "4006381333931" },
      { type: null, code: "old-7" },
    ],
    translations: { nl: { name: "T-shirt" } },
  })
  const heard = await listed(erp)
  expect(heard.refused).toEqual([])
  expect(fieldsOf(heard, "TEE-1")).toEqual({
    title: "Tee",
    "title@nl": "T-shirt",
    // Tryton answers the first language where there is no translation: that would be told as German.
    "title@de": "cleared",
    description: "Of cotton",
    "description@nl": "cleared",
    "description@de": "cleared",
    units: { base: "ea", sales: [{ unit: "dozen", baseMilli: 12_000 }] },
    gtins: [{ gtin: "04006381333931", unit: "ea" }],
    state: "active",
  })
})

test("only what the settings name is told: the rest stays untouched, and what Tryton has taken away is cleared", async () => {
  const erp = connect({ products: { fields: ["title", "description", "gtins"] } })
  await change("TEE-2", { name: "Tee", description: "Text", identifiers: [{ type: "ean", code: "96385074" }] })
  expect(Object.keys(fieldsOf(await listed(erp), "TEE-2"))).toEqual(["title", "description", "gtins"])
  await change("TEE-2", { description: "", identifiers: [] })
  expect(fieldsOf(await listed(erp), "TEE-2")).toEqual({ title: "Tee", description: "cleared", gtins: "cleared" })
})

test("PUBLISHING 19: a product that is deactivated, or no longer for sale, is withdrawn, and comes back when it is again", async () => {
  const erp = connect({ products: { fields: ["state"] } })
  await change("TEE-3")
  for (const [set, state] of [
    [{ active: false }, "withdrawn"],
    [{ active: true }, "active"],
    [{ salable: false }, "withdrawn"],
    [{ salable: true }, "active"],
    [{ active: false, template_active: false }, "withdrawn"],
  ] as const) {
    await change("TEE-3", set)
    expect(fieldsOf(await listed(erp), "TEE-3")).toEqual({ state })
  }
})

test("a code that an active product has taken over is told by that one alone", async () => {
  const erp = connect({ products: { fields: ["state"] } })
  await change("TEE-4", { active: false })
  await change("TEE-4B")
  await change("TEE-4B", { suffix_code: "TEE-4" })
  const heard = await listed(erp)
  expect(heard.events.map(({ data }) => (data as EventData<"product.reported">).changes[0]?.set)).toEqual(["active"])
  expect(heard.ignored).toEqual([expect.stringMatching(/^product \d+ has its code now$/)])
})

test("a new code keeps the record, so that it is known as a new name of the same product", async () => {
  const erp = connect({ products: { fields: ["title"] }, prices: [{ tax: "exclusive" }] })
  await change("TEE-5", { list_price: "20" })
  const before = (await listed(erp)).events
  await change("TEE-5", { suffix_code: "TEE-FIVE" })
  const after = (await listed(erp)).events
  const records = (events: NewEvent[]) =>
    events.map(({ data }) => [Reflect.get(data, "sku"), Reflect.get(data, "record")])
  expect(records(after)).toEqual(records(before).map(([, record]) => ["TEE-FIVE", record]))
})

test("the list price is told without tax, in the product's own unit; 0 is no price", async () => {
  const erp = connect({ prices: [{ tax: "exclusive", market: "NL" }] })
  await change("TEE-6", { list_price: "19.9900", sale_uom: trytonUnits.dozen })
  await change("TEE-7", { list_price: "0" })
  const heard = await listed(erp)
  expect(pricesOf(heard, "TEE-6")).toEqual([{ minor: 1999, tax: "exclusive", market: "NL" }])
  expect(pricesOf(heard, "TEE-7")).toEqual(["ended"])
  expect(heard.events.every(({ type }) => type === "price.reported")).toBe(true)
})

test("prices of price lists are what Tryton computes, each with the tax that its list has", async () => {
  await change("TEE-8", { list_price: "30", cost_price: "10" })
  await change("TEE-9", { list_price: "30" })
  // What a conversion between units leaves of it has more digits than a price of Tryton.
  const inGrosses = { default_uom: trytonUnits.gross, sale_uom: trytonUnits.gross }
  await change("TEE-144", { list_price: "0.10", cost_price: "0.05", ...inGrosses })
  const { id: special } = await change("TEE-9")
  await control("price-lists", {
    id: 3,
    tax_included: true,
    lines: [{ product: special, formula: "list_price * 1.5" }, { formula: "list_price * 1.2" }],
  })
  await control("price-lists", {
    id: 4,
    lines: [{ quantity: 10, formula: "list_price * 0.5" }, { formula: "cost_price * 2" }],
  })
  const erp = connect({
    prices: [
      { tax: "exclusive" },
      { list: 3, tax: "inclusive", market: "NL" },
      { list: 4, tax: "exclusive", group: "resale" },
    ],
  })
  const heard = await listed(erp)
  expect(pricesOf(heard, "TEE-8")).toEqual([
    { minor: 3000, tax: "exclusive" },
    { minor: 3600, tax: "inclusive", market: "NL" },
    { minor: 2000, tax: "exclusive", group: "resale" },
  ])
  expect(pricesOf(heard, "TEE-144")[2]).toEqual({ minor: 10, tax: "exclusive", group: "resale" })
  expect(pricesOf(heard, "TEE-9")).toEqual([
    { minor: 3000, tax: "exclusive" },
    { minor: 4500, tax: "inclusive", market: "NL" },
    "ended",
  ])
})

test("a changed formula tells every price anew, though Tryton touches no product; so does a cost price", async () => {
  await change("TEE-10", { list_price: "30", cost_price: "10" })
  await control("price-lists", { id: 3, lines: [{ formula: "list_price * 0.9" }] })
  const erp = connect({ prices: [{ list: 3, tax: "exclusive" }] })
  const first = await listed(erp)
  expect(pricesOf(first, "TEE-10")).toEqual([{ minor: 2700, tax: "exclusive" }])
  await new Promise((resolve) => setTimeout(resolve, 20))
  const beforeMs = Date.now()
  expect(await deliveries(erp, beforeMs)).toEqual([])
  await control("price-lists", { id: 3, lines: [{ formula: "cost_price * 2" }] })
  expect(pricesOf(await listed(erp, beforeMs), "TEE-10")).toEqual([{ minor: 2000, tax: "exclusive" }])
  await new Promise((resolve) => setTimeout(resolve, 20))
  const laterMs = Date.now()
  await change("TEE-10", { cost_price: "11" })
  const last = await listed(erp, laterMs)
  expect(pricesOf(last, "TEE-10")).toEqual([{ minor: 2200, tax: "exclusive" }])
  const [one, other] = [first.events[0], last.events[0]]
  expect(one?.fact).not.toBe(other?.fact)
})

test("a price that goes back to what it was is told again, also where a script writes it past the product", async () => {
  const erp = connect({ prices: [{ tax: "exclusive" }] })
  const facts: string[] = []
  for (const price of ["10", "12", "10", "12"]) {
    await change("TEE-11", { list_price: price }, { direct: true })
    const [event] = (await listed(erp)).events
    expect(pricesOf({ events: event ? [event] : [], refused: [], ignored: [] }, "TEE-11")).toEqual([
      { minor: Number(price) * 100, tax: "exclusive" },
    ])
    facts.push(event?.fact ?? "")
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  expect(new Set(facts).size).toBe(4)
})

test("what cannot be used is refused by itself, with its place, and the others go on", async () => {
  const erp = connect({
    products: { fields: [...all], taxCategories: { standard: 21 } },
    prices: [{ tax: "exclusive" }],
  })
  await change("TEE-12", {
    default_uom: trytonUnits.gram,
    sale_uom: trytonUnits.gram,
    list_price: "0.0125",
    account_category: 22,
    identifiers: [{ type: "ean", code: "4006381333932" }],
  })
  const heard = await listed(erp)
  expect(fieldsOf(heard, "TEE-12")).toEqual({ title: "Product TEE-12", description: "cleared", state: "active" })
  expect(pricesOf(heard, "TEE-12")).toEqual([])
  expect(heard.refused.map(({ pointer, code, about }) => [pointer, code, about?.type])).toEqual([
    ["/product/default_uom", "VENDOR_VALUE_UNKNOWN", "product"],
    ["/product/identifiers.", "VENDOR_VALUE_UNKNOWN", "product"],
    ["/product/account_category", "VENDOR_VALUE_UNKNOWN", "product"],
    ["/prices/0/amount", "VENDOR_VALUE_UNKNOWN", "product"],
  ])
  expect(heard.refused[0]?.message).toBe("units of TEE-12: no unit of ours stands for Tryton's unit 3")
})

test("the category is the path below the root; none clears it, and of several none is chosen", async () => {
  for (const [id, name, parent] of [
    [1, "Shop", null],
    [2, "Clothes", 1],
    [3, "Shirts", 2],
    [4, "Sale", 1],
    [9, "Accounting", null],
  ] as const)
    await control("categories", { id, name, parent })
  const erp = connect({ products: { fields: [], categoryRoot: 1 } })
  await change("TEE-13", { categories: [9, 3] })
  await change("TEE-14", { categories: [9] })
  await change("TEE-15", { categories: [3, 4] })
  const heard = await listed(erp)
  expect(fieldsOf(heard, "TEE-13")).toEqual({ category: "Clothes > Shirts" })
  expect(fieldsOf(heard, "TEE-14")).toEqual({ category: "cleared" })
  expect(heard.refused.map(({ message }) => message)).toEqual([
    "category of TEE-15: it is in 2 categories: Clothes > Shirts; Sale",
  ])
  const beforeMs = Date.now()
  await control("categories", { id: 2, name: "Clothing", parent: 1 })
  expect(fieldsOf(await listed(erp, beforeMs), "TEE-13")).toEqual({ category: "Clothing > Shirts" })
})

test("a list of the other tax, of another company, or that is not there is refused by the check and by every reading", async () => {
  await change("TEE-16")
  await control("price-lists", { id: 3, tax_included: true, lines: [] })
  await control("price-lists", { id: 5, company: 2, lines: [] })
  const erp = connect({
    prices: [
      { tax: "inclusive" },
      { list: 3, tax: "exclusive" },
      { list: 5, tax: "exclusive" },
      { list: 6, tax: "exclusive" },
    ],
  })
  const problems = [
    { pointer: "/catalogue/prices/0", message: "the list price of a product has no tax in it" },
    { pointer: "/catalogue/prices/1", message: "price list 3 includes tax" },
    { pointer: "/catalogue/prices/2", message: "price list 5 belongs to company 2" },
    { pointer: "/catalogue/prices/3", message: "there is no price list 6" },
  ]
  expect(await erp.check().catch(asAppError)).toMatchObject({ code: "CONFIG_INVALID", problems })
  expect(await deliveries(erp).catch(asAppError)).toMatchObject({ code: "CONFIG_INVALID", problems })
})

test("what carries money that is no goods, and what has no code, is no product; what is not for sale has no price and fails no other", async () => {
  const erp = connect({ products: { fields: ["state"] }, prices: [{ list: 3, tax: "exclusive" }] })
  await control("price-lists", { id: 3, lines: [] })
  await change("SERVICE-SHIPPING")
  await change("TEE-17", { suffix_code: "" })
  await change("RAW-1", { salable: false, sale_uom: null })
  await change("TEE-18")
  const heard = await listed(erp)
  expect(heard.ignored.toSorted()).toEqual(["it carries money that is no goods", "its product has no code"])
  expect([fieldsOf(heard, "RAW-1"), pricesOf(heard, "RAW-1")]).toEqual([{ state: "withdrawn" }, []])
  expect(pricesOf(heard, "TEE-18")).toEqual([{ minor: 1000, tax: "exclusive" }])
})

test("read twice it is the same bytes and the same facts", async () => {
  const erp = connect({ products: { fields: [...all] }, prices: [{ tax: "exclusive" }] })
  for (let n = 0; n < 5; n++) await change(`TEE-2${n}`)
  const text = (some: Delivery[]) => some.map(({ bytes }) => new TextDecoder().decode(bytes))
  expect(text(await deliveries(erp))).toEqual(text(await deliveries(erp)))
  const facts = ({ events }: Heard) => events.map(({ fact }) => fact)
  expect(facts(await listed(erp))).toEqual(facts(await listed(erp)))
})

test.each([0, 200])("paging while products keep changing misses none, committed %i ms late", async (lateMs) => {
  const erp = connect({ products: { fields: ["title"] } })
  for (let n = 0; n < 230; n++) await change(`PAGE-${n}`)
  let turn = 0
  const wanted: string[] = []
  await pagingMissesNothing({
    name: "tryton products",
    list: erp.products,
    lateMs: lateMs + 50,
    async change(count) {
      for (let n = 0; n < count; n++) {
        turn += 1
        const code = `PAGE-${(turn * 37) % 230}`
        const name = `Name ${turn}`
        await change(code, { name }, { lateMs })
        wanted.push(`${code}: ${name}`)
      }
      await new Promise((resolve) => setTimeout(resolve, lateMs))
    },
    // Of each product its last name.
    expected: () => [...new Map(wanted.map((one) => [one.split(":")[0], one])).values()],
    nameOf: ({ bytes }) => {
      const { product } = JSON.parse(new TextDecoder().decode(bytes)) as { product: { code: string; name: string } }
      return `${product.code}: ${product.name}`
    },
    nowMs: () => Date.now(),
  })
})
