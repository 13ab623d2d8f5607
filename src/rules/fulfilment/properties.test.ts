import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Goods, provider, nowhere, terms } from "../../../test/fixtures/fulfilment/goods.ts"
import {
  card,
  cancellation,
  edit,
  fulfilledInShop,
  holdChanged,
  parcel,
  plainOrder,
  quantities,
  refunded,
  refundedUnits,
  reviewDecided,
  reviewOpened,
  short,
  timePassed,
  type Pieces,
  type Places,
} from "../../../test/fixtures/fulfilment/told.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import { apply, questionsOf } from "./apply.ts"
import type { News } from "./news.ts"
import { heldMilli } from "./changes/hold.ts"
import { isAsked, openMilli, openOnLeg, placeKey, sumMilli, type Fulfilment } from "./state.ts"

const lineIds = ["A", "B", "C"] as const
const locations = ["north", "south", "east"] as const

/** An order of one to three lines, each requested from one or two locations, paid by one or two cards. */
const start = fc
  .record({
    counts: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 })),
    splits: fc.array(fc.record({ first: fc.nat(2), second: fc.nat(2), share: fc.nat(4) }), {
      minLength: 3,
      maxLength: 3,
    }),
    cardShare: fc.nat(10),
    capture: fc.constantFrom("once" as const, "per shipment" as const),
  })
  .map(({ counts, splits, cardShare, capture }) => {
    const pieces: Pieces = {}
    const places: Places = {}
    const put = (place: number, id: string, count: number) => {
      const location = locations[place] ?? "north"
      if (count > 0) places[location] = { ...places[location], [id]: (places[location]?.[id] ?? 0) + count }
    }
    for (const [n, id] of lineIds.entries()) {
      const count = counts[n] ?? 0
      if (count === 0) continue
      pieces[id] = count
      const { first = 0, second = 0, share = 0 } = splits[n] ?? {}
      const there = Math.min(count, share)
      put(first, id, count - there)
      put(second, id, there)
    }
    const order = plainOrder(pieces)
    const totalMinor = order.total.shop.amountMinor
    const firstMinor = Math.floor((totalMinor * cardShare) / 10)
    const cards = [card(firstMinor, "T1"), card(totalMinor - firstMinor, "T2")]
    return {
      order: { ...order, tenders: cards.filter((tender) => tender.amount.shop.amountMinor > 0) },
      places,
      capture,
    }
  })

/** The next happening, chosen from the possible ones by `pick`, given the state of the order by then. */
const happening = fc.record({
  what: fc.constantFrom(
    ...([
      "ship",
      "ship",
      "ship",
      "ship anything",
      "short",
      "short anywhere",
      "cancel",
      "edit",
      "decide",
      "time",
      "refund",
      "hold",
      "echo",
      "review",
    ] as const),
  ),
  pick: fc.nat(100),
  counts: fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 3 })),
})
type Happening = typeof happening extends fc.Arbitrary<infer Value> ? Value : never

/** The behaviour of the other systems, one digit per effect. */
const moods = fc.array(fc.nat(9), { minLength: 40, maxLength: 40 })

function moody(moodOf: () => number): ConstructorParameters<typeof Goods>[2] {
  const take = provider()
  return {
    answers: {
      "release leg": ({ isFirst }) => (!isFirst && moodOf() < 2 ? "waiting" : { isOvertaken: false }),
      "stop leg": ({ lines }) => {
        const mood = moodOf()
        if (mood < 3) return { cancelled: [], refused: lines }
        return mood < 5 ? halfOf(lines) : { cancelled: lines, refused: [] }
      },
      "amend in ERP": ({ isEarly }) => (!isEarly && moodOf() < 2 ? "waiting" : undefined),
      "reserve for edit": () => ({ granted: moodOf() > 2, short: [] }),
      capture: (share) => {
        const mood = moodOf()
        if (mood < 2) return mood < 1 ? "waiting" : "left"
        return mood < 3 ? { ownMinor: 0, takenMinor: share.upTo.amountMinor, isEnded: false } : take(share)
      },
    },
  }
}

/** One piece of each line can no longer be stopped, the others can. */
function halfOf(lines: readonly LineQuantity[]) {
  const refused = lines.map((line) => ({ ...line, quantity: { ...line.quantity, milli: 1000 } }))
  const cancelled = lines.flatMap(({ lineId, quantity }) =>
    quantity.milli > 1000 ? [{ lineId, quantity: { ...quantity, milli: quantity.milli - 1000 } }] : [],
  )
  return { cancelled, refused }
}

/** Goods to be shipped by well-behaved locations: only what a leg still covers. */
function openParts(state: Fulfilment) {
  return state.legs
    .filter((leg) => leg.request === "sent")
    .flatMap((leg) =>
      [...new Set(leg.lines.map(({ lineId }) => lineId))].flatMap((lineId) => {
        const count = openOnLeg(state, leg, lineId) / 1000
        return count > 0 ? [{ locationId: leg.locationId, lineId, count }] : []
      }),
    )
}

const paidOf = (pick: number) => (pick % 2 === 0 ? { paid: { added: [] } } : {})

const leftOf = (pick: number) => (pick % 3 === 0 ? {} : { left: pick % 3 === 1 })

const versionOf = (n: number) => `2026-11-20T12:${String(n).padStart(2, "0")}:00.000Z`

function newsOf(goods: Goods, { what, pick, counts }: Happening, n: number): News[] {
  const parts = openParts(goods.state)
  const part = parts[pick % Math.max(1, parts.length)]
  const question = questionsOf(goods.state)[0]
  const pieces = Object.fromEntries(lineIds.map((id, at) => [id, counts[at] ?? 0]))
  switch (what) {
    case "ship":
      return part ? [parcel(`S${n}`, part.locationId, { [part.lineId]: 1 + (pick % part.count) })] : []
    case "ship anything":
      return [parcel(`S${n}`, locations[pick % 3] ?? "north", { A: counts[0] + 1 })]
    case "short":
      return part ? [short(`X${n}`, part.locationId, { [part.lineId]: 1 + (pick % part.count) })] : []
    case "short anywhere":
      return [short(`X${n}`, locations[pick % 3] ?? "north", pieces)]
    case "cancel":
      return [cancellation(`c${n}`)]
    case "edit":
      return [{ ...edit(`e${n}`, plainOrder(pieces, { version: versionOf(n), tenders: [] })), ...paidOf(pick) } as News]
    case "decide":
      if (!question) return []
      if (question.about === "edit" && pick % 3 === 0)
        return [{ type: "edit is paid", fact: question.fact, paid: { added: [] } }]
      return [{ type: "question decided", question, action: question.about === "edit" ? "apply" : "cancel the rest" }]
    case "time":
      return [timePassed]
    case "refund":
      return [pick % 2 === 0 ? refunded(`R${n}`) : refundedUnits(`R${n}`, pieces, leftOf(pick))]
    case "hold": {
      const state = pick % 3 === 0 ? "free" : "held"
      return [holdChanged({ partId: `F${pick % 2}`, state, lines: quantities(pieces), at: versionOf(n) })]
    }
    case "echo":
      return [fulfilledInShop(`F${n}`, `track-S${pick % 10}`)]
    case "review":
      return [pick % 2 === 0 ? reviewOpened(`r${n}`) : reviewDecided(`r${n}`, pick % 4 === 1 ? "accept" : "reject")]
  }
}

interface Story {
  begin: typeof start extends fc.Arbitrary<infer Value> ? Value : never
  happenings: Happening[]
  mood: number[]
}
const story: fc.Arbitrary<Story> = fc.record({
  begin: start,
  happenings: fc.array(happening, { maxLength: 14 }),
  mood: moods,
})

/** Runs a story; `look` sees the order after each piece of news. */
function live({ begin, happenings, mood }: Story, look: (goods: Goods) => void = () => undefined): Goods {
  let asked = 0
  const moodOf = () => mood[(asked += 1) % mood.length] ?? 9
  const { order, places, capture } = begin
  const goods = Goods.released(order, places, {
    ...moody(moodOf),
    terms: { capture, onLateEdit: "carry out what is paid" },
  })
  look(goods)
  for (const [n, one] of happenings.entries()) {
    if (["time", "short", "short anywhere"].includes(one.what))
      goods.answer({ "find locations": (effect) => (moodOf() < 4 ? nowhere(effect) : foundIn("east")(effect)) })
    for (const news of newsOf(goods, one, n)) goods.hear(news)
    look(goods)
  }
  return goods
}

const foundIn =
  (locationId: string): typeof nowhere =>
  ({ request }) => ({
    routing: {
      lines: request.wanted.map(({ line, milli }) => {
        return { lineId: line.id, sku: line.sku, quantity: { milli, unit: "ea" }, locationId }
      }),
      unfilled: [],
    },
    isPlaced: true,
  })

const isWithoutEdits = ({ happenings }: Story) => happenings.every(({ what }) => what !== "edit")
const isOrderly = ({ happenings }: Story) => happenings.every(({ what }) => what !== "ship anything")

describe("whatever happens to an order", () => {
  it("P-37: nothing that the shop holds back is asked of a location that can still be stopped", () => {
    fc.assert(
      fc.property(story.filter(isOrderly), (told) => {
        live({ ...told, mood: [9] }, ({ state }) => {
          if (state.phase === "ended") return
          for (const { id } of state.order.lines) {
            const asked = state.legs.filter(isAsked).reduce((sum, leg) => sum + openOnLeg(state, leg, id), 0)
            expect(asked).toBeLessThanOrEqual(Math.max(0, openMilli(state, id) - heldMilli(state, id)))
          }
        })
      }),
    )
  })

  it("shipped, cancelled and open are together what was ordered, line by line, and none is negative", () => {
    fc.assert(
      fc.property(story.filter(isWithoutEdits), (told) => {
        live(told, ({ state }) => {
          for (const { id, quantity } of state.order.lines) {
            const [shipped, cancelled] = [state.shipped.get(id) ?? 0, state.cancelled.get(id) ?? 0]
            expect(shipped + cancelled + openMilli(state, id)).toBe(quantity.milli)
            expect(Math.min(shipped, cancelled, openMilli(state, id))).toBeGreaterThanOrEqual(0)
          }
        })
      }),
      { numRuns: 120 },
    )
  })

  it("every open piece is asked of a location or sought, as long as locations ship what they were asked", () => {
    fc.assert(
      fc.property(story.filter(isOrderly), (told) => {
        live(told, ({ state }) => {
          for (const { id } of state.order.lines) {
            const asked = state.legs.reduce((sum, leg) => sum + Math.max(0, openOnLeg(state, leg, id)), 0)
            const sought = state.sought.flatMap(({ wanted }) => wanted).filter(({ line }) => line.id === id)
            const soughtMilli = sought.reduce((sum, { milli }) => sum + milli, 0)
            expect(asked + soughtMilli).toBeGreaterThanOrEqual(openMilli(state, id))
          }
        })
      }),
      { numRuns: 120 },
    )
  })

  it("the requests that a location has cover what left from there, also when it stops a part and says later that it lacks some", () => {
    const few = fc.constantFrom("ship" as const, "short anywhere" as const, "hold" as const)
    const happenings = fc.array(fc.record({ happening, what: few }), { maxLength: 8 })
    fc.assert(
      fc.property(start, happenings, (begin, told) => {
        const story = { begin, happenings: told.map((one) => ({ ...one.happening, what: one.what })), mood: [4] }
        live(story, ({ state }) => {
          for (const { id } of state.order.lines)
            for (const place of locations) {
              const legs = state.legs.filter((leg) => leg.locationId === place && isAsked(leg))
              const askedMilli = sumMilli(legs.flatMap(({ lines }) => lines).filter(({ lineId }) => lineId === id))
              const leftMilli = state.shippedFrom.get(placeKey({ lineId: id, locationId: place })) ?? 0
              expect(askedMilli).toBeGreaterThanOrEqual(leftMilli)
            }
        })
      }),
      { numRuns: 200 },
    )
  })

  it("no tender is captured over its authorisation, and no more is refunded than was captured", () => {
    fc.assert(
      fc.property(story, (told) => {
        const goods = live(told)
        for (const tender of goods.state.order.tenders) {
          const sum = (name: "capture" | "refund") =>
            goods.effects.reduce((total, effect) => {
              const isIt = effect.do === name && effect.tender.id === tender.id
              return isIt ? total + effect.amount.amountMinor : total
            }, 0)
          const { askedMinor = 0 } = goods.state.captures.get(tender.id) ?? {}
          expect(askedMinor).toBeLessThanOrEqual(tender.amount.presentment.amountMinor)
          expect(sum("refund")).toBeLessThanOrEqual(sum("capture"))
        }
      }),
      { numRuns: 120 },
    )
  })

  it("nothing is released after a stop", () => {
    fc.assert(
      fc.property(story, (told) => {
        let releasedBefore: number | undefined
        live(told, ({ state, effects }) => {
          const released = effects.filter((effect) => effect.do === "release leg").length
          if (releasedBefore !== undefined) expect(released).toBe(releasedBefore)
          if (state.stopReason) releasedBefore = released
        })
      }),
      { numRuns: 120 },
    )
  })

  it("news is taken in whole: between two pieces of it nothing is left on the agenda", () => {
    fc.assert(
      fc.property(story, (told) => {
        live(told, ({ state }) => expect(state.agenda).toEqual([]))
      }),
    )
  })

  it("the state that is given stays as it is, and the same news leads to the same result", () => {
    fc.assert(
      fc.property(story, happening, (told, next) => {
        const goods = live(told)
        for (const news of newsOf(goods, next, 99)) {
          const before = structuredClone(goods.state)
          const once = apply(goods.state, news, terms)
          expect(goods.state).toEqual(before)
          expect(apply(before, news, terms)).toEqual(once)
        }
      }),
    )
  })
})

/** The parts of the final state that must not depend on the way there. */
function endOf({ state }: Goods) {
  const { phase, shipped, cancelled, invoicedMinor, order, legs, sought, waitingEdits } = state
  const captured = [...state.captures].map(([id, { askedMinor }]) => [id, askedMinor]).sort()
  const quantities = order.lines.map(({ id }) => [id, shipped.get(id) ?? 0, cancelled.get(id) ?? 0])
  return { phase, quantities, invoicedMinor, captured, legs, sought, waitingEdits }
}

const exceptionsOf = ({ done }: Goods) => {
  const names = (what: string) => done.filter((text) => text.startsWith(what)).map((text) => text.slice(what.length))
  const settled = names("settle ")
  return [...new Set(names("raise "))].filter((name) => !settled.includes(name)).sort()
}

/** A parcel for each request to a location. */
const parcelsOf = (places: Places) =>
  Object.entries(places)
    .flatMap(([location, pieces]) =>
      Object.entries(pieces).flatMap(([id, count]) => Array.from({ length: count }, () => ({ location, id }))),
    )
    .map(({ location, id }, n) => parcel(`S${n}`, location, { [id]: 1 }))

describe("news that has nothing to do with each other", () => {
  // News after the end is not fulfilment's, so the parcel that ends the order comes last.
  const independent = start.chain((begin) => {
    const parcels = parcelsOf(begin.places)
    const news = [
      ...parcels.slice(0, -1),
      refunded("R1"),
      refunded("R2"),
      fulfilledInShop("F1", "track-S0"),
      fulfilledInShop("F2", "track-S1"),
      fulfilledInShop("F3", "somebody else's"),
      reviewOpened("r1"),
      reviewDecided("r2", "accept"),
      timePassed,
    ]
    const shuffled = fc.shuffledSubarray(news, { minLength: news.length, maxLength: news.length })
    return shuffled.map((order) => ({ begin, news, order, last: parcels.slice(-1) }))
  })

  it("comes to the same end in any order", () => {
    fc.assert(
      fc.property(independent, ({ begin, news, order, last }) => {
        const ends = [news, order].map((list) => {
          const goods = Goods.released(begin.order, begin.places, { terms: { capture: begin.capture } })
          goods.hear(...list, ...last)
          return { ...endOf(goods), open: exceptionsOf(goods) }
        })
        expect(ends[1]).toEqual(ends[0])
        expect(ends[0]?.phase).toBe("ended")
      }),
      { numRuns: 120 },
    )
  })

  it("that is told twice is told once", () => {
    fc.assert(
      fc.property(start, fc.array(happening, { maxLength: 14 }), (begin, happenings) => {
        const told = happenings.filter(({ what }) => what !== "time" && what !== "decide")
        const [once, twice] = [1, 2].map((times) => {
          const goods = Goods.released(begin.order, begin.places, { terms: { capture: begin.capture } })
          for (const [n, one] of told.entries()) {
            const news = newsOf(goods, one, n)
            for (let time = 0; time < times; time += 1) goods.hear(...news)
          }
          return endOf(goods)
        })
        expect(twice).toEqual(once)
      }),
      { numRuns: 120 },
    )
  })
})
