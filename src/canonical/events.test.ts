import { describe, expect, it } from "vitest"
import { aboutOf, eventTypes, isEventName, mentionsOf, stateChange, type EventName } from "./events.ts"
import type { EventType } from "./events/event-type.ts"
import { assertBalanced } from "./ledger-entry.ts"
import { parseRef, ref } from "./refs.ts"
import { validator } from "./validate.ts"

const entries: [string, EventType][] = Object.entries(eventTypes)

describe("event catalogue", () => {
  it.each(entries)("%s is noun and past participle, versioned, and a sentence", (name, type) => {
    expect(name).toMatch(/^[a-z]+(?:[A-Z][a-z]+)*\.[a-z]+(-[a-z]+)*$/)
    expect(type.version).toBeGreaterThanOrEqual(1)
    expect(type.summary).toMatch(/^[A-Z].*\.$/)
  })

  it.each(entries)("what %s is about and mentions are refs, and it is about none of what it mentions", (name, type) => {
    const event = { type: name as EventName, data: type.example } as Parameters<typeof aboutOf>[0]
    const mentions = mentionsOf(event)
    expect([aboutOf(event), ...mentions].filter((named) => parseRef(named) === undefined)).toEqual([])
    expect(new Set([aboutOf(event), ...mentions]).size).toBe(mentions.length + 1)
  })

  it("facts of one order are about the order, whichever area they belong to", () => {
    const about = entries
      .filter(([name, { schema }]) => {
        // A return and what a store gets ready are objects of their own.
        const isOwn = name.startsWith("return.") || name.startsWith("pickup.")
        return (schema as { required?: string[] }).required?.includes("orderId") && !isOwn
      })
      .map(([name, { about, example }]) => [name, about(example)])
    expect(about.length).toBeGreaterThan(15)
    const order = ref("order", eventTypes["order.placed"].example.orderId)
    expect(about.filter(([, named]) => named !== order)).toEqual([])
  })

  it("names that every object inherits are no event types", () => {
    for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty", ""])
      expect(isEventName(name)).toBe(false)
    expect(isEventName("order.placed")).toBe(true)
  })

  it("a state is announced under the kind's own name, and a state of another kind does not fit", () => {
    const at = "2026-11-20T10:00:00.000Z"
    const told = stateChange("return", "ret_1", { state: "received", at })
    expect(told.type).toBe("return.state-changed")
    expect(aboutOf(told)).toBe(ref("return", "ret_1"))
    const problems = (data: unknown) => validator(eventTypes["return.state-changed"].schema, "change").problems(data)
    expect(problems(told.data)).toEqual([])
    expect(problems(stateChange("return", "ret_1", { state: "reserved", at }).data)).not.toEqual([])
    const withOrder = { returnId: "ret_1", orderId: "ord_0123456789abcdef", state: "received" as const, at }
    expect(mentionsOf({ type: "return.state-changed", data: withOrder })).toEqual([
      ref("order", "ord_0123456789abcdef"),
    ])
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
