import { setImmediate } from "node:timers/promises"
import { expect, test } from "vitest"
import { turns } from "./turns.ts"

test("so much runs at once, the rest in its order, a failure gives its turn on, and what is too much is refused", async () => {
  const inTurn = turns({ atOnce: 2, waitingMax: 3 })
  const begun: number[] = []
  const ends: (() => void)[] = []
  const run = (n: number) =>
    inTurn(async () => {
      begun.push(n)
      await new Promise<void>((resolve) => ends.push(resolve))
      if (n === 0) throw new Error("no luck")
      return n
    })
  const all = Promise.allSettled([0, 1, 2, 3, 4, 5].map(run))
  await setImmediate()
  expect(begun).toEqual([0, 1])
  ends[0]?.()
  await setImmediate()
  expect(begun).toEqual([0, 1, 2])
  for (let n = 1; n < 5; n += 1) {
    ends[n]?.()
    await setImmediate()
  }
  expect(begun).toEqual([0, 1, 2, 3, 4])
  const settled = await all
  expect(settled.map((one) => (one.status === "fulfilled" ? one.value : String(one.reason)))).toEqual([
    "Error: no luck",
    1,
    2,
    3,
    4,
    expect.stringContaining("too many read at once"),
  ])
  const again = [run(6), run(7)]
  await setImmediate()
  expect(begun.slice(5)).toEqual([6, 7])
  ends.slice(5).forEach((end) => end())
  await Promise.all(again)
})
