import { derivedId } from "../../base/ids.ts"
import type { Reference } from "../../canonical/parts.ts"
import type { Connections } from "../../effects/connections.ts"
import { undoOfLinked } from "../../effects/effect.ts"
import { stepText, type StepId, type StepRow } from "../../effects/step-rows.ts"
import type { Run } from "../run.ts"
import { signalsOf } from "../steps/signals.ts"
import type { Step } from "../steps/step.ts"
import { undoOne } from "../undo.ts"

/**
 * Links that were written in the moment their workflow ended, so that no step took them. What was taken back is taken back again for such
 * a document, under a key of its own; of any other people are told, because it stands in its system and nothing follows from it (I-6).
 * A repeat changes nothing.
 */
export async function heedUntaken(
  run: Run,
  step: Step,
  { ending, connections }: { ending: "done" | "undone"; connections: Connections },
): Promise<void> {
  for (const { data } of signalsOf(run.signals, ["effect.linked"])) {
    const id = { step: data.step, part: data.part ?? "" }
    const row = run.row("effect", id)
    if (!row || isTaken(run, id, { row, document: data.document })) continue
    if (ending === "undone" && row.undo) await takeBack(run, step, { row, document: data.document, connections })
    else await tell(run, step, { row, document: data.document })
  }
}

/** Whether it is the step's outcome, or was taken back with the step. */
function isTaken(run: Run, id: StepId, { row, document }: { row: StepRow; document: Reference }): boolean {
  if (row.outcome === "done" && row.reference && isSame(row.reference, document)) return true
  const { input } = run.row("undo", id) ?? {}
  return (
    typeof input === "object" && input !== null && "documentNumber" in input && input.documentNumber === document.id
  )
}

const isSame = (one: Reference, other: Reference) =>
  one.system === other.system && one.type === other.type && one.id === other.id

async function takeBack(
  run: Run,
  step: Step,
  { row, document, connections }: { row: StepRow; document: Reference; connections: Connections },
): Promise<void> {
  const { undo } = row
  if (!undo) return
  const part = [row.part, document.id].filter((one) => one !== "").join(":")
  // The first undo has its answer under the key that it was sent with.
  const key = derivedId("eff", run.workflow, run.about, "undo", stepText({ step: row.step, part }))
  const again = { ...undoOfLinked(undo, { document, output: {} }), key }
  await step.evenIfAway(() => undoOne(run, step, { row: { ...row, part, undo: again }, connections }))
}

async function tell(run: Run, step: Step, { row, document }: { row: StepRow; document: Reference }): Promise<void> {
  const name = stepText({ step: row.step, part: row.part })
  // People know it already when the step got a document of its own.
  if (run.row("raise", { step: "linked document is another", part: name })) return
  const words = `${document.type} ${document.id} of ${document.system}`
  await step.raise(
    { step: "linked document is not used", part: `${name}:${document.id}` },
    {
      summary: `${words} was linked to "${name}" of ${run.about} in the moment its workflow ended. No step goes on from it.`,
      ifNobodyActs: `it stays as it is in ${document.system}`,
      owner: "operations",
      allowedActions: ["acknowledge"],
    },
  )
}
