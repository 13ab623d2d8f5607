import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { card, euro, plainOrder, quantities } from "../../test/fixtures/fulfilment/told.ts"
import type { EventData } from "../canonical/events.ts"
import type { Order, Tender } from "../canonical/order.ts"
import { shipmentAmounts } from "./apportion.ts"
import {
  creditMinor,
  creditOf,
  givesBackTooLittle,
  offAfter,
  overpaidBy,
  unitsAfterEnd,
  type HeardRefund,
} from "./credit.ts"

const at = "2026-11-22T10:00:00.000Z"

/** Two shirts with 19 % tax in their price of 20.00, and shipping of 5.00 with 0.80 tax. */
const shipping: Order["charges"][number] = {
  id: "C1",
  kind: "shipping",
  title: "Standard",
  gross: euro(500),
  discounts: [],
  taxes: [{ title: "VAT", ratePercent: "19", amount: euro(80) }],
  total: euro(500),
}
const taxed = (more: Partial<Order> = {}): Order => {
  const order = plainOrder({ A: 2 })
  const taxes = [{ title: "VAT", ratePercent: "19", amount: euro(319) }]
  return {
    ...order,
    lines: order.lines.map((line) => ({ ...line, taxes })),
    charges: [shipping],
    total: euro(2500),
    tenders: [{ ...card(2500), state: "captured" }],
    ...more,
  }
}

type Refund = EventData<"order.refunded">
const refund = (more: Partial<Refund>): Refund => {
  return { orderId: "ord_0000000000000001", refundId: "R1", amount: euro(0), lines: [], at, ...more }
}
const units = (lines: Refund["lines"], leftMilli = (line: Refund["lines"][number]) => line.quantity.milli) =>
  lines.map((line) => ({ line, leftMilli: leftMilli(line) }))
const heard = (of: Refund, more: Partial<HeardRefund> = {}): HeardRefund => {
  return { refund: of, units: units(of.lines), offBefore: new Map(), overpaidMinor: 0, ...more }
}
const stated = (count: number, worthMinor: number, taxMinor: number): Refund["lines"][number] => {
  return { lineId: "A", quantity: { milli: count * 1000, unit: "ea" }, worth: euro(worthMinor), tax: euro(taxMinor) }
}
const posted = (order: Order, of: HeardRefund) =>
  creditOf(order, of, "2026-11-22")?.entry.lines.map(({ account, amount }) => `${account} ${amount.amountMinor}`)

describe("P-46: each tax has lines of its own", () => {
  it("what is taken back stands under the tax it was charged with, two rates apart, rates on one amount together", () => {
    const at9 = [{ title: "VAT", ratePercent: "9.00", amount: euro(100) }]
    const austin = ["6.25", "1"].map((ratePercent) => ({ title: "TX", ratePercent, amount: euro(10) }))
    const order = plainOrder({ A: 1, B: 1, C: 1 })
    const taxes = [at9, austin, []]
    const mixed = { ...order, lines: order.lines.map((line, n) => ({ ...line, taxes: taxes[n] ?? [] })) }
    const lines = quantities({ A: 1, B: 1, C: 1 })
    const entry = creditOf(mixed, heard(refund({ lines, amount: euro(3000) })), "2026-11-22")?.entry
    expect(entry?.lines.map(({ account, amount, tax }) => [account, amount.amountMinor, tax?.rates])).toEqual([
      ["revenue", 900, ["9"]],
      ["revenue", 980, ["1", "6.25"]],
      ["revenue", 1000, undefined],
      ["tax payable", 100, ["9"]],
      ["tax payable", 20, ["1", "6.25"]],
      ["payment clearing", -3000, undefined],
    ])
  })
})

describe("P-35: what the books take back for a refund of the shop", () => {
  it("leaves out a line that the order lacks, which was never invoiced, whether the shop says that it had left or not", () => {
    const added = { ...stated(1, 3000, 479), lineId: "NEW" }
    for (const left of [true, false]) {
      const alone = refund({ lines: [{ ...added, left }], amount: euro(3000) })
      expect(posted(taxed(), heard(alone, { overpaidMinor: 3000 }))).toBeUndefined()
      const both = refund({ lines: [{ ...added, left }, stated(1, 1000, 160)], amount: euro(4000) })
      const credit = creditOf(taxed(), heard(both, { overpaidMinor: 3000 }), "2026-11-22")
      expect(credit?.amount.amountMinor).toBe(1000)
      expect(credit?.units.map(({ lineId }) => lineId)).toEqual(["A"])
    }
  })

  it("one unit: its net and its tax as the shop states them, against the money", () => {
    const lines = [stated(1, 1000, 160)]
    const of = heard(refund({ lines, amount: euro(1000) }))
    expect(posted(taxed(), of)).toEqual(["revenue 840", "tax payable 160", "payment clearing -1000"])
  })

  it("where the shop states no worth, the order's own in proportion", () => {
    const of = heard(refund({ lines: quantities({ A: 1 }), amount: euro(1000) }))
    expect(posted(taxed(), of)).toEqual(["revenue 841", "tax payable 159", "payment clearing -1000"])
  })

  it("shipping alone, and money for nothing in particular", () => {
    const charges = [{ kind: "shipping" as const, worth: euro(500), tax: euro(80) }]
    expect(posted(taxed(), heard(refund({ charges, amount: euro(500) })))).toEqual([
      "shipping revenue 420",
      "tax payable 80",
      "payment clearing -500",
    ])
    expect(posted(taxed(), heard(refund({ amount: euro(300) })))).toEqual(["revenue 300", "payment clearing -300"])
  })

  it("everything: the whole invoice", () => {
    const charges = [{ kind: "shipping" as const, worth: euro(500), tax: euro(80) }]
    const of = heard(refund({ lines: [stated(2, 2000, 319)], charges, amount: euro(2500) }))
    expect(posted(taxed(), of)).toEqual([
      "revenue 1681",
      "shipping revenue 420",
      "tax payable 399",
      "payment clearing -2500",
    ])
  })

  it("a gift card that was sold takes its liability back, and one that paid gets it again", () => {
    const order = taxed()
    const sold = { ...order, lines: order.lines.map((line) => ({ ...line, isGiftCard: true, taxes: [] })) }
    const gift: Tender = { ...card(1000, "T2"), kind: "giftCard", state: "captured" }
    const tenders: Tender[] = [{ ...card(1500), state: "captured" }, gift]
    const payments = [
      { tenderId: "T1", amount: euro(600).shop },
      { tenderId: "T2", amount: euro(400).shop },
    ]
    const of = heard(refund({ lines: [stated(1, 1000, 0)], payments, amount: euro(1000) }))
    expect(posted({ ...sold, tenders }, of)).toEqual([
      "gift card liability 1000",
      "payment clearing -600",
      "gift card liability -400",
    ])
  })

  it("in an exchange the money that stays pays for the new goods, whose invoice is owed", () => {
    const of = heard(refund({ lines: [stated(1, 1000, 160)], amount: euro(200), worth: euro(1000) }))
    expect(posted(taxed(), of)).toEqual(["revenue 840", "tax payable 160", "receivable -800", "payment clearing -200"])
  })

  it("what never left is never invoiced, so it is not taken back", () => {
    const lines = [stated(2, 2000, 319)]
    const of = heard(refund({ lines, amount: euro(2000) }), { units: units(lines, () => 1000) })
    expect(posted(taxed(), of)).toEqual(["revenue 841", "tax payable 159", "payment clearing -1000"])
    const none = heard(refund({ lines, amount: euro(2000) }), { units: units(lines, () => 0) })
    // All of it stopped, so its shipping is not invoiced either: the shop gave back less than that.
    expect(creditMinor(taxed(), none)).toBe(-500)
    expect(posted(taxed(), none)).toBeUndefined()
  })

  it("a cent that the shop rounded down stays paid: it is posted the other way round, and nobody is asked", () => {
    const order = plainOrder({ A: 2 }, { total: euro(8225), tenders: [{ ...card(8225), state: "captured" }] })
    const odd = { ...order, lines: order.lines.map((line) => ({ ...line, gross: euro(8225), total: euro(8225) })) }
    const back = (minor: number) => {
      const lines = [stated(1, minor, 0)]
      return heard(refund({ lines, amount: euro(minor) }), { units: units(lines, () => 0) })
    }
    expect(posted(odd, back(4113))).toBeUndefined()
    expect(posted(odd, back(4112))).toEqual(["revenue -1", "payment clearing 1"])
    expect(posted(odd, back(4114))).toEqual(["revenue 1", "payment clearing -1"])
    expect([4113, 4112, 4111, 4110].map((minor) => givesBackTooLittle(odd, back(minor)))).toEqual([
      false,
      false,
      false,
      true,
    ])
  })

  it("after the end, units that the shop says nothing of never left, as far as there are any that nobody gave back", () => {
    const order = plainOrder({ A: 3 })
    const one = refund({ lines: quantities({ A: 1 }) })
    const after = (out: { left: number; withBuyer: number }, before: Refund[], of = one) => {
      const account = { left: { A: out.left * 1000 }, withBuyer: { A: out.withBuyer * 1000 }, before }
      const { units: own, offBefore } = unitsAfterEnd(order, of, account)
      return { left: own.map(({ leftMilli }) => leftMilli), off: offBefore.get("A") }
    }
    expect(after({ left: 2, withBuyer: 2 }, [])).toEqual({ left: [0], off: 0 })
    expect(after({ left: 2, withBuyer: 2 }, [one])).toEqual({ left: [1000], off: 1000 })
    expect(after({ left: 2, withBuyer: 1 }, [one, one])).toEqual({ left: [1000], off: 1000 })
    expect(after({ left: 2, withBuyer: 0 }, [one, one, one])).toEqual({ left: [0], off: 1000 })
    expect(after({ left: 3, withBuyer: 3 }, [])).toEqual({ left: [1000], off: 0 })
    const saidNot = refund({ lines: quantities({ A: 1 }).map((line) => ({ ...line, left: false })) })
    expect(after({ left: 2, withBuyer: 2 }, [], saidNot)).toEqual({ left: [0], off: 0 })
    expect(after({ left: 3, withBuyer: 3 }, [], saidNot)).toEqual({ left: [1000], off: 0 })
    const twice = refund({ lines: [...quantities({ A: 1 }), ...quantities({ A: 1 })] })
    expect(after({ left: 2, withBuyer: 2 }, [], twice)).toEqual({ left: [0, 1000], off: 0 })
  })

  it("what an edit took off is no revenue any more, so the money for it is not taken back twice", () => {
    const edited = taxed({ total: euro(2200) })
    expect(overpaidBy(edited, 2500)).toBe(300)
    const of = heard(refund({ amount: euro(400) }), { overpaidMinor: 300 })
    expect(posted(edited, of)).toEqual(["revenue 100", "payment clearing -100"])
  })

  it("is one entry a refund, however often it is made, and another one for another refund", () => {
    const number = (refundId: string) =>
      creditOf(taxed(), heard(refund({ amount: euro(100), refundId })), "2026-11-22")?.creditId
    expect(number("R1")).toBe(number("R1"))
    expect(number("R1")).not.toBe(number("R2"))
    expect(number("R1")?.length).toBeLessThanOrEqual(35)
  })

  it("sums to what was refunded for any sequence of refunds, to the cent, whatever left and whatever did not", () => {
    const piece = fc.record({ count: fc.integer({ min: 1, max: 3 }), left: fc.integer({ min: 0, max: 3 }) })
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 4 }), fc.integer({ min: 100, max: 9999 }), (pieces, price) => {
        const order = plainOrder({ A: 13 }, { charges: [shipping] })
        const [line] = order.lines
        if (!line) throw new Error("a line was expected")
        const priced = {
          ...order,
          lines: [{ ...line, gross: euro(price), total: euro(price) }],
          total: euro(price + 500),
        }
        let off: ReadonlyMap<string, number> = new Map()
        let credited = 0
        let refunded = 0
        for (const { count, left } of pieces) {
          const lines = quantities({ A: count })
          const amountMinor = Math.floor((price * count) / 13)
          const of = heard(refund({ lines, amount: euro(amountMinor) }), {
            units: units(lines, () => Math.min(left, count) * 1000),
            offBefore: off,
          })
          credited += creditMinor(priced, of)
          refunded += amountMinor
          off = offAfter(off, of.units)
        }
        const kept = quantities({ A: 13 - (off.get("A") ?? 0) / 1000 })
        const invoiced = shipmentAmounts(priced, new Map(), kept).totalMinor
        expect(invoiced - credited).toBe(priced.total.shop.amountMinor - refunded)
      }),
    )
  })
})
