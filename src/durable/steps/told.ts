import type { Money } from "../../base/money.ts"
import {
  newEvent,
  stateChange,
  type EventData,
  type EventName,
  type NewEvent,
  type StatefulKind,
} from "../../canonical/events.ts"
import type { Reference } from "../../canonical/parts.ts"
import type { Ref } from "../../canonical/refs.ts"
import { stepText, type StepId } from "../../effects/step-rows.ts"

interface TellingRun {
  workflow: string
  about: Ref
  now(): string
}

/** Details of a state besides its name. */
export interface StateDetails {
  reason?: string
  references?: Reference[]
  amount?: Money
  place?: string
}

/** The event that announces a state of a workflow's object. Its fact follows from workflow, object and step. */
export function stateChanged(run: TellingRun, id: StepId, change: { state: string } & StateDetails): NewEvent {
  const [kind, own] = run.about.split("/") as [StatefulKind, string]
  const at = run.now()
  return { ...stateChange(kind, own, { ...change, at }), ...origin(run, { id, as: "state" }), time: at }
}

/** The event of a fact that a workflow states. */
export function factTold<Name extends EventName>(
  run: TellingRun,
  id: StepId,
  { type, data }: { type: Name; data: EventData<Name> },
): NewEvent {
  return newEvent({ type, data, ...origin(run, { id, as: "fact" }), time: run.now() })
}

function origin({ workflow, about }: TellingRun, { id, as }: { id: StepId; as: string }) {
  return { fact: `${workflow}:${about}:${as}:${stepText(id)}`, source: `crossdock:${workflow}` }
}
