import { afterAll, beforeAll, expect, test } from "vitest"
import { own } from "../../../src/governance/ownership/own.ts"
import { control, eventually } from "../../fixtures/crossdock.ts"
import { rules, startCatalogueBench, type CatalogueBench } from "../../fixtures/stock/published-catalogue.ts"

let bench: CatalogueBench
beforeAll(async () => {
  bench = await startCatalogueBench({
    ownership: [
      ...rules.filter(({ field }) => field !== "product.seo"),
      own("product.seo", {}, { owner: "shopify" }),
      own("product.description", {}, { owner: "api:operator" }),
      own("product.title", {}, { owner: "api:operator", to: ["shopify"], foreign: "hold" }),
    ],
  })
}, 120_000)
afterAll(() => bench?.stop())

const look = (sku: string) => bench.test.sql`
  update published_rows set needs_look = true, marks = marks + 1 where aspect = 'product' and item = ${sku}`

test("a title and a state that their owner says are shown in the shop", async () => {
  await bench.product("SKU-00010", { title: "Linen Shirt", state: "draft" })
  await bench.until("SKU-00010", "product", { state: "live", scope: "title" })
  await bench.until("SKU-00010", "product", { state: "live", scope: "state" })
  expect(bench.shown("SKU-00010")).toMatchObject({ title: "Linen Shirt", status: "DRAFT" })
})

test("PUBLISHING 19: what is recalled is taken off sale, and what is withdrawn is archived and not deleted", async () => {
  await bench.product("SKU-00011", { state: "recalled" })
  await eventually("it is off sale", () => bench.shown("SKU-00011").status === "DRAFT")
  await bench.product("SKU-00011", { state: "withdrawn" })
  await eventually("it is archived", () => bench.shown("SKU-00011").status === "ARCHIVED")
})

test("X-04: a field that nobody sends to the shop, or that is the shop's own, is never written, whatever the catalogue says of it", async () => {
  await bench.product("SKU-00012", { title: "Wool Rug", description: "<p>Ours</p>", brand: "North", state: "active" })
  await bench.until("SKU-00012", "product", { state: "live", scope: "title" })
  await bench.until("SKU-00012", "product", { state: "live", scope: "state" })
  expect(bench.changes("SKU-00012").map(({ field }) => field)).toEqual(["title"])
  expect(bench.shown("SKU-00012")).toMatchObject({ descriptionHtml: "", vendor: "Lab" })
  expect(await bench.row("SKU-00012", "product", "description")).toBeUndefined()
})

test("X-04: the rule of the field's owner answers an edit in the shop: a state is restored, a title is held until a person decides", async () => {
  await bench.product("SKU-00013", { title: "Oak Chair", state: "active" })
  await bench.until("SKU-00013", "product", { state: "live", scope: "title" })
  await bench.until("SKU-00013", "product", { state: "live", scope: "state" })
  await bench.edit("SKU-00013", { title: "Chair!!", status: "ARCHIVED" })
  await look("SKU-00013")
  await eventually("its state is restored", () => bench.shown("SKU-00013").status === "ACTIVE")
  expect(await bench.until("SKU-00013", "product", { state: "held", scope: "title" })).toMatchObject({
    held_by: "owner",
  })
  expect(bench.shown("SKU-00013").title).toBe("Chair!!")
  const found = await bench.openCase("SKU-00013")
  expect(found).toMatchObject({ cause: "a product was changed in a channel" })
  await bench.test.api("POST", `/v1/exceptions/${String(found["id"])}/decision`, { action: "publish again" })
  await eventually("published again", () => bench.shown("SKU-00013").title === "Oak Chair")
})

test("P-25: a title that the shop refuses costs its field alone; the state beside it is shown", async () => {
  await bench.product("SKU-00014", { title: "  ", state: "draft" })
  await bench.until("SKU-00014", "product", { state: "refused", scope: "title" })
  await bench.until("SKU-00014", "product", { state: "live", scope: "state" })
  expect(bench.shown("SKU-00014").status).toBe("DRAFT")
  expect(await bench.openCase("SKU-00014")).toMatchObject({ cause: "a channel refuses products" })
})

test("PUBLISHING 22: a SKU that the shop has already is bound by its SKU; one that it has twice is asked about, and neither is written", async () => {
  await control(bench.test.lab.shopify, "copies", { sku: "SKU-00015" })
  await bench.product("SKU-00015", { title: "Which one" })
  await bench.until("SKU-00015", "product", { state: "refused", scope: "title" })
  expect(await bench.openCase("SKU-00015")).toMatchObject({
    summary: expect.stringContaining("two variants of the shop"),
  })
  expect(bench.changes("SKU-00015")).toEqual([])
})

test("a product that is sold as variants is found by them, and the texts of a variant are not written over those of its product", async () => {
  await bench.product("SKU-00016", {
    title: "Mug, blue",
    variantOf: { sku: "MUG", options: [{ name: "Colour", value: "Blue" }] },
  })
  await bench.product("MUG", { title: "Mug" })
  await eventually("the product's title", () => bench.shown("SKU-00016").title === "Mug")
  expect(await bench.row("SKU-00016", "product", "title")).toMatchObject({ state: "waiting" })
  expect(bench.changes("SKU-00016").map(({ to }) => to)).toEqual(["Mug"])
})

test("the first load publishes what the catalogue knows, part by part", async () => {
  await bench.test.sql`delete from published_rows where item = 'SKU-00010'`
  const plan = await bench.test.api("POST", "/v1/operations", {
    kind: "load products",
    spec: { channel: "shopify" },
    reason: "first load",
  })
  expect(plan.status).toBe(201)
  const { id, hash } = plan.body as unknown as { id: string; hash: string }
  await bench.test.api("POST", `/v1/operations/${id}/run`, { hash })
  await bench.until("SKU-00010", "product", { state: "live", scope: "title" })
})
