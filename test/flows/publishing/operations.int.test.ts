import { afterAll, beforeAll, expect, test } from "vitest"
import { newestVersion } from "../../../src/gateway/phases/versions.ts"
import { control, eventually } from "../../fixtures/crossdock.ts"
import { rotterdam, startPublishing, type PublishingBench } from "../../fixtures/stock/published.ts"

let bench: PublishingBench
let approver: string
beforeAll(async () => {
  bench = await startPublishing()
  const { consumers, access } = bench.test.crossdock
  const rights = { owner: "tests", scopes: ["*"], ratePerSecond: 5000, burst: 10_000, apiVersion: newestVersion }
  await consumers.put({ id: "approver", name: "Somebody else", ...rights })
  approver = (await consumers.addKey("approver")).key
  await access.refresh()
  await bench.rest()
})
afterAll(() => bench.stop())

interface Operation {
  id: string
  hash: string
  state: string
  total: number
  says: string[]
  endedWhy?: string
  counts?: Record<string, number>
}

/** Previews, runs and, where it is asked for, has another person approve; returns the operation at its end. */
async function operate(kind: string, spec: object): Promise<Operation> {
  const { api, gatewayUrl } = bench.test
  const preview = await api("POST", "/v1/operations", { kind, spec, reason: "a test" })
  expect([kind, preview.status, preview.body]).toEqual([kind, 201, expect.anything()])
  const { id, hash } = preview.body as unknown as Operation
  await api("POST", `/v1/operations/${id}/run`, { hash })
  const found = async () => (await api("GET", `/v1/operations/${id}`)).body as unknown as Operation
  if ((await found()).state === "waiting for approval") {
    const headers = { authorization: `Bearer ${approver}`, "content-type": "application/json" }
    const answer = await fetch(`${gatewayUrl}/v1/operations/${id}/approval`, {
      method: "POST",
      headers,
      body: JSON.stringify({ hash }),
    })
    expect(answer.status).toBeLessThan(300)
  }
  const isOver = async () => {
    const one = await found()
    return ["done", "stopped"].includes(one.state) && one
  }
  return eventually(`the operation ${kind} ends`, isOver, { withinMs: 45_000 })
}

test("a held article is not written whatever its stock does, and published again it shows what it should", async () => {
  const sku = "SKU-00041"
  const before = bench.shop.shown(sku)
  await operate("hold", { channel: "shopify", skus: [sku] })
  await bench.receive(sku, 5)
  await eventually(
    "the value is computed",
    async () => Number((await bench.row(sku))?.["desired"]) === (before + 5) * 1000,
  )
  expect(await bench.row(sku)).toMatchObject({ state: "held", held_by: "person" })
  expect(bench.shop.shown(sku)).toBe(before)
  await operate("publish again", { channel: "shopify", state: "held" })
  await bench.untilShown(sku, before + 5)
})

test("an adopted value is shown at most, and never more than may be promised", async () => {
  const sku = "SKU-00042"
  const before = bench.shop.shown(sku)
  await operate("hold", { channel: "shopify", skus: [sku] })
  await bench.shop.edit(sku, 3)
  await eventually("the edit is seen", async () => Number((await bench.row(sku))?.["observed"]) === 3000)
  await operate("adopt", { channel: "shopify", skus: [sku] })
  await bench.rest()
  await bench.receive(sku, 10)
  await bench.rest()
  expect([bench.shop.shown(sku), before > 3]).toEqual([3, true])
  await bench.receive(sku, -(before + 8))
  await bench.untilShown(sku, 2)
})

test("P-30: more than the declared share of what the channel shows is not withdrawn, whoever approves it", async () => {
  const skus = Array.from({ length: 30 }, (_one, n) => `SKU-000${String(10 + n)}`)
  const ended = await operate("withdraw", { channel: "shopify", skus })
  expect(ended).toMatchObject({ state: "stopped" })
  expect(JSON.stringify(ended)).toMatch(/of \d+ that shopify shows are more than 2 %; nothing is withdrawn/)
  expect(await bench.test.sql`select from published_rows where state in ('withdrawing', 'gone')`).toHaveLength(0)
})

test("P-30: a walk over the channel that breaks off withdraws nothing; only a whole one does", async () => {
  const sku = "SKU-00044"
  const { lab, sql } = bench.test
  lab.shopify.setFaults({ operations: { inventoryItems: { rate5xx: 1 } } })
  const ending = operate("withdraw", { channel: "shopify", skus: [sku] })
  await eventually("the walk has broken off", async () => {
    const answer = await fetch(`${lab.shopify.url}/__lab/faults`)
    return ((await answer.json()) as { counts: Record<string, number> }).counts["rate5xx"]
  })
  expect(await sql`select from published_rows where state in ('withdrawing', 'gone')`).toHaveLength(0)
  lab.shopify.setFaults({})
  expect(await ending).toMatchObject({ state: "done" })
  await eventually("it shows zero", () => bench.shop.total(sku) === 0)
})

test("P-30: a recalled article shows zero everywhere, and no later change of stock puts it back on sale", async () => {
  const sku = "SKU-00045"
  const ended = await operate("withdraw", { channel: "shopify", skus: [sku] })
  expect(ended).toMatchObject({ state: "done" })
  await eventually("it shows zero", () => bench.shop.total(sku) === 0)
  await bench.rest()
  expect(await bench.row(sku)).toMatchObject({ state: "gone" })
  await bench.receive(sku, 5)
  await bench.receive("SKU-00046", 5)
  await bench.rest()
  expect(bench.shop.total(sku)).toBe(0)
})

test("P-30: the first load publishes every article that the stock knows, whatever the channel showed", async () => {
  const { api, sql } = bench.test
  // As if the channel were new, and the shop full of something else.
  await sql`delete from published_rows`
  await bench.shop.edit("SKU-00047", 777)
  const ended = await operate("load stock", { channel: "shopify" })
  expect(ended).toMatchObject({ state: "done" })
  await bench.rest()
  expect(bench.shop.shown("SKU-00047")).not.toBe(777)
  const { body } = await api("GET", "/v1/channels/shopify/published?sku=SKU-00047")
  expect(body.items?.find((one) => one["locationId"] === rotterdam)).toMatchObject({
    state: "live",
    desired: { milli: bench.shop.shown("SKU-00047") * 1000, why: { shows: "place" } },
    observed: { by: "Crossdock" },
  })
})

test("P-30: a dry run reads and computes, writes nothing, and lists what it would write", async () => {
  const dry = await startPublishing({ policy: (policy) => ({ ...policy, dryRun: true }) })
  try {
    const rows = () =>
      dry.test.sql`
        select item, state from published_rows where marks > assessed or state not in ('due', 'live') or observed is null`
    await eventually(
      "all is looked at",
      async () => {
        const [any] = await dry.test.sql`select from published_rows where state = 'due'`
        return any && (await rows()).length === 0
      },
      { seen: rows },
    )
    expect(dry.test.lab.shopify.books()["levelChanges"]).toEqual([])
    const { body } = await dry.test.api("GET", "/v1/channels/shopify/published?sku=SKU-00021&state=due")
    const [first] = body.items ?? []
    expect(first).toMatchObject({
      state: "due",
      desired: { milli: expect.any(Number) },
      observed: { milli: 0 },
      sent: null,
    })
  } finally {
    await dry.stop()
  }
})

test("an article that the shop makes a bundle is left alone while the others of its call are written; an ordinary product again, it is written", async () => {
  const [sku, other] = ["SKU-00052", "SKU-00053"]
  const before = [bench.shop.shown(sku), bench.shop.shown(other)]
  await bench.rest()
  await control(bench.test.lab.shopify, "bundles", { sku })
  await Promise.all([bench.receive(sku, 5), bench.receive(other, 5)])
  await bench.untilShown(other, (before[1] ?? 0) + 5)
  // It was known as an ordinary product, so it was sent, and refused.
  const row = await bench.until(sku, "derived")
  expect([row["sent"], row["observed"], row["case_id"]]).toEqual([((before[0] ?? 0) + 5) * 1000, null, null])
  expect(bench.shop.shown(sku)).toBe(before[0])
  await control(bench.test.lab.shopify, "bundles", { sku, isBundle: false })
  await operate("publish again", { channel: "shopify", skus: [sku] })
  await bench.untilShown(sku, (before[0] ?? 0) + 5)
})

test("a bundle that people withdraw is a case that names the reason: its stock cannot be set to zero", async () => {
  const kit = bench.test.lab.estate.skus.find(({ kind }) => kind === "kit")?.sku ?? ""
  await bench.receive(kit, 5)
  await bench.until(kit, "derived")
  await operate("withdraw", { channel: "shopify", skus: [kit] })
  await bench.until(kit, "refused")
  const isThere = async () => {
    const { body } = await bench.test.api("GET", "/v1/exceptions?state=open&limit=200")
    return body.items?.find((one) => one["sku"] === kit)
  }
  expect(await eventually(`a case of ${kit}`, isThere)).toMatchObject({
    cause: "a channel refuses stock",
    summary: expect.stringContaining(`${kit} is a bundle`),
    because: { connection: "shopify", operation: "publish stock" },
  })
  await operate("publish again", { channel: "shopify", skus: [kit] })
  await bench.until(kit, "derived")
})
