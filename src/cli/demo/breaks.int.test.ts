import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { eventually, startTestCrossdock, type TestCrossdock } from "../../../test/fixtures/crossdock.ts"
import { control } from "./break-command.ts"
import { breaks, type DemoWorld } from "./breaks.ts"

// Each way of breaking the demo shows in what the console reads, and can be mended with what the console does.

let t: TestCrossdock
let world: DemoWorld
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 7 })
  const urls: Record<string, string> = {
    shopify: t.lab.shopify.url,
    sap: t.lab.sap.url,
    warehouse: t.lab.warehouse.url,
  }
  const call = async (method: string, path: string, body?: unknown) => (await t.api(method, path, body)).body as never
  world = {
    api: { get: (path) => call("GET", path), post: (path, body) => call("POST", path, body) },
    ordinary: { ordersPerSecond: 10, faults: {} },
    lab: (simulator, what, body) => control(urls[simulator] ?? "", what, body),
  }
})
afterAll(() => t?.stop())

interface Group {
  id: string
  cause: string
  open: number
  orders: number
  because: { kind: string; connection?: string; operation?: string; value?: string }
  actions: string[]
  atRisk: { amountMinor: number; currency: string }[]
}
const groups = async () => (await t.api("GET", "/v1/exception-groups")).body.items as unknown as Group[]
const groupWith = (what: string, isIt: (group: Group) => boolean) =>
  eventually(what, async () => (await groups()).find(isIt), { withinMs: 40_000, seen: groups })
const gone = (what: string, isIt: (group: Group) => boolean) =>
  eventually(what, async () => ((await groups()).some(isIt) ? undefined : true), { withinMs: 60_000 })

/** Carries an action out on all cases of a group, as the console does. */
async function decideAll(group: string, action: string): Promise<void> {
  const { body } = await t.api("POST", "/v1/operations", {
    kind: "decide",
    spec: { action, group },
    reason: "mended",
  })
  const id = String(body["id"])
  await t.api("POST", `/v1/operations/${id}/run`, { hash: body["hash"] })
  await eventually("the operation's end", async () =>
    (await t.api("GET", `/v1/operations/${id}`)).body["state"] === ("done" as never) ? true : undefined,
  )
}

const begin = (name: string) => breaks[name]?.begin(world)
const end = (name: string) => breaks[name]?.end(world)

describe("the demo, broken", () => {
  test("by a renamed article: one group names it with the money that waits, and a mapping closes it", async () => {
    expect(await begin("mapping")).toContain("TSHIRT-NEW-1")
    const isIt = ({ because }: Group) => because.value === "TSHIRT-NEW-1"
    const group = await groupWith("orders that wait for the article", (one) => isIt(one) && one.orders >= 5)
    expect(group.atRisk.length).toBeGreaterThan(0)
    await t.api("POST", "/v1/article-mappings", {
      channel: "shopify",
      article: "TSHIRT-NEW-1",
      sku: "SKU-00001",
      reason: "the shop's new number",
    })
    await gone("the group to close itself", isIt)
    await end("mapping")
  })

  test("by refused refunds of one payment method: one group has them all, and retrying it refunds each once", async () => {
    expect(await begin("refunds")).toContain("6 buyers")
    const isIt = ({ because }: Group) => because.operation === "tell the shop it is cancelled"
    const group = await groupWith("the refused refunds", (one) => isIt(one) && one.open >= 6)
    expect(group).toMatchObject({ open: 6, orders: 6, actions: expect.arrayContaining(["retry"]) as string[] })
    await end("refunds")
    await decideAll(group.id, "retry")
    await gone("the group to close", isIt)
    const refunded = async () => {
      const books = (await fetch(`${t.lab.shopify.url}/__lab/books`).then((answer) => answer.json())) as {
        orders: { refunds: unknown[] }[]
      }
      return books.orders.map(({ refunds }) => refunds.length).filter((count) => count > 0)
    }
    // A decision closes its case; the refund follows.
    await eventually("six refunds", async () => ((await refunded()).length === 6 ? true : undefined))
    expect(await refunded()).toEqual([1, 1, 1, 1, 1, 1])
  })

  test("by an ERP that is away: its connection says so, work waits for it, and goes on when it is back", async () => {
    await begin("erp")
    await world.lab("shopify", "POST /__lab/orders", {
      count: 8,
      skus: ["SKU-00003"],
      odd: false,
      payment: "authorised",
    })
    await eventually(
      "the ERP's breaker",
      async () => {
        const { body } = await t.api("GET", "/v1/connections/sap")
        return body["breaker"] === ("open" as never) ? true : undefined
      },
      { withinMs: 60_000 },
    )
    const waiting = async () =>
      ((await t.api("GET", "/v1/kpis")).body["waiting"] as unknown as { name: string; count: number }[]).filter(
        ({ name }) => name.includes("sap"),
      )
    await eventually("work that waits for it", async () => ((await waiting()).length > 0 ? true : undefined), {
      withinMs: 60_000,
    })
    await end("erp")
    await eventually("nothing to wait", async () => ((await waiting()).length === 0 ? true : undefined), {
      withinMs: 90_000,
    })
  })

  test("by carriers: parcels with mishaps are cases of customer service", async () => {
    await world.lab("warehouse", "PUT /__lab/habits", { deliverAfterMs: { min: 50, max: 200 } })
    await begin("carrier")
    await world.lab("shopify", "POST /__lab/orders", {
      count: 12,
      skus: ["SKU-00003"],
      odd: false,
      payment: "authorised",
    })
    await groupWith("a mishap", ({ cause }) => /parcel|damaged|lost|delivery/i.test(cause))
    await end("carrier")
  })

  test("by buyers who stay away: a tenth of the orders comes in, and all of them again", async () => {
    const total = async () => ((await t.api("GET", "/v1/kpis")).body["orders"] as unknown as { total: number }).total
    const rate = async () => {
      const before = await total()
      await new Promise((done) => setTimeout(done, 1500))
      return (await total()) - before
    }
    await end("demand")
    await eventually("ordinary trade", async () => ((await rate()) >= 8 ? true : undefined))
    await begin("demand")
    await eventually("little trade", async () => ((await rate()) <= 4 ? true : undefined))
    await world.lab("shopify", "POST /__lab/trading", { ordersPerSecond: 0 })
  })
})
