import { describe, expect, test } from "vitest"
import { money } from "../../base/money.ts"
import { ref } from "../../canonical/refs.ts"
import { findMiscredited } from "./credits.ts"
import { findMisbooked, findPostedTwice, findUnbalanced, type BookedEntry } from "./booked.ts"
import {
  findLiveDocuments,
  findMissingDocuments,
  findSurplusDocuments,
  type BookedDocument,
  type WantedDocument,
} from "./documents.ts"
import { findingText, type Finding } from "./finding.ts"
import { findOvershipped, findUnbookedParcels, findUnshippedParcels, type Parcel } from "./goods.ts"
import { findLostOrders, findStuckOrders, findSurplusOrders, type KnownOrder } from "./orders.ts"
import { findPaymentDifferences, type Hold, type OrderPayments } from "./payments.ts"
import { findForgottenReservations, findStockDifferences, type StockPlace } from "./stock.ts"

const euros = (minor: number) => money(minor, "EUR")
const [first, second] = [ref("order", "ord_1"), ref("order", "ord_2")]
/** What a test looks at: about what, what was expected and found, and how much is at risk. */
const shown = (findings: readonly Finding[]) =>
  findings.map(({ about, expected, found, atRisk }) => [about, expected, found, atRisk?.amountMinor ?? null])

describe("orders sold and orders known", () => {
  const known = (externalId: string, more: Partial<KnownOrder> = {}): KnownOrder => ({
    channel: "shop",
    externalId,
    order: ref("order", `ord_${externalId}`),
    total: euros(1190),
    state: "closed",
    isAtEnd: true,
    isWithPerson: false,
    ...more,
  })

  test("given the same on both sides, nothing is found", () => {
    const orders = [known("1"), known("2")]
    expect([
      ...findLostOrders(orders, orders),
      ...findSurplusOrders(orders, orders),
      ...findStuckOrders(orders),
    ]).toEqual([])
  })

  test("given an order that was sold and is not known, its value is at risk", () => {
    expect(shown(findLostOrders([known("1"), known("2")], [known("1")]))).toEqual([
      ["document/shop/order/2", "one order", "none", 1190],
    ])
  })

  test("given two channels that use one number, each order is its own", () => {
    const other = { ...known("1"), channel: "marketplace" }
    expect(findLostOrders([other], [known("1")])).toHaveLength(1)
    expect(findSurplusOrders([other], [known("1")])).toHaveLength(1)
  })

  test("given an order known twice, both are named", () => {
    const twice = [known("1"), known("1", { order: ref("order", "ord_9") })]
    expect(shown(findSurplusOrders([known("1")], twice))).toEqual([
      ["document/shop/order/1", "one order", "order/ord_1, order/ord_9", 1190],
    ])
  })

  test("given an order that was never sold, it is found", () => {
    expect(shown(findSurplusOrders([], [known("1")]))).toEqual([[first, "none", "one order", 1190]])
  })

  test("given an order that stands still, it is found unless a person has it", () => {
    const stuck = known("1", { state: "shipped", isAtEnd: false })
    expect(shown(findStuckOrders([stuck, { ...stuck, order: second, isWithPerson: true }]))).toEqual([
      [first, "an end, or an open exception", "shipped", 1190],
    ])
  })
})

describe("documents in another system's books", () => {
  const wanted = (order = first, more: Partial<WantedDocument> = {}): WantedDocument => ({
    order,
    total: euros(1190),
    wanted: "one",
    ...more,
  })
  const booked = (number: string, order = first, isAlive = true): BookedDocument => ({
    system: "erp",
    type: "sales order",
    number,
    order,
    isAlive,
  })

  test("given one for each order, nothing is found", () => {
    const [documents, orders] = [
      [booked("1"), booked("2", second)],
      [wanted(), wanted(second)],
    ]
    expect(findMissingDocuments(documents, orders)).toEqual([])
    expect(findSurplusDocuments(documents, orders)).toEqual([])
    expect(findLiveDocuments(documents, orders)).toEqual([])
  })

  test("given a missing one, its order's value is at risk", () => {
    expect(shown(findMissingDocuments([booked("1")], [wanted(), wanted(second)]))).toEqual([
      [second, "one document", "none", 1190],
    ])
  })

  test("given a double, both numbers are named", () => {
    expect(shown(findSurplusDocuments([booked("1"), booked("7")], [wanted()]))).toEqual([[first, "one", "1, 7", 1190]])
  })

  test("given two that were swapped for an order nobody knows, the stranger and the gap are found", () => {
    const stranger = ref("order", "ord_9")
    const documents = [booked("1", stranger)]
    expect(shown(findSurplusDocuments(documents, [wanted()]))).toEqual([
      ["document/erp/sales order/1", "none", stranger, null],
    ])
    expect(findMissingDocuments(documents, [wanted()])).toHaveLength(1)
  })

  test("given a cancelled order, a document that is alive is found and one that was taken back is not", () => {
    const orders = [wanted(first, { wanted: "none alive" }), wanted(second, { wanted: "none alive" })]
    expect(shown(findLiveDocuments([booked("1"), booked("2", second, false)], orders))).toEqual([
      [first, "taken back", "1", 1190],
    ])
  })
})

describe("what is booked and what was charged", () => {
  const entry = (number: string, name: string, minors: readonly number[]): BookedEntry => ({
    system: "erp",
    number,
    entry: name,
    lines: minors.map(euros),
  })

  test("given the same to the cent, nothing is found", () => {
    expect(findMisbooked([{ order: first, charged: euros(1190), booked: euros(1190) }])).toEqual([])
    expect(findUnbalanced([entry("100", "ord_1-i1", [1190, -1000, -190])])).toEqual([])
  })

  test("given one cent less, that cent is at risk", () => {
    expect(shown(findMisbooked([{ order: first, charged: euros(1190), booked: euros(1189) }]))).toEqual([
      [first, "11.90 EUR", "11.89 EUR", 1],
    ])
  })

  test("given two orders whose bookings were swapped, both are found though the sum is right", () => {
    const orders = [
      { order: first, charged: euros(1000), booked: euros(2000) },
      { order: second, charged: euros(2000), booked: euros(1000) },
    ]
    expect(findMisbooked(orders).map(({ about }) => about)).toEqual([first, second])
  })

  test("given another currency, all of it is at risk", () => {
    const [finding] = findMisbooked([{ order: first, charged: euros(1190), booked: money(1190, "USD") }])
    expect(finding?.atRisk).toEqual(euros(1190))
  })

  test("given an entry that is a cent off in one of its currencies, it is found", () => {
    const lines = [euros(1190), euros(-1189), money(500, "USD"), money(-500, "USD")]
    expect(shown(findUnbalanced([{ ...entry("100", "x", []), lines }]))).toEqual([
      ["document/erp/entry/100", "0", "0.01 EUR", 1],
    ])
  })

  test("given an entry posted twice under two numbers, its debits are at risk", () => {
    const posted = [entry("100", "ord_1-i1", [1190, -1190]), entry("101", "ord_1-i1", [1190, -1190])]
    expect(shown(findPostedTwice(posted))).toEqual([["journalEntry/ord_1-i1", "one", "100, 101", 1190]])
    expect(findPostedTwice(posted.slice(1))).toEqual([])
  })
})

describe("payments", () => {
  const hold = (more: Partial<Hold> = {}): Hold => ({
    id: "pi_1",
    currency: "EUR",
    heldMinor: 1190,
    takenMinor: 1190,
    timesTaken: 1,
    isOpen: false,
    dueMinor: 1190,
    ...more,
  })
  const order = (more: Partial<OrderPayments> = {}): OrderPayments => ({
    order: first,
    isCalledOff: false,
    holds: [hold()],
    kept: [euros(1190)],
    ...more,
  })
  const letGo = hold({ takenMinor: 0, timesTaken: 0 })

  test("given one taken once as charged, and one let go with its order, nothing is found", () => {
    const calledOff = order({ isCalledOff: true, holds: [letGo], kept: [euros(0)] })
    expect(findPaymentDifferences([order(), calledOff])).toEqual([])
  })

  test.each<{ name: string; planted: Hold; isCalledOff?: boolean; expected: [string, string, number] }>([
    { name: "taken twice", planted: hold({ timesTaken: 2 }), expected: ["once", "2 times", 1190] },
    { name: "taken beyond its amount", planted: hold({ takenMinor: 1191 }), expected: ["11.90 EUR", "11.91 EUR", 1] },
    { name: "taken a cent short", planted: hold({ takenMinor: 1189 }), expected: ["11.90 EUR", "11.89 EUR", 1] },
    { name: "never taken", planted: letGo, expected: ["11.90 EUR", "0.00 EUR", 1190] },
    { name: "taken for nothing", planted: hold(), isCalledOff: true, expected: ["0", "11.90 EUR", 1190] },
    {
      name: "held for nothing",
      planted: { ...letGo, isOpen: true },
      isCalledOff: true,
      expected: ["let go", "held", 1190],
    },
  ])("given a hold that was $name, it is found", ({ planted, isCalledOff = false, expected }) => {
    const findings = findPaymentDifferences([order({ isCalledOff, holds: [planted], kept: [] })])
    expect(shown(findings)).toEqual([["payment/ord_1/pi_1", ...expected]])
  })

  test("given an order that is under way, what is not taken yet is not missed", () => {
    const { dueMinor: _due, ...open } = letGo
    expect(findPaymentDifferences([order({ holds: [{ ...open, isOpen: true }] })])).toEqual([])
  })

  test("given money of a called-off order that was not given back, each currency of it is found", () => {
    const kept = [euros(1), money(0, "USD"), money(-5, "GBP")]
    expect(shown(findPaymentDifferences([order({ isCalledOff: true, holds: [], kept })]))).toEqual([
      [first, "0", "0.01 EUR", 1],
      [first, "0", "-0.05 GBP", -5],
    ])
  })
})

describe("goods that left", () => {
  const parcel = (name: string, order = first, milli = 2000): Parcel => ({ parcel: name, order, milli })
  const erp = (...parcels: Parcel[]) => ({ name: "the ERP", parcels })

  test("given the same parcels, nothing is found", () => {
    const left = [parcel("T1"), parcel("T2", second)]
    expect([...findUnbookedParcels(left, erp(...left)), ...findUnshippedParcels(left, erp(...left))]).toEqual([])
  })

  test("given a parcel that is missing, twice, or of another quantity, it is found", () => {
    const left = [parcel("T1"), parcel("T2"), parcel("T3")]
    const book = erp(parcel("T2"), parcel("T2"), parcel("T3", first, 1000))
    expect(shown(findUnbookedParcels(left, book))).toEqual([
      ["shipment/ord_1/T1", "1", "0", null],
      ["shipment/ord_1/T2", "1", "2", null],
      ["shipment/ord_1/T3", "2", "1", null],
    ])
  })

  test("given an order that a person has, a missing parcel is excused and a double is not", () => {
    const left = [parcel("T1"), parcel("T2")]
    const findings = findUnbookedParcels(left, erp(parcel("T2"), parcel("T2")), () => true)
    expect(findings.map(({ about }) => about)).toEqual(["shipment/ord_1/T2"])
  })

  test("given a parcel swapped for another, the gap and the stranger are found", () => {
    const [left, book] = [[parcel("T1")], erp(parcel("T9"))]
    expect(findUnbookedParcels(left, book)).toHaveLength(1)
    expect(shown(findUnshippedParcels(left, book))).toEqual([["shipment/ord_1/T9", "none", "1", null]])
  })

  test("given two orders whose parcels were swapped, all four are found", () => {
    const [left, book] = [[parcel("T1"), parcel("T2", second)], erp(parcel("T1", second), parcel("T2"))]
    expect([...findUnbookedParcels(left, book), ...findUnshippedParcels(left, book)]).toHaveLength(4)
  })

  test("given a line of which more was shipped or asked for than sold, it is found", () => {
    const line = { order: first, lineId: "10", soldMilli: 2000, askedMilli: 2000, shippedMilli: 2000 }
    const planted = [line, { ...line, shippedMilli: 3000 }, { ...line, order: second, askedMilli: 4000 }]
    expect(shown(findOvershipped(planted))).toEqual([
      [first, "2", "3", null],
      [second, "2", "4", null],
    ])
  })
})

describe("refunds and credits", () => {
  const given = { order: first, refund: "R1", amount: euros(500) }
  const credit = { ...given, number: "100" }

  test("are equal when each refund has one credit at most, over no more than was given back", () => {
    expect(findMiscredited([credit], [given, { ...given, refund: "R2" }])).toEqual([])
    // Units that never left are never invoiced.
    expect(findMiscredited([{ ...credit, amount: euros(400) }], [given])).toEqual([])
  })

  test("differ by a credit of no refund, a second one, and one over more", () => {
    expect(shown(findMiscredited([credit], [{ ...given, order: second }]))).toEqual([[first, "none", "100", 500]])
    expect(shown(findMiscredited([credit, { ...credit, number: "101" }], [given]))).toEqual([
      [first, "one", "100, 101", 500],
    ])
    expect(shown(findMiscredited([{ ...credit, amount: euros(501) }], [given]))).toEqual([
      [first, "5.00 EUR", "5.01 EUR", 501],
    ])
  })
})

describe("stock", () => {
  const place = (more: Partial<StockPlace> = {}): StockPlace => ({
    sku: "A",
    locationId: "wh",
    openingMilli: 10_000,
    returnedMilli: 0,
    shippedMilli: 2000,
    onHandMilli: 8000,
    reservedMilli: 0,
    isWanted: false,
    ...more,
  })

  test("given opening less shipped on hand, nothing is found", () => {
    expect([...findStockDifferences([place()]), ...findForgottenReservations([place()])]).toEqual([])
  })

  test("given a unit that came back, it is there again", () => {
    expect(findStockDifferences([place({ returnedMilli: 1000, onHandMilli: 9000 })])).toEqual([])
    expect(findStockDifferences([place({ returnedMilli: 1000 })])).toHaveLength(1)
  })

  test("given a unit that vanished, its place is found", () => {
    expect(shown(findStockDifferences([place({ onHandMilli: 7000 })]))).toEqual([["stock/wh/A", "8", "7", null]])
  })

  test("given two places that were swapped, both are found though the sum is right", () => {
    const swapped = [place({ onHandMilli: 7000 }), place({ locationId: "store", onHandMilli: 9000 })]
    expect(findStockDifferences(swapped)).toHaveLength(2)
  })

  test("given more sent than there ever was, it is found even if what is on hand says the same", () => {
    const findings = findStockDifferences([place({ shippedMilli: 11_000, onHandMilli: -1000 })])
    expect(shown(findings)).toEqual([["stock/wh/A", "10", "11", null]])
  })

  test("given a reservation that no open order wants, it is found", () => {
    const reserved = place({ reservedMilli: 1000 })
    expect(shown(findForgottenReservations([reserved, { ...reserved, isWanted: true }]))).toEqual([
      ["stock/wh/A", "0", "1", null],
    ])
  })
})

test("a finding is one line for people", () => {
  const [finding] = findMisbooked([{ order: first, charged: euros(1190), booked: euros(1189) }])
  expect(finding && findingText(finding)).toBe(
    "order/ord_1 is booked otherwise than charged: expected 11.90 EUR, found 11.89 EUR; at risk: 0.01 EUR",
  )
})
