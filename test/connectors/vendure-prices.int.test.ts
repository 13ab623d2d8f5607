import { afterAll, afterEach, beforeAll, expect, test } from "vitest"
import { money } from "../../src/base/money.ts"
import type { PriceOfChannel } from "../../src/ports/capabilities/prices.ts"
import { price, startVendureCatalogueBench, type VendureCatalogueBench } from "../laws/vendure-catalogue-bench.ts"
import { connectVendure } from "../laws/subjects/vendure.ts"

// Prices as Vendure has them: one for each channel and currency, nothing is compared, and a mutation takes all or none.
let bench: VendureCatalogueBench
beforeAll(async () => {
  bench = await startVendureCatalogueBench()
})
afterAll(() => bench?.stop())
afterEach(() => bench.simulator.setFaults({}))

const call = () => ({ key: "price", signal: AbortSignal.timeout(10_000), correlation: "test" })
const eur = (minor: number) => money(minor, "EUR")
const publish = (...items: PriceOfChannel[]) => bench.prices.publishPrices.send(items, call())
const changes = () => bench.simulator.books()["priceChanges"]?.length ?? 0

test("a price of a market is written in its channel and currency alone", async () => {
  const before = bench.priceOf("ART-1", "EUR")
  const outcomes = await publish(
    price("ART-1", money(1990, "CHF"), { market: "CH" }),
    price("ART-1", money(2190, "USD"), { market: "US" }),
  )
  expect(outcomes.map(({ kind }) => kind)).toEqual(["done", "done"])
  expect(bench.priceOf("ART-1", "CHF", "2")?.price).toBe(1990)
  expect(bench.priceOf("ART-1", "USD", "1")?.price).toBe(2190)
  expect(bench.priceOf("ART-1", "EUR")).toEqual(before)
})

test("PUBLISHING 9: a crossed-out price is written with its price, and taken away with the next one that has none", async () => {
  await publish(price("ART-2", eur(1500), { compareAt: eur(2000) }))
  expect(bench.priceOf("ART-2", "EUR")).toEqual({ price: 1500, compareAt: 2000 })
  const [found] = await bench.prices.readPrices([{ sku: "ART-2" }], call())
  expect(found).toMatchObject({ kind: "done", outcome: { amount: eur(1500), compareAt: eur(2000) } })
  await publish(price("ART-2", eur(1500)))
  expect(bench.priceOf("ART-2", "EUR")).toEqual({ price: 1500, compareAt: null })
})

test("a shop without a field for it refuses a crossed-out price, and its price is not written", async () => {
  const plain = connectVendure(bench.simulator.url, undefined, { prices: { currency: "EUR" } })
  const before = bench.priceOf("ART-3", "EUR")
  const item = price("ART-3", eur(900), { compareAt: eur(1000) })
  const [outcome] = (await plain.publishesPrices?.publishPrices.send([item], call())) ?? []
  plain.close()
  expect(outcome).toMatchObject({ kind: "rejected", problems: [{ pointer: "/compareAt" }] })
  expect(bench.priceOf("ART-3", "EUR")).toEqual(before)
})

test("where the shop has no price in a currency yet that is what is read, and it can be set", async () => {
  const place = { sku: "ART-4", market: "US" }
  const [none] = await bench.prices.readPrices([place], call())
  expect(none).toEqual({
    kind: "done",
    outcome: { reference: expect.objectContaining({ type: "variant" }) },
  })
  await publish(price("ART-4", money(100, "USD"), { market: "US" }))
  const [one] = await bench.prices.readPrices([place], call())
  expect(one).toMatchObject({ kind: "done", outcome: { amount: money(100, "USD") } })
})

test("prices whose channel has them net are refused as gross ones, in reading too", async () => {
  await bench.staff("POST", "variants", { sku: "TRADED", channelIds: ["1", "3"] })
  const place = { sku: "TRADED", market: "TRADE" }
  const [refused] = await publish(price("TRADED", eur(500), { ...place, taxBasis: "inclusive" }))
  expect(refused).toMatchObject({ kind: "rejected", problems: [{ pointer: "/taxBasis" }] })
  const [unread] = await bench.prices.readPrices([{ ...place, taxBasis: "inclusive" }], call())
  expect(unread).toMatchObject({ kind: "rejected" })
  const [done] = await publish(price("TRADED", eur(500), { ...place, taxBasis: "exclusive" }))
  expect(done).toMatchObject({ kind: "done" })
  expect(bench.priceOf("TRADED", "EUR", "3")?.price).toBe(500)
})

test("what is right already is not sent", async () => {
  await publish(price("ART-5", eur(700)))
  const before = changes()
  expect(await publish(price("ART-5", eur(700)))).toMatchObject([{ kind: "done" }])
  expect(changes()).toBe(before)
})

test("P-25: variants that are deleted between the reading and the write cost themselves alone", async () => {
  bench.simulator.setFaults({ operations: { updateProductVariants: { latencyMs: { p50: 300, p99: 310 } } } })
  const skus = Array.from({ length: 20 }, (_, n) => `ART-${20 + n}`)
  const sending = publish(...skus.map((sku, n) => price(sku, eur(4000 + n))))
  await new Promise((resolve) => setTimeout(resolve, 120))
  for (const sku of ["ART-23", "ART-31"]) await bench.staff("DELETE", "variants", { sku })
  const outcomes = await sending
  const refused = skus.filter((_sku, n) => outcomes[n]?.kind !== "done")
  expect(refused).toEqual(["ART-23", "ART-31"])
  expect(outcomes[3]).toMatchObject({ kind: "rejected", code: "ARTICLE_UNKNOWN" })
  expect(bench.priceOf("ART-39", "EUR")?.price).toBe(4019)
})

test("an error inside the shop about one variant costs it alone, and says the shop's words", async () => {
  await bench.staff("PUT", "breaks", { skus: ["ART-51"] })
  const outcomes = await publish(...[50, 51, 52].map((n) => price(`ART-${n}`, eur(5000 + n))))
  await bench.staff("PUT", "breaks", { skus: [] })
  expect(outcomes.map(({ kind }) => kind)).toEqual(["done", "rejected", "done"])
  expect(outcomes[1]).toMatchObject({ message: expect.stringContaining("Cannot read properties") })
})

test("P-25: a shop that refuses everything refuses each, and nothing is there", async () => {
  const skus = Array.from({ length: 40 }, (_, n) => `ART-${60 + n}`)
  await bench.staff("PUT", "breaks", { skus })
  const before = changes()
  const outcomes = await publish(...skus.map((sku) => price(sku, eur(1))))
  expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(["rejected"]))
  await bench.staff("PUT", "breaks", { skus: [] })
  expect(changes()).toBe(before)
})

test("a second channel whose answer is lost leaves the first one's prices done", async () => {
  const items = [price("ART-7", eur(710)), price("ART-7", money(720, "CHF"), { market: "CH" })]
  bench.simulator.setFaults({ operations: { updateProductVariants: { latencyMs: { p50: 800, p99: 810 } } } })
  const outcomes = await bench.prices.publishPrices.send(items, { ...call(), signal: AbortSignal.timeout(1300) })
  expect(outcomes.map(({ kind }) => kind)).toEqual(["done", "unknown"])
})

test("lists that are the same prices by another name of the channel are found in the check, and neither is written", async () => {
  const shop = connectVendure(bench.simulator.url, undefined, {
    prices: { currency: "EUR", lists: { BE: { channel: "lab-default", currency: "EUR" } } as never },
  })
  await expect(shop.check()).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    problems: [{ pointer: "/prices/lists/BE" }],
  })
  const before = bench.priceOf("ART-8", "EUR")
  for (const market of [{}, { market: "BE" }]) {
    const [outcome] = (await shop.publishesPrices?.publishPrices.send([price("ART-8", eur(1), market)], call())) ?? []
    expect(outcome).toMatchObject({ kind: "rejected", problems: [{ pointer: "/market" }] })
  }
  shop.close()
  expect(bench.priceOf("ART-8", "EUR")).toEqual(before)
})

test("two markets with one place of the shop, or a currency of which nobody said how the shop writes it, are refused at once", () => {
  const connect = (prices: object) => () => connectVendure(bench.simulator.url, undefined, { prices: prices as never })
  expect(connect({ currency: "EUR", lists: { BE: { currency: "EUR" } } })).toThrow("/prices/lists/BE")
  expect(connect({ currency: "JPY" })).toThrow("moneyDigits")
})

test("P-45: a price that differs below our minor unit is not right, and is written", async () => {
  const shop = connectVendure(bench.simulator.url, undefined, { prices: { currency: "EUR" }, moneyDigits: 3 })
  await bench.staff("PUT", "prices", { sku: "ART-9", currencyCode: "EUR", price: 12_345 })
  const item = price("ART-9", eur(1235))
  expect(await shop.publishesPrices?.publishPrices.probe([item], call())).toEqual([undefined])
  expect(await shop.publishesPrices?.publishPrices.send([item], call())).toMatchObject([{ kind: "done" }])
  shop.close()
  expect(bench.priceOf("ART-9", "EUR")?.price).toBe(12_350)
})

test("a channel, a currency or a field that the shop lacks is found when the connection is checked", async () => {
  const check = async (prices: object) => {
    const shop = connectVendure(bench.simulator.url, undefined, { prices: prices as never })
    return shop.check().finally(() => shop.close())
  }
  await expect(
    check({ currency: "EUR", lists: { CH: { channel: "lab-swiss", currency: "CHF" } } }),
  ).resolves.toBeUndefined()
  const wrong = { currency: "GBP", lists: { CH: { channel: "lab-swizz", currency: "CHF" } } }
  await expect(check(wrong)).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    problems: [{ pointer: "/prices/currency" }, { pointer: "/prices/lists/CH" }],
  })
})
