import { expect, test } from "vitest"
import { AppError, asAppError } from "../../base/errors.ts"
import { systemClock } from "../../base/time.ts"
import type { ShopClient } from "./client.ts"
import { listsChanges } from "./lists-changes.ts"
import { Reader } from "./orders/reader.ts"

const node = (id: number, isCut = false) => ({
  id: `gid://shopify/Order/${id}`,
  updatedAt: "2026-11-20T10:00:00Z",
  lineItems: { pageInfo: { hasNextPage: isCut }, nodes: [] },
  refunds: [],
  fulfillments: [],
})

/** A shop whose page lists three orders; one of them must be read again on its own. */
function pageOf(readWhole: () => unknown) {
  const client: ShopClient = {
    read: async ({ document }) =>
      document.includes("CrossdockWholeOrder")
        ? new Reader({ order: readWhole() })
        : new Reader({ orders: { pageInfo: { hasNextPage: false }, nodes: [node(1), node(2, true), { id: 3 }] } }),
    write: () => Promise.reject(new Error("a poll writes nothing")),
  }
  const { orders } = listsChanges({ client, connection: "shop", clock: systemClock, ordersPerPage: 4 })
  const call = { signal: AbortSignal.timeout(1000), correlation: "test" }
  return orders.listChanges({ cursor: undefined, sinceMs: 0 }, call)
}

const bodies = async (page: ReturnType<typeof pageOf>) =>
  (await page).deliveries.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()) as { id: unknown })

test("an order that cannot be read whole goes on as it was listed, and the other orders of its page go on", async () => {
  const page = pageOf(() => {
    throw new AppError("VENDOR_MISBEHAVED", "no data")
  })
  expect((await bodies(page)).map(({ id }) => id)).toEqual([node(1).id, node(2).id, 3])
})

test("an order that is cut is read whole", async () => {
  const whole = { ...node(2), name: "#2" }
  expect((await bodies(pageOf(() => whole)))[1]).toEqual(whole)
})

test("an unavailable shop fails the page, which is read again", async () => {
  const page = pageOf(() => {
    throw new AppError("VENDOR_UNAVAILABLE", "away")
  })
  expect(asAppError(await page.catch((thrown: unknown) => thrown)).code).toBe("VENDOR_UNAVAILABLE")
})

test("P-41: a page with an order that the shop cannot show is refused, and its orders can be read by their names", async () => {
  const nodes = [{ id: "gid://shopify/Order/1" }, null, { id: "gid://shopify/Order/3" }]
  const client: ShopClient = {
    read: () => Promise.resolve(new Reader({ orders: { pageInfo: { hasNextPage: false }, nodes } })),
    write: () => Promise.reject(new Error("a poll writes nothing")),
  }
  const { orders } = listsChanges({ client, connection: "shop", clock: systemClock, ordersPerPage: 4 })
  const [place, call] = [
    { cursor: undefined, sinceMs: 0 },
    { signal: AbortSignal.timeout(1000), correlation: "test" },
  ]
  await expect(orders.listChanges(place, call)).rejects.toMatchObject({ code: "VENDOR_MISBEHAVED" })
  const named = await orders.listNames?.(place, call)
  expect(named?.deliveries.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(['{"id":"1"}', '{"id":"3"}'])
})
