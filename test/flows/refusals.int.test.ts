import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { AppError } from "../../src/base/errors.ts"
import type { Estate } from "../../src/estate.ts"
import type { EstateConnection } from "../../src/estate/frame.ts"
import { control, eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  buyInShop,
  cancelOrder,
  decide,
  heldCard,
  instanceState,
  openExceptions,
  orderRequest,
  placeOrder,
  plentifulSkus,
  splitNeed,
  stateOf,
  untilEnded,
  untilException,
  untilHeard,
  untilState,
} from "../fixtures/order-flow.ts"
import { withObjections, type Refusals } from "../fixtures/refusals.ts"
import {
  expectAsAtTheStart,
  heldMilli,
  journalItems,
  mailsTo,
  payment,
  salesOrders,
  shipAll,
  shipmentRequests,
  stillToShipMilli,
} from "../fixtures/vendor-books.ts"
import { ref } from "../../src/canonical/refs.ts"

const refusals: Refusals = new Set()
/** Whether places refuse to ship what another place was asked for first, and which place that was, by order. */
let onlyFirstShips = false
const firstPlaces = new Map<string, string>()
let t: TestCrossdock
let sku = ""
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 24,
    lab: quietWarehouse,
    estate: (estate) =>
      withTaxSwitch(
        withObjections(estate, (operation, input) => {
          const isPlace = operation === "releasesFulfilment.releaseShipment" && onlyFirstShips && !isFirst(input)
          return isPlace || refusals.has(operation)
            ? new AppError("VENDOR_REJECTED", `${operation.split(".")[1]} is refused by the test`)
            : undefined
        }),
      ),
  })
  ;[sku = ""] = plentifulSkus(t, 1)
})
afterAll(async () => {
  await t?.stop()
})
afterEach(async () => {
  refusals.clear()
  onlyFirstShips = false
  for (const id of ["sap", "warehouse"]) await t.api("POST", `/v1/connections/${id}/resume`, {})
})

/** Reads are no writes: what the tax engine refuses has a switch of its own under the same names. */
function withTaxSwitch(estate: Estate): Estate {
  const { tax } = estate.connections
  if (!tax) throw new Error("the estate has no tax engine")
  const connect: EstateConnection["connector"]["connect"] = (settings, context) => {
    const connected = tax.connector.connect(settings, context)
    const { checksTax } = connected
    if (!checksTax) return connected
    const quoteTax: typeof checksTax.quoteTax = (...args) =>
      refusals.has("checksTax.quoteTax")
        ? Promise.reject(new AppError("VENDOR_REJECTED", "quoteTax is refused by the test"))
        : checksTax.quoteTax(...args)
    return { ...connected, checksTax: { ...checksTax, quoteTax } }
  }
  return {
    ...estate,
    connections: { ...estate.connections, tax: { ...tax, connector: { ...tax.connector, connect } } },
  }
}

function isFirst(input: unknown): boolean {
  const { order, locationId } = input as { order: { id: string }; locationId: string }
  const first = firstPlaces.get(order.id) ?? locationId
  firstPlaces.set(order.id, first)
  return first === locationId
}

let count = 0
interface Held {
  orderId: string
  paymentId: string
  email: string
  draft: { externalId: string; email: string; lines: { id: string; sku: string; count: number; totalMinor: number }[] }
}

async function heldOrder(wish: { sku: string; count: number } = { sku, count: 2 }): Promise<Held> {
  const tender = heldCard(t, 4000)
  const email = `refused${(count += 1)}@shop.example`
  const draft = { externalId: `refused-${count}`, email, lines: [{ id: "L1", ...wish, totalMinor: 4000 }] }
  const orderId = await placeOrder(t, { ...draft, tenders: [tender] })
  return { orderId, paymentId: tender.reference ?? "", email, draft }
}

async function editTo(held: Held, pieces: number): Promise<void> {
  const lines = [{ id: "L1", sku, count: pieces, totalMinor: pieces * 2000 }]
  const body = orderRequest({ ...held.draft, lines, version: new Date().toISOString() })
  const answer = await t.api("POST", `/v1/orders/${held.orderId}/edits`, { ...body, tenders: [] })
  expect(answer.status).toBe(202)
  await untilHeard(t, held.orderId, "order.edited")
}

const balance = (orderId: string) => journalItems(t, orderId).reduce((sum, item) => sum + item.amountMinor, 0)
const invoicedMinor = (orderId: string) =>
  journalItems(t, orderId)
    .filter(({ account }) => account === "11001050")
    .reduce((sum, item) => sum + item.amountMinor, 0)
const bookedPieces = (orderId: string) =>
  salesOrders(t, orderId)
    .flatMap(({ items }) => items.filter(({ isRejected }) => !isRejected))
    .reduce((sum, { quantity }) => sum + quantity, 0)

async function expectAllTakenBack(held: Held): Promise<void> {
  await expectAsAtTheStart(t, held)
  await eventually("nobody is asked any more", async () => (await openExceptions(t, held.orderId)).length === 0)
}

describe("refused before the order is booked", () => {
  test("P-14 an order that the fraud service will not even screen is nobody's fraud: a person has it tried again", async () => {
    refusals.add("screensFraud.screenOrder")
    const held = await heldOrder()
    const open = await untilException(t, held.orderId, "screen for fraud")
    expect(open).toMatchObject({ owner: "customer service", allowed: ["retry", "refuse order"] })
    expect(await heldMilli(t, held.orderId)).toBe(0)
    refusals.clear()
    await decide(t, open.id, "retry")
    await untilState(t, held.orderId, "released")
  })

  test("P-14 or refuses it, with the service's own words; nothing of it is left and its buyer is told", async () => {
    refusals.add("screensFraud.screenOrder")
    const held = await heldOrder()
    await decide(t, (await untilException(t, held.orderId, "screen for fraud")).id, "refuse order")
    expect(await untilEnded(t, held.orderId)).toBe("undone")
    await untilState(t, held.orderId, "refused")
    await expectAllTakenBack(held)
    const [told] = await t.sql<{ reason: string }[]>`
      select data ->> 'reason' as reason from events
      where key = ${ref("order", held.orderId)} and type = 'order.state-changed' and data ->> 'state' = 'refused'`
    expect(told?.reason).toContain("screen for fraud: screenOrder is refused by the test")
    expect(mailsTo(t, held.email).at(-1)).toMatch(/cancel/i)
  })

  const skipped = async () => {
    const { body } = await t.api("GET", "/v1/kpis")
    return (body as { checksSkipped?: { tax?: number } }).checksSkipped?.tax ?? 0
  }
  const toldOf = (what: string) =>
    t.sql<{ owner: string; summary: string }[]>`
      select owner, summary from exceptions where about = 'channel/till' and id like ${`skipped:tax:till:${what}%`}`

  test.each([
    ["P-43: a tax engine that does not know the country holds up no order: told once, and counted", "refused", "NL"],
    [
      "P-43: a tax engine that is away holds up no order: told once a day, and counted",
      "away",
      new Date().toISOString().slice(0, 10),
    ],
  ])("%s", async (_statement, cause, what) => {
    const before = await skipped()
    if (cause === "away") await t.api("POST", "/v1/connections/tax/pause", { reason: "a test" })
    else refusals.add("checksTax.quoteTax")
    const orders = [await heldOrder(), await heldOrder()]
    for (const { orderId } of orders) {
      await untilState(t, orderId, "released")
      expect(await openExceptions(t, orderId)).toEqual([])
    }
    const told = await eventually("it is told", async () => {
      const rows = await toldOf(what)
      return rows.length > 0 ? rows : undefined
    })
    expect(told).toMatchObject([{ owner: "finance" }])
    await eventually("both are counted", async () => (await skipped()) === before + 2)
    await t.api("POST", "/v1/connections/tax/resume", {})
  })

  test("P-14 a mail server that takes no mail stops no order", async () => {
    refusals.add("notifiesCustomers.sendMessage")
    const held = await heldOrder()
    await untilState(t, held.orderId, "released")
    await shipAll(t, held.orderId)
    expect(await untilEnded(t, held.orderId)).toBe("done")
    await untilState(t, held.orderId, "closed")
    expect(mailsTo(t, held.email)).toEqual([])
    expect(await openExceptions(t, held.orderId)).toEqual([])
  })
})

describe("an amendment that the ERP refuses", () => {
  /** Edited while the ERP is away, so that the edit comes after the booking and before the release. */
  async function editedEarly(): Promise<Held> {
    await t.api("POST", "/v1/connections/sap/pause", { reason: "a test" })
    const held = await heldOrder()
    await untilState(t, held.orderId, "waiting for the books")
    await editTo(held, 1)
    refusals.add("amendsOrders.amendOrder")
    await t.api("POST", "/v1/connections/sap/resume", {})
    return held
  }

  test("P-14 S-49 before release it is parked for a person, who has it tried again, and what ships is what was amended", async () => {
    const held = await editedEarly()
    const open = await untilException(t, held.orderId, "amend order in ERP")
    expect(open).toMatchObject({ owner: "operations", allowed: ["retry", "cancel order"] })
    expect(open.summary).toContain("amendOrder is refused by the test")
    expect(shipmentRequests(t, held.orderId)).toEqual([])
    refusals.clear()
    await decide(t, open.id, "retry")
    await untilState(t, held.orderId, "released")
    expect(bookedPieces(held.orderId)).toBe(1)
    await shipAll(t, held.orderId)
    expect(await untilEnded(t, held.orderId)).toBe("done")
    expect(payment(t, held.paymentId)).toMatchObject({ amount_received: 2000, amount_capturable: 0 })
    expect([invoicedMinor(held.orderId), balance(held.orderId)]).toEqual([2000, 0])
    expect(await heldMilli(t, held.orderId)).toBe(0)
  })

  test("P-14 S-49 before release a person may have the order taken back instead, and all is as at the start", async () => {
    const held = await editedEarly()
    await decide(t, (await untilException(t, held.orderId, "amend order in ERP")).id, "cancel order")
    expect(await untilEnded(t, held.orderId)).toBe("undone")
    await untilState(t, held.orderId, "refused")
    await expectAllTakenBack(held)
  })

  test("P-14 after release it keeps no parcel waiting, and a retry ends with equal books", async () => {
    const held = await heldOrder()
    await untilState(t, held.orderId, "released")
    await editTo(held, 1)
    refusals.add("amendsOrders.amendOrder")
    await decide(t, (await untilException(t, held.orderId, "changed after release")).id, "apply")
    const open = await untilException(t, held.orderId, "amend order in ERP")
    expect(open).toMatchObject({ owner: "operations", allowed: ["retry"] })
    await shipAll(t, held.orderId)
    await untilState(t, held.orderId, "shipped")
    await eventually("the parcel is paid", () => payment(t, held.paymentId).amount_received === 2000)
    expect(await instanceState(t, held.orderId)).toBe("waiting")
    expect(bookedPieces(held.orderId)).toBe(2)
    refusals.clear()
    await decide(t, open.id, "retry")
    expect(await untilEnded(t, held.orderId)).toBe("done")
    await untilState(t, held.orderId, "closed")
    expect(bookedPieces(held.orderId)).toBe(1)
    expect([invoicedMinor(held.orderId), balance(held.orderId)]).toEqual([2000, 0])
    expect(await heldMilli(t, held.orderId)).toBe(0)
  })

  test("P-14 of two that wait the last one stands, and a cancellation does not overtake them", async () => {
    const held = await heldOrder({ sku, count: 3 })
    await untilState(t, held.orderId, "released")
    refusals.add("amendsOrders.amendOrder")
    await editTo(held, 2)
    await decide(t, (await untilException(t, held.orderId, "changed after release")).id, "apply")
    const open = await untilException(t, held.orderId, "amend order in ERP")
    await cancelOrder(t, held.orderId)
    await eventually("the location has stopped", () => stillToShipMilli(t, held.orderId) === 0)
    expect(salesOrders(t, held.orderId).filter((order) => order.isActive)).toHaveLength(1)
    refusals.clear()
    await decide(t, open.id, "retry")
    await untilState(t, held.orderId, "cancelled")
    await untilEnded(t, held.orderId)
    await expectAllTakenBack(held)
  })
})

describe("refused after release", () => {
  test("P-14 a cancellation that the ERP refuses is parked, and a retry ends as at the start", async () => {
    const held = await heldOrder()
    await untilState(t, held.orderId, "released")
    refusals.add("cancelsOrders.cancelOrder")
    await cancelOrder(t, held.orderId)
    const open = await untilException(t, held.orderId, "cancel order in ERP")
    expect(open).toMatchObject({ owner: "operations", allowed: ["retry"] })
    expect(stillToShipMilli(t, held.orderId)).toBe(0)
    refusals.clear()
    await decide(t, open.id, "retry")
    await untilState(t, held.orderId, "cancelled")
    await untilEnded(t, held.orderId)
    await expectAllTakenBack(held)
  })

  test("P-14 a second location that refuses keeps the first from nothing, and ships after a retry", async () => {
    onlyFirstShips = true
    const held = await heldOrder(await splitNeed(t))
    const open = await untilException(t, held.orderId, "release to location")
    expect(open).toMatchObject({ owner: "operations", allowed: ["retry"] })
    expect(open.summary).toMatch(/ refused to ship its part of order .*: releaseShipment is refused by the test/)
    expect(shipmentRequests(t, held.orderId)).toHaveLength(1)
    await shipAll(t, held.orderId)
    await untilState(t, held.orderId, "partly shipped")
    onlyFirstShips = false
    await decide(t, open.id, "retry")
    await eventually("both are asked", () => shipmentRequests(t, held.orderId).length === 2)
    await shipAll(t, held.orderId)
    expect(await untilEnded(t, held.orderId)).toBe("done")
    expect(payment(t, held.paymentId).amount_received).toBe(4000)
    expect([invoicedMinor(held.orderId), balance(held.orderId)]).toEqual([4000, 0])
  })

  test("P-14 P-15 the question about a second location that refuses closes when the order is cancelled meanwhile", async () => {
    onlyFirstShips = true
    const held = await heldOrder(await splitNeed(t))
    const open = await untilException(t, held.orderId, "release to location")
    await cancelOrder(t, held.orderId)
    await untilState(t, held.orderId, "cancelled")
    expect(await untilEnded(t, held.orderId)).toBe("done")
    onlyFirstShips = false
    const [closed] = await t.sql`select decided_by, decision_note from exceptions where id = ${open.id}`
    expect(closed).toMatchObject({ decided_by: "crossdock" })
    expect(closed?.["decision_note"]).toMatch(/ cancelled the order/)
    expect(await openExceptions(t, held.orderId)).toEqual([])
  })

  test("P-14 money for goods that were stopped and that nobody will give back is parked with its amount, and a retry ends even", async () => {
    const need = await splitNeed(t)
    const held = await heldOrder(need)
    await untilState(t, held.orderId, "released")
    const [parcel] = shipmentRequests(t, held.orderId)
    await control(t.lab.warehouse, `shipment-requests/${parcel?.requestId}/ship`, {})
    await eventually("all of it is taken", () => payment(t, held.paymentId).amount_received === 4000)
    refusals.add("refundsPayments.refund")
    await cancelOrder(t, held.orderId)
    const open = await untilException(t, held.orderId, "give money back")
    expect(open).toMatchObject({ owner: "finance", allowed: ["retry", "leave it"] })
    const keptMinor = invoicedMinor(held.orderId)
    expect(keptMinor).toBeGreaterThan(0)
    expect(Number(open.risk_minor)).toBe(4000 - keptMinor)
    refusals.clear()
    await decide(t, open.id, "retry")
    expect(await untilEnded(t, held.orderId)).toBe("done")
    const refunds = t.lab.stripe.books()["refunds"] as { payment_intent: string; amount: number }[]
    const back = refunds.filter((refund) => refund.payment_intent === held.paymentId)
    expect(back.map(({ amount }) => amount)).toEqual([4000 - keptMinor])
    expect(balance(held.orderId)).toBe(0)
    expect(await heldMilli(t, held.orderId)).toBe(0)
  })

  test("P-14 money that was never taken, because a person left a refused capture as it is, is not given back", async () => {
    const held = await heldOrder(await splitNeed(t))
    await untilState(t, held.orderId, "released")
    refusals.add("capturesPayments.capture")
    const [parcel] = shipmentRequests(t, held.orderId)
    await control(t.lab.warehouse, `shipment-requests/${parcel?.requestId}/ship`, {})
    const open = await untilException(t, held.orderId, "capture payment")
    await decide(t, open.id, "leave it")
    await cancelOrder(t, held.orderId)
    expect(await untilEnded(t, held.orderId)).toBe("done")
    expect(payment(t, held.paymentId)).toMatchObject({ status: "requires_capture", amount_received: 0 })
    const back = await t.sql`
      select step from workflow_steps where about = ${ref("order", held.orderId)} and (step like 'give money back%' or step like 'let payment go%')`
    expect(back).toEqual([])
    expect(await openExceptions(t, held.orderId)).toEqual([])
    expect(balance(held.orderId)).toBe(0)
  })

  test("P-14 P-15 a cancellation that comes while a refused capture waits for a person is not forgotten when it closes", async () => {
    const held = await heldOrder()
    await untilState(t, held.orderId, "released")
    refusals.add("capturesPayments.capture")
    await shipAll(t, held.orderId)
    const open = await untilException(t, held.orderId, "capture payment")
    await cancelOrder(t, held.orderId)
    await untilHeard(t, held.orderId, "order.cancellation-requested")
    refusals.clear()
    await decide(t, open.id, "retry")
    expect(await untilEnded(t, held.orderId)).toBe("done")
    const late = await untilException(t, held.orderId, "cancelled after it was closed")
    expect(late.allowed).toContain("open a return")
    expect(await stateOf(t, held.orderId)).toBe("closed")
  })
})

describe("refused by the shop", () => {
  interface ShopOrder {
    id: number
    cancelled_at: string | null
    fulfillments: unknown[]
  }
  const inShop = (id: number) => (t.lab.shopify.books()["orders"] as ShopOrder[]).find((order) => order.id === id)

  test("P-14 a fulfilment that the shop refuses is parked while everything else is booked, and a retry shows it there", async () => {
    refusals.add("confirmsFulfilment.confirmFulfilment")
    const [bought] = await buyInShop(t, { count: 1, skus: [sku], payment: "authorised" })
    const { orderId = "", id = 0 } = bought ?? {}
    await untilState(t, orderId, "released")
    await shipAll(t, orderId)
    const open = await untilException(t, orderId, "tell the shop it shipped")
    expect(open).toMatchObject({ owner: "operations", allowed: ["retry", "leave it"] })
    expect(open.summary).toContain("confirmFulfilment is refused by the test")
    await untilState(t, orderId, "shipped")
    await eventually("it is invoiced", () => invoicedMinor(orderId) > 0)
    expect([balance(orderId), await heldMilli(t, orderId), inShop(id)?.fulfillments.length]).toEqual([0, 0, 0])
    refusals.clear()
    await decide(t, open.id, "retry")
    expect(await untilEnded(t, orderId)).toBe("done")
    expect(inShop(id)?.fulfillments).toHaveLength(1)
  })

  for (const action of ["retry", "leave it"])
    test(`P-14 a cancellation that the shop refuses is parked; with "${action}" it ends, and nothing of ours is left`, async () => {
      refusals.add("cancelsChannelOrders.cancelOrder")
      const [bought] = await buyInShop(t, { count: 1, skus: [sku], payment: "authorised" })
      const { orderId = "", id = 0 } = bought ?? {}
      await untilState(t, orderId, "released")
      await cancelOrder(t, orderId)
      const open = await untilException(t, orderId, "tell the shop it is cancelled")
      expect(open).toMatchObject({ owner: "customer service", allowed: ["retry", "leave it"] })
      refusals.clear()
      await decide(t, open.id, action)
      await untilEnded(t, orderId)
      await untilState(t, orderId, "cancelled")
      expect(inShop(id)?.cancelled_at == null).toBe(action === "leave it")
      expect(salesOrders(t, orderId).filter((order) => order.isActive)).toEqual([])
      expect([await heldMilli(t, orderId), stillToShipMilli(t, orderId)]).toEqual([0, 0])
      expect(journalItems(t, orderId)).toEqual([])
    })
})
