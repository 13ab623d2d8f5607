import type { NewEvent } from "../canonical/events.ts"
import type { AnyWorkflow } from "./define-workflow.ts"
import type { Claimed } from "./journal.ts"
import { exceptionIdOf, exceptionOpened } from "./steps/raised.ts"
import type { Run } from "./run.ts"

/** The exception about signals whose object nobody ever told of; undefined when none is left. Its fact is the same each time. */
export function orphanEvent(workflow: AnyWorkflow, { facts, signals }: Claimed, run: Run): NewEvent | undefined {
  const [first] = signals
  if (!first) return undefined
  const id = { step: "nothing to wake", part: first.fact }
  const types = [...new Set(signals.map(({ type }) => type))].join(", ")
  return exceptionOpened(
    run,
    { exceptionId: exceptionIdOf(run, id), id },
    {
      summary: `${types} came for ${facts.about}, and no "${workflow.startsOn}" ever did.`,
      ifNobodyActs: `it is kept, and heard when "${workflow.startsOn}" comes`,
      owner: workflow.owner,
      allowedActions: ["acknowledge"],
    },
  )
}
