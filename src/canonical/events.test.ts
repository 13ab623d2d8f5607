import { describe, expect, it } from "vitest"
import { eventTypes, type EventType } from "./events.ts"
import { assertBalanced } from "./ledger-entry.ts"

const entries: [string, EventType][] = Object.entries(eventTypes)

describe("event catalogue", () => {
  it.each(entries)("%s is noun and past participle, versioned, and its key is a field it always has", (name, type) => {
    expect(name).toMatch(/^[a-z]+\.[a-z]+(-[a-z]+)*$/)
    expect(type.version).toBeGreaterThanOrEqual(1)
    expect((type.schema as { required?: string[] }).required).toContain(type.key)
    expect(type.summary).toMatch(/^[A-Z].*\.$/)
  })

  it("every event is a closed object, so that nothing slips into the log unnamed", () => {
    const open = entries.filter(
      ([, { schema }]) => (schema as { additionalProperties?: unknown }).additionalProperties !== false,
    )
    expect(open.map(([name]) => name)).toEqual([])
  })

  it("an entry that does not balance, or mixes currencies, never passes", () => {
    const line = (account: "revenue" | "receivable", amountMinor: number, currency = "EUR") => ({
      account,
      amount: { amountMinor, currency },
    })
    const entry = (lines: ReturnType<typeof line>[]) => ({
      number: "1",
      orderId: "ord_0000000000000000",
      kind: "invoice" as const,
      postedAt: "2026-11-20T10:00:00.000Z",
      businessDate: "2026-11-20",
      currency: "EUR",
      lines,
    })
    expect(() => assertBalanced(entry([line("receivable", 100), line("revenue", -100)]))).not.toThrow()
    expect(() => assertBalanced(entry([line("receivable", 100), line("revenue", -99)]))).toThrow("off balance by 1")
    expect(() => assertBalanced(entry([line("receivable", 100), line("revenue", -100, "USD")]))).toThrow(
      "mixes currencies",
    )
  })
})
