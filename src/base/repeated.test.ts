import { expect, test } from "vitest"
import { repeated } from "./time.ts"

test("work that fails is told and done again, after the wait it says by then", async () => {
  const told: unknown[] = []
  let [count, waits] = [0, 0]
  const third = Promise.withResolvers<void>()
  const work = repeated(
    () => {
      count += 1
      if (count === 3) third.resolve()
      return Promise.reject(new Error(`no ${count}`))
    },
    { everyMs: () => (waits += 1), onError: (thrown) => told.push(String(thrown)) },
  )
  work.start()
  work.start()
  await third.promise
  expect(told.slice(0, 2)).toEqual(["Error: no 1", "Error: no 2"])
  expect(waits).toBe(2)
  await work.stop()
})

test("a stop ends the wait, waits for the work under way, and what that throws is not told", async () => {
  const told: unknown[] = []
  const done: string[] = []
  const onError = (thrown: unknown) => told.push(thrown)
  const work = repeated(
    async (signal) => {
      await new Promise((resolve) => signal.addEventListener("abort", resolve))
      await Promise.resolve()
      done.push("ended")
      throw new Error("it was cut off")
    },
    { everyMs: 0, onError },
  )
  work.start()
  await work.stop()
  expect([done, told]).toEqual([["ended"], []])

  const waiting = repeated(() => Promise.resolve(done.push("done")), { everyMs: 3_600_000, waitsFirst: true })
  waiting.start()
  await waiting.stop()
  await repeated(() => Promise.resolve(done.push("done")), { everyMs: 1 }).stop()
  expect(done).toEqual(["ended"])
})
