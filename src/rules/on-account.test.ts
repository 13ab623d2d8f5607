import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { card, euro, plainOrder } from "../../test/fixtures/fulfilment/told.ts"
import { money } from "../base/money.ts"
import type { Tender } from "../canonical/order.ts"
import { paymentVerdict, waysToPay, type AccountRule } from "./on-account.ts"

const isPaid = ({ state }: Tender) => state === "authorised" || state === "captured"
const order = plainOrder({ A: 4 }, { tenders: [] })
const pending = (kind: Tender["kind"], amountMinor: number, id: string = kind): Tender => {
  return { id, kind, provider: "x", state: "pending", amount: euro(amountMinor) }
}
const verdict = (tenders: readonly Tender[], rules: readonly AccountRule[], more: Partial<typeof order> = {}) =>
  paymentVerdict({ ...order, ...more }, tenders, { isPaid, rules, otherwise: "wait" })

const cash: AccountRule = { pays: "cash", unpaid: "ship", upTo: money(5000, "EUR") }
const terms: AccountRule = { pays: "terms", unpaid: "ship" }
const net30 = { paymentTerms: { name: "Net 30" } }
const business = { customer: { company: { name: "Bakkerij Jansen" } } }

describe("P-40: an order that is not paid", () => {
  it("is covered when its tenders are authorised or captured", () => {
    expect(verdict([card(4000)], [])).toBe("covered")
    expect(verdict([{ ...card(4000), state: "captured" }], [])).toBe("covered")
  })

  it("ships on account when the rule for its way to pay says so", () => {
    expect(verdict([pending("cash", 4000)], [cash])).toBe("ship")
    expect(verdict([], [terms], net30)).toBe("ship")
    expect(verdict([], [{ pays: "company", unpaid: "ship" }], business)).toBe("ship")
    expect(verdict([pending("invoice", 4000)], [terms], net30)).toBe("ship")
  })

  it("is asked about above its limit, and when the limit is of another currency", () => {
    expect(verdict([pending("cash", 4000)], [{ ...cash, upTo: money(3999, "EUR") }])).toBe("ask")
    expect(verdict([pending("cash", 4000)], [{ ...cash, upTo: money(9000, "USD") }])).toBe("ask")
  })

  it("waits where no rule fits, where the rule says so, and for the part that has to", () => {
    expect(verdict([], [cash, terms])).toBe("wait")
    expect(verdict([pending("cash", 4000)], [{ pays: "cash", unpaid: "wait" }])).toBe("wait")
    expect(verdict([pending("cash", 1000)], [cash])).toBe("wait")
    expect(verdict([pending("cash", 1000), pending("card", 3000)], [cash, { pays: "card", unpaid: "ask" }])).toBe("ask")
  })

  it("of another channel has rules of its own, and the first rule that fits decides", () => {
    const rules: AccountRule[] = [
      { ...cash, channel: "elsewhere", unpaid: "wait" },
      { pays: "cash", unpaid: "ask" },
      cash,
    ]
    expect(verdict([pending("cash", 4000)], rules)).toBe("ask")
  })

  it("never ships a part that no rule lets ship, whatever the tenders and rules are", () => {
    const kinds = fc.constantFrom(...(["cash", "invoice", "other", "card"] as const))
    const tenders = fc.array(fc.record({ kind: kinds, minor: fc.integer({ min: 1, max: 4000 }) }), { maxLength: 4 })
    const rules = fc.array(
      fc.record({
        pays: fc.constantFrom(...waysToPay),
        unpaid: fc.constantFrom("ship" as const, "wait" as const, "ask" as const),
      }),
      { maxLength: 4 },
    )
    fc.assert(
      fc.property(tenders, rules, (parts, given) => {
        const list = parts.map(({ kind, minor }, n) => pending(kind, minor, `t${n}`))
        if (verdict(list, given) !== "ship") return
        const ships = new Set(given.filter(({ unpaid }) => unpaid === "ship").map(({ pays }) => pays))
        expect(list.length === 0 ? ships.has("nothing") : list.some(({ kind }) => ships.has(kind))).toBe(true)
      }),
    )
  })
})
