import { describe, expect, test } from "vitest"
import { money } from "../../base/money.ts"
import { ref } from "../../canonical/refs.ts"
import {
  findUnexpectedQuestions,
  findWrongEnds,
  isFewEnough,
  kindRows,
  type OrderOfKind,
  type RightEnd,
} from "./kinds.ts"

const usual: RightEnd = { ends: ["closed"], leaves: "all", keeps: "value", asks: [] }
const ends = new Map<string, RightEnd>([
  ["web order", usual],
  ["till", { ...usual, leaves: "nothing" }],
  ["test order", { ends: ["unknown"], leaves: "nothing", keeps: "either", asks: [] }],
  ["refunded", { ...usual, leaves: "either", asks: ["refunded by the shop"] }],
  ["cancelled", { ends: ["cancelled", "closed"], leaves: "either", keeps: "nothing", asks: [] }],
])

const ended = (more: Partial<OrderOfKind> = {}): OrderOfKind => ({
  order: ref("order", "ord_1"),
  kind: "web order",
  state: "closed",
  causes: [],
  isEndedByOthers: false,
  wantedMilli: 2000,
  leftMilli: 2000,
  value: money(1190, "EUR"),
  kept: money(1190, "EUR"),
  roundingMinor: 0,
  ...more,
})

describe("ends of orders by their kind", () => {
  test.each<[name: string, order: Partial<OrderOfKind>]>([
    ["a web order that left and was paid", {}],
    ["a till's sale of which nothing left a shelf", { kind: "till", leftMilli: 0 }],
    ["a test order that nobody took", { kind: "test order", state: "unknown", leftMilli: 0, kept: money(0, "EUR") }],
    ["a cancelled order that kept no money", { kind: "cancelled", state: "cancelled", kept: money(0, "EUR") }],
    ["cash that was rounded by two cents", { kept: money(1192, "EUR"), roundingMinor: 2 }],
    ["an order that ended otherwise because nothing was there", { state: "refused", isEndedByOthers: true }],
    ["an order of a kind that nobody described", { kind: "another", state: "reserved" }],
  ])("given %s, nothing is found", (_name, order) => {
    expect(findWrongEnds([ended(order)], ends)).toEqual([])
  })

  test.each<{ name: string; order: Partial<OrderOfKind>; expected: string; found: string }>([
    { name: "a web order that was cancelled", order: { state: "cancelled" }, expected: "closed", found: "cancelled" },
    { name: "a test order that was shipped", order: { kind: "test order" }, expected: "unknown", found: "closed" },
    { name: "a till's sale that a warehouse shipped as well", order: { kind: "till" }, expected: "0", found: "2" },
    { name: "a web order of which one unit stayed", order: { leftMilli: 1000 }, expected: "2", found: "1" },
    { name: "one that was paid twice", order: { kept: money(2380, "EUR") }, expected: "11.90 EUR", found: "23.80 EUR" },
    { name: "one that nobody paid", order: { kept: money(0, "EUR") }, expected: "11.90 EUR", found: "0.00 EUR" },
    { name: "money of a cancelled one", order: { kind: "cancelled" }, expected: "0.00 EUR", found: "11.90 EUR" },
    {
      name: "cash that differs by more than its rounding",
      order: { kept: money(1193, "EUR"), roundingMinor: 2 },
      expected: "11.90 EUR",
      found: "11.93 EUR",
    },
  ])("given $name, it is found", ({ order, expected, found }) => {
    const findings = findWrongEnds([ended(), ended({ order: ref("order", "ord_2"), ...order })], ends)
    expect(findings).toMatchObject([{ about: "order/ord_2", expected, found, atRisk: { amountMinor: 1190 } }])
  })
})

describe("people who are asked", () => {
  const asked = (cause: string, kind = "web order") => ended({ kind, causes: [cause] })
  const anyKind = ["stock is short"]

  test("given a question that belongs to the kind, or to any order, nobody is surprised", () => {
    const orders = [asked("refunded by the shop: 7", "refunded"), asked("stock is short: 1"), ended()]
    expect(findUnexpectedQuestions(orders, { ends, anyKind })).toEqual([])
  })

  test("given a question of another kind, the order and what was asked are found", () => {
    const orders = [asked("refunded by the shop"), asked("tell the shop it shipped", "refunded")]
    expect(findUnexpectedQuestions(orders, { ends, anyKind }).map(({ found }) => found)).toEqual([
      "refunded by the shop",
      "tell the shop it shipped",
    ])
  })

  test("given two in a hundred they are few, three are too many; one is never too many", () => {
    expect([isFewEnough(2, 100, 0.02), isFewEnough(3, 100, 0.02), isFewEnough(1, 3, 0.02)]).toEqual([true, false, true])
  })
})

test("each kind that occurred has a row, in the order of the kinds", () => {
  const orders = [
    ended({ order: ref("order", "ord_1") }),
    ended({ order: ref("order", "ord_2"), state: "reserved" }),
    ended({ order: ref("order", "ord_3"), causes: ["it is odd"] }),
    ended({ order: ref("order", "ord_4"), kind: "refunded", causes: ["refunded by the shop"] }),
  ]
  const wrong = findWrongEnds(orders, ends)
  const unexpected = findUnexpectedQuestions(orders, { ends, anyKind: [] })
  expect(kindRows(orders, { wrong, unexpected, kinds: [...ends.keys()].reverse() })).toEqual([
    { kind: "refunded", orders: 1, endedRight: 1, asked: 1, askedUnexpectedly: 0 },
    { kind: "web order", orders: 3, endedRight: 2, asked: 0, askedUnexpectedly: 1 },
  ])
})
