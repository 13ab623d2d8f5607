import { afterAll, beforeAll, expect, test } from "vitest"
import { control, eventually } from "../../fixtures/crossdock.ts"
import { rotterdam, startPublishing, type PublishingBench } from "../../fixtures/stock/published.ts"

let bench: PublishingBench
beforeAll(async () => {
  bench = await startPublishing({ policy: (policy) => ({ ...policy, auditWithin: { seconds: 30 } }) })
  await bench.rest()
})
afterAll(() => bench.stop())

const openCase = (sku: string) =>
  eventually(`a case of ${sku}`, async () => {
    const { body } = await bench.test.api("GET", "/v1/exceptions?state=open&limit=200")
    return body.items?.find((one) => one["sku"] === sku)
  })

test("P-08: a change is written once, and its echo from the shop settles without another message", async () => {
  const sku = "SKU-00021"
  const [before, writes] = [bench.shop.shown(sku), bench.shop.writes(sku)]
  await bench.receive(sku, 7)
  await bench.untilShown(sku, before + 7)
  await eventually("the echo is heard", async () => {
    const rows = await bench.test.sql`
      select from events where type = 'stock.shown' and (data ->> 'availableMilli')::bigint = ${(before + 7) * 1000}`
    return rows.length > 0
  })
  await bench.rest()
  expect(bench.shop.writes(sku) - writes).toBe(1)
  expect(await bench.row(sku)).toMatchObject({ state: "live", edits: 0, case_id: null })
})

test("a level that staff change in the shop is set back, and the list says who changed it last", async () => {
  const sku = "SKU-00023"
  const before = bench.shop.shown(sku)
  await bench.shop.edit(sku, before + 500)
  await bench.untilShown(sku, before)
  await bench.rest()
  expect(await bench.row(sku)).toMatchObject({ state: "live", edits: 1, observed_by: "Crossdock" })
})

test("P-08: who changes it again and again is not written over for ever: the third time it is held, and a person publishes it again", async () => {
  const sku = "SKU-00024"
  const before = bench.shop.shown(sku)
  for (const n of [1, 2]) {
    await bench.shop.edit(sku, before + n * 100)
    await bench.untilShown(sku, before)
    await bench.rest()
  }
  await bench.shop.edit(sku, before + 300)
  expect(await bench.until(sku, "held")).toMatchObject({ held_by: "guard", observed: (before + 300) * 1000 })
  const found = await openCase(sku)
  expect(found).toMatchObject({
    owner: "operations",
    cause: "stock was changed in a channel",
    because: { connection: "shopify" },
  })
  expect(bench.shop.shown(sku)).toBe(before + 300)
  const answer = await bench.test.api("POST", `/v1/exceptions/${String(found["id"])}/decision`, {
    action: "publish again",
  })
  expect(answer.status).toBeLessThan(300)
  await bench.untilShown(sku, before)
})

test(
  "PUBLISHING 11: what the shop shows otherwise without a word is found by the rolling read-back",
  { timeout: 120_000 },
  async () => {
    const sku = "SKU-00025"
    const before = bench.shop.shown(sku)
    bench.test.lab.shopify.setFaults({ dropWebhook: 1 })
    await bench.shop.edit(sku, before + 40)
    await bench.untilShown(sku, before, { withinMs: 90_000 })
    bench.test.lab.shopify.setFaults({})
  },
)

test("P-11: units that the shop sells while its order webhooks are lost are never shown again by a later change of stock", async () => {
  const sku = "SKU-00026"
  await bench.rest()
  const stock = bench.shop.total(sku)
  bench.test.lab.shopify.setFaults({ dropWebhook: 1 })
  const sold = await soldAway(sku)
  await bench.receive(sku, 3)
  await eventually("the change is shown", () => bench.shop.total(sku) === stock - sold + 3, {
    seen: async () => [stock, sold, bench.shop.total(sku), await bench.row(sku)],
  })
  const row = await bench.row(sku)
  expect(row?.["edits"]).toBe(0)
  bench.test.lab.shopify.setFaults({})
})

/** Sells one order in the shop and returns how many units of the SKU it took. */
async function soldAway(sku: string): Promise<number> {
  const before = bench.shop.total(sku)
  await control(bench.test.lab.shopify, "orders", { count: 1, skus: [sku], odd: false })
  return before - bench.shop.total(sku)
}

test("PUBLISHING 4, P-25: one bundle in a batch costs nobody anything: the shop works it out, and it is sent no number", async () => {
  await bench.rest()
  const kit = bench.test.lab.estate.skus.find(({ kind }) => kind === "kit")?.sku ?? ""
  const skus = ["SKU-00031", "SKU-00032", "SKU-00033"]
  const before = skus.map((sku) => bench.shop.shown(sku))
  await Promise.all([bench.receive(kit, 5), ...skus.map((sku) => bench.receive(sku, 5))])
  for (const [n, sku] of skus.entries()) await bench.untilShown(sku, (before[n] ?? 0) + 5)
  const row = await bench.until(kit, "derived")
  expect(row).toMatchObject({ desired: 5000, sent_version: null, observed: null, case_id: null })
  expect(row["cause"]).toBe(
    `${kit} is a bundle: the shop works its stock out from its components, and takes no number for it`,
  )
  // Its stock changes all day: nobody asks the shop about it each time.
  await bench.receive(kit, 1)
  await bench.rest()
  expect(await bench.row(kit)).toMatchObject({ marks: row["marks"], state: "derived" })
})

test("PUBLISHING 5: only articles whose stock changed are written", async () => {
  await bench.rest()
  const count = () => bench.test.lab.shopify.books()["levelChanges"]?.length ?? 0
  const before = count()
  await bench.receive("SKU-00034", 2)
  await bench.rest()
  expect(count() - before).toBe(1)
})

test("a call whose answer is lost is looked up before anything is sent again", async () => {
  const sku = "SKU-00035"
  const [before, writes] = [bench.shop.shown(sku, rotterdam), bench.shop.writes(sku)]
  bench.test.lab.shopify.setFaults({ operations: { inventorySetQuantities: { commitThenReset: 1 } } })
  await bench.receive(sku, 4)
  await bench.untilShown(sku, before + 4)
  bench.test.lab.shopify.setFaults({})
  await bench.rest()
  expect(bench.shop.writes(sku) - writes).toBe(1)
  expect(await bench.row(sku)).toMatchObject({ state: "live", observed: (before + 4) * 1000 })
})

test("two items of one SKU are a question that names both, and nothing is guessed", async () => {
  const sku = "SKU-00036"
  await control(bench.test.lab.shopify, "copies", { sku })
  await bench.test
    .sql`update published_rows set ref = null, needs_look = true, marks = marks + 1 where item = ${sku} and scope = ${rotterdam}`
  await bench.until(sku, "refused")
  expect((await openCase(sku))["summary"]).toMatch(
    /two items of the shop have the SKU SKU-00036: .*InventoryItem\/\d+ and .*InventoryItem\/\d+/,
  )
})
