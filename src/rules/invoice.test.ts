import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { orderArbitrary, shipmentsArbitrary } from "../../test/fixtures/orders.ts"
import { JournalEntry } from "../canonical/ledger-entry.ts"
import type { Order } from "../canonical/order.ts"
import { taxMinor } from "../canonical/order-invariants.ts"
import type { LineQuantity } from "../canonical/parts.ts"
import { validator } from "../canonical/validate.ts"
import { mergeLines, shipmentAmounts } from "./apportion.ts"
import { capturesFor, invoiceEntry, tendersFor } from "./invoice.ts"

const entries = validator(JournalEntry, "journal entry")
const shippedOrders = orderArbitrary.chain((order) =>
  shipmentsArbitrary(order).map((shipments) => ({ order, shipments })),
)
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

function invoices(order: Order, shipments: readonly LineQuantity[][]): JournalEntry[] {
  const before = new Map<string, number>()
  let invoicedBeforeMinor = 0
  return shipments.map((lines, n) => {
    const amounts = shipmentAmounts(order, before, lines)
    for (const [lineId, milli] of mergeLines(lines)) before.set(lineId, (before.get(lineId) ?? 0) + milli)
    const postedAt = "2026-11-20T10:00:00.000Z"
    const head = { order, amounts, number: `${order.id}-i${n + 1}`, postedAt, businessDate: "2026-11-20" }
    const entry = invoiceEntry({ ...head, invoicedBeforeMinor })
    invoicedBeforeMinor += amounts.totalMinor
    return entry
  })
}

const onAccount = (all: readonly JournalEntry[], ...accounts: string[]) =>
  sum(
    all.flatMap(({ lines }) =>
      lines.filter(({ account }) => accounts.includes(account)).map(({ amount }) => amount.amountMinor),
    ),
  )

describe("invoices of an order", () => {
  it("every entry is valid and balances to zero in the shop's currency (I-5)", () => {
    fc.assert(
      fc.property(shippedOrders, ({ order, shipments }) => {
        for (const entry of invoices(order, shipments)) {
          expect(entries.problems(entry)).toEqual([])
          expect(sum(entry.lines.map(({ amount }) => amount.amountMinor))).toBe(0)
          expect(new Set(entry.lines.map(({ amount }) => amount.currency))).toEqual(new Set([order.currency.shop]))
        }
      }),
      { numRuns: 500 },
    )
  })

  it("over all shipments tax, tips, duties and rounding are posted as charged, once", () => {
    fc.assert(
      fc.property(shippedOrders, ({ order, shipments }) => {
        const all = invoices(order, shipments)
        const tax = sum([...order.lines, ...order.charges].map((part) => taxMinor(part, "shop")))
        expect(onAccount(all, "tax payable") + tax).toBe(0)
        const net = (kind: string) =>
          sum(
            order.charges
              .filter((one) => one.kind === kind)
              .map((one) => one.total.shop.amountMinor - taxMinor(one, "shop")),
          )
        expect(onAccount(all, "tips payable") + net("tip")).toBe(0)
        expect(onAccount(all, "duties payable") + net("duty")).toBe(0)
        expect(onAccount(all, "rounding") + net("rounding") + order.cashRounding.shop.amountMinor).toBe(0)
      }),
    )
  })

  it("what cards and gift cards paid is posted exactly, and what nobody paid yet is receivable (P-40)", () => {
    fc.assert(
      fc.property(shippedOrders, ({ order, shipments }) => {
        const all = invoices(order, shipments)
        const live = order.tenders.filter(({ state }) => state !== "failed" && state !== "pending")
        const paid = (...kinds: string[]) =>
          sum(live.filter(({ kind }) => kinds.includes(kind)).map(({ amount }) => amount.shop.amountMinor))
        expect(onAccount(all, "payment clearing")).toBe(paid("card", "cash", "wallet", "other"))
        const settled = paid("card", "cash", "wallet", "other", "giftCard")
        expect(onAccount(all, "receivable")).toBe(order.total.shop.amountMinor - settled)
      }),
    )
  })

  it("a gift card sold is a liability and never revenue; one that is paid with takes the liability back (P-22)", () => {
    fc.assert(
      fc.property(shippedOrders, ({ order, shipments }) => {
        const all = invoices(order, shipments)
        const net = (isGiftCard: boolean) =>
          sum(
            order.lines
              .filter((line) => (line.isGiftCard ?? false) === isGiftCard)
              .map((line) => line.total.shop.amountMinor - taxMinor(line, "shop")),
          )
        const credits = order.charges.filter(({ kind }) => kind === "credit").map(({ total }) => total.shop.amountMinor)
        expect(onAccount(all, "revenue") + net(false) + sum(credits)).toBe(0)
        const redeemed = sum(
          order.tenders
            .filter(({ kind, state }) => kind === "giftCard" && state !== "failed" && state !== "pending")
            .map(({ amount }) => amount.shop.amountMinor),
        )
        expect(onAccount(all, "gift card liability")).toBe(redeemed - net(true))
      }),
    )
  })

  it("tenders between two marks cover exactly the value between them", () => {
    fc.assert(
      fc.property(orderArbitrary, fc.nat({ max: 1_000_000 }), fc.nat({ max: 1_000_000 }), (order, from, value) => {
        expect(sum(tendersFor(order, from, value).map(({ amountMinor }) => amountMinor))).toBe(value)
      }),
    )
  })
})

describe("captures", () => {
  it("taken mark by mark, every authorised tender is taken to its last minor unit and no further", () => {
    const marks = fc.array(fc.nat({ max: 100 }), { maxLength: 4 })
    fc.assert(
      fc.property(orderArbitrary, marks, (order, percents) => {
        const total = order.total.shop.amountMinor
        const due = [...percents].sort((a, b) => a - b).map((percent) => Math.floor((total * percent) / 100))
        const captured = new Map<string, number>()
        for (const dueMinor of [...due, total])
          for (const { tender, amount } of capturesFor(order, captured, dueMinor)) {
            expect(amount.amountMinor).toBeGreaterThan(0)
            expect(amount.currency).toBe(order.currency.presentment)
            captured.set(tender.id, (captured.get(tender.id) ?? 0) + amount.amountMinor)
          }
        for (const tender of order.tenders) {
          const isTaken = tender.state !== "failed" && tender.state !== "captured"
          expect(captured.get(tender.id) ?? 0).toBe(isTaken ? tender.amount.presentment.amountMinor : 0)
        }
      }),
      { numRuns: 500 },
    )
  })

  it("of an order that was edited down, exactly its total in the buyer's currency is taken", () => {
    const amount = (shop: number, presentment: number) => ({
      shop: { amountMinor: shop, currency: "EUR" },
      presentment: { amountMinor: presentment, currency: "CAD" },
    })
    const [order] = fc.sample(orderArbitrary, 1)
    if (!order) throw new Error("no order")
    const held = { state: "authorised", provider: "stripe", amount: amount(53_383, 80_754) } as const
    const card = { id: "1", kind: "card" as const, ...held }
    const edited = { ...order, total: amount(29_988, 45_364), tenders: [card] }
    expect(capturesFor(edited, new Map(), 29_988)).toMatchObject([{ amount: { amountMinor: 45_364, currency: "CAD" } }])
    const inParts = capturesFor(edited, new Map([["1", 2_116]]), 29_988)
    expect(inParts).toMatchObject([{ amount: { amountMinor: 45_364 - 2_116 } }])
  })

  it("asking again at the same mark takes nothing", () => {
    fc.assert(
      fc.property(orderArbitrary, (order) => {
        const total = order.total.shop.amountMinor
        const captured = new Map(
          capturesFor(order, new Map(), total).map(({ tender, amount }) => [tender.id, amount.amountMinor]),
        )
        expect(capturesFor(order, captured, total)).toEqual([])
      }),
    )
  })
})
