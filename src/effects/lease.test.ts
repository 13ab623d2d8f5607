import { afterEach, describe, expect, test, vi } from "vitest"
import { startLease, underLease } from "./lease.ts"

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe("a lease", () => {
  test("is over for whoever asks, though the timer of a process that was paused has not run yet", async () => {
    let nowMs = 1000
    vi.spyOn(performance, "now").mockImplementation(() => nowMs)
    const seen = await underLease(startLease(5000), (signal) => {
      const before = signal.aborted
      nowMs += 5000
      return Promise.resolve([before, signal.aborted])
    })
    expect(seen).toEqual([false, true])
  })

  test("is over when the machine was suspended, which stops the steady clock and not the wall clock", () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 })
    const lease = startLease(5000)
    expect(lease.leftMs()).toBeGreaterThan(4000)
    vi.setSystemTime(1_006_000)
    expect(lease.leftMs()).toBeLessThan(0)
  })

  test("is not made longer by a wall clock that is set back", () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 })
    let nowMs = 1000
    vi.spyOn(performance, "now").mockImplementation(() => nowMs)
    const lease = startLease(5000)
    vi.setSystemTime(900_000)
    nowMs += 5001
    expect(lease.leftMs()).toBeLessThan(0)
  })

  test("that ends while the call is under way aborts it", async () => {
    const ended = underLease(
      startLease(20),
      (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve("aborted"))),
    )
    expect(await ended).toBe("aborted")
  })
})
