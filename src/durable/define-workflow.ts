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

/** A run's third argument, besides its steps and input. */
export interface RunContext<Policies> {
  use: Use
  /** Whether the estate has a route for a capability, for optional steps. */
  can: (name: CapabilityName, scope?: RouteScope) => boolean
  policies: Policies
}

/**
 * A durable process for one business object.
 *
 * `run` is ordinary code that may be called again from the top at any time: finished steps return the result that the journal
 * holds under their name. Everything that must not change between calls goes through `step`, and a step's name is part of the
 * contract: `renamed` maps old names to new ones, `dropped` lists names that are gone. A start that would strand unfinished
 * work is refused.
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
  /** The team that owns its exceptions: it is late, or it cannot go on. */
  owner: string
  /** The event that starts it. If `hears` names it too, every such event is also a signal, the first included. */
  startsOn: Start
  /** Events that reach it as signals. */
  hears: readonly EventName[]
  /** Those of `hears` that stop it at the next step boundary and undo its effects, until `step.pointOfNoReturn()`. */
  interrupts: readonly EventName[]
  /** The order in which instances continue after an outage: the earliest promise first. */
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
  /** Runs after all effects were undone. */
  afterUndo?: (
    step: Step,
    input: EventData<Start>,
    context: RunContext<Policies> & { reason: UndoReason },
  ) => Promise<void>
  /** Handles signals that come after the end, however it ended. It may wait like `run`. */
  late?: (
    step: Step,
    input: EventData<Start>,
    context: RunContext<Policies> & { ending: "done" | "undone" },
  ) => Promise<void>
}

/** A workflow of any input and policies; the journal returns the input unchanged. */
export type AnyWorkflow = Workflow<any, never> // oxlint-disable-line typescript/no-explicit-any -- the one place that forgets it

/** Declares a workflow; the type of its input follows from the event that starts it. */
export function defineWorkflow<Start extends EventName, Policies>(
  workflow: Workflow<Start, Policies>,
): Workflow<Start, Policies> {
  return workflow
}

/** An undeclared step would escape the check for stranded work. */
export function assertDeclared(workflow: { workflow: string; steps: readonly string[] }, step: string): void {
  if (workflow.steps.includes(step)) return
  throw new AppError("INVARIANT_BROKEN", `step "${step}" is not declared by workflow ${workflow.workflow}`)
}
