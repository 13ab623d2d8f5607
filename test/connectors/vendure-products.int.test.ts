import { afterAll, afterEach, beforeAll, expect, test } from "vitest"
import type { ContentOfProduct } from "../../src/ports/capabilities/products.ts"
import { product, startVendureCatalogueBench, type VendureCatalogueBench } from "../laws/vendure-catalogue-bench.ts"
import { connectVendure } from "../laws/subjects/vendure.ts"

// Products as Vendure has them: texts by language, for sale or not, the same in all channels.
let bench: VendureCatalogueBench
beforeAll(async () => {
  bench = await startVendureCatalogueBench()
})
afterAll(() => bench?.stop())
afterEach(() => bench.simulator.setFaults({}))

const call = () => ({ key: "product", signal: AbortSignal.timeout(10_000), correlation: "test" })
const publish = (...items: ContentOfProduct[]) => bench.products.publishProducts.send(items, call())
const text = (sku: string, language = "de") =>
  bench.productOf(sku)?.translations.find(({ languageCode }) => languageCode === language)

test("PUBLISHING 20: the texts of one language are written, and those of another stay", async () => {
  const english = text("ART-1", "en")
  const [outcome] = await publish(product("ART-1", { title: "Hemd, blau", description: "<p>Leinen</p>" }))
  expect(outcome).toMatchObject({ kind: "done", outcome: { fields: { title: "Hemd, blau", state: "active" } } })
  expect(text("ART-1")).toMatchObject({ name: "Hemd, blau", slug: "hemd-blau", description: "<p>Leinen</p>" })
  expect(text("ART-1", "en")).toEqual(english)
})

test("a title that changes leaves the address and the description as they are", async () => {
  await publish(product("ART-2", { title: "Hose", description: "Wolle" }))
  await publish(product("ART-2", { title: "Hose, lang" }))
  expect(text("ART-2")).toMatchObject({ name: "Hose, lang", slug: "hose", description: "Wolle" })
  await publish(product("ART-2", { description: "" }))
  expect(text("ART-2")).toMatchObject({ name: "Hose, lang", description: "" })
})

test("PUBLISHING 19: what is withdrawn is not for sale any more, and is read as the shop has it", async () => {
  const [outcome] = await publish(product("ART-3", { state: "archived" }))
  expect(outcome).toMatchObject({ kind: "done", outcome: { fields: { state: "draft" } } })
  expect(bench.productOf("ART-3")?.enabled).toBe(false)
  expect(bench.products.states).toEqual(["active", "draft"])
  const changes = bench.simulator.books()["productChanges"]?.length
  await publish(product("ART-3", { state: "archived" }))
  expect(bench.simulator.books()["productChanges"]?.length).toBe(changes)
})

test("a product is known by its variants, and one variant's texts are never written", async () => {
  const [one] = await publish(product("TEE-S", { title: "Eine" }))
  expect(one).toMatchObject({ kind: "rejected", code: "VENDOR_CONFLICT", problems: [{ pointer: "/variants" }] })
  const [all] = await publish(product("TEE", { title: "Hemd" }, ["TEE-S", "TEE-M"]))
  expect(all).toMatchObject({ kind: "done" })
  expect(text("TEE-M")?.name).toBe("Hemd")
})

test("a product that has more variants than ours, or that two of ours are, is not written", async () => {
  const before = text("TEE-M")
  const [some] = await publish(product("TEE", { title: "Halb" }, ["TEE-S"]))
  expect(some).toMatchObject({ kind: "rejected", code: "VENDOR_CONFLICT", problems: [{ pointer: "/variants" }] })
  expect(text("TEE-M")).toEqual(before)
  const both = await publish(product("ART-5", { title: "Eins" }), product("FIVE", { title: "Zwei" }, ["ART-5"]))
  expect(both).toMatchObject([
    { kind: "rejected", code: "VENDOR_CONFLICT" },
    { kind: "rejected", code: "VENDOR_CONFLICT" },
  ])
  expect(text("ART-5")).toBeUndefined()
})

test("products of one title in one call have each an address of its own", async () => {
  const titles = ["Hüte", "HÜTE!", "Hu\u0308te", "Huete"]
  await publish(...titles.map((title, n) => product(`ART-${30 + n}`, { title })))
  const slugs = titles.map((_title, n) => text(`ART-${30 + n}`)?.slug)
  expect(slugs).toEqual(["huete", "huete-art-31", "huete-art-32", "huete-art-33"])
  // In calls of their own the shop itself tells them apart.
  await publish(product("ART-34", { title: "Hüte" }))
  expect(text("ART-34")?.slug).toBe("huete-2")
})

test("what nobody has written in the language is read as empty", async () => {
  const [found] = await bench.products.readProducts([{ sku: "ART-4", variants: [] }], call())
  expect(found).toMatchObject({ kind: "done", outcome: { fields: { title: "", description: "", state: "active" } } })
})

test("P-25: a product about which the shop fails costs itself alone", async () => {
  await bench.staff("PUT", "breaks", { skus: ["ART-11"] })
  const outcomes = await publish(...[10, 11, 12].map((n) => product(`ART-${n}`, { title: `Ware ${n}` })))
  await bench.staff("PUT", "breaks", { skus: [] })
  expect(outcomes.map(({ kind }) => kind)).toEqual(["done", "rejected", "done"])
})

test("a language that the shop does not have is found when the connection is checked", async () => {
  const check = async (language: string) => {
    const shop = connectVendure(bench.simulator.url, undefined, { products: { language } })
    return shop.check().finally(() => shop.close())
  }
  await expect(check("de")).resolves.toBeUndefined()
  await expect(check("fr")).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    problems: [{ pointer: "/products/language" }],
  })
})
