import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { money } from "../../base/money.ts"
import { exampleOrder, euro } from "../../canonical/events/example-order.ts"
import type { Order, OrderLine } from "../../canonical/order.ts"
import { creditOf } from "../credit.ts"
import { objections } from "./eligible.ts"
import { settleExchange } from "./exchange.ts"
import { dueRefund, refundFor } from "./refund.ts"
import { splitRefund } from "./split.ts"
import {
  beginReturn,
  isOver,
  returnState,
  tracksOf,
  withNews,
  withoutRest,
  type ReturnCase,
  type ReturnNews,
} from "./track.ts"
import { buyerState, wordsOf } from "./words.ts"

const returnId = "ret_0123456789abcdef"
const at = "2026-11-20T10:00:00.000Z"
const pieces = (n: number) => ({ milli: n * 1000, unit: "ea" })
const requested = { returnId, orderId: exampleOrder.id, reason: "too small", requestedBy: "ada", requestedAt: at }
const noneGiven = { shopMinor: 0, presentmentMinor: 0 }
const announced = [{ lineId: "9001", quantity: pieces(2) }]
const [onlyLine] = exampleOrder.lines
const line = onlyLine as OrderLine

const news = {
  approved: { type: "return.approved", fact: "a", data: { returnId, by: "ada", at } },
  declined: { type: "return.declined", fact: "d", data: { returnId, by: "ada", reason: "no", at } },
  sent: { type: "return.in-transit", fact: "t", data: { returnId, by: "ada", at } },
  received: {
    type: "return.received",
    fact: "r",
    data: { returnId, locationId: "dc", lines: announced, by: "wms", at },
  },
  cancelled: { type: "return.cancelled", fact: "c", data: { returnId, by: "ada", reason: "no", at } },
  inspected: (fact: string, n: number): ReturnNews => ({
    type: "return.inspected",
    fact,
    data: {
      returnId,
      locationId: "dc",
      lines: [{ lineId: "9001", quantity: pieces(n), disposition: "sell here" }],
      by: "wms",
      at,
    },
  }),
} as const satisfies Record<string, ReturnNews | ((fact: string, n: number) => ReturnNews)>

const given = (...all: readonly ReturnNews[]): ReturnCase => all.reduce(withNews, beginReturn(requested, announced))
const settled = (one: ReturnCase, change: Partial<ReturnCase["rounds"][number]>): ReturnCase => ({
  ...one,
  rounds: one.rounds.map((round) => ({ ...round, ...change })),
})
const ended = { goods: "put away", money: "given back", books: "credited" } as const

describe("the three tracks of a return", () => {
  test("each moves alone: goods that are put away end nothing else", () => {
    const one = given(news.approved, news.sent, news.received, news.inspected("1", 2))
    expect(tracksOf(one)).toEqual({ goods: "inspected", money: "not due yet", books: "not due yet" })
    const away = settled(one, { goods: "put away", money: "pending", books: "waits for the money" })
    expect([tracksOf(away).goods, isOver(away), returnState(away)]).toEqual([
      "put away",
      false,
      "waits for money and books",
    ])
    const over = settled(one, ended)
    expect([isOver(over), returnState(over)]).toEqual([true, "closed"])
  })

  test("two of three came: it stays open until somebody says that this is all", () => {
    const one = settled(given(news.approved, news.inspected("1", 1)), ended)
    expect([tracksOf(one).goods, isOver(one)]).toEqual(["inspected", false])
    expect(isOver(withoutRest(one))).toBe(true)
  })

  test("cancelled is only what has not begun, and the first decision stands", () => {
    expect(returnState(given(news.approved, news.cancelled))).toBe("cancelled")
    expect(returnState(given(news.approved, news.received, news.cancelled))).toBe("received")
    expect(returnState(given(news.declined, news.approved))).toBe("declined")
    expect(tracksOf(given(news.declined))).toEqual({ goods: "declined", money: "nothing due", books: "nothing due" })
  })

  test("the same inspection counts once, and news in any order ends in the same state", () => {
    const all = [news.approved, news.sent, news.received, news.inspected("1", 1), news.inspected("2", 1)]
    const expected = tracksOf(settled(given(...all), ended))
    fc.assert(
      fc.property(fc.shuffledSubarray([...all, ...all], { minLength: 10, maxLength: 10 }), (shuffled) => {
        const one = given(...shuffled)
        expect(one.rounds).toHaveLength(2)
        expect(tracksOf(settled(one, ended))).toEqual(expected)
      }),
    )
  })

  test("the buyer reads one word for every state, in every language", () => {
    for (const language of ["en", "de", "nl", "fr", "de-AT"])
      for (const goods of [
        "requested",
        "approved",
        "on its way",
        "received",
        "inspected",
        "put away",
        "none",
        "declined",
        "cancelled",
      ] as const)
        for (const paid of ["not due yet", "nothing due", "pending", "given back", "needs a person", "left"] as const)
          expect(wordsOf(language)[buyerState({ goods, money: paid })].length).toBeGreaterThan(10)
  })
})

/** An order whose only line is so many pieces for these amounts. */
function orderOf(count: number, totals: { shop: number; presentment: number; tax: number }): Order {
  const pair = (shop: number, presentment: number) => ({
    shop: money(shop, "EUR"),
    presentment: money(presentment, "SEK"),
  })
  const total = pair(totals.shop, totals.presentment)
  return {
    ...exampleOrder,
    currency: { shop: "EUR", presentment: "SEK" },
    lines: [
      {
        ...line,
        quantity: pieces(count),
        gross: total,
        discounts: [],
        total,
        taxes: [{ title: "VAT", ratePercent: "19", amount: pair(totals.tax, totals.tax * 10) }],
      },
    ],
    charges: [],
    total,
  }
}

describe("what is given back", () => {
  test("parts of a line sum to the line to the cent, in both currencies and with their taxes (P-20, P-21)", () => {
    const amounts = fc.record({ shop: fc.nat(1_000_000), presentment: fc.nat(10_000_000), tax: fc.nat(1000) })
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 8 }),
        amounts,
        (parts, totals) => {
          const order = orderOf(
            parts.reduce((sum, n) => sum + n, 0),
            totals,
          )
          let before = 0
          const sums = { shop: 0, presentment: 0, tax: 0 }
          for (const n of parts) {
            const units = [{ lineId: "9001", milli: n * 1000, beforeMilli: before * 1000 }]
            const { amount, lines } = dueRefund(order, units, { fees: {}, shipping: undefined })
            sums.shop += amount.shop.amountMinor
            sums.presentment += amount.presentment.amountMinor
            sums.tax += lines.reduce((sum, { tax }) => sum + tax.shop.amountMinor, 0)
            before += n
          }
          expect(sums).toEqual(totals)
        },
      ),
      { numRuns: 500 },
    )
  })

  test("STORES 13: a discounted line gives back what was paid for it, and its credit balances and has its tax", () => {
    const due = dueRefund(exampleOrder, [{ lineId: "9001", milli: 1000, beforeMilli: 0 }], {
      fees: {},
      shipping: undefined,
    })
    expect(due.amount).toEqual(euro(1999))
    const refund = {
      ...refundFor(due, { refundId: "r", at, paid: [{ tenderId: "7001", amount: money(1999, "EUR") }] }),
      orderId: exampleOrder.id,
    }
    const units = refund.lines.map((one) => ({ line: one, leftMilli: one.quantity.milli }))
    const credit = creditOf(exampleOrder, { refund, units, offBefore: new Map(), overpaidMinor: 0 }, "2026-11-20")
    const byAccount = Object.fromEntries(
      credit?.entry.lines.map(({ account, amount }) => [account, amount.amountMinor]) ?? [],
    )
    expect(byAccount).toEqual({ revenue: 1680, "tax payable": 319, "payment clearing": -1999 })
  })

  test("shipping that the shop gave back before comes back only as far as it did not", () => {
    const shippingAfter = (minor: number) => {
      const shipping = { shopMinor: minor, presentmentMinor: minor }
      return dueRefund(exampleOrder, [], { fees: {}, shipping }).lines.map(({ worth }) => worth.presentment.amountMinor)
    }
    expect([0, 90, 490, 1000].map(shippingAfter)).toEqual([[490], [400], [], []])
  })

  test("fees are lines of their own and never more than the goods; what was not paid is owed to the buyer", () => {
    const units = [{ lineId: "9001", milli: 2000, beforeMilli: 0 }]
    const due = dueRefund(exampleOrder, units, {
      fees: { restockingPercent: 10, labelMinor: 299 },
      shipping: noneGiven,
    })
    expect(due.lines.map(({ what, worth }) => [what, worth.presentment.amountMinor])).toEqual([
      ["goods", 3998],
      ["shipping", 490],
      ["restocking fee", -399],
      ["return label", -299],
    ])
    const dear = dueRefund(exampleOrder, units, {
      fees: { restockingPercent: 100, labelMinor: 9999 },
      shipping: undefined,
    })
    expect(dear.amount).toEqual(euro(0))
    const refund = {
      ...refundFor(due, { refundId: "r", at, paid: [{ tenderId: "7001", amount: money(3000, "EUR") }] }),
      orderId: exampleOrder.id,
    }
    const heard = refund.lines.map((one) => ({ line: one, leftMilli: one.quantity.milli }))
    const credit = creditOf(
      exampleOrder,
      { refund, units: heard, offBefore: new Map(), overpaidMinor: 0 },
      "2026-11-20",
    )
    const owed = credit?.entry.lines.find(({ account }) => account === "receivable")
    expect(owed?.amount.amountMinor).toBe(-(3998 + 490 - 399 - 299 - 3000))
  })

  test("P-22 no tender gives back more than it has left, and the parts and what is uncovered are the refund", () => {
    const kinds = ["giftCard", "card", "cash", "wallet", "invoice", "other"] as const
    const tender = fc.record({ kind: fc.constantFrom(...kinds), leftMinor: fc.integer({ min: -100, max: 10_000 }) })
    fc.assert(
      fc.property(fc.nat(50_000), fc.array(tender, { maxLength: 6 }), (amount, tenders) => {
        const named = tenders.map((one, index) => ({ ...one, tenderId: `t${index}` }))
        const { parts, uncoveredMinor } = splitRefund(amount, named)
        expect(parts.reduce((sum, { amountMinor }) => sum + amountMinor, uncoveredMinor)).toBe(amount)
        for (const { tenderId, amountMinor } of parts)
          expect(amountMinor).toBeLessThanOrEqual(named.find((one) => one.tenderId === tenderId)?.leftMinor ?? 0)
        const paysCash = parts.some(({ tenderId }) => named.find((one) => one.tenderId === tenderId)?.kind === "cash")
        const cards = named
          .filter(({ kind }) => kind === "card")
          .reduce((sum, { leftMinor }) => sum + Math.max(0, leftMinor), 0)
        if (paysCash) expect(amount).toBeGreaterThan(cards)
      }),
      { numRuns: 500 },
    )
  })
})

describe("P-19 an exchange", () => {
  test("STORES 16, 17: cheaper gives back the difference, equal nothing, dearer owes it; what comes in and goes out is equal", () => {
    const eur = (minor: number) => money(minor, "EUR")
    expect(settleExchange(eur(4000), eur(2500))).toEqual({ applied: eur(2500), refunded: eur(1500), due: eur(0) })
    expect(settleExchange(eur(4000), eur(4000))).toEqual({ applied: eur(4000), refunded: eur(0), due: eur(0) })
    expect(settleExchange(eur(4000), eur(5500))).toEqual({ applied: eur(4000), refunded: eur(0), due: eur(1500) })
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(100_000), (returned, taken) => {
        const { applied, refunded, due } = settleExchange(eur(returned), eur(taken))
        expect(applied.amountMinor + refunded.amountMinor).toBe(returned)
        expect(applied.amountMinor + due.amountMinor).toBe(taken)
      }),
    )
  })
})

describe("whether goods may come back", () => {
  const sold = { order: exampleOrder, withBuyer: { "9001": 2000 }, sinceAt: at }
  const ask = { lines: announced, at: "2026-12-01T10:00:00.000Z" }
  test("within the window from the delivery, in the channel's days", () => {
    expect(objections(sold, ask, { days: 14 })).toEqual([])
    expect(objections(sold, { ...ask, at: "2026-12-20T10:00:00.000Z" }, { days: 14 })).toMatchObject([
      { code: "window is over", days: 14 },
    ])
    expect(
      objections(sold, { ...ask, at: "2026-12-20T10:00:00.000Z" }, { days: 14, daysByChannel: { "shop-de": 30 } }),
    ).toEqual([])
  })

  test("not what was sold for good, nor more than the buyer has", () => {
    expect(objections(sold, ask, { days: 14, finalSale: { skus: ["TEE-M"] } })).toMatchObject([{ code: "final sale" }])
    expect(objections({ ...sold, withBuyer: { "9001": 1000 } }, ask, { days: 14 })).toMatchObject([
      { code: "not shipped" },
    ])
    const three = [{ lineId: "9001", quantity: pieces(3) }]
    expect(objections(sold, { ...ask, lines: three }, { days: 14 })).toMatchObject([{ code: "more than was sold" }])
    expect(objections(sold, { ...ask, lines: [{ lineId: "x", quantity: pieces(1) }] }, { days: 14 })).toMatchObject([
      { code: "unknown line" },
    ])
  })
})
