import type { NewEvent } from "../canonical/events.ts"
import type { AnyWorkflow } from "./define-workflow.ts"
import type { Claimed } from "./journal.ts"
import { exceptionIdOf, exceptionOpened } from "./steps/raised.ts"
import type { Run } from "./run.ts"

/** The exception for signals whose workflow was never started; undefined if there are none. Its fact is the same each time. */
export function orphanEvent(workflow: AnyWorkflow, { facts, signals }: Claimed, run: Run): NewEvent | undefined {
  const [first] = signals
  if (!first) return undefined
  const id = { step: "nothing to wake", part: first.fact }
  const types = [...new Set(signals.map(({ type }) => type))].join(", ")
  return exceptionOpened(
    run,
    { exceptionId: exceptionIdOf(run, id), id },
    {
      summary: `${types} came for ${facts.about}, but "${workflow.startsOn}" has not come.`,
      ifNobodyActs: `it is kept, and handled when "${workflow.startsOn}" comes`,
      owner: workflow.owner,
      allowedActions: ["acknowledge"],
    },
  )
}
