import { afterAll, beforeAll, expect, test } from "vitest"
import { eventually } from "../../fixtures/crossdock.ts"
import { startCatalogueBench, swissList, type CatalogueBench } from "../../fixtures/stock/published-catalogue.ts"

const startMs = Date.UTC(2026, 10, 30, 8)
const clock = { offsetMs: startMs - Date.now(), now: () => Date.now() + clock.offsetMs }
const at = (ms: number) => new Date(clock.now() + ms).toISOString()

let bench: CatalogueBench
beforeAll(async () => {
  bench = await startCatalogueBench({ start: { clock, skuCount: 200 } })
}, 120_000)
afterAll(() => bench?.stop())

const euro = (amountMinor: number) => ({ amountMinor, currency: "EUR" })

/** An article that the catalogue knows and the shop shows at a price. */
async function priced(sku: string, amountMinor: number, more: Record<string, unknown> = {}): Promise<void> {
  await bench.product(sku, { brand: "North" })
  await bench.price(sku, amountMinor, more)
}

test("a price that its owner says is shown in the shop, and live only when it was read back there", async () => {
  await priced("SKU-00010", 4321)
  const row = await bench.until("SKU-00010", "price", { state: "live" })
  expect(bench.shown("SKU-00010").priceMinor).toBe(4321)
  expect(row).toMatchObject({
    desired: { amountMinor: 4321, currency: "EUR" },
    observed_by: "Crossdock",
    ref: expect.any(String),
  })
  await bench.price("SKU-00010", 4400)
  await eventually("the next price", () => bench.shown("SKU-00010").priceMinor === 4400)
})

test("PUBLISHING 9: a price without a compare-at takes the shop's away, in the shop's own prices and in a market's list; it is never 0", async () => {
  const scope = { market: "CH" }
  const franc = (amountMinor: number) => ({ amountMinor, currency: "CHF" })
  await priced("SKU-00011", 3000, { compareAt: { set: euro(4000) } })
  await bench.price("SKU-00011", 3300, { record: "ch", amount: franc(3300), scope, compareAt: { set: franc(4400) } })
  await bench.until("SKU-00011", "price", { state: "live" })
  await bench.until("SKU-00011", "price", { state: "live", scope: "CH" })
  expect(bench.shown("SKU-00011")).toMatchObject({
    compareAtMinor: 4000,
    lists: { [swissList]: { priceMinor: 3300, compareAtMinor: 4400 } },
  })
  await bench.price("SKU-00011", 3000)
  await bench.price("SKU-00011", 3300, { record: "ch", amount: franc(3300), scope })
  await eventually("both are taken away", () => {
    const { compareAtMinor, lists } = bench.shown("SKU-00011")
    return compareAtMinor === null && lists[swissList]?.compareAtMinor === null
  })
  await bench.until("SKU-00011", "price", { state: "live" })
  expect(JSON.stringify(bench.changes("SKU-00011"))).not.toContain('"to":0')
})

test("PUBLISHING 10: a price that ends with none after it cannot be taken away in the shop: it is held and told, not done", async () => {
  await priced("SKU-00012", 2500)
  await bench.until("SKU-00012", "price", { state: "live" })
  await bench.end("SKU-00012")
  const row = await bench.until("SKU-00012", "price", { state: "held" })
  expect(row).toMatchObject({ held_by: "guard", desired: null, observed: { amountMinor: 2500 } })
  expect(await bench.openCase("SKU-00012")).toMatchObject({ cause: "a channel shows what nobody says" })
  expect(bench.shown("SKU-00012").priceMinor).toBe(2500)
  await bench.price("SKU-00012", 2600)
  await bench.until("SKU-00012", "price", { state: "live" })
  expect(bench.shown("SKU-00012").priceMinor).toBe(2600)
})

test("P-08: a price that the staff of the shop change is set back, and the third time it is held for a person", async () => {
  await priced("SKU-00013", 1999)
  await bench.until("SKU-00013", "price", { state: "live" })
  const look = () => bench.test.sql`
    update published_rows set needs_look = true, marks = marks + 1 where aspect = 'price' and item = 'SKU-00013'`
  for (const n of [1, 2]) {
    await bench.edit("SKU-00013", { priceMinor: 100 * n })
    await look()
    await eventually("set back", () => bench.shown("SKU-00013").priceMinor === 1999)
    await bench.until("SKU-00013", "price", { state: "live" })
  }
  await bench.edit("SKU-00013", { priceMinor: 333 })
  await look()
  expect(await bench.until("SKU-00013", "price", { state: "held" })).toMatchObject({ held_by: "guard" })
  const found = await bench.openCase("SKU-00013")
  expect(found).toMatchObject({ cause: "a price was changed in a channel", because: { operation: "publish prices" } })
  await bench.test.api("POST", `/v1/exceptions/${String(found["id"])}/decision`, { action: "publish again" })
  await eventually("published again", () => bench.shown("SKU-00013").priceMinor === 1999)
})

test("PUBLISHING 14: a sale begins and ends in the shop at its moments, by the clock alone, and the time it took is counted from then", async () => {
  await priced("SKU-00014", 5000)
  await bench.until("SKU-00014", "price", { state: "live" })
  const validity = { from: at(60_000), until: at(120_000) }
  await bench.price("SKU-00014", 3900, { record: "sale", type: "sale", validity })
  await eventually("its next moment is known", async () => {
    const why = (await bench.row("SKU-00014", "price"))?.["why"] as { nextAt?: string } | undefined
    return why?.nextAt === validity.from
  })
  expect(bench.shown("SKU-00014").priceMinor).toBe(5000)
  clock.offsetMs += 60_000
  await eventually("the sale", () => bench.shown("SKU-00014").priceMinor === 3900)
  const row = await bench.until("SKU-00014", "price", { state: "live" })
  expect(row["effective_at"]).toEqual(new Date(validity.from))
  clock.offsetMs += 60_000
  await eventually("its end", () => bench.shown("SKU-00014").priceMinor === 5000)
  await eventually("both moments are told", async () => {
    const { body } = await bench.test.api("GET", "/v1/channels")
    const moments = (
      body as unknown as { moments: { moment: string; rows: number; skewMs: number; channels: object }[] }
    ).moments
    return [validity.until, validity.from].every((moment) =>
      moments.some((one) => one.moment === moment && one.rows === 1 && "shopify" in one.channels),
    )
  })
})

test("a price without tax is never shown in a channel whose prices include it: its row waits and says why", async () => {
  const before = bench.shown("SKU-00017").priceMinor
  await priced("SKU-00017", 1234, { taxBasis: "exclusive" })
  await eventually("its row says why", async () => {
    return JSON.stringify((await bench.row("SKU-00017", "price")) ?? null).includes("tax exclusive")
  })
  expect(await bench.row("SKU-00017", "price")).toMatchObject({ state: "waiting", desired: null })
  expect(bench.shown("SKU-00017").priceMinor).toBe(before)
})

test("PUBLISHING 11: a price that the shop accepts and never shows is not live; it is read again and people are told", async () => {
  await priced("SKU-00015", 1500)
  await bench.until("SKU-00015", "price", { state: "live" })
  await bench.showing({ swallow: ["SKU-00015"] })
  await bench.price("SKU-00015", 1600)
  await bench.until("SKU-00015", "price", { state: "accepted" })
  await eventually("given up", async () => {
    clock.offsetMs += 130_000
    return (await bench.row("SKU-00015", "price"))?.["state"] === "refused"
  })
  expect(await bench.openCase("SKU-00015")).toMatchObject({ cause: "a channel refuses prices" })
  expect(bench.changes("SKU-00015").filter(({ to }) => to === 1600)).toHaveLength(1)
  await bench.showing({ swallow: [] })
})

test("PUBLISHING 25, P-25: all prices of a list of over a hundred are sent, and an article that the shop lacks costs itself alone", async () => {
  const plain = bench.test.lab.estate.skus.filter(({ kind }) => kind === "plain")
  const skus = plain.slice(20, 140).map(({ sku }) => sku)
  expect(skus).toHaveLength(120)
  const rows = [...skus, "NO-SUCH"].map((sku) => ({ sku, changes: [{ field: "brand", set: "North" }] }))
  await bench.test.api("POST", "/v1/products", { products: rows })
  const prices = [...skus, "NO-SUCH"].map((sku, n) => ({
    sku,
    record: `${sku}/ch`,
    price: {
      type: "base",
      amount: { amountMinor: 10_000 + n, currency: "CHF" },
      taxBasis: "inclusive",
      scope: { market: "CH" },
      validity: {},
    },
  }))
  await bench.test.api("PUT", "/v1/prices", { prices })
  await eventually(
    "all of them",
    () => skus.every((sku, n) => bench.shown(sku).lists[swissList]?.priceMinor === 10_000 + n),
    { withinMs: 60_000 },
  )
  await eventually("the one that is not there", async () => {
    return (await bench.row("NO-SUCH", "price", "CH"))?.["state"] === "unmapped"
  })
})

test("the list of what is published and the command line's route show prices beside everything else", async () => {
  const { body } = await bench.test.api("GET", "/v1/channels/shopify/published?aspect=price&sku=SKU-00010")
  expect(body.items).toEqual([
    expect.objectContaining({
      aspect: "price",
      market: "",
      desired: expect.objectContaining({ value: { amountMinor: 4400, currency: "EUR" } }),
    }),
    expect.objectContaining({ aspect: "price", market: "CH", state: "waiting" }),
  ])
  const channels = await bench.test.api("GET", "/v1/channels")
  expect(channels.body.items?.map(({ aspect }) => aspect)).toEqual(["price", "product"])
})
