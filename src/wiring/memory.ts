import { performance } from "node:perf_hooks"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import type { Stop } from "./parts.ts"

/** A process whose event loop is busy for less than this share is at rest. */
const restingBelow = 0.05
const defaults = {
  lookEveryMs: 15_000,
  /** After less work than this there is little to give back: a collection takes about 0.1 s. */
  worthMs: 2000,
}

type Collect = (how: { type: "major"; flavor: "last-resort" }) => void

/**
 * Gives memory back to the system when the process comes to rest. V8 keeps the pages of a busy time until it needs them again: after
 * the loading of a few thousand articles that was more than half of a process.
 *
 * Returns what stops it.
 */
export function giveBackMemoryAtRest(collect: Collect = collector(), how: Partial<typeof defaults> = {}): Stop {
  const { lookEveryMs, worthMs } = { ...defaults, ...how }
  let last = performance.eventLoopUtilization()
  let workedMs = Infinity
  const look = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const { active, utilization } = performance.eventLoopUtilization(now, last)
    last = now
    workedMs += active
    if (utilization >= restingBelow || workedMs < worthMs) return
    workedMs = 0
    collect({ type: "major", flavor: "last-resort" })
    // The collection itself is no work.
    last = performance.eventLoopUtilization()
  }, lookEveryMs).unref()
  return () => Promise.resolve(clearInterval(look))
}

function collector(): Collect {
  // Node has no call for it; the flag works while a process runs, for contexts made after it.
  setFlagsFromString("--expose-gc")
  return runInNewContext("gc") as Collect
}
