import { monotonicMs } from "../base/time.ts"

/**
 * Runs a call under a lease that ends in so many milliseconds, with a signal that is aborted then.
 *
 * `signal.aborted` looks at the clock itself: a process that was paused wakes with its timers still to run, and must not send
 * under a lease that another worker has seen end. So whoever sends asks `signal.aborted` just before.
 */
export async function underLease<Result>(ms: number, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController()
  const endMs = monotonicMs() + ms
  let isAborted = false
  const timer = setTimeout(() => {
    isAborted = true
    controller.abort()
  }, ms)
  Object.defineProperty(controller.signal, "aborted", { get: () => isAborted || monotonicMs() >= endMs })
  try {
    return await work(controller.signal)
  } finally {
    clearTimeout(timer)
  }
}
