import type { ErrorCode } from "../../base/errors.ts"
import { derivedId } from "../../base/ids.ts"
import type { NewEvent } from "../../canonical/events.ts"
import type { Ref } from "../../canonical/refs.ts"
import type { Connection } from "../../effects/connections.ts"
import type { Lane } from "../../effects/pacing.ts"
import type { StepRejected } from "../../effects/perform.ts"
import type { RoutedWrite } from "../../effects/routed.ts"
import { stepText, type StepId, type StepRow, type Undo } from "../../effects/step-rows.ts"
import type { Written } from "../../ports/write.ts"
import type { ExceptionText } from "./raised.ts"

/** What follows from a refusal. */
export type IfRejected =
  | "throw"
  | {
      /** What a person is asked; the refusal's own words are added. A function that returns undefined throws it instead. */
      ask: ExceptionText | ((refused: StepRejected) => ExceptionText | undefined)
      except?: readonly ErrorCode[]
    }

/** Options of one effect. */
export interface EffectOptions<Output, UndoInput> {
  /** Our reference in the other system, at most 35 characters. Default derived from workflow, object and step. */
  key?: string
  /** Stored with the intent, before the call. It must change nothing if the effect was never carried out. */
  undo?: { write: RoutedWrite<UndoInput, Written>; input: UndoInput; key?: string }
  /** Facts to append in the transaction that stores the outcome. */
  tells?: (output: Output) => NewEvent[]
  /**
   * After a refusal: throw, which undoes everything (default before the point of no return), or ask a person, who may retry it
   * (default after that point, where an undo would leave the order half undone). Refusals with a code of `except` are thrown to the
   * workflow.
   */
  ifRejected?: IfRejected
  lane?: Lane
  /** Runs before the workflow waits for a system that is unavailable for longer than a moment. */
  ifWaiting?: () => Promise<void>
}

/** Whether a connection is known to be unavailable for longer than a moment. */
export function isAway({ connection }: { connection: Connection }): boolean {
  return connection.gate.state.isPaused || connection.gate.state.breaker !== "closed"
}

/** An undo as data, so that later versions of the code can carry it out. Its key is derived from workflow, object and step. */
export function undoOf(
  undo: { write: RoutedWrite<never, Written> | RoutedWrite<unknown, Written>; input: unknown; key?: string },
  { workflow, about, step, part }: { workflow: string; about: Ref } & StepId,
): Undo {
  const { connection, capability, operation } = undo.write
  const key = undo.key ?? derivedId("eff", workflow, about, "undo", stepText({ step, part }))
  return { connection: connection.id, capability, operation, key, input: undo.input }
}

/** Whether an effect has begun and has no outcome yet. */
export function isOpenEffect(row: StepRow | undefined): boolean {
  return row?.kind === "effect" && (row.outcome === null || row.outcome === "unknown")
}
