import type { AnyWorkflow } from "./define-workflow.ts"
import type { Claimed } from "./journal.ts"
import { raised, type Closing } from "./steps/closing.ts"
import type { Run } from "./run.ts"

/** The exception for signals whose workflow was never started, once. */
export function orphanRaised(workflow: AnyWorkflow, { facts, signals }: Claimed, run: Run): Closing {
  const id = { step: "nothing to wake", part: "" }
  if (signals.length === 0 || run.row("raise", id)) return { entries: [], events: [] }
  const types = [...new Set(signals.map(({ type }) => type))].join(", ")
  return raised(run, id, {
    summary: `${types} came for ${facts.about}, but "${workflow.startsOn}" has not come.`,
    ifNobodyActs: `it is kept, and handled when "${workflow.startsOn}" comes; this closes by itself then`,
    owner: workflow.owner,
    allowedActions: ["acknowledge"],
  })
}
