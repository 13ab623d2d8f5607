import type { Reference } from "../canonical/parts.ts"
import type { Written } from "../ports/write.ts"
import type { Lane } from "./pacing.ts"
import type { RoutedWrite } from "./routed.ts"
import type { StepEntry, StepId, StepKind, StepRow, Undo } from "./step-rows.ts"

/** What the run of a workflow offers an effect. */
export interface EffectRun {
  workflow: string
  about: string
  correlation: string
  traceparent?: string
  row(kind: StepKind, id: StepId): StepRow | undefined
  nextN(): number
  /** Hands a step to the journal; durable when it resolves, with everything handed over before. */
  record(entry: StepEntry): Promise<unknown>
}

/** A document that exists, as the outcome of an effect. */
export interface Linked {
  document: Reference
  output: unknown
  /** How often the effect had been sent when a person looked; a later attempt is looked up first. Missing where nobody counted. */
  attempts?: number
}

/** One change to another system, as a workflow asks for it. */
export interface EffectSpec<Input, Output extends Written> extends StepId {
  kind: "effect" | "undo"
  target: RoutedWrite<Input, Output>
  input: Input
  /** Our reference in the other system; at most 35 characters. Default derived from workflow, object and step. */
  businessKey?: string
  undo?: Undo
  lane: Lane
  /** What a person has said its outcome is by now. Taken once its intent is in the journal and it is not done. */
  linked?: () => Linked | undefined
  /** A person decided to try a rejected step again. */
  retryRejected?: boolean
  /** Records that it is done, with what that tells the world. Default: the outcome alone. */
  recordDone?: (entry: StepEntry, output: Output) => void
}

/** A document that a person linked may not carry our key, so its undo gets its number. */
export function undoOfLinked(undo: Undo, { document }: Linked): Undo {
  return { ...undo, input: { ...(undo.input as object), documentNumber: document.id } }
}
