import { describe, expect, it } from "vitest"
import { Goods, nowhere } from "../../../test/fixtures/fulfilment/goods.ts"
import {
  cancellation,
  holdChanged,
  parcel,
  plainOrder,
  quantities,
  reviewDecided,
  reviewOpened,
  short,
  timePassed,
} from "../../../test/fixtures/fulfilment/told.ts"
import type { News } from "./news.ts"

// Exceptions about a wait close by themselves: each row is one, what ends it, and what a cancellation makes of it.
const places = { north: { A: 3 }, south: { B: 1 } }
const order = plainOrder({ A: 3, B: 1 })
const all = [parcel("S1", "north", { A: 3 }), parcel("S2", "south", { B: 1 })]
const time = (hour: number) => `2026-11-20T${hour}:00:00.000Z`
const held = { partId: "F1", state: "held" as const, lines: quantities({ B: 1 }), at: time(10) }
const letGo = holdChanged({ ...held, state: "free", at: time(23) })
const muchLater: News = { type: "time passed", look: { parts: [held], now: "2026-11-22T10:00:00.000Z" } }
const lapse: News = {
  type: "authorisations lapse soon",
  lapsing: [{ tenderId: "T1", heldUntil: "2026-11-22T10:00:00.000Z" }],
}

interface Wait {
  raised: string
  by: News[]
  over: Record<string, News[]>
  goods?: () => Goods
}

const waits: Wait[] = [
  { raised: "not shipped in time", by: [timePassed], over: { "all has shipped": all } },
  { raised: "authorisation lapses soon#T1", by: [lapse], over: { "all has shipped": all } },
  {
    raised: "held by the shop for long#F1",
    by: [holdChanged(held), muchLater],
    over: { "the shop lets it go": [letGo] },
  },
  {
    raised: "review opened after release#r1",
    by: [reviewOpened("r1")],
    over: {
      "it ends well": [reviewDecided("r2", "accept")],
      "it ends badly": [reviewDecided("r2", "reject")],
    },
  },
  {
    raised: "goods are nowhere#X1:",
    by: [short("X1", "south", { B: 1 })],
    over: { "a location has them": [timePassed] },
    goods: () => {
      let looks = 0
      // Somebody finds them at the second look.
      const answers = {
        "find locations": (effect: Parameters<typeof nowhere>[0]) => {
          looks += 1
          const lines = [{ lineId: "B", sku: "SKU-B", locationId: "north", quantity: { milli: 1000, unit: "ea" } }]
          const routing = { lines, unfilled: [], explanation: "north" }
          return looks === 1 ? nowhere(effect) : { isPlaced: true, routing }
        },
      }
      return Goods.released(order, places, { answers })
    },
  },
]

const begun = ({ goods }: Wait) => goods?.() ?? Goods.released(order, places)
const closes = (done: string[], name: string) => done.filter((text) => text === `settle ${name}`).length

describe.each(waits)("the exception $raised", (wait) => {
  const { raised, by, over } = wait

  it.each(Object.entries(over))("closes once when %s", (_when, news) => {
    const goods = begun(wait)
    expect(goods.hear(...by)).toContain(`raise ${raised}`)
    expect(closes(goods.hear(...news), raised)).toBe(1)
  })

  it("closes when the order is cancelled", () => {
    const goods = begun(wait)
    goods.hear(...by)
    expect(closes(goods.hear(cancellation("c1")), raised)).toBe(1)
  })

  it("is not closed where it was never raised", () => {
    const goods = begun(wait)
    expect(closes([...goods.hear(...all), ...goods.hear(cancellation("c1"))], raised)).toBe(0)
  })
})

it("a review that is heard of after its decision is not raised", () => {
  const goods = Goods.released(order, places)
  expect(goods.hear(reviewDecided("r2", "accept"), reviewOpened("r1"))).toEqual([])
})

it("a review that is open when all has shipped stays with a person", () => {
  const goods = Goods.released(order, places)
  expect(closes(goods.hear(reviewOpened("r1"), ...all), "review opened after release#r1")).toBe(0)
})
