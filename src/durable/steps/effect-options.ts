import { derivedId } from "../../base/ids.ts"
import type { NewEvent } from "../../canonical/events.ts"
import type { Ref } from "../../canonical/refs.ts"
import type { Connection } from "../../effects/connections.ts"
import type { Lane } from "../../effects/pacing.ts"
import type { RoutedWrite } from "../../effects/routed.ts"
import { stepText, type StepId, type StepRow, type Undo } from "../../effects/step-rows.ts"
import type { Written } from "../../ports/write.ts"
import type { ExceptionText } from "./raised.ts"

/** How a workflow wants one effect carried out. */
export interface EffectOptions<Output, UndoInput> {
  /** Our reference in the other system, at most 35 characters. Default derived from workflow, object and step. */
  key?: string
  /** Registered with the intent, before the call; must be a no-op when the effect never happened. */
  undo?: { write: RoutedWrite<UndoInput, Written>; input: UndoInput; key?: string }
  /** The facts that follow from it; they enter the log in the transaction that records the outcome. */
  tells?: (output: Output) => NewEvent[]
  /**
   * When refused: throw, which undoes everything (default before the point of no return), or ask a person, who may have it
   * tried again (default after it, where taking back what moves would leave it half undone).
   */
  ifRejected?: "throw" | { ask: ExceptionText }
  lane?: Lane
  /** Done when the other system turns out to be away for longer than a moment, before the workflow waits for it. */
  ifWaiting?: () => Promise<void>
}

/** Whether a connection is known to be away for longer than a moment. */
export function isAway({ connection }: { connection: Connection }): boolean {
  return connection.gate.state.isPaused || connection.gate.state.breaker !== "closed"
}

/** An undo as data, so that it outlives the code that registered it. Its own key follows from workflow, object and step. */
export function undoOf(
  undo: { write: RoutedWrite<never, Written> | RoutedWrite<unknown, Written>; input: unknown; key?: string },
  { workflow, about, step, part }: { workflow: string; about: Ref } & StepId,
): Undo {
  const { connection, capability, operation } = undo.write
  const key = undo.key ?? derivedId("eff", workflow, about, "undo", stepText({ step, part }))
  return { connection: connection.id, capability, operation, key, input: undo.input }
}

/** Whether an effect has begun and nobody knows yet how it ended. */
export function isOpenEffect(row: StepRow | undefined): boolean {
  return row?.kind === "effect" && (row.outcome === null || row.outcome === "unknown")
}
