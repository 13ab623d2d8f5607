import { expect, test } from "vitest"
import { chooseBatch } from "./choose.ts"
import type { PublishedRow } from "./row.ts"
import { classOf } from "../rows.ts"
import { commonRefusal } from "./stops.ts"
import { sharedOut } from "../stock/values.ts"

const due = (count: number, changes: Partial<PublishedRow>) =>
  Array.from(
    { length: count },
    (_one, n) => ({ item: `${changes.rank}-${n}`, attempts: 0, risk: 0, changedAt: null, ...changes }) as PublishedRow,
  )

test("falls take a call, and a fifth of it stays for rises and new articles", () => {
  const batch = chooseBatch([...due(300, { rank: 3 }), ...due(300, { rank: 2 }), ...due(10, { rank: 1 })], 250)
  const count = (rank: number) => batch.filter((one) => one.rank === rank).length
  expect([count(1), count(2), count(3)]).toEqual([10, 190, 50])
  expect(batch[0]?.rank).toBe(1)
})

test("without falls rises take all of it", () => {
  expect(chooseBatch(due(300, { rank: 3 }), 250)).toHaveLength(250)
})

test("rows that came back stale go in small calls of their own, so that they fail no others", () => {
  const batch = chooseBatch([...due(40, { rank: 2, attempts: 1 }), ...due(300, { rank: 2 })], 250)
  expect(batch.every(({ attempts }) => attempts === 0)).toBe(true)
  expect(chooseBatch(due(40, { rank: 2, attempts: 1 }), 250)).toHaveLength(25)
})

test("places together show no more than the pool has, the largest gives way, and no piece is lost", () => {
  expect(sharedOut([5000, 3000], 20_000, 1000)).toEqual([5000, 3000])
  expect(sharedOut([5000, 3000], 7000, 1000)).toEqual([4000, 3000])
  expect(sharedOut([1000, 1000], 1000, 1000)).toEqual([1000, 0])
  expect(sharedOut([5000, 5000, 1000], 6000, 1000)).toEqual([3000, 2000, 1000])
  expect(sharedOut([5000, 3000], 0, 1000)).toEqual([0, 0])
})

test("one cause for most rows of a call of which nothing was taken is the channel's; bad rows beside good ones are their own", () => {
  const bad = {
    kind: "rejected",
    code: "VENDOR_REJECTED",
    message: "no",
    problems: [{ pointer: "", message: "no", code: "X" }],
  } as const
  const good = { kind: "done", outcome: { value: 1 } } as const
  const stale = { kind: "stale", holds: good.outcome } as const
  const mixed = (bads: number, others: number, other: typeof good | typeof stale) => [
    ...Array.from({ length: bads }, () => bad),
    ...Array.from({ length: others }, () => other),
  ]
  expect(commonRefusal(mixed(8, 4, stale))).toMatchObject({ vendorCode: "X" })
  expect(commonRefusal(mixed(3, 9, stale))).toBeUndefined()
  expect(commonRefusal(mixed(200, 1, good))).toBeUndefined()
  expect(commonRefusal([bad, bad])).toBeUndefined()
})

test("ages fall into classes that double from a tenth of a second", () => {
  expect([50, 100, 101, 2000, 10 ** 12].map(classOf)).toEqual([0, 0, 1, 5, 19])
})
