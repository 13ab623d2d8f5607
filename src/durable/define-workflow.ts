import { AppError } from "../base/errors.ts"
import type { Duration } from "../base/time.ts"
import type { EventData, EventName, StatefulKind } from "../canonical/events.ts"
import type { Lane } from "../effects/pacing.ts"
import type { Routed } from "../effects/routed.ts"
import type { Capabilities, CapabilityName } from "../ports/capabilities.ts"
import type { RouteScope } from "../ports/route-scope.ts"
import type { Step } from "./steps/step.ts"

/** Picks the connection for a capability by the estate's routes and binds it. */
export type Use = <Name extends CapabilityName>(name: Name, scope?: RouteScope) => Routed<Capabilities[Name]>

/** Why a workflow is being undone. */
export interface UndoReason {
  kind: "rejected" | "interrupted"
  reason: string
  /** The fact that interrupted it. */
  fact?: string
}

/** What a run works with besides its steps and input. */
export interface RunContext<Policies> {
  use: Use
  /** Whether a route for a capability exists here, for steps an estate may do without. */
  can: (name: CapabilityName, scope?: RouteScope) => boolean
  policies: Policies
}

/**
 * A durable process for one business object.
 *
 * `run` is ordinary code that may be called again from the top at any time: finished steps return what the journal holds under
 * their name. So everything that must not change between calls goes through `step`, and a step's name is part of the contract:
 * `renamed` says what an old name is called now, `dropped` that it is gone. Starting refuses to strand work in flight.
 *
 * An event reaches the instance of every object of the workflow's kind that the event is about or mentions.
 */
export interface Workflow<Start extends EventName = EventName, Policies = unknown> {
  name: string
  /** What it is for, in a few lines; shown in the console. */
  purpose: string
  /** The kind of its business object, e.g. "order"; its `{kind}.state-changed` is what `announce` publishes. */
  about: StatefulKind
  /** The states it announces, in the order they are usually passed. */
  states: readonly string[]
  /** Which people are told when it is late or cannot go on. */
  owner: string
  /** The event that starts it. Where `hears` names it too, each one is also a signal, the first included. */
  startsOn: Start
  /** Events that reach it as signals. */
  hears: readonly EventName[]
  /** Of these, those that stop it at the next step boundary and undo what was done, until `step.pointOfNoReturn()`. */
  interrupts: readonly EventName[]
  /** Drain order after an outage: what was promised first goes first. */
  promisedAt: (data: EventData<Start>) => string
  /** The block of the estate's policies that `run` gets. */
  policies: string
  needs: readonly CapabilityName[]
  /** Names of its steps, without their parts. */
  steps: readonly string[]
  renamed?: Readonly<Record<string, string>>
  dropped?: readonly string[]
  /** How long one step may wait for another system before a person is told. */
  deadline: Duration
  lane: Lane
  run: (step: Step, input: EventData<Start>, context: RunContext<Policies>) => Promise<void>
  /** What remains to be said and done after everything was taken back. */
  afterUndo?: (
    step: Step,
    input: EventData<Start>,
    context: RunContext<Policies> & { reason: UndoReason },
  ) => Promise<void>
  /** Deals with signals that came after the end, however it ended. It may wait like `run`. */
  late?: (
    step: Step,
    input: EventData<Start>,
    context: RunContext<Policies> & { ending: "done" | "undone" },
  ) => Promise<void>
}

/** A workflow with whatever start and policies it was declared with; the journal hands the input back as it was given. */
export type AnyWorkflow = Workflow<any, never> // oxlint-disable-line typescript/no-explicit-any -- the one place that forgets it

/** Declares a workflow; the type of its input follows from the event that starts it. */
export function defineWorkflow<Start extends EventName, Policies>(
  workflow: Workflow<Start, Policies>,
): Workflow<Start, Policies> {
  return workflow
}

/** A step that is waited in and not declared would be missed by the check of what a new version strands. */
export function assertDeclared(workflow: { workflow: string; steps: readonly string[] }, step: string): void {
  if (workflow.steps.includes(step)) return
  throw new AppError("INVARIANT_BROKEN", `step "${step}" is not declared by workflow ${workflow.workflow}`)
}
