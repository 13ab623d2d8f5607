import type { Connection, Connections } from "../effects/connections.ts"
import { StepRejected, Suspension, unsettledForMs } from "../effects/perform.ts"
import { undoOfLinked, type EffectSpec } from "../effects/effect.ts"
import { findWrite } from "../effects/routed.ts"
import { stepText, type StepRow, type Undo } from "../effects/step-rows.ts"
import type { Written } from "../ports/write.ts"
import { linkedOf } from "./links/linked.ts"
import type { Run } from "./run.ts"
import type { Step } from "./steps/step.ts"

/**
 * Undoes, in reverse order, each effect that registered an undo and was carried out or may have been, or to which a person linked
 * a document. The undo is read from the journal, so it works in versions that no longer have the code. An unavailable system delays
 * only its own undos: an authorisation may lapse during an outage of the ERP (I-8). A refused undo delays those after it.
 */
export async function undoAll(run: Run, step: Step, connections: Connections): Promise<void> {
  const effects = run.allRows.flatMap((row) => {
    if (row.kind !== "effect" || !row.undo) return []
    const linked =
      row.outcome === "done" ? undefined : linkedOf(run, { kind: "effect", step: row.step, part: row.part })
    // A document that a person linked is the effect's, also where it was cancelled before the run took it.
    if (linked) return { ...row, undo: undoOfLinked(row.undo, linked) }
    return row.outcome === "rejected" || row.outcome === "retryable" ? [] : row
  })
  effects.sort((a, b) => b.n - a.n)
  const away = new Set<string>()
  for (const row of effects) {
    const { undo } = row
    if (!undo || away.has(undo.connection)) continue
    const isDone = await step.evenIfAway(() => undoOne(run, step, { row: { ...row, undo }, connections }))
    if (!isDone) away.add(undo.connection)
  }
}

/** A refused undo becomes an exception of its own and waits for a person. */
export async function undoOne(
  run: Run,
  step: Step,
  { row, connections }: { row: StepRow & { undo: Undo }; connections: Connections },
): Promise<void> {
  const { connection, capability, operation, key, input } = row.undo
  const target = findWrite(connections.get(connection), capability, operation)
  const id = { step: row.step, part: row.part }
  if (!run.row("undo", id)) awaitSettled(row, connections)
  const spec: EffectSpec<unknown, Written> = { ...id, kind: "undo", target, input, businessKey: key, lane: run.lane }
  try {
    await step.performUntilDecided(spec, {
      ask: {
        summary: `"${stepText(id)}" of ${run.about} could not be taken back`,
        ifNobodyActs: "it stays as it is in the other system, and the rest of the undo waits",
        owner: "operations",
        allowedActions: ["retry", "leave it"],
      },
    })
  } catch (thrown) {
    // A person left it as it is.
    if (!(thrown instanceof StepRejected)) throw thrown
  }
}

/** An effect without an outcome may still be carried out for a while. An undo before that would find nothing, and the effect would stay. */
function awaitSettled(row: StepRow, connections: Connections): void {
  if (row.outcome !== null && row.outcome !== "unknown") return
  const isThere = row.connection !== undefined && connections.has(row.connection)
  const settleMs = isThere ? settleOf(connections.get(row.connection ?? ""), row) : undefined
  const leftMs = unsettledForMs(row, settleMs)
  const what = `${row.connection ?? "the other system"} to settle "${stepText(row)}" before it is taken back`
  const step = { kind: "undo" as const, step: row.step, part: row.part }
  if (leftMs > 0) throw new Suspension({ kind: "time", name: what }, { wakeInMs: leftMs + 20, step })
}

/** `settleMs` of the effect's operation; undefined if this version no longer has the operation. */
function settleOf(connection: Connection, row: StepRow): number | undefined {
  try {
    return findWrite(connection, row.capability ?? "", row.operation ?? "").write.settleMs
  } catch {
    return undefined
  }
}
