import { performance } from "node:perf_hooks"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import type { Stop } from "./parts.ts"

const lookEveryMs = 15_000
/** A process whose event loop is busy for less than this share is at rest. */
const restingBelow = 0.05
/** A collection holds the process up for 0.2 to 0.4 s (demo, 290 MB kept), so it waits until the process holds so many times what it kept. */
const grownBy = 1.5

interface Memory {
  /** Resident bytes of the process. */
  held(): number
  collect(): void
}

/**
 * Gives memory back to the system when the process comes to rest. V8 keeps the pages of a busy time until it needs them again: after
 * the loading of a few thousand articles that was more than half of a process. A process that only serves little does not grow, and so is
 * not held up.
 *
 * Returns what stops it.
 */
export function giveBackMemoryAtRest({ held, collect }: Memory = memory()): Stop {
  let keptBytes = held()
  let last = performance.eventLoopUtilization()
  const look = setInterval(() => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, last)
    last = now
    if (utilization >= restingBelow || held() < grownBy * keptBytes) return
    collect()
    keptBytes = held()
    // The collection itself is no work.
    last = performance.eventLoopUtilization()
  }, lookEveryMs).unref()
  return () => Promise.resolve(clearInterval(look))
}

function memory(): Memory {
  // Node has no call for it; the flag works while a process runs, for contexts made after it.
  setFlagsFromString("--expose-gc")
  const gc = runInNewContext("gc") as (how: { type: "major"; flavor: "last-resort" }) => void
  return { held: () => process.memoryUsage.rss(), collect: () => gc({ type: "major", flavor: "last-resort" }) }
}
