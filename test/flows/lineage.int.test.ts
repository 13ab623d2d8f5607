import { afterAll, beforeAll, expect, test } from "vitest"
import { control, eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { buyInShop, untilState } from "../fixtures/order-flow.ts"

interface Lineage {
  versions: { event: string; at: string; source: string; delivery?: number }[]
  values: { pointer: string; value: unknown; since: number; before?: unknown }[]
}

let t: TestCrossdock
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 37, ...quietWarehouse })
}, 60_000)
afterAll(() => t?.stop())

test("each value of an order says who set it, when and by which delivery, and what stood there before", async () => {
  const [bought] = await buyInShop(t, { count: 1 })
  const orderId = bought?.orderId ?? ""
  await untilState(t, orderId, "released")
  const read = async () => (await t.api("GET", `/v1/orders/${orderId}/lineage`)).body as unknown as Lineage
  const before = await read()
  expect([before.versions.map(({ event }) => event), before.values.every(({ since }) => since === 0)]).toEqual([
    ["order.placed"],
    true,
  ])
  await control(t.lab.shopify, `orders/${bought?.id}/edit`, { note: "ring twice" })
  const after = await eventually("the edit is heard", async () => {
    const lineage = await read()
    return lineage.versions.length === 2 && lineage
  })
  expect(after.versions[1]).toMatchObject({ event: "order.edited", source: "shopify" })
  const at = (pointer: string) => after.values.find((one) => one.pointer === pointer)
  expect(at("/notes")).toMatchObject({ value: "ring twice", since: 1 })
  expect(at("/number")).toMatchObject({ since: 0 })
  const { body: delivery } = await t.api("GET", `/v1/deliveries/${after.versions[1]?.delivery}`)
  expect(JSON.stringify(delivery["payload"])).toContain("ring twice")
})
