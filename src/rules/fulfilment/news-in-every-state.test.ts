import { describe, expect, it } from "vitest"
import { causedBy, Goods, nowhere } from "../../../test/fixtures/fulfilment/goods.ts"
import {
  cancellation,
  edit,
  fulfilledInShop,
  parcel,
  plainOrder,
  refunded,
  reviewDecided,
  reviewOpened,
  short,
  takenBackInShop,
  timePassed,
} from "../../../test/fixtures/fulfilment/told.ts"
import type { News } from "./news.ts"

// An order of three A in the north and one B in the south, released to both.
const places = { north: { A: 3 }, south: { B: 1 } }
const order = plainOrder({ A: 3, B: 1 })
const editOf = (fact: string, pieces: Record<string, number>, hour: number) =>
  edit(fact, plainOrder(pieces, { version: `2026-11-20T${hour}:00:00.000Z` }))

const after = (...told: News[]) => {
  const goods = Goods.released(order, places)
  goods.hear(...told)
  return goods
}

const states: Record<string, () => Goods> = {
  released: () => after(),
  "partly shipped": () => after(parcel("S0", "north", { A: 1 })),
  "an edit waits": () => after(editOf("e0", { A: 1, B: 1 }, 11)),
  "goods are sought": () => {
    const goods = Goods.released(order, places, { answers: { "find locations": nowhere } })
    goods.hear(short("X0", "south", { B: 1 }))
    return goods
  },
  "cancelled, but A could not be stopped": () => {
    const goods = Goods.released(order, places, {
      answers: {
        "stop leg": ({ leg, lines }) =>
          leg === 1 ? { cancelled: [], refused: lines } : { cancelled: lines, refused: [] },
      },
    })
    goods.hear(cancellation("c0"))
    return goods
  },
  "cancelled as a whole": () => after(cancellation("c0")),
}

const oneA = parcel("S1", "north", { A: 1 })
const oneB = parcel("S2", "south", { B: 1 })
const news = {
  "a parcel": oneA,
  "all of a place": oneB,
  "a shortage": short("X1", "north", { A: 1 }),
  "a cancellation": cancellation("c1"),
  "a newer edit": editOf("e1", { A: 2, B: 1 }, 12),
  "a parcel that only the shop shows": fulfilledInShop("F1", "unknown"),
  "the echo of a parcel": fulfilledInShop("F2", "track-S0"),
  "a parcel in the shop without a number": fulfilledInShop("F3"),
  "a parcel of ours that the shop takes back": takenBackInShop("F2", "track-S0"),
  "a parcel without a number that the shop takes back": takenBackInShop("F3"),
  "a refund of the shop": refunded("R1"),
  "a review opened": reviewOpened("r1"),
  "a review opened that is known": reviewOpened("known review"),
  "a review ended well": reviewDecided("r2", "accept"),
  "a review ended badly": reviewDecided("r3", "reject"),
  silence: timePassed,
} satisfies Record<string, News>

const leftover = "give back leftover stock ord_0000000000000001"
const cancelledEverywhere = [
  leftover,
  "cancel in ERP",
  "void T1",
  "cancel in channel",
  "notify buyer cancelled",
  "close as cancelled",
]
const parcels = (n: number) => ({
  "a parcel": causedBy("S1", "1 A", { n, capture: "T1 1000", state: "partly shipped" }),
  "all of a place": causedBy("S2", "1 B", { n, capture: "T1 1000", state: "partly shipped" }),
})

/** The effect of most news in most states. */
const usual = {
  ...parcels(1),
  "a shortage": ["raise location is short#X1", "find locations X1:1 for 1 A but not north", "release leg 3"],
  "a newer edit": ["raise changed after release#e1"],
  "a parcel that only the shop shows": ["raise fulfilled past us#F1"],
  "the echo of a parcel": ["raise fulfilled past us#F2"],
  "a parcel in the shop without a number": [],
  "a refund of the shop": [],
  "a parcel of ours that the shop takes back": [],
  "a parcel without a number that the shop takes back": [],
  "a review opened": ["raise review opened after release#r1"],
  "a review opened that is known": [],
  "a review ended well": [],
  silence: ["raise not shipped in time"],
}

const stopped = (fact: string, legs: string[], ...then: string[]) => [
  `announce cancelling#${fact}`,
  ...legs.map((leg, n) => `stop leg ${n + 1} as ${fact}: ${leg}`),
  ...then,
]
/** A cancellation and a rejected review stop an order in the same way. */
const stops = (legs: string[], ...then: string[]) => ({
  "a cancellation": stopped("c1", legs, ...then),
  "a review ended badly": stopped("r3", legs, ...then),
})

const expected: Record<string, Record<keyof typeof news, string[]>> = {
  released: { ...usual, ...stops(["3 A", "1 B"], ...cancelledEverywhere) },
  "partly shipped": {
    ...usual,
    ...parcels(2),
    "the echo of a parcel": [],
    "a refund of the shop": ["credit 500 for R1"],
    "a parcel of ours that the shop takes back": ["raise taken back by the shop#F2"],
    "a parcel without a number that the shop takes back": ["raise taken back by the shop#F3"],
    "a cancellation": stopped(
      "c1",
      ["2 A", "1 B"],
      "amend in ERP as c1: 1 A, 0 B",
      leftover,
      "void T1",
      "close as closed",
    ),
    "a review ended badly": stopped(
      "r3",
      ["2 A", "1 B"],
      "amend in ERP as r3: 1 A, 0 B",
      leftover,
      "void T1",
      "close as closed",
    ),
  },
  "an edit waits": {
    ...usual,
    "a newer edit": ["raise changed after release#e1", "settle changed after release#e0"],
    ...stops(["3 A", "1 B"], "settle changed after release#e0", ...cancelledEverywhere),
  },
  "goods are sought": {
    ...usual,
    "a shortage": [
      "raise location is short#X1",
      "find locations X1:1 for 1 A but not north",
      "raise goods are nowhere#X1:",
    ],
    ...stops(["3 A"], "settle goods are nowhere#X0:", ...cancelledEverywhere),
    silence: ["find locations X0:2 for 1 B but not south", "raise goods are nowhere#X0:"],
  },
  "cancelled, but A could not be stopped": {
    ...usual,
    "all of a place": ["raise shipped after it was stopped#S2", ...usual["all of a place"]],
    "a shortage": ["amend in ERP as X1:: 2 A, 0 B"],
    "a cancellation": stopped("c1", ["3 A"], "raise too late to stop#c1"),
    "a review ended badly": stopped("r3", ["3 A"], "raise too late to stop#r3"),
  },
  "cancelled as a whole": Object.fromEntries(Object.keys(news).map((name) => [name, []])) as never,
}

describe.each(Object.keys(states))("given an order that is so: %s", (state) => {
  it.each(Object.keys(news) as (keyof typeof news)[])("%s leads to what it should", (name) => {
    const goods = states[state]?.()
    expect(goods?.hear(news[name])).toEqual(expected[state]?.[name])
  })
})

describe("P-39: a fulfilment that the shop takes back", () => {
  const known = parcel("S0", "north", { A: 1 })
  const echo = fulfilledInShop("F2", "track-S0")
  const takenBack = takenBackInShop("F2", "track-S0")
  it.each([
    ["as it happened", [known, echo, takenBack]],
    ["first of all", [takenBack, known, echo]],
    ["before the location's report", [echo, takenBack, known]],
  ])("is told to a person once, heard %s", (_, all) => {
    const goods = after()
    const raised = all.flatMap((one) => goods.hear(one)).filter((action) => action.includes("taken back"))
    expect(raised).toEqual(["raise taken back by the shop#F2"])
    expect(goods.hear(takenBack, echo)).toEqual([])
  })

  it("and that no location of ours had shipped is as if it had never been, heard in any order", () => {
    const goods = after(fulfilledInShop("F1", "unknown"))
    expect(goods.hear(takenBackInShop("F1", "unknown"))).toEqual(["settle fulfilled past us#F1"])
    const other = after(takenBackInShop("F1", "unknown"))
    expect(other.hear(fulfilledInShop("F1", "unknown"))).toEqual([])
  })
})
