import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { scoreOf } from "./score.ts"

const nowMs = Date.parse("2026-11-29T12:00:00Z")
const eur = (amountMinor: number) => ({ amountMinor, currency: "EUR" })

describe("a group's score", () => {
  it("is money at risk times urgency, and what its orders are worth besides", () => {
    expect(scoreOf({ money: [eur(12_345)], orders: 3 }, { nowMs })).toEqual({
      total: 153,
      money: 123,
      urgency: 1,
      orders: 30,
    })
  })

  it("counts currencies by declared rates and their own decimals, and adds them nowhere else", () => {
    const money = [eur(10_000), { amountMinor: 10_000, currency: "JPY" }]
    expect(scoreOf({ money, orders: 0 }, { nowMs, ranking: { rates: { JPY: 0.006 } } }).money).toBe(160)
  })

  it("rises as the clock runs out: 5 when overdue, 3 an hour before, nearly 1 a day before", () => {
    const urgency = (dueAt: string) => scoreOf({ money: [], orders: 0, dueAt }, { nowMs }).urgency
    expect(urgency("2026-11-29T11:59:59Z")).toBe(5)
    expect(urgency("2026-11-29T13:00:00Z")).toBe(3)
    expect(urgency("2026-11-30T12:00:00Z")).toBeLessThan(1.01)
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(100_000), (a, b) => {
        const [soon, late] = a < b ? [a, b] : [b, a]
        const at = (minutes: number) => new Date(nowMs + minutes * 60_000).toISOString()
        expect(urgency(at(soon))).toBeGreaterThanOrEqual(urgency(at(late)))
      }),
    )
  })
})
