import { sqlState, storage } from "../base/sql.ts"

// PostgreSQL 18, appendix A: unique violation, serialization failure, deadlock. A unique violation means that another
// process wrote the same key or fact at the same moment; the next attempt finds it. In all three cases nothing of the
// batch was written.
const contendedStates = new Set(["23505", "40001", "40P01"])
const attemptsMax = 4

/** Repeats an all-or-nothing statement that lost against another process; rethrows every other error. */
export async function whenContended<Result>(work: (attempt: number) => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await storage(() => work(attempt))
    } catch (thrown) {
      const state = sqlState(thrown)
      if (state === undefined || !contendedStates.has(state) || attempt >= attemptsMax) throw thrown
    }
  }
}
