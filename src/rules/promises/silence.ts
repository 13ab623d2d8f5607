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

/** Compares a span with the same hours of earlier weeks. "not enough data": so little comes that silence is no news, or the weeks are few. */
export function judgeSilence({ hours, now, weeksBefore }: Counted): Silence {
  if (weeksBefore.length < weeksLeast) return { says: "not enough data" }
  const expected = weeksBefore.reduce((sum, count) => sum + count, 0) / weeksBefore.length
  if (expected < expectedLeast) return { says: "not enough data" }
  return poissonAtMost(now, expected) < chanceMost ? { says: "silent", hours, now, expected } : { says: "normal" }
}
