import { chanceMost } from "./judge.ts"
import { poissonAtMost } from "./chance.ts"

/** What came in one span of time, and in the same spans of the weeks before. */
export interface Counted {
  hours: number
  now: number
  weeksBefore: readonly number[]
}

/** Whether it is quieter than chance explains. */
export type Silence =
  | { says: "silent"; hours: number; now: number; expected: number }
  | { says: "normal" }
  | { says: "not enough data" }

const weeksLeast = 3
/** A count of nothing says something from here on: e^-7 is less than one in a thousand. */
const expectedLeast = -Math.log(chanceMost)

/**
 * Compares the shortest span in which anything can be said with the same hours of earlier weeks. Where so little comes that even a day
 * of silence is no news, it says so.
 */
export function judgeSilence(spans: readonly Counted[]): Silence {
  for (const { hours, now, weeksBefore } of spans) {
    if (weeksBefore.length < weeksLeast) return { says: "not enough data" }
    const expected = weeksBefore.reduce((sum, count) => sum + count, 0) / weeksBefore.length
    if (expected < expectedLeast) continue
    return poissonAtMost(now, expected) < chanceMost ? { says: "silent", hours, now, expected } : { says: "normal" }
  }
  return { says: "not enough data" }
}
