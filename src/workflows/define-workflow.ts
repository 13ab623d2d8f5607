import { AppError } from "../base/errors.ts"
import type { Duration } from "../base/time.ts"
import type { EventName } from "../canonical/events.ts"
import type { Lane } from "../effects/pacing.ts"
import type { Routed } from "../effects/routed.ts"
import type { Capabilities, CapabilityName } from "../ports/capabilities.ts"
import type { Step } from "./step.ts"

/** What a route may be chosen by. */
export interface RouteScope {
  channel?: string
  location?: string
  /** The tender's provider, when routing payments. */
  provider?: string
}

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
 * `run` is ordinary code that may be called again from the top at any time: finished steps answer from the ledger by name.
 * So everything that must not change between calls goes through `step`, and a step's name is part of the contract:
 * `renamed` says what an old name is called now, `dropped` that it is gone. Starting refuses to strand work in flight.
 */
export interface Workflow<Input, Policies = unknown> {
  name: string
  /** What it is for, in a few lines; shown in the console. */
  purpose: string
  startsOn: EventName
  /** Late facts it listens to. */
  signals: readonly EventName[]
  /** Signals that stop it at the next step boundary and undo what was done, until `step.pointOfNoReturn()`. */
  interrupts: readonly EventName[]
  key: (data: Input) => string
  /** Drain order after an outage: what was promised first goes first. */
  promisedAt: (data: Input) => string
  needs: readonly CapabilityName[]
  /** Names of its steps, without what stands behind `#`. */
  steps: readonly string[]
  renamed?: Readonly<Record<string, string>>
  dropped?: readonly string[]
  /** How long it may wait for another system before a person is told. */
  deadline: Duration
  lane: Lane
  run: (step: Step, input: Input, context: RunContext<Policies>) => Promise<void>
  /** What remains to be said and done after everything was taken back. */
  afterUndo?: (step: Step, input: Input, context: RunContext<Policies> & { reason: UndoReason }) => Promise<void>
  /** Deals with facts that came after the end, however it ended. Takes no part in the instance's state. */
  late?: (step: Step, input: Input, context: RunContext<Policies> & { ending: "done" | "undone" }) => Promise<void>
}

/** A workflow with whatever input and policies it was declared with; the ledger hands the input back as it was given. */
export type AnyWorkflow = Workflow<never, never>

/** Declares a workflow; the types of its input and policies follow from `key` and `run`. */
export function defineWorkflow<Input, Policies>(workflow: Workflow<Input, Policies>): Workflow<Input, Policies> {
  return workflow
}

/** The part of a step's name that the workflow declares: "capture payment#S1" → "capture payment". */
export function declaredName(step: string): string {
  return step.replace(/^undo: /, "").split("#")[0] ?? step
}

/** What a refused step's question to a person is called before its number; it belongs to that step. */
export const refusedSuffix = " was refused"

/** The declared step that a row of the ledger belongs to: "book was refused#1" → "book". */
export function ownerStep(row: string): string {
  const name = declaredName(row)
  return name.endsWith(refusedSuffix) ? name.slice(0, -refusedSuffix.length) : name
}

/** A step that is waited in and not declared would be missed by the check of what a new version strands. */
export function assertDeclared(workflow: { workflow: string; steps: readonly string[] }, name: string): void {
  // An undo outlives the version that declared its step.
  if (name.startsWith("undo: ") || workflow.steps.includes(ownerStep(name))) return
  throw new AppError("INVARIANT_BROKEN", `step "${ownerStep(name)}" is not declared by workflow ${workflow.workflow}`)
}
