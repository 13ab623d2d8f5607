import { describe, expect, it } from "vitest"
import { exampleOrder } from "../../canonical/events/example-order.ts"
import { eventTypes, type EventName } from "../../canonical/events.ts"
import type { NamedPromise } from "./definition.ts"
import { foldPromises, placedBy, type OrderScope } from "./fold.ts"
import { outcomes } from "./outcomes.ts"

const placed = {
  type: "order.placed" as const,
  time: exampleOrder.placedAt,
  data: { orderId: exampleOrder.id, order: exampleOrder },
}
const scope = placedBy(placed) as OrderScope
const orders = new Map([[exampleOrder.id, scope]])
const placeOf = (store?: string) => ({ timeZone: store === "store-ny" ? "America/New_York" : "Europe/Berlin" })
const promise = (change: Partial<NamedPromise>): NamedPromise => ({
  name: "a promise",
  of: "order released",
  within: { minutes: 10 },
  target: 0.99,
  ...change,
})
const of = (change: Partial<NamedPromise>, event: Parameters<typeof foldPromises>[1][number] = placed) =>
  foldPromises([promise(change)], [event], { orders, placeOf })

describe("promises of an order", () => {
  it("know where it was sold and goes to, and how its largest part is paid", () => {
    expect(scope).toMatchObject({ channel: "shop-de", region: "DE", method: "stripe", total: { amountMinor: 4488 } })
  })

  it("begin when it is placed, are due in time, and are judged by what the estate says", () => {
    const [begun] = of({ per: ["method", "channel"] }).changes
    expect(begun).toMatchObject({
      subject: exampleOrder.id,
      startedAt: "2026-11-20T21:39:00.000Z",
      dueAt: "2026-11-20T21:49:00.000Z",
      scope: ["stripe", "shop-de"],
      money: { amountMinor: 4488, currency: "EUR" },
    })
  })

  it("are made only where the estate says so", () => {
    expect(of({ only: { methods: ["stripe"], regions: ["DE"] } }).changes).toHaveLength(1)
    expect(of({ only: { methods: ["paypal"] } }).changes).toEqual([])
    expect(of({ only: { stores: ["store-117"] } }).changes).toEqual([])
    const test = { ...placed, data: { ...placed.data, order: { ...exampleOrder, isTest: true } } }
    expect(of({}, test).changes).toEqual([])
  })

  it("by a time of the store's clock are due after the end of its day, whatever the day is elsewhere", () => {
    const shipped = (locationId: string) => ({
      type: "shipment.confirmed" as const,
      time: "2026-11-20T23:30:00.000Z",
      data: {
        orderId: exampleOrder.id,
        shipment: { id: "s1", orderId: exampleOrder.id, locationId, shippedAt: "2026-11-20T23:30:00.000Z", lines: [] },
      },
    })
    const sales = { of: "sale posted", within: undefined, by: "02:00" } as unknown as Partial<NamedPromise>
    // In Berlin it is the 21st already, in New York still the 20th.
    expect(of(sales, shipped("wh-berlin")).changes[0]?.dueAt).toBe("2026-11-22T01:00:00.000Z")
    expect(of(sales, shipped("store-ny")).changes[0]).toMatchObject({
      dueAt: "2026-11-21T07:00:00.000Z",
      store: "store-ny",
    })
  })

  it("note how far it has come only where there is time to act on it", () => {
    const change = { type: "order.state-changed" as const, time: "2026-11-20T21:40:00.000Z" }
    const reserved = { ...change, data: { orderId: exampleOrder.id, state: "reserved" as const, at: change.time } }
    expect(of({}, reserved).changes).toEqual([])
    expect(of({ within: { days: 2 } }, reserved).changes).toMatchObject([{ moves: [["reserved", change.time]] }])
  })
})

describe("what a batch of events says of one outcome", () => {
  const long = { within: { days: 2 } }
  const became = (state: string, minute: number) => {
    const at = `2026-11-20T21:4${minute}:00.000Z`
    return { type: "order.state-changed" as const, time: at, data: { orderId: exampleOrder.id, state, at } } as never
  }
  const told = (events: Parameters<typeof foldPromises>[1]) =>
    foldPromises([promise(long)], events, { orders, placeOf }).changes

  it("is one change, from its beginning to its end", () => {
    const [change, ...more] = told([placed, became("reserved", 0), became("paid", 0), became("released", 1)])
    expect(more).toEqual([])
    expect(change).toMatchObject({
      startedAt: exampleOrder.placedAt,
      // What is told of the same moment is told once.
      moves: [["reserved", "2026-11-20T21:40:00.000Z"]],
      endedAt: "2026-11-20T21:41:00.000Z",
    })
  })

  it("is nothing but that it lapsed when it began and lapsed, and goes on from a beginning after that", () => {
    const held = [placed, became("reserved", 0), became("on hold", 1)]
    expect(told(held)).toEqual([{ promise: "a promise", subject: exampleOrder.id, hasLapsed: true }])
    expect(told([...held, placed])).toMatchObject([{ hasLapsed: true, startedAt: exampleOrder.placedAt }])
  })

  it("ends once: what comes after its end changes nothing", () => {
    const [change] = told([placed, became("released", 1), became("on hold", 2), became("closed", 3)])
    expect(change).toMatchObject({ startedAt: exampleOrder.placedAt, endedAt: "2026-11-20T21:41:00.000Z" })
    expect(change).not.toHaveProperty("hasLapsed")
  })
})

describe("every outcome", () => {
  it.each(Object.keys(outcomes) as (keyof typeof outcomes)[])("%s reads the examples of all its events", (name) => {
    const { types, steps } = outcomes[name] as {
      types: readonly EventName[]
      steps: (event: never) => { subject: string }[]
    }
    for (const type of types)
      for (const { subject } of steps({ type, time: exampleOrder.placedAt, data: eventTypes[type].example } as never))
        expect(subject).toMatch(/^[^/ ].{3,}/)
  })

  it("has an event that begins it and one that ends it", () => {
    for (const [name, { types, steps }] of Object.entries(outcomes)) {
      const said = types.flatMap((type) => {
        const { example } = eventTypes[type]
        const states = "state" in example ? ["shipped", "delivered", "closed", "succeeded", "released"] : [undefined]
        return states.flatMap((state) =>
          steps({ type, time: exampleOrder.placedAt, data: { ...example, ...(state ? { state } : {}) } } as never),
        )
      })
      const kinds = new Set(said.map(({ step }) => step))
      const begins = name === "shortage ended" || kinds.has("begins")
      expect([name, begins, kinds.has("ends")]).toEqual([name, true, true])
    }
  })
})
