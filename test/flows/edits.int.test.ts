import { ref } from "../../src/canonical/refs.ts"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { control, eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  buyInShop,
  decide,
  heldCard,
  openExceptions,
  orderRequest,
  placeOrder,
  plentifulSkus,
  type OrderDraft,
  untilEnded,
  untilException,
  untilHeard,
  untilState,
} from "../fixtures/order-flow.ts"
import { heldMilli, journalItems, payment, salesOrders, shipAll, shipmentRequests } from "../fixtures/vendor-books.ts"

let t: TestCrossdock
let skus: string[] = []
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 16, lab: { warehouse: { habits: { isPaused: true, deliverAfterMs: null } } } })
  skus = plentifulSkus(t, 3)
})
afterAll(async () => {
  await t?.stop()
})
afterEach(async () => {
  await t.api("POST", "/v1/connections/sap/resume", {})
})

const sku = (n: number) => skus[n] ?? ""
let count = 0
const newDraft = (): OrderDraft => ({
  externalId: `edit-${(count += 1)}`,
  lines: [
    { id: "A", sku: sku(0), count: 3, totalMinor: 6000 },
    { id: "B", sku: sku(1), count: 1, totalMinor: 2500 },
  ],
  tenders: [],
})

async function edit(orderId: string, draft: OrderDraft): Promise<void> {
  const body = orderRequest({ ...draft, version: new Date().toISOString() })
  const answer = await t.api("POST", `/v1/orders/${orderId}/edits`, { ...body, tenders: [] })
  if (answer.status !== 202) throw new Error(JSON.stringify(answer.body))
  await untilHeard(t, orderId, "order.edited")
}

/** What the ERP holds of an order: material and quantity of items that are not cancelled. */
function booked(orderId: string): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { material, quantity, isRejected } of salesOrders(t, orderId).flatMap((order) => order.items))
    if (!isRejected && quantity > 0) sums[material] = (sums[material] ?? 0) + quantity
  return sums
}

/** What the warehouses were asked for and may still ship or have shipped. */
function asked(orderId: string): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const line of shipmentRequests(t, orderId).flatMap((request) => request.lines)) {
    const milli = line.quantityMilli - line.cancelledMilli
    if (milli > 0) sums[line.sku] = (sums[line.sku] ?? 0) + milli / 1000
  }
  return sums
}

function invoiced(orderId: string): number {
  return journalItems(t, orderId)
    .filter((item) => item.amountMinor > 0)
    .reduce((sum, item) => sum + item.amountMinor, 0)
}

const changes: {
  what: string
  change: (draft: OrderDraft) => OrderDraft
  goods: () => Record<string, number>
  totalMinor: number
}[] = [
  {
    what: "a line added",
    change: (draft) => ({ ...draft, lines: [...draft.lines, { id: "C", sku: sku(2), count: 2, totalMinor: 1800 }] }),
    goods: () => ({ [sku(0)]: 3, [sku(1)]: 1, [sku(2)]: 2 }),
    totalMinor: 10_300,
  },
  {
    what: "a line removed",
    change: (draft) => ({ ...draft, lines: draft.lines.slice(0, 1) }),
    goods: () => ({ [sku(0)]: 3 }),
    totalMinor: 6000,
  },
  {
    what: "a quantity lowered",
    change: (draft) => ({
      ...draft,
      lines: [{ id: "A", sku: sku(0), count: 1, totalMinor: 2000 }, ...draft.lines.slice(1)],
    }),
    goods: () => ({ [sku(0)]: 1, [sku(1)]: 1 }),
    totalMinor: 4500,
  },
  {
    what: "a quantity raised",
    change: (draft) => ({
      ...draft,
      lines: [{ id: "A", sku: sku(0), count: 5, totalMinor: 10_000 }, ...draft.lines.slice(1)],
    }),
    goods: () => ({ [sku(0)]: 5, [sku(1)]: 1 }),
    totalMinor: 12_500,
  },
  {
    what: "a discount given",
    change: (draft) => ({
      ...draft,
      lines: [{ id: "A", sku: sku(0), count: 3, totalMinor: 6000, discountMinor: 700 }, ...draft.lines.slice(1)],
    }),
    goods: () => ({ [sku(0)]: 3, [sku(1)]: 1 }),
    totalMinor: 7800,
  },
]

describe("an edit after import and before release", () => {
  for (const { what, change, goods, totalMinor } of changes)
    test(`P-16 ${what} reaches ERP, warehouse, stock and invoice`, async () => {
      await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
      const draft = newDraft()
      const orderId = await placeOrder(t, draft)
      await untilState(t, orderId, "waiting for the books")
      await edit(orderId, change(draft))
      await t.api("POST", "/v1/connections/sap/resume", {})
      await untilState(t, orderId, "released")
      expect(booked(orderId)).toEqual(goods())
      expect(asked(orderId)).toEqual(goods())
      await shipAll(t, orderId)
      expect(await untilEnded(t, orderId)).toBe("done")
      expect(invoiced(orderId)).toBe(totalMinor)
      expect(await heldMilli(t, orderId)).toBe(0)
    })

  test("P-16 an order that became cheaper is taken with one final capture, and nobody is asked about the rest of the hold", async () => {
    await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
    const draft = newDraft()
    const card = heldCard(t, 8500)
    const orderId = await placeOrder(t, { ...draft, tenders: [card] })
    await untilState(t, orderId, "waiting for the books")
    await edit(orderId, { ...draft, lines: draft.lines.slice(0, 1) })
    await t.api("POST", "/v1/connections/sap/resume", {})
    await untilState(t, orderId, "released")
    await shipAll(t, orderId)
    expect(await untilEnded(t, orderId)).toBe("done")
    expect(payment(t, card.reference ?? "")).toMatchObject({ status: "succeeded", amount_received: 6000 })
    const steps =
      await t.sql`select 1 from workflow_steps where about = ${ref("order", orderId)} and step like 'let payment go%'`
    expect(steps).toEqual([])
    expect(await openExceptions(t, orderId)).toEqual([])
  })

  test("P-16 another address is the one the parcel goes to", async () => {
    await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
    const draft = newDraft()
    const orderId = await placeOrder(t, draft)
    await untilState(t, orderId, "waiting for the books")
    const moved = orderRequest({ ...draft, version: new Date().toISOString() })
    const address = { ...moved.shippingAddress, city: "Utrecht", postalCode: "3511 LN" }
    await t.api("POST", `/v1/orders/${orderId}/edits`, { ...moved, tenders: [], shippingAddress: address })
    await untilHeard(t, orderId, "order.edited")
    await t.api("POST", "/v1/connections/sap/resume", {})
    await untilState(t, orderId, "released")
    expect(shipmentRequests(t, orderId).map((request) => request.destination)).toEqual(["NL 3511 LN Utrecht"])
  })

  test("P-16 a line the shop takes off reaches the ERP", async () => {
    await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
    const [bought] = await buyInShop(t, { count: 1, skus: [sku(0), sku(1)], payment: "paid" })
    const orderId = bought?.orderId ?? ""
    await untilState(t, orderId, "waiting for the books")
    const shop = (
      t.lab.shopify.books()["orders"] as { id: number; line_items: { id: number; sku: string; quantity: number }[] }[]
    ).find((order) => order.id === bought?.id)
    const [kept, gone] = shop?.line_items ?? []
    await control(t.lab.shopify, `orders/${bought?.id}/edit`, {
      remove: [{ lineId: gone?.id, quantity: gone?.quantity }],
    })
    await untilHeard(t, orderId, "order.edited")
    await t.api("POST", "/v1/connections/sap/resume", {})
    await untilState(t, orderId, "released")
    expect(booked(orderId)).toEqual({ [kept?.sku ?? ""]: kept?.quantity })
    expect(asked(orderId)).toEqual({ [kept?.sku ?? ""]: kept?.quantity })
  })
})

describe("an edit after release", () => {
  for (const { what, change, goods, totalMinor } of changes)
    test(`P-16 ${what} is held with its difference, and applied when a person says so`, async () => {
      const draft = newDraft()
      const orderId = await placeOrder(t, draft)
      await untilState(t, orderId, "released")
      await edit(orderId, change(draft))
      const open = await untilException(t, orderId, "changed after release")
      expect(open.allowed).toEqual(["apply", "keep"])
      expect(Number(open.risk_minor)).toBe(Math.abs(totalMinor - 8500))
      expect(open.summary).toMatch(/→|total/)
      expect(booked(orderId)).toEqual({ [sku(0)]: 3, [sku(1)]: 1 })
      await decide(t, open.id, "apply")
      await eventually(
        "ERP and warehouse know",
        () => {
          const isSame = (held: Record<string, number>) =>
            JSON.stringify(Object.entries(held).sort()) === JSON.stringify(Object.entries(goods()).sort())
          return isSame(booked(orderId)) && isSame(asked(orderId))
        },
        { seen: async () => ({ booked: booked(orderId), asked: asked(orderId) }) },
      )
      await eventually(
        "the amendment is recorded",
        async () =>
          (
            await t.sql`select 1 from workflow_steps where about = ${ref("order", orderId)} and step like 'amend order%' and outcome = 'done'`
          ).length > 0,
      )
      await shipAll(t, orderId)
      expect(await untilEnded(t, orderId)).toBe("done")
      expect(invoiced(orderId)).toBe(totalMinor)
      expect(await heldMilli(t, orderId)).toBe(0)
    })

  test("P-16 an edit that is kept out changes nothing anywhere", async () => {
    const draft = newDraft()
    const orderId = await placeOrder(t, draft)
    await untilState(t, orderId, "released")
    await edit(orderId, { ...draft, lines: draft.lines.slice(0, 1) })
    const open = await untilException(t, orderId, "changed after release")
    await decide(t, open.id, "keep")
    await shipAll(t, orderId)
    expect(await untilEnded(t, orderId)).toBe("done")
    expect(booked(orderId)).toEqual({ [sku(0)]: 3, [sku(1)]: 1 })
    expect(invoiced(orderId)).toBe(8500)
  })

  test("P-16 another address turns round what has not been picked", async () => {
    const draft = newDraft()
    const orderId = await placeOrder(t, draft)
    await untilState(t, orderId, "released")
    await edit(orderId, { ...draft, street: "Oudegracht 1" })
    const open = await untilException(t, orderId, "changed after release")
    expect(open.summary).toContain("another address")
    await decide(t, open.id, "apply")
    await eventually("there is a second request", () => shipmentRequests(t, orderId).length === 2)
    expect(shipmentRequests(t, orderId)[0]?.status).toBe("cancelled")
    expect(asked(orderId)).toEqual({ [sku(0)]: 3, [sku(1)]: 1 })
    await shipAll(t, orderId)
    expect(await untilEnded(t, orderId)).toBe("done")
    expect(invoiced(orderId)).toBe(8500)
    expect(await heldMilli(t, orderId)).toBe(0)
  })

  test("P-16 a parcel that leaves while the edit waits is booked all the same", async () => {
    const draft = newDraft()
    const orderId = await placeOrder(t, draft)
    await untilState(t, orderId, "released")
    await edit(orderId, { ...draft, lines: draft.lines.slice(0, 1) })
    const open = await untilException(t, orderId, "changed after release")
    await shipAll(t, orderId)
    await untilState(t, orderId, "shipped")
    expect(invoiced(orderId)).toBe(8500)
    await decide(t, open.id, "apply")
    const kept = await untilException(t, orderId, "too late to change")
    expect(kept.allowed).toContain("open a return")
    expect(await untilEnded(t, orderId)).toBe("done")
  })
})

test("P-39: an edit half a second after the order stands, although the order's time has no fraction", async () => {
  const line = { id: "A", sku: sku(0) }
  const placed = { externalId: "half-second", placedAt: "2026-11-20T10:00:00Z" }
  await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
  const tenders = [heldCard(t, 2420)]
  const orderId = await placeOrder(t, { ...placed, lines: [{ ...line, count: 2, totalMinor: 2420 }], tenders })
  await untilState(t, orderId, "waiting for the books")
  const less = { ...placed, lines: [{ ...line, count: 1, totalMinor: 1210 }], version: "2026-11-20T10:00:00.500Z" }
  const answer = await t.api("POST", `/v1/orders/${orderId}/edits`, { ...orderRequest(less), tenders: [] })
  expect(answer.status).toBe(202)
  await untilHeard(t, orderId, "order.edited")
  await t.api("POST", "/v1/connections/sap/resume", {})
  await untilState(t, orderId, "released")
  expect(booked(orderId)).toEqual({ [sku(0)]: 1 })
})

describe("an order that was closed", () => {
  async function closed(draft: OrderDraft): Promise<string> {
    const orderId = await placeOrder(t, draft)
    await untilState(t, orderId, "released")
    await shipAll(t, orderId)
    await untilEnded(t, orderId)
    return orderId
  }

  test("P-16: when it is changed in the shop, somebody hears what nobody ships or bills", async () => {
    const draft = newDraft()
    const orderId = await closed(draft)
    await edit(orderId, { ...draft, lines: [...draft.lines, { id: "C", sku: sku(2), count: 1, totalMinor: 1900 }] })
    const open = await untilException(t, orderId, "changed after it was closed")
    expect(open).toMatchObject({ owner: "customer service", allowed: ["acknowledge"] })
    expect(open.summary).toContain(`${sku(2)}: 0 → 1; total +19.00 EUR`)
    expect(open.risk_minor).toBe(1900)
  })

  test("P-16: when it gets another address, nobody is asked about that, because everything has left", async () => {
    const draft = { ...newDraft(), street: "Oudegracht 1" }
    const orderId = await closed({ ...draft, street: "Oudegracht 2" })
    await edit(orderId, draft)
    await edit(orderId, { ...draft, lines: [...draft.lines, { id: "C", sku: sku(2), count: 1, totalMinor: 1900 }] })
    const open = await untilException(t, orderId, "changed after it was closed")
    expect(open.summary).not.toContain("address")
    expect(await openExceptions(t, orderId)).toHaveLength(1)
  })
})
