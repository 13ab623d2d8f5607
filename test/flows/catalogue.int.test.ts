import { afterAll, beforeAll, expect, it } from "vitest"
import type { Price } from "../../src/canonical/catalogue/price.ts"
import { inTransaction } from "../../src/base/sql.ts"
import { productIdsOf } from "../../src/catalogue/products.ts"
import { writePrices } from "../../src/catalogue/writes/price-writes.ts"
import { own } from "../../src/governance/ownership/own.ts"
import { newestVersion } from "../../src/gateway/phases/versions.ts"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"

const startMs = Date.UTC(2026, 10, 20, 10)
const clock = { ms: startMs, now: () => clock.ms }
const days = (count: number) => new Date(startMs + count * 86_400_000).toISOString()
const euro = (amountMinor: number) => ({ amountMinor, currency: "EUR" })

let t: TestCrossdock

beforeAll(async () => {
  t = await startTestCrossdock({
    clock,
    estate: (estate) => ({
      ...estate,
      ownership: [
        own("product.*", {}, { owner: "api:operator", to: ["shopify"], foreign: "hold" }),
        own("product.title", { locale: "fr" }, { owner: "people" }),
        own("price.*", {}, { owner: "api:operator", to: ["shopify"], foreign: "alert" }),
        own(
          "price.sale",
          { market: "DE" },
          {
            owner: "api:operator",
            to: ["shopify"],
            foreign: "hold",
            override: { by: "api:store", within: "10%", until: "7d" },
          },
        ),
        own("promotion.terms", {}, { owner: "api:operator" }),
        own("stock.*", {}, { owner: "sap" }),
      ],
      policies: {
        ...estate.policies,
        catalogue: {
          guards: { largestChangePercent: 50, floorPercentOfCost: 100 },
          complete: [
            { channel: "shopify", locale: "de", fields: ["title", "description"] },
            { channel: "till", locale: "de", fields: ["title"] },
          ],
        },
      },
    }),
  })
}, 120_000)
afterAll(() => t?.stop())

const keys = new Map<string, string>()

async function keyOf(id: string): Promise<string> {
  const known = keys.get(id)
  if (known !== undefined) return known
  const { consumers, access } = t.crossdock
  await consumers.put({
    id,
    name: id,
    owner: "tests",
    scopes: ["*"],
    apiVersion: newestVersion,
    ratePerSecond: 5000,
    burst: 9000,
  })
  const { key } = await consumers.addKey(id)
  await access.refresh()
  keys.set(id, key)
  return key
}

async function asOther(id: string) {
  const key = await keyOf(id)
  return async (method: string, path: string, body: unknown) => {
    const answer = await fetch(t.gatewayUrl + path, {
      method,
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    })
    return { status: answer.status, body: (await answer.json()) as Answer }
  }
}

interface Answer {
  outcome?: string
  rule?: string
  why?: string
  exceptionId?: string
  results: { outcome: string; rule?: string; why?: string; exceptionId?: string; problems?: { pointer: string }[] }[]
}
const product = async (sku: string, changes: object[]) =>
  (await t.api("PUT", `/v1/products/${sku}`, { changes })).body as unknown as Answer
const prices = async (rows: object[]) => (await t.api("PUT", "/v1/prices", { prices: rows })).body as unknown as Answer
const price = (more: object = {}) => ({
  type: "base",
  amount: euro(1999),
  taxBasis: "inclusive",
  scope: {},
  validity: {},
  ...more,
})
const ask = async (sku: string, more: object = {}) => {
  const { body } = await t.api("POST", "/v1/prices/query", { items: [{ sku, currency: "EUR", ...more }] })
  return body.items?.[0] as {
    why: string
    changesAt?: string
    price?: { record: string; amount: object; layer: string }
    lowestBefore?: object
  }
}
const valuesOf = async (sku: string, place = "") => {
  const { body } = await t.api("GET", `/v1/products/${sku}${place}`)
  return (body as unknown as { values: { field: string; scope: object; value?: unknown; by: string; rule: string }[] })
    .values
}

it("PUBLISHING 17: one field in one scope changes nothing else, and a cleared field is not an untouched one", async () => {
  const written = await product("JKT-1", [
    { field: "title", set: "Jacket" },
    { field: "title", scope: { channel: "till" }, set: "Jkt" },
    { field: "brand", set: "North" },
    { field: "origin", set: "PT" },
  ])
  expect(written).toMatchObject({ outcome: "accepted" })
  await product("JKT-1", [{ field: "title", scope: { channel: "till" }, clear: true }])
  expect(await valuesOf("JKT-1", "?channel=till")).not.toContainEqual(expect.objectContaining({ value: "Jkt" }))
  const everywhere = await valuesOf("JKT-1")
  expect(everywhere.find(({ field, scope }) => field === "title" && Object.keys(scope).length === 0)?.value).toBe(
    "Jacket",
  )
  expect(everywhere.find(({ field }) => field === "brand")?.value).toBe("North")
  expect(everywhere.find(({ scope }) => "channel" in scope)).toMatchObject({
    scope: { channel: "till" },
    by: "api:operator",
  })
})

it("PUBLISHING 20: a product that is complete in one channel keeps its text in the other", async () => {
  await product("JKT-2", [
    { field: "title", scope: { channel: "shopify", locale: "de" }, set: "Jacke" },
    { field: "title", scope: { channel: "till", locale: "de" }, set: "Jacke kurz" },
  ])
  await product("JKT-2", [{ field: "description", scope: { channel: "shopify", locale: "de" }, set: "Warm." }])
  const { body } = await t.api("GET", "/v1/products/JKT-2")
  expect(body).toMatchObject({
    complete: [
      { channel: "shopify", locale: "de", missing: [], isComplete: true },
      { channel: "till", locale: "de", isComplete: true },
    ],
  })
  const till = await valuesOf("JKT-2", "?channel=till&locale=de")
  expect(till).toMatchObject([{ field: "title", value: "Jacke kurz" }])
})

it("the same is written once, and a field that does not fit says its place", async () => {
  expect(await product("JKT-1", [{ field: "brand", set: "North" }])).toMatchObject({ outcome: "unchanged" })
  expect(await product("JKT-1", [{ field: "gtins", set: [{ gtin: "04006381333932", unit: "ea" }] }])).toMatchObject({
    outcome: "refused",
    why: "/gtins/set/0/gtin has a wrong check digit",
  })
  expect(await product("JKT-1", [{ field: "brand", scope: { locale: "de" }, set: "Nord" }])).toMatchObject({
    outcome: "refused",
    why: "/brand/scope/locale brand is the same everywhere",
  })
})

it("of two changes of one value in a batch the later one counts, also when it says what was known before", async () => {
  await product("TWICE-1", [
    { field: "brand", set: "North" },
    { field: "title", set: "First" },
    { field: "title", set: "Second" },
  ])
  const rows = ["South", "North"].map((set) => ({ sku: "TWICE-1", changes: [{ field: "brand", set }] }))
  await t.api("POST", "/v1/products", { products: rows })
  expect(await valuesOf("TWICE-1")).toMatchObject([
    { field: "brand", value: "North" },
    { field: "title", value: "Second" },
  ])
  const row = { sku: "TWICE-1", record: "twice" }
  await prices([{ ...row, price: price() }])
  const { results } = await prices([
    { ...row, ended: true },
    { ...row, price: price() },
  ])
  expect(results).toMatchObject([{ outcome: "accepted" }, { outcome: "accepted" }])
  expect(await ask("TWICE-1")).toMatchObject({ price: { record: "twice" } })
})

it("what is said, taken back and said again in one batch are three facts, and the last one stands", async () => {
  await product("THRICE-1", [{ field: "title", set: "Thrice" }])
  const row = { sku: "THRICE-1", record: "thrice", price: price() }
  await prices([row, { sku: row.sku, record: row.record, ended: true }, row])
  const facts = await t.sql<{ count: number }[]>`
    select count(*) as count from events where type = 'price.changed' and data ->> 'record' = 'thrice'`
  expect(facts).toEqual([{ count: 3 }])
  const stands = () => t.sql`select fact from prices where record = 'thrice' and ended_at is null`
  expect(await stands()).toHaveLength(1)
  await t.api("POST", "/v1/catalogue/rebuild")
  await eventually("the record derived anew", async () => ((await stands()).length === 1 ? true : undefined))
})

it("a record names the price of one product: another product's price and an override need records of their own", async () => {
  await product("TWICE-2", [{ field: "title", set: "Second" }])
  const [taken] = (await prices([{ sku: "TWICE-2", record: "twice", price: price() }])).results
  expect(taken).toMatchObject({ outcome: "refused", problems: [{ pointer: "/record" }] })
  const override = { until: days(1) }
  const over = { sku: "TWICE-1", record: "twice", price: price({ type: "sale" }), override }
  expect((await t.api("POST", "/v1/price-overrides", over)).body).toMatchObject({
    outcome: "refused",
    problems: [{ pointer: "/record" }],
  })
  expect(await ask("TWICE-1")).toMatchObject({ price: { record: "twice" } })
})

it("P-24: reports of prices of articles that nobody knows wait, however many they are", async () => {
  const rules = [own("price.*", {}, { owner: "erp" })]
  const append = () => Promise.reject(new Error("a trial appends nothing"))
  const rows = Array.from({ length: 40 }, (_, n) => ({ sku: `LATER-${n}`, record: `${n}`, price: price() as Price }))
  const writing = { sql: t.sql, clock, rules, policy: "", policies: {}, append, isDryRun: true }
  const said = { author: { name: "erp" } }
  const [report] = await writePrices(
    writing,
    rows.map((row) => ({ ...row, fact: row.record })),
    said,
  )
  expect(report).toMatchObject({ outcome: "refused", problems: [{ pointer: "/sku" }] })
  expect(report).not.toHaveProperty("rule")
  expect((await writePrices(writing, rows, said))[0]).toHaveProperty("rule")
})

it("P-25: of a batch of 250 prices 247 count, and 3 are refused each with its cause", async () => {
  const skus = Array.from({ length: 250 }, (_, n) => `BATCH-${n}`)
  await t.api("POST", "/v1/products", {
    products: skus.map((sku) => ({ sku, changes: [{ field: "title", set: sku }] })),
  })
  const rows = skus.map((sku, n) => ({ sku, record: sku, price: price({ amount: euro(n === 7 ? 0 : 1000 + n) }) }))
  rows[11] = { ...rows[11], sku: "NOBODYS", record: "NOBODYS", price: price() }
  rows[13] = { ...rows[13], sku: "BATCH-13", record: "BATCH-13", price: price({ type: "tier" }) }
  const { results } = await prices(rows)
  expect(results.filter(({ outcome }) => outcome === "accepted")).toHaveLength(247)
  expect([results[7], results[11], results[13]]).toMatchObject([
    { outcome: "refused", problems: [{ pointer: "/price/amount/amountMinor" }] },
    { outcome: "refused", problems: [{ pointer: "/sku" }] },
    { outcome: "refused", problems: [{ pointer: "/price/scope/minMilli" }] },
  ])
  const again = await prices(rows)
  expect(again.results.filter(({ outcome }) => outcome === "unchanged")).toHaveLength(247)
})

it("P-25: when most of a batch fails for one cause it stops with one exception", async () => {
  const other = await asOther("other")
  const rows = Array.from({ length: 40 }, (_, n) => ({ sku: `BATCH-${n}`, record: "theirs" + n, price: price() }))
  const { body } = await other("PUT", "/v1/prices", { prices: rows })
  expect(body.results[0]).toMatchObject({
    outcome: "refused",
    rule: "price.*",
    why: expect.stringContaining("40 of 40 rows"),
  })
  const { body: list } = await t.api("GET", "/v1/exceptions?state=open&limit=200")
  const told = (list.items ?? []).filter((one) => String(one["summary"]).includes("40 of 40 rows"))
  expect(told).toHaveLength(1)
})

it("PUBLISHING 14: a sale ends at its moment and the base price is back, with nobody doing anything", async () => {
  await product("SALE-1", [{ field: "title", set: "Sale" }])
  await prices([
    { sku: "SALE-1", record: "b", price: price() },
    {
      sku: "SALE-1",
      record: "s",
      price: price({ type: "sale", amount: euro(1499), validity: { from: days(-1), until: days(1) } }),
    },
  ])
  expect(await ask("SALE-1")).toMatchObject({ price: { record: "s", amount: euro(1499) }, changesAt: days(1) })
  expect(await ask("SALE-1", { at: days(1) })).toMatchObject({ price: { record: "b", amount: euro(1999) } })
  const { body } = await t.api("GET", `/v1/price-calendar?from=${days(0)}&until=${days(2)}`)
  expect(body.items).toMatchObject([{ edge: "ends", sku: "SALE-1", at: days(1) }])
})

it("PUBLISHING 18: the claim beside a sale price is the lowest price shown before it began, whatever is shown since", async () => {
  const shown = [
    { sku: "SALE-1", channel: "shopify", amount: euro(1799), at: days(-60) },
    { sku: "SALE-1", channel: "shopify", amount: euro(1899), at: days(-10) },
    { sku: "SALE-1", channel: "shopify", amount: euro(1499), at: days(-1) },
  ]
  await t.api("POST", "/v1/shown-prices", { prices: shown })
  const claim = { amount: euro(1799), until: days(-1), isWholeWindow: true }
  expect((await ask("SALE-1", { channel: "shopify" })).lowestBefore).toMatchObject(claim)
  expect((await ask("SALE-1", { channel: "shopify", at: days(0.9) })).lowestBefore).toMatchObject(claim)
  expect((await ask("SALE-1", { channel: "till" })).lowestBefore).toBeUndefined()
})

it("X-04: a price that is not its author's is refused with the rule, and one that is held counts once a person adopts it", async () => {
  const other = await asOther("other")
  const refused = await other("PUT", "/v1/prices", {
    prices: [{ sku: "SALE-1", record: "x", price: price({ amount: euro(1) }) }],
  })
  expect(refused.body.results).toMatchObject([
    { outcome: "refused", rule: "price.*", why: "price.base belongs to api:operator, and api:other wrote it" },
  ])
  const sale = price({ type: "sale", amount: euro(1599), scope: { market: "DE" } })
  const held = await other("PUT", "/v1/prices", { prices: [{ sku: "SALE-1", record: "de", price: sale }] })
  expect(held.body.results).toMatchObject([{ outcome: "held", rule: "price.sale for market=DE" }])
  const id = held.body.results[0]?.exceptionId ?? ""
  clock.ms += 60_000
  const again = await other("PUT", "/v1/prices", { prices: [{ sku: "SALE-1", record: "de", price: sale }] })
  clock.ms = startMs
  expect(again.body.results[0]?.exceptionId).toBe(id)
  expect(await ask("SALE-1", { market: "DE", at: days(3) })).toMatchObject({ price: { record: "b" } })
  await eventually("the exception", async () => {
    const { status } = await t.api("GET", `/v1/exceptions/${encodeURIComponent(id)}`)
    return status === 200 ? true : undefined
  })
  await t.api("POST", `/v1/exceptions/${encodeURIComponent(id)}/decision`, {
    action: "adopt the change",
    reason: "agreed",
  })
  await eventually("the adopted price", async () => {
    const found = await ask("SALE-1", { market: "DE", at: days(3) })
    return found.price?.record === "de" ? true : undefined
  })
  const { body } = await t.api("GET", "/v1/prices/SALE-1/lineage")
  expect(body.items?.[0]).toMatchObject({
    event: "price.changed",
    by: "api:other",
    rule: "price.sale for market=DE",
    record: "de",
  })
})

it("X-04: an override stays within its share and lapses at its end by itself", async () => {
  const store = await asOther("store")
  await product("PIN-1", [{ field: "title", set: "Pin" }])
  await prices([
    { sku: "PIN-1", record: "pin-s", price: price({ type: "sale", amount: euro(1000), scope: { market: "DE" } }) },
  ])
  const pin = (amountMinor: number, until: string) =>
    store("POST", "/v1/price-overrides", {
      sku: "PIN-1",
      record: "pin",
      price: price({ type: "sale", amount: euro(amountMinor), scope: { market: "DE" } }),
      override: { until, reason: "a neighbour sells it for less" },
    })
  expect((await pin(899, days(2))).body).toMatchObject({
    outcome: "refused",
    why: "an override stays within 10% of the owner's price",
  })
  expect((await pin(950, days(9))).body).toMatchObject({ outcome: "refused", why: "an override lasts at most 7d" })
  expect((await pin(950, days(2))).body).toMatchObject({ outcome: "override", rule: "price.sale for market=DE" })
  expect(await ask("PIN-1", { market: "DE" })).toMatchObject({ price: { amount: euro(950) }, changesAt: days(2) })
  clock.ms = Date.parse(days(2))
  expect(await ask("PIN-1", { market: "DE" })).toMatchObject({ price: { amount: euro(1000) } })
  clock.ms = startMs
})

it("X-04: an override that a guard held is an override when a person adopts it, and ends as one", async () => {
  const store = await asOther("store")
  await product("PIN-2", [{ field: "title", set: "Pin" }])
  await prices([
    { sku: "PIN-2", record: "pin2", price: price({ type: "sale", amount: euro(1000), scope: { market: "DE" } }) },
    { sku: "PIN-2", record: "pin2cost", price: price({ type: "cost", amount: euro(990) }) },
  ])
  const { body } = await store("POST", "/v1/price-overrides", {
    sku: "PIN-2",
    record: "pinned",
    price: price({ type: "sale", amount: euro(950), scope: { market: "DE" } }),
    override: { until: days(2) },
  })
  expect(body).toMatchObject({ outcome: "held", rule: "guard: floor" })
  const path = `/v1/exceptions/${encodeURIComponent(body.exceptionId ?? "")}`
  await eventually("the exception", async () => (await t.api("GET", path)).status === 200)
  await t.api("POST", `${path}/decision`, { action: "adopt the change", reason: "agreed" })
  await eventually(
    "the adopted override",
    async () => (await ask("PIN-2", { market: "DE" })).price?.record === "pinned",
  )
  expect(await ask("PIN-2", { market: "DE" })).toMatchObject({ price: { layer: "override" }, changesAt: days(2) })
  expect(await ask("PIN-2", { market: "DE", at: days(2) })).toMatchObject({ price: { record: "pin2" } })
})

it("PUBLISHING 24: a price that falls too far at a time is held by its guard", async () => {
  const { results } = await prices([{ sku: "SALE-1", record: "b", price: price({ amount: euro(500) }) }])
  expect(results).toMatchObject([{ outcome: "held", rule: "guard: largest change" }])
})

it("PUBLISHING 21: a product that is renamed keeps its id, its prices and its lineage; the old SKU finds it for ever", async () => {
  await product("OLD-1", [{ field: "title", set: "Old" }])
  await prices([{ sku: "OLD-1", record: "old", price: price() }])
  const { body: before } = await t.api("GET", "/v1/products/OLD-1")
  expect((await t.api("POST", "/v1/products/OLD-1/renaming", { to: "NEW-1" })).body).toMatchObject({
    outcome: "accepted",
  })
  const { body: after } = await t.api("GET", "/v1/products/NEW-1")
  expect(after).toMatchObject({ sku: "NEW-1", earlierSkus: ["OLD-1"] })
  expect((after as { productId?: string }).productId).toBe((before as { productId?: string }).productId)
  expect(await ask("OLD-1")).toMatchObject({ price: { record: "old" } })
  expect((await t.api("POST", "/v1/products/JKT-1/renaming", { to: "OLD-1" })).body).toMatchObject({
    outcome: "refused",
    why: "OLD-1 names another product, and a SKU is never given away",
  })
})

it("I-10: products and prices that are derived from the log anew are the same", async () => {
  const all = async () => ({
    products: await t.sql`select * from products order by 1`,
    values: await t.sql`select * from product_values order by 1, 2, 3, 4`,
    skus: await t.sql`select sku, product_id from product_skus order by 1`,
    prices: await t.sql`select * from prices order by 1, 2`,
    shown: await t.sql`select * from prices_shown order by 1, 2, 3, 4`,
    held: await t.sql`select * from held_changes order by 1`,
  })
  await eventually("the reader to be at the end", async () => {
    const [row] = await t.sql<{ behind: number }[]>`
      select count(*)::int as behind from events e, subscriptions s where s.name = 'catalogue' and (e.xid, e.seq) > (s.xid, s.seq)
        and e.type like any (array['product.%', 'price.%', 'change.held', 'exception.decided'])`
    return row?.behind === 0 ? true : undefined
  })
  const before = await all()
  await t.sql`update prices set price = '{"type": "base"}' where record = 'b'`
  expect((await t.api("POST", "/v1/catalogue/rebuild")).status).toBe(202)
  await eventually("the same tables", async () =>
    JSON.stringify(await all()) === JSON.stringify(before) ? true : undefined,
  )
})

it("I-10: while all is derived anew, every SKU still names its product", async () => {
  const before = await productIdsOf(t.sql, ["OLD-1", "NEW-1", "JKT-1"])
  expect(before.size).toBe(3)
  const during = inTransaction(t.sql, async (tx) => {
    await tx`select rebuild_catalogue('catalogue')`
    const rows = await tx<{ sku: string }[]>`
      select s.sku from product_skus s join products p using (product_id) where s.sku in ('OLD-1', 'NEW-1', 'JKT-1')`
    throw new Error(`as it was, with ${rows.length} SKUs`)
  })
  await expect(during).rejects.toThrow("as it was, with 3 SKUs")
})

it("S-20: a file is tried first, imported with a bad row left out, and exported as the same", async () => {
  const send = async (path: string, text: string) => {
    const answer = await fetch(t.gatewayUrl + path, {
      method: "POST",
      headers: { authorization: `Bearer ${t.key}`, "content-type": "text/csv" },
      body: text,
    })
    return (await answer.json()) as { counts: object; problems: { line: number; column: string }[] }
  }
  await send("/v1/imports/products", "sku,title,brand\nCSV-1,One,\nCSV-2,Two,North\n")
  const file =
    "sku;type;amount;currency;record\nCSV-1;base;19,99;EUR;a\nCSV-2;base;0;EUR;csv-b\nCSV-2;base;5;EUR;csv-c\nNONE;base;5;EUR;d\n"
  const tried = await send("/v1/imports/prices?dryRun=true", file)
  expect(tried).toMatchObject({
    counts: { accepted: 2, refused: 2 },
    problems: [
      { line: 3, column: "amount" },
      { line: 5, column: "sku" },
    ],
  })
  expect(await ask("CSV-1")).not.toHaveProperty("price")
  expect(await send("/v1/imports/prices", file)).toMatchObject({ counts: { accepted: 2, refused: 2 } })
  expect(await ask("CSV-1")).toMatchObject({ price: { amount: euro(1999) } })
  const exported = await fetch(`${t.gatewayUrl}/v1/exports/prices`, { headers: { authorization: `Bearer ${t.key}` } })
  const text = await exported.text()
  expect(text).toContain("CSV-1,a,base,19.99,EUR,inclusive")
  expect(await send("/v1/imports/prices", text)).toMatchObject({
    problems: [],
    counts: { unchanged: expect.any(Number) },
  })
})
