import { sqlState, storage } from "../base/sql.ts"

// PostgreSQL 18, appendix A: unique violation, serialization failure, deadlock. The first means that another process wrote
// the same key or fact in the same moment; a second look then finds it. In all three nothing of the batch was written.
const contendedStates = new Set(["23505", "40001", "40P01"])
const attemptsMax = 4

/** Runs an all-or-nothing statement again when it lost against another process; anything else goes to the caller. */
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
