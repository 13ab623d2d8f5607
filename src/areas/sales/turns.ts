import { AppError } from "../../base/errors.ts"

/**
 * Lets so much work run at once; other work waits for its turn, in its order. Errors: STORAGE_UNAVAILABLE when `waitingMax` wait already, and
 * then nothing was begun.
 */
export function turns({
  atOnce,
  waitingMax,
}: {
  atOnce: number
  waitingMax: number
}): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running < atOnce) running += 1
    else {
      if (waiting.length >= waitingMax)
        throw new AppError("STORAGE_UNAVAILABLE", "too many read at once: ask again", { retryAfterMs: 5000 })
      // The one that ends wakes the next and leaves `running` as it is.
      await new Promise<void>((resolve) => waiting.push(resolve))
    }
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}
