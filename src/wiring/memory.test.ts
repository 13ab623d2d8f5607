import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { giveBackMemoryAtRest } from "./memory.ts"

beforeEach(() => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }))
afterEach(() => vi.useRealTimers())

// Real work and real rest: the share of the event loop is measured, not imitated.
const work = (ms: number) => {
  const until = performance.now() + ms
  while (performance.now() < until);
}
const rest = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test("a process that comes to rest gives memory back once, and again only after it has worked", async () => {
  const collect = vi.fn<() => void>()
  const stop = giveBackMemoryAtRest(collect, { worthMs: 20, lookEveryMs: 1000 })
  await rest(400)
  vi.advanceTimersByTime(1000)
  expect(collect).toHaveBeenCalledTimes(1)
  await rest(400)
  vi.advanceTimersByTime(1000)
  expect(collect).toHaveBeenCalledTimes(1)
  work(30)
  await rest(20)
  vi.advanceTimersByTime(1000)
  expect(collect, "while it works").toHaveBeenCalledTimes(1)
  await rest(800)
  vi.advanceTimersByTime(1000)
  expect(collect).toHaveBeenCalledTimes(2)
  await stop()
})
