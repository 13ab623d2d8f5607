import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { giveBackMemoryAtRest } from "./memory.ts"

beforeEach(() => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }))
afterEach(() => vi.useRealTimers())

// Real work and real rest: the share of the event loop is measured, not imitated.
const work = (ms: number) => {
  const until = performance.now() + ms
  while (performance.now() < until);
}
const rest = () => new Promise((resolve) => setTimeout(resolve, 400))
const look = () => vi.advanceTimersByTime(15_000)

test("a process at rest gives memory back once it has grown by half, and not while it works", async () => {
  let bytes = 100
  const collect = vi.fn<() => void>(() => void (bytes = 120))
  const stop = giveBackMemoryAtRest({ held: () => bytes, collect })
  await rest()
  look()
  expect(collect, "nothing grew").not.toHaveBeenCalled()
  bytes = 150
  work(200)
  await new Promise((resolve) => setImmediate(resolve))
  look()
  expect(collect, "it works").not.toHaveBeenCalled()
  await rest()
  look()
  expect(collect).toHaveBeenCalledTimes(1)
  bytes = 170
  await rest()
  look()
  expect(collect, "less than half more than it kept").toHaveBeenCalledTimes(1)
  bytes = 180
  await rest()
  look()
  expect(collect).toHaveBeenCalledTimes(2)
  await stop()
})
