import { AppError, asAppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { cut } from "../base/text.ts"
import type { Clock } from "../base/time.ts"
import type { Ref } from "../canonical/refs.ts"
import type { Connections } from "../effects/connections.ts"
import { StepRejected, suspensionOf, Suspension } from "../effects/perform.ts"
import { routeCapability } from "../effects/routed.ts"
import type { CapabilityName } from "../ports/capabilities.ts"
import type { RouteScope } from "../ports/route-scope.ts"
import type { AnyWorkflow, RunContext, UndoReason, Use } from "./define-workflow.ts"
import type { Claimed, InstanceFacts, Journal, RunEnd } from "./journal.ts"
import { heedUntaken } from "./links/untaken.ts"
import { orphanRaised } from "./orphans.ts"
import { Run } from "./run.ts"
import { heedRetries } from "./retry/plan.ts"
import { Interrupted, stopText } from "./steps/signals.ts"
import { Step } from "./steps/step.ts"
import { undoAll } from "./undo.ts"

export interface RunnerOptions {
  connections: Connections
  clock: Clock
  log: Log
  workflows: readonly AnyWorkflow[]
  /** Picks the connection for a capability; undefined when the estate has no route for it. `about` is the object, for shares. */
  route: (capability: CapabilityName, scope: RouteScope, about: Ref) => string | undefined
  /** The block of the estate's policies of this name. */
  policies: (block: string) => unknown
}

/** Runs workflows. One run goes as far as it can. */
export class Runner {
  readonly #options: RunnerOptions
  readonly #byName: Map<string, AnyWorkflow>

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#byName = new Map(options.workflows.map((workflow) => [workflow.name, workflow]))
  }

  /** Whether this version has a workflow. */
  has(workflow: string): boolean {
    return this.#byName.has(workflow)
  }

  /**
   * Runs a claimed instance until it ends or waits, and writes how the run leaves it. Returns that, and whether signals came
   * meanwhile. Throws if the run must be repeated later (storage unavailable, a defect); the journal says where to continue.
   * LEASE_LOST: another worker has the instance.
   */
  async runOnce(claimed: Claimed, journal: Journal): Promise<{ end: RunEnd; isWoken: boolean }> {
    const { facts } = claimed
    const workflow = this.#byName.get(facts.workflow)
    if (!workflow) throw new AppError("INVARIANT_BROKEN", `this version has no workflow "${facts.workflow}"`)
    const run = new Run(workflow, claimed, { journal, clock: this.#options.clock })
    try {
      if (facts.state === "expected") return await this.#tellOrphan(workflow, claimed, run)
      if (facts.state === "running") heedRetries(run)
      const end = await this.#go(workflow, facts, run)
      const isWoken = await run.finish(end)
      facts.state = end.state
      facts.failure = end.failure
      facts.failures = 0
      return { end, isWoken }
    } catch (thrown) {
      await run.settle()
      const error = asAppError(thrown)
      // Storage comes back by itself. Any other error here (a refused read, a missing route) needs a person.
      if (error.kind !== "unavailable" && error.code !== "LEASE_LOST") {
        this.#options.log.error(
          { err: thrown, workflow: facts.workflow, about: facts.about },
          "a workflow cannot go on; it is tried again",
        )
        // If raising the exception fails as well, the log line above remains.
        await run.raiseCannotGoOn(error).catch(() => undefined)
      }
      throw thrown
    }
  }

  /** Raises an exception for signals whose workflow was not started in time. */
  async #tellOrphan(workflow: AnyWorkflow, claimed: Claimed, run: Run): Promise<{ end: RunEnd; isWoken: boolean }> {
    return run.finishOrphan(orphanRaised(workflow, claimed, run))
  }

  async #go(workflow: AnyWorkflow, facts: InstanceFacts, run: Run): Promise<RunEnd> {
    let ending = facts.state === "done" || facts.state === "undone" ? facts.state : undefined
    let failure: RunEnd["failure"] = facts.failure
    if (!ending) {
      const end = await this.#toTheEnd(workflow, facts, run)
      if (end.state !== "done" && end.state !== "undone") return end
      ending = end.state
      failure = end.failure
    }
    // Signals that no step of the run took are late signals too.
    const step = new Step(run)
    step.pointOfNoReturn()
    const waits = await waitsOf(step, async () => {
      await heedUntaken(run, step, { ending, connections: this.#options.connections })
      await workflow.late?.(step, facts.input as never, { ...this.#context(workflow, facts), ending })
    })
    if (waits.length === 0) return { state: ending, failure, isOver: true, isKept: false }
    return { ...run.waitFor(waits), state: ending, failure, isOver: false, isKept: isKept(waits) }
  }

  async #toTheEnd(workflow: AnyWorkflow, facts: InstanceFacts, run: Run): Promise<RunEnd> {
    const context = this.#context(workflow, facts)
    let failure = facts.state === "undoing" ? facts.failure : null
    if (!failure) {
      const step = new Step(run)
      try {
        const waits = await waitsOf(step, () => workflow.run(step, facts.input as never, context))
        if (waits.length === 0) return ended("done", null)
        return { ...run.waitFor(waits), state: "running", failure: null, isOver: false, isKept: isKept(waits) }
      } catch (thrown) {
        const reason = reasonToUndo(thrown)
        if (!reason) throw thrown
        failure = reason
        await run.settle()
        await run.markUndoing(failure, whyStopped(thrown, facts.about))
      }
    }
    const step = new Step(run)
    step.pointOfNoReturn()
    const reason: UndoReason = failure
    const waits = await waitsOf(step, async () => {
      await undoAll(run, step, this.#options.connections)
      await workflow.afterUndo?.(step, facts.input as never, { ...context, reason })
    })
    if (waits.length === 0) return ended("undone", failure)
    return { ...run.waitFor(waits), state: "undoing", failure, isOver: false, isKept: isKept(waits) }
  }

  #context(workflow: AnyWorkflow, { about, correlation, traceparent }: InstanceFacts): RunContext<never> {
    const { connections, route, policies } = this.#options
    const binding = { correlation, lane: workflow.lane, ...(traceparent === null ? {} : { traceparent }) }
    const use: Use = (name, scope = {}) => {
      const connection = route(name, scope, about)
      if (connection === undefined)
        throw new AppError("CONFIG_INVALID", `no route for ${name} (${JSON.stringify(scope)})`)
      return routeCapability(connections.get(connection), name, binding)
    }
    const can = (name: CapabilityName, scope: RouteScope = {}) => route(name, scope, about) !== undefined
    return { use, can, policies: policies(workflow.policies) as never }
  }
}

const ended = (state: "done" | "undone", failure: RunEnd["failure"]): RunEnd => ({
  state,
  failure,
  isOver: true,
  isKept: false,
})

/** Instances that wait for an unavailable connection are released: the database orders them by promise across workers. */
function isKept(waits: readonly Suspension[]): boolean {
  return waits.every(({ connection }) => connection === undefined)
}

/** Runs a block and returns its waits, side blocks included; empty if it reached its end. */
async function waitsOf(step: Step, block: () => Promise<void>): Promise<Suspension[]> {
  try {
    await block()
    return [...step.outstanding]
  } catch (thrown) {
    if (reasonToUndo(thrown)) throw thrown
    const suspension = suspensionOf(thrown)
    if (!(suspension instanceof Suspension)) throw thrown
    return [...step.outstanding, suspension]
  }
}

function reasonToUndo(thrown: unknown): UndoReason | null {
  if (thrown instanceof StepRejected) return { kind: "rejected", reason: `${thrown.step}: ${thrown.message}` }
  if (!(thrown instanceof Interrupted)) return null
  const { data, type, fact } = thrown.signal
  const reason = "reason" in data ? data.reason : undefined
  return { kind: "interrupted", reason: String(reason ?? type), fact }
}

/** Why questions about an instance that is taken back need no decision any more. */
function whyStopped(thrown: unknown, about: Ref): string {
  if (thrown instanceof Interrupted) return stopText(thrown.signal, about)
  return cut(`it was refused: ${asAppError(thrown).message}`, 1000)
}
