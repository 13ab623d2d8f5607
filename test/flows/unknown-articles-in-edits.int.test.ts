import { afterAll, beforeAll, expect, test } from "vitest"
import { control, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  buyInShop,
  decide,
  openExceptions,
  plentifulSkus,
  untilEnded,
  untilException,
  untilHeard,
  untilState,
} from "../fixtures/order-flow.ts"
import { shipAll, shipmentRequests } from "../fixtures/vendor-books.ts"

// P-34: an article that an edit adds and that nobody knows is a question of data as well, not a shortage.

let t: TestCrossdock
let skus: string[] = []
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 35, lab: quietWarehouse })
  skus = plentifulSkus(t, 2)
})
afterAll(async () => t?.stop())

interface Bought {
  id: number
  orderId: string
  lineId: number
}

async function buy(): Promise<Bought> {
  const [order] = await buyInShop(t, { count: 1, skus: [skus[0]], payment: "paid" })
  if (!order) throw new Error("nothing was bought")
  return { ...order, lineId: lineIds(order)[0] ?? 0 }
}

function lineIds(order: { id: number }): number[] {
  const books = t.lab.shopify.books()["orders"] as { id: number; line_items: { id: number }[] }[]
  return books.find(({ id }) => id === order.id)?.line_items.map(({ id }) => id) ?? []
}

/** The shop's staff put an article more on the order, which the buyer pays, under a name that only the shop has. */
async function addArticle({ id, orderId, lineId }: Bought, sku: string): Promise<void> {
  await control(t.lab.shopify, `orders/${id}/edit`, { add: [{ likeLineId: lineId, quantity: 2, sku }] })
  await control(t.lab.shopify, `orders/${id}/pay`, {})
  await untilHeard(t, orderId, "order.edited")
}

const map = (article: string) =>
  t.api("POST", "/v1/article-mappings", { channel: "shopify", article, sku: skus[1], reason: "the shop's old number" })

const asked = (orderId: string) => shipmentRequests(t, orderId).flatMap(({ lines }) => lines.map((line) => line.sku))
const causes = async (orderId: string) => (await openExceptions(t, orderId)).map(({ cause }) => cause)

async function released(): Promise<Bought> {
  const bought = await buy()
  await untilState(t, bought.orderId, "released")
  return bought
}

test("P-34: an edit after release with an article that nobody knows waits until a person maps it, and is then as any other edit", async () => {
  const bought = await released()
  const { orderId } = bought
  await addArticle(bought, "NEW-1")
  const open = await untilException(t, orderId, "article is unknown")
  expect(open).toMatchObject({ sku: "NEW-1", allowed: ["retry", "keep"] })
  expect(open.summary).toContain('crossdock mappings set shopify "NEW-1" <SKU>')
  expect((await map("NEW-1")).status).toBe(200)
  const late = await untilException(t, orderId, "changed after release")
  expect(await causes(orderId)).toEqual(["changed after release"])
  await decide(t, late.id, "apply")
  await expect.poll(() => asked(orderId).toSorted(), { timeout: 20_000 }).toEqual([...skus].toSorted())
  await shipAll(t, orderId)
  expect(await untilEnded(t, orderId)).toBe("done")
  expect(await causes(orderId)).toEqual([])
})

test("P-34: an edit before release with an article that was mapped before needs nobody", async () => {
  expect((await map("OLD-1")).status).toBe(200)
  await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
  const bought = await buy()
  const { orderId } = bought
  await untilState(t, orderId, "waiting for the books")
  await addArticle(bought, "OLD-1")
  await t.api("POST", "/v1/connections/sap/resume", {})
  await untilState(t, orderId, "released")
  expect(asked(orderId).toSorted()).toEqual([...skus].toSorted())
  expect(await causes(orderId)).toEqual([])
})

test("P-34: while an edit waits for its article the order ships, and then somebody hears that the added goods do not", async () => {
  const bought = await released()
  const { orderId } = bought
  await addArticle(bought, "NEW-2")
  await untilException(t, orderId, "article is unknown")
  await shipAll(t, orderId)
  expect(await untilEnded(t, orderId)).toBe("done")
  expect(await causes(orderId)).toEqual(["changed after it was closed"])
})

test("P-34: a person can leave the edit out, and a later edit that is understood replaces one that waits", async () => {
  const first = await released()
  await addArticle(first, "NEW-3")
  const { id } = await untilException(t, first.orderId, "article is unknown")
  await decide(t, id, "keep")
  await shipAll(t, first.orderId)
  expect(await untilEnded(t, first.orderId)).toBe("done")
  expect(await causes(first.orderId)).toEqual([])

  const second = await released()
  await addArticle(second, "NEW-4")
  await untilException(t, second.orderId, "article is unknown")
  const change = {
    remove: [{ lineId: lineIds(second).at(-1), quantity: 2 }],
    add: [{ likeLineId: second.lineId, quantity: 1, sku: skus[1] }],
  }
  await control(t.lab.shopify, `orders/${second.id}/edit`, change)
  await untilException(t, second.orderId, "changed after release")
  expect(await causes(second.orderId)).toEqual(["changed after release"])
})

test("P-34: a cancellation while an edit waits for its article ends the order, and nobody is asked about the article any more", async () => {
  const bought = await released()
  await addArticle(bought, "NEW-5")
  await untilException(t, bought.orderId, "article is unknown")
  await control(t.lab.shopify, `orders/${bought.id}/cancel`, {})
  await untilState(t, bought.orderId, "cancelled")
  await untilEnded(t, bought.orderId)
  expect(await causes(bought.orderId)).toEqual([])
})
