import fc from "fast-check"
import { expect, test } from "vitest"
import { wakeLimit } from "./drains.ts"

const load = fc.record({
  freeCount: fc.integer({ min: 0, max: 64 }),
  busyCount: fc.integer({ min: 0, max: 64 }),
  waitingCount: fc.integer({ min: 0, max: 200 }),
})

test("whoever is woken finds at most one queue's length before it, however long all slots stay busy", () => {
  fc.assert(
    fc.property(load, (pacing) => {
      const inLine = pacing.waitingCount + wakeLimit(pacing) - pacing.freeCount
      expect(inLine).toBeLessThanOrEqual(Math.max(pacing.freeCount + pacing.busyCount, pacing.waitingCount))
    }),
  )
})

test("nobody is woken into a line that is longer than the connection has slots", () => {
  expect(wakeLimit({ freeCount: 0, busyCount: 4, waitingCount: 4 })).toBe(0)
  expect(wakeLimit({ freeCount: 0, busyCount: 4, waitingCount: 50 })).toBe(0)
})

test("free slots are never left empty while somebody waits to be woken", () => {
  fc.assert(
    fc.property(
      load,
      (pacing) => void expect(wakeLimit(pacing) + pacing.waitingCount).toBeGreaterThanOrEqual(pacing.freeCount),
    ),
  )
})
