import { describe, expect, it } from "vitest"
import { assertEvents, checkEvent } from "./check-event.ts"
import { eventTypes, type EventName, type NewEvent } from "./events.ts"
import { eventExamples } from "./examples.ts"

const names = Object.keys(eventTypes) as EventName[]
const eventOf = (type: EventName, more: Partial<NewEvent> = {}): NewEvent => ({
  type,
  fact: "shop-de:order:1:fact",
  source: "shop-de",
  time: "2026-11-20T21:39:00.000Z",
  data: eventExamples[type],
  ...more,
})
const placed = eventExamples["order.placed"]

describe("checkEvent", () => {
  it.each(names)("the example of %s may enter", (name) => {
    expect(checkEvent(eventOf(name))).toEqual([])
  })

  it("every problem is named, with where it is and what was expected", () => {
    const data = {
      ...eventExamples["stock.counted"],
      countedMilli: -1,
      countedAt: "2026-02-30T10:00:00Z",
      colour: "red",
    }
    expect(checkEvent(eventOf("stock.counted", { data, fact: "", time: "yesterday" }))).toEqual([
      { pointer: "/fact", message: "expected 1 to 1024 characters" },
      { pointer: "/time", message: "expected an ISO 8601 date-time with an offset" },
      { pointer: "/data/colour", message: expect.stringContaining("is not known here") },
      { pointer: "/data/countedMilli", message: "must be >= 0" },
      { pointer: "/data/countedAt", message: "is not a valid date and time" },
    ])
  })

  it.each(["constructor", "__proto__", "toString", "order.imagined", "", undefined, null, 7, {}])(
    "%j is no event type",
    (type) => {
      const [problem, ...more] = checkEvent(eventOf("order.placed", { type: type as EventName }))
      expect([problem?.pointer, more]).toEqual(["/type", []])
    },
  )

  it.each([undefined, null, 7, "text", [], { toString: 1 }])("data that is %j is named, not thrown at", (data) => {
    expect(checkEvent(eventOf("order.placed", { data: data as never }))).not.toEqual([])
  })

  it.each([
    ["/fact", { fact: "x".repeat(1025) }],
    ["/fact", { fact: undefined as never }],
    ["/source", { source: "" }],
    ["/time", { time: "2026-11-20T21:39:00" }],
    ["/time", { time: "2026-02-30T21:39:00Z" }],
    ["/time", { time: 5 as never }],
  ])("an envelope with a wrong %s is refused", (pointer, more) => {
    expect(checkEvent(eventOf("order.placed", more)).map((problem) => problem.pointer)).toEqual([pointer])
  })

  it("an event about one order does not carry another", () => {
    const other = "ord_0000000000000000"
    expect(checkEvent(eventOf("order.placed", { data: { ...placed, orderId: other } }))).toEqual([
      { pointer: "/data/order/id", message: "is another order than /data/orderId" },
    ])
    const confirmed = { ...eventExamples["shipment.confirmed"], orderId: other }
    expect(checkEvent(eventOf("shipment.confirmed", { data: confirmed }))).toHaveLength(1)
  })

  it("an exception is about something that has a name", () => {
    const opened = { ...eventExamples["exception.opened"], about: "TEE-M" as never }
    expect(checkEvent(eventOf("exception.opened", { data: opened })).map(({ pointer }) => pointer)).toEqual([
      "/data/about",
    ])
  })

  it("our own event that does not fit is a defect that says who made it and names every problem", () => {
    const bad = eventOf("stock.counted", { data: { ...eventExamples["stock.counted"], countedMilli: -1, sku: "" } })
    expect(() => assertEvents([eventOf("order.placed"), bad], 'the step "count"')).toThrow(
      /the step "count" made an invalid stock\.counted.*\/data\/sku .*; \/data\/countedMilli must be >= 0/,
    )
  })
})
