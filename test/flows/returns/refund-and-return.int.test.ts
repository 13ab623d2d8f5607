import { afterAll, beforeAll, describe, expect, test } from "vitest"
import {
  control,
  eventually,
  quietWarehouse,
  startTestCrossdock,
  type TestCrossdock,
} from "../../fixtures/crossdock.ts"
import { buyInShop, openExceptions, plentifulSkus, untilEnded, untilState } from "../../fixtures/order-flow.ts"
import { askReturn, bookedOf, lying, say, untilReturn } from "../../fixtures/shop/returned-order.ts"
import { askShop, creditsOf, shipAll } from "../../fixtures/vendor-books.ts"

// P-18: a refund that the shop made and a return of the same units, in every order: one refund, one credit, stock once.

let t: TestCrossdock
let skus: string[] = []
let place = ""
const shopPlace = 70_000_000_001
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 93,
    lab: quietWarehouse,
    estate: (estate) => {
      const { shopify } = estate.connections
      if (!shopify) throw new Error("no shop")
      const ours = estate.locations.map(({ id }, index) => [id, String(shopPlace + index)])
      const settings = { ...(shopify.settings as object), locations: Object.fromEntries(ours) as object }
      return { ...estate, connections: { ...estate.connections, shopify: { ...shopify, settings, pollEveryMs: 500 } } }
    },
  })
  skus = plentifulSkus(t, 2)
  ;[place = ""] = t.lab.estate.locations.map(({ locationId }) => locationId)
})
afterAll(async () => t?.stop())

interface Bought {
  id: number
  orderId: string
  lineId: string
  sku: string
  count: number
}

/** An order of two lines that is paid in the shop and has left; its first line. */
async function shipped(): Promise<Bought> {
  const [one] = await buyInShop(t, { count: 1, skus, payment: "paid" })
  if (!one) throw new Error("nothing was bought")
  await untilState(t, one.orderId, ["released", "partly shipped"])
  await shipAll(t, one.orderId)
  expect(await untilEnded(t, one.orderId)).toBe("done")
  const query = `{ order(id: "gid://shopify/Order/${one.id}") { lineItems(first: 9) { nodes { id quantity sku } } } }`
  const { order } = await askShop<{ order: { lineItems: { nodes: { id: string; quantity: number; sku: string }[] } } }>(
    t,
    query,
  )
  const line = order.lineItems.nodes[0]
  if (!line) throw new Error("no line")
  const lineId = line.id.slice(line.id.lastIndexOf("/") + 1)
  return { ...one, lineId, sku: line.sku, count: line.quantity }
}

/** What the shop says is left of the order, in minor units. */
async function leftInShop(id: number): Promise<number> {
  const query = `{ order(id: "gid://shopify/Order/${id}") { netPaymentSet { shopMoney { amount } } } }`
  const { order } = await askShop<{ order: { netPaymentSet: { shopMoney: { amount: string } } } }>(t, query)
  return Math.round(Number(order.netPaymentSet.shopMoney.amount) * 100)
}

const units = (one: Bought) => [{ lineId: one.lineId, quantity: { milli: one.count * 1000, unit: "ea" } }]

const acts = {
  /** The shop gives the money back for all of the line, and perhaps puts it on a shelf. */
  refund: async (one: Bought, restock: boolean) => {
    const line = { lineId: Number(one.lineId), quantity: one.count, ...(restock ? {} : { restock: "NO_RESTOCK" }) }
    await control(t.lab.shopify, `orders/${one.id}/refund`, {
      lines: [line],
      ...(restock ? { locationId: shopPlace } : {}),
    })
    await eventually("the refund is credited", () =>
      Promise.resolve(creditsOf(t, one.orderId).length === 1 || undefined),
    )
    await eventually("its units are given back", async () => {
      const { body } = await t.api("GET", `/v1/orders/${one.orderId}/account`)
      return JSON.stringify(body).includes(`"returnedMilli":${one.count * 1000}`) || undefined
    })
  },
  ask: async (one: Bought) =>
    (await askReturn(t, { orderId: one.orderId, reference: "R", lines: units(one) })).returnId,
  inspect: async (one: Bought, returnId: string) => {
    const lines = units(one).map((line) => ({ ...line, disposition: "sell here" }))
    await say(t, `${returnId}/inspect`, { id: "i", locationId: place, lines })
    await untilReturn(t, returnId, { state: "closed" })
  },
}

const orders: Record<string, (one: Bought) => Promise<void>> = {
  "the goods come back, and we give the money back": async (one) => acts.inspect(one, await acts.ask(one)),
  "the shop refunds first, and the goods come later": async (one) => {
    const returnId = await acts.ask(one)
    await acts.refund(one, false)
    await acts.inspect(one, returnId)
  },
  "the shop refunds and puts back, and a store inspects them later": async (one) => {
    const returnId = await acts.ask(one)
    await acts.refund(one, true)
    await acts.inspect(one, returnId)
  },
}

describe("P-18 a refund and a return of the same goods", () => {
  test.each(Object.entries(orders))("%s: one refund, one credit, stock once", async (_name, act) => {
    const one = await shipped()
    const before = { stock: await lying(t, one.sku), left: await leftInShop(one.id) }
    await act(one)
    const after = await leftInShop(one.id)
    expect(after).toBeLessThan(before.left)
    await eventually(
      "books and shop agree",
      () => Promise.resolve(bookedOf(t, one.orderId).get("payment clearing") === after || undefined),
      {
        seen: () => Promise.resolve({ booked: [...bookedOf(t, one.orderId)], after }),
      },
    )
    expect(creditsOf(t, one.orderId)).toHaveLength(1)
    expect((await lying(t, one.sku))[place]).toBe((before.stock[place] ?? 0) + one.count * 1000)
    expect(await openExceptions(t, one.orderId)).toEqual([])
    const { body } = await t.api("GET", `/v1/orders/${one.orderId}/account`)
    const { lines, openClaims } = body as unknown as { lines: { returnedMilli: number }[]; openClaims: unknown[] }
    expect([lines[0]?.returnedMilli, openClaims]).toEqual([one.count * 1000, []])
  })

  test("after a return the shop refunds the same goods again: the money is credited, nothing is put back twice, and finance is told", async () => {
    const one = await shipped()
    await acts.inspect(one, await acts.ask(one))
    const stock = await lying(t, one.sku)
    await control(t.lab.shopify, `orders/${one.id}/refund`, {
      lines: [{ lineId: Number(one.lineId), quantity: one.count }],
      locationId: shopPlace,
    })
    await eventually("finance is told", async () => {
      const rows = await t.sql`
        select from exceptions where cause = 'more came back than had left' and about like ${`credit/${one.orderId}%`}`
      return rows.length > 0 || undefined
    })
    await eventually("books and shop agree", async () => {
      return bookedOf(t, one.orderId).get("payment clearing") === (await leftInShop(one.id)) || undefined
    })
    expect(await lying(t, one.sku)).toEqual(stock)
  })
})
