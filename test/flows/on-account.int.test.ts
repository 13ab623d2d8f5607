import { afterAll, beforeAll, expect, test } from "vitest"
import type { OrderRequest } from "../../src/gateway/requests/order-request.ts"
import { quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  decide,
  openExceptions,
  orderRequest,
  placeOrder,
  plentifulSkus,
  stateOf,
  untilEnded,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import { journalItems, shipAll, shipmentRequests } from "../fixtures/vendor-books.ts"

// Orders that nobody has paid when they come: cash on delivery, terms, companies. The estate's policy decides.

let t: TestCrossdock
let sku = ""
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 40,
    orders: {
      paymentsFollow: ["till"],
      askUnpaidAfter: { seconds: 1 },
      onAccount: [
        { pays: "cash", unpaid: "ship", upTo: { amountMinor: 5000, currency: "EUR" } },
        { pays: "company", unpaid: "ask" },
      ],
    },
    lab: quietWarehouse,
  })
  ;[sku = ""] = plentifulSkus(t, 1)
})
afterAll(() => t?.stop())

type Tender = NonNullable<OrderRequest["tenders"]>[number]
const euro = (amountMinor: number) => ({ amountMinor, currency: "EUR" })
const tender = (amountMinor: number, more: Partial<Tender> = {}): Tender => {
  const amount = { shop: euro(amountMinor), presentment: euro(amountMinor) }
  return { id: "T1", kind: "cash", provider: "Cash on Delivery (COD)", state: "pending", amount, ...more }
}

let count = 0
const sold = (totalMinor: number, tenders: Tender[]) =>
  placeOrder(t, { externalId: `unpaid-${(count += 1)}`, lines: [{ sku, count: 1, totalMinor }], tenders })

/** What the general ledger has as owed by buyers, and as received by a payment provider. */
const posted = (orderId: string) =>
  journalItems(t, orderId)
    .filter(({ amountMinor }) => amountMinor > 0)
    .map(({ account, amountMinor }) => `${account} ${amountMinor}`)

test("P-40: cash on delivery within the limit ships on account, and what is owed is receivable, not cleared", async () => {
  const orderId = await sold(2420, [tender(2420)])
  await untilState(t, orderId, "released")
  await shipAll(t, orderId)
  expect(await untilEnded(t, orderId)).toBe("done")
  expect(await stateOf(t, orderId)).toBe("closed")
  expect(await openExceptions(t, orderId)).toEqual([])
  expect(posted(orderId)).toEqual(["12100000 2420"])
  const states = await t.sql<{ state: string }[]>`
    select data ->> 'state' as state from events where key = ${`order/${orderId}`} and type = 'order.state-changed'`
  expect(states.map(({ state }) => state)).toContain("on account")
  expect(states.map(({ state }) => state)).not.toContain("paid")
})

test("P-40: above the limit a person is asked, and lets it ship", async () => {
  const orderId = await sold(6050, [tender(6050)])
  const open = await untilException(t, orderId, "ship unpaid")
  expect(open).toMatchObject({ owner: "finance", risk_minor: 6050, allowed: ["ship on account", "cancel order"] })
  expect(shipmentRequests(t, orderId)).toEqual([])
  await decide(t, open.id, "ship on account")
  await untilState(t, orderId, "released")
})

test("P-40: or cancels it, and nothing is left of it", async () => {
  const orderId = await sold(6050, [tender(6050)])
  await decide(t, (await untilException(t, orderId, "ship unpaid")).id, "cancel order")
  expect(await untilEnded(t, orderId)).toBe("undone")
  expect(shipmentRequests(t, orderId)).toEqual([])
})

test("P-40: a company's order is asked about", async () => {
  const draft = { externalId: `unpaid-${(count += 1)}`, lines: [{ sku, count: 1, totalMinor: 2420 }] }
  const bare = orderRequest(draft)
  const company = { ...bare, customer: { ...bare.customer, company: { name: "Bakkerij Jansen" } }, tenders: [] }
  const answer = await t.api("POST", "/v1/orders", company)
  expect(answer.status).toBe(202)
  const orderId = (answer.body as unknown as { orderId: string }).orderId
  await untilException(t, orderId, "ship unpaid")
})

test("P-40: an order of which nobody knows how it is paid waits, without a question", async () => {
  const orderId = await sold(2420, [])
  await untilState(t, orderId, "reserved")
  await new Promise((resolve) => setTimeout(resolve, 700))
  expect(await stateOf(t, orderId)).toBe("reserved")
  expect(await openExceptions(t, orderId)).toEqual([])
})
