import type { Reference } from "../../canonical/parts.ts"
import type { Linked } from "../../effects/effect.ts"
import { stepText, type StepId, type StepKind } from "../../effects/step-rows.ts"
import type { Written } from "../../ports/write.ts"
import type { Run } from "../run.ts"
import type { Desk } from "../steps/desk.ts"
import { refusedId } from "../steps/raised.ts"
import { signalsOf } from "../steps/signals.ts"

/**
 * The document that a person said to be the outcome of an effect; the first word counts. Who says the same again after another attempt
 * has looked at that, too.
 */
export function linkedOf(
  run: Pick<Run, "signals">,
  { kind, step, part }: StepId & { kind: StepKind },
): Linked | undefined {
  if (kind !== "effect") return undefined
  const all = signalsOf(run.signals, ["effect.linked"]).filter(
    ({ data }) => data.step === step && (data.part ?? "") === part,
  )
  const [said] = all
  if (!said) return undefined
  const { document, output } = said.data
  const counts = all.flatMap(({ data }) => (isSame(data.document, document) ? (data.attempts ?? []) : []))
  return {
    document,
    output: JSON.parse(output) as unknown,
    ...(counts.length > 0 ? { attempts: Math.max(...counts) } : {}),
  }
}

const isSame = (one: Reference, other: Reference) =>
  one.system === other.system && one.type === other.type && one.id === other.id

/** The linked document, unless a person has decided that the refused effect is not to be: then what was decided goes first. */
export function linkToTake(run: Run, desk: Desk, spec: StepId & { kind: StepKind }): Linked | undefined {
  if (isSentAnew(run, spec)) return undefined
  const { rejections = 0, outcome, error } = run.row(spec.kind, spec) ?? {}
  const asked = refusedId(spec, rejections)
  // A refusal that nobody is asked about is answered by the workflow in another way.
  if (outcome === "rejected" && !run.row("ask", asked) && error?.code !== "PERIOD_CLOSED") return undefined
  const decided = rejections > 0 ? (desk.keptDecision(asked) ?? desk.decisionAbout(desk.exceptionId(asked))) : undefined
  return decided === undefined || decided.action === "retry" ? linkedOf(run, spec) : undefined
}

/** Whether the same intent was sent by a later step under the same key: on another day, because the books were closed on this one. */
function isSentAnew(run: Pick<Run, "row" | "allRows">, spec: StepId & { kind: StepKind }): boolean {
  const own = run.row(spec.kind, spec)
  return (
    own?.businessKey !== undefined &&
    run.allRows.some(
      (row) =>
        row.kind === "effect" &&
        row.n > own.n &&
        row.businessKey === own.businessKey &&
        row.connection === own.connection &&
        row.operation === own.operation,
    )
  )
}

/** Closes the question about the effect's refusal, and tells people when the effect got a document of its own in the same moment. */
export async function afterLinked(
  run: Run,
  desk: Desk,
  { spec, output }: { spec: StepId & { kind: StepKind }; output: Written },
): Promise<void> {
  const linked = linkedOf(run, spec)
  if (!linked) return
  const { rejections = 0 } = run.row(spec.kind, spec) ?? {}
  const asked = refusedId(spec, rejections)
  const { document } = linked
  if (rejections > 0 && run.row("ask", asked)?.outcome === null)
    desk.settle(asked, { action: "acknowledge", reason: `${document.type} ${document.id} was linked` })
  const own = output.reference
  if (own === undefined || (own.system === document.system && own.id === document.id)) return
  await desk.raise(
    { step: "linked document is another", part: stepText(spec) },
    {
      summary: `"${stepText(spec)}" of ${run.about} got ${own.type} ${own.id} of ${own.system} while a person linked ${document.type} ${document.id}. Both exist.`,
      ifNobodyActs: `${own.type} ${own.id} counts, and ${document.id} stays as it is in ${document.system}`,
      owner: "operations",
      allowedActions: ["acknowledge"],
    },
  )
}
