import { expect, test } from "vitest"
import { Reader } from "../orders/reader.ts"
import { CostBucket } from "./cost-bucket.ts"

const levels = { name: "Levels", first: 50 }
const bucket = () => new CostBucket({ now: () => 0 })

function answer(requestedQueryCost: number, currentlyAvailable: number): Reader {
  const throttleStatus = { maximumAvailable: 2000, currentlyAvailable, restoreRate: 100 }
  return new Reader({ extensions: { cost: { requestedQueryCost, actualQueryCost: 1, throttleStatus } } })
}

test("what a page costs is known by its size, and guessed in proportion where that size was never asked for", () => {
  const shop = bucket()
  expect(shop.costOf(levels)).toBe(0)
  shop.learn(levels, answer(300, 2000))
  shop.learn({ name: "Levels", first: 1 }, answer(8, 2000))
  expect([50, 1, 25].map((first) => shop.costOf({ name: "Levels", first }))).toEqual([300, 8, 150])
})

test("background work leaves a fifth of the bucket to what somebody waits for", () => {
  const shop = bucket()
  expect(shop.leftToOthers).toBe(0)
  shop.learn(levels, answer(300, 650))
  expect(shop.waitMs(shop.costOf(levels))).toBe(0)
  // 300 and 400 are 50 more than there is, at 100 a second.
  expect(shop.waitMs(shop.costOf(levels) + shop.leftToOthers)).toBe(500)
})
