import { monotonicMs, systemClock } from "../base/time.ts"

/** The time in which a call may be sent and answered. Others wait until it is over before they ask what became of the call. */
export interface Lease {
  leftMs(): number
}

/**
 * A lease that begins now. It is over when either clock says so: the steady one stands still while a virtual machine is
 * suspended, the wall clock may be set back.
 */
export function startLease(ms: number): Lease {
  const steadyEndMs = monotonicMs() + ms
  const wallEndMs = systemClock.now() + ms
  return { leftMs: () => Math.min(steadyEndMs - monotonicMs(), wallEndMs - systemClock.now()) }
}

/**
 * Runs a call under what is left of its lease, with a signal that is aborted when it ends.
 *
 * `signal.aborted` looks at the clocks itself: a process that was paused wakes with its timers still to run, and must not send
 * under a lease that another worker has seen end. So whoever sends asks `signal.aborted` in the same moment: between the question
 * and the first byte nothing may be awaited. A process that is paused exactly there sends when it wakes, one call at most; the
 * key in the other system is for that.
 */
export async function underLease<Result>(
  lease: Lease,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController()
  let isAborted = false
  const timer = setTimeout(
    () => {
      isAborted = true
      controller.abort()
    },
    Math.max(0, lease.leftMs()),
  )
  Object.defineProperty(controller.signal, "aborted", { get: () => isAborted || lease.leftMs() <= 0 })
  try {
    return await work(controller.signal)
  } finally {
    clearTimeout(timer)
  }
}
