import { afterAll, beforeAll, expect, it } from "vitest"
import { catalogueToken, catalogueWebhookSecret, startCatalogue } from "../../lab/catalogue/catalogue.ts"
import type { Simulator } from "../../lab/simulator.ts"
import { catalogueHttp } from "../../src/connectors/catalogue-http/connector.ts"
import { own } from "../../src/governance/ownership/own.ts"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"

let t: TestCrossdock
let pim: Simulator
let engine: Simulator
const euro = (amountMinor: number) => ({ amountMinor, currency: "EUR" })

beforeAll(async () => {
  pim = await startCatalogue({ seed: 7 })
  engine = await startCatalogue({ seed: 8 })
  const connection = (url: string) => ({
    connector: catalogueHttp,
    settings: {
      baseUrl: url,
      token: catalogueToken,
      webhookSecrets: [catalogueWebhookSecret],
      allowPrivateNetwork: true,
    },
    pollEveryMs: 300,
  })
  t = await startTestCrossdock({
    estate: (estate) => ({
      ...estate,
      connections: { ...estate.connections, pim: connection(pim.url), prices: connection(engine.url) },
      ownership: [
        own("product.*", {}, { owner: "pim", to: ["shopify"], foreign: "alert" }),
        own("price.*", {}, { owner: "prices", to: ["shopify"], foreign: "alert" }),
        own("promotion.terms", {}, { owner: "prices", to: ["shopify"] }),
        own("stock.*", {}, { owner: "warehouse" }),
      ],
    }),
  })
  pim.setWebhookTarget(`${t.gatewayUrl}/hooks/pim`)
  engine.setWebhookTarget(`${t.gatewayUrl}/hooks/prices`)
}, 120_000)
afterAll(() => Promise.all([t?.stop(), pim?.stop(), engine?.stop()]))

/** A field `silently` loses the webhook. */
async function says(
  system: Simulator,
  type: string,
  { silently, occurredAt, ...fields }: Record<string, unknown>,
): Promise<void> {
  const answer = await fetch(`${system.url}/__lab/events`, {
    method: "POST",
    body: JSON.stringify({ type, fields, silently, occurredAt }),
  })
  expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)])
}
const valueOf = async (sku: string, field: string, place = "") => {
  const { body } = await t.api("GET", `/v1/products/${sku}${place}`)
  const { values = [] } = body as unknown as { values?: { field: string; value?: unknown; by: string }[] }
  return values.find((one) => one.field === field)
}
const priceOf = async (sku: string) => {
  const { body } = await t.api("POST", "/v1/prices/query", { items: [{ sku, currency: "EUR" }] })
  return (body.items?.[0] as { price?: { amount: { amountMinor: number }; record: string } } | undefined)?.price
}
const changedCount = async () => {
  const [row] = await t.sql<
    { count: number }[]
  >`select count(*)::int as count from events where type in ('product.changed', 'price.changed')`
  return row?.count
}

it("a product and its price come from their owners by webhook, and what a lost webhook said by the list", async () => {
  await says(pim, "product.changed", {
    sku: "COAT",
    version: 1,
    fields: [{ field: "title", locale: "de", value: "Mantel" }],
  })
  await says(engine, "price.set", {
    priceId: "c1",
    version: 1,
    sku: "COAT",
    kind: "base",
    amount: euro(9900),
    tax: "inclusive",
  })
  await eventually("the price", async () => (await priceOf("COAT"))?.record === "c1")
  expect(await valueOf("COAT", "title", "?locale=de")).toMatchObject({ value: "Mantel", by: "pim" })
  await says(engine, "price.set", {
    priceId: "c1",
    version: 2,
    sku: "COAT",
    kind: "base",
    amount: euro(8900),
    tax: "inclusive",
    silently: true,
  } as const)
  await eventually("the price that only the list has", async () => (await priceOf("COAT"))?.amount.amountMinor === 8900)
})

it("PUBLISHING 5: a full import of what is known changes nothing", async () => {
  await says(pim, "product.changed", {
    sku: "COAT",
    version: 2,
    fields: [{ field: "title", locale: "de", value: "Mantel" }],
  })
  const before = await changedCount()
  await says(pim, "product.changed", {
    sku: "COAT",
    version: 3,
    fields: [{ field: "title", locale: "de", value: "Mantel" }],
  })
  await eventually("the third report", async () => {
    const [row] = await t.sql`select from events where fact = 'pim:product:COAT:v3'`
    return row !== undefined
  })
  await says(pim, "product.changed", { sku: "HAT", version: 1, fields: [{ field: "title", value: "Hat" }] })
  await eventually("the next product, judged after it", async () => (await valueOf("HAT", "title"))?.value === "Hat")
  expect(await changedCount()).toBe((before ?? 0) + 1)
})

it("PUBLISHING 19: a product that its source deleted is withdrawn, and nothing of it is lost", async () => {
  await says(pim, "product.removed", { sku: "HAT", version: 2 })
  await eventually("the state", async () => (await valueOf("HAT", "state"))?.value === "withdrawn")
  expect(await valueOf("HAT", "title")).toMatchObject({ value: "Hat" })
})

it("X-04: a connection that writes a field it does not own is refused with the rule, and people are told once", async () => {
  await says(engine, "product.changed", { sku: "COAT", version: 9, fields: [{ field: "brand", value: "Theirs" }] })
  const told = await eventually("the exception", async () => {
    const { body } = await t.api("GET", "/v1/exceptions?state=open&limit=200")
    return (body.items ?? []).find(({ cause }) => cause === "field is not theirs")
  })
  expect(told).toMatchObject({
    owner: "merchandising",
    summary: expect.stringContaining("refused by the rule product.*"),
  })
  expect(await valueOf("COAT", "brand")).toBeUndefined()
})

it("P-24: a price of an article that nobody knows waits for it, and counts when the product comes", async () => {
  await says(engine, "price.set", {
    priceId: "g1",
    version: 1,
    sku: "GLOVE-01",
    kind: "base",
    amount: euro(1900),
    tax: "inclusive",
  })
  await eventually("the failed report", async () => {
    const [row] = await t.sql<
      { error: { message: string } | null }[]
    >`select error from subscription_backlog where key = 'price/GLOVE-01'`
    return row?.error?.message.includes("no product has the SKU GLOVE-01")
  })
  await says(pim, "product.changed", { sku: "GLOVE-01", version: 1, fields: [{ field: "title", value: "Glove" }] })
  await eventually("the price", async () => (await priceOf("GLOVE-01"))?.record === "g1", { withinMs: 40_000 })
}, 60_000)

it("PUBLISHING 21: an article that was renamed before we knew it has its new name, and the old one is no product", async () => {
  await says(pim, "product.changed", {
    sku: "CAPE-2",
    version: 5,
    renamedFrom: "CAPE",
    fields: [{ field: "title", value: "Cape" }],
  })
  await eventually("the product", async () => (await valueOf("CAPE-2", "title"))?.value === "Cape")
  expect((await t.api("GET", "/v1/products/CAPE")).status).toBe(404)
})

it("what a system with a clock that is ahead said holds up nothing that is said later", async () => {
  const title = (version: number, value: string, more: object = {}) =>
    says(pim, "product.changed", { sku: "CAPE-2", version, fields: [{ field: "title", value }], ...more })
  await title(6, "Next year", { occurredAt: "2099-01-01T00:00:00.000Z", silently: true })
  await eventually("the title of 2099", async () => (await valueOf("CAPE-2", "title"))?.value === "Next year")
  await title(7, "Today")
  await eventually("the title of today", async () => (await valueOf("CAPE-2", "title"))?.value === "Today")
})

it("PUBLISHING 21: stock and open orders follow an article that gets another SKU", async () => {
  const [row] = t.lab.estate.stock.filter(({ onHandMilli }) => onHandMilli > 5000)
  const sku = row?.sku ?? ""
  await says(pim, "product.changed", { sku, version: 1, fields: [{ field: "title", value: "Renamed" }] })
  await eventually("the product", async () => (await valueOf(sku, "title"))?.value === "Renamed")
  const available = async (name: string) => {
    const { body } = await t.api("GET", `/v1/availability?sku=${name}`)
    return body.items?.[0] as { sku: string; onHandMilli: number; isKnown: boolean }
  }
  const before = await available(sku)
  await says(pim, "product.changed", {
    sku: "NEW-NAME",
    version: 2,
    renamedFrom: sku,
    fields: [{ field: "brand", value: "B" }],
  })
  await eventually("the stock under its new name", async () => (await available("NEW-NAME")).isKnown)
  expect(await available("NEW-NAME")).toMatchObject({ sku: "NEW-NAME", onHandMilli: before.onHandMilli })
  const movement = {
    kind: "receipt",
    fact: "after:1",
    sku: "NEW-NAME",
    locationId: row?.locationId,
    milli: 3000,
    occurredAt: new Date().toISOString(),
  }
  expect((await t.api("POST", "/v1/stock-movements", { movements: [movement] })).status).toBe(200)
  await eventually(
    "one stock under both names",
    async () => (await available(sku)).onHandMilli === before.onHandMilli + 3000,
  )
  expect((await available("NEW-NAME")).onHandMilli).toBe(before.onHandMilli + 3000)
})
