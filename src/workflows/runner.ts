import { asAppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import type { Clock } from "../base/time.ts"
import type { Connections } from "../effects/connections.ts"
import type { EffectLedger, InstanceWrite, LoadedRun } from "../effects/ledger.ts"
import { performEffect, StepRejected, Suspension } from "../effects/perform.ts"
import { findWrite, routeCapability } from "../effects/routed.ts"
import type { CapabilityName } from "../ports/capabilities.ts"
import type { AnyWorkflow, RouteScope, UndoReason, Use } from "./define-workflow.ts"
import { LedgerRun } from "./ledger-run.ts"
import { Interrupted, Step } from "./step.ts"

interface RunnerOptions {
  ledger: EffectLedger
  connections: Connections
  clock: Clock
  log: Log
  workflows: readonly AnyWorkflow[]
  /** Picks the connection for a capability. */
  route: (capability: CapabilityName, scope: RouteScope) => string
  policies: unknown
}

/** Runs workflows: one `advance` goes as far as it can and returns. */
export class Runner {
  readonly #options: RunnerOptions
  readonly #byName: Map<string, AnyWorkflow>

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#byName = new Map(options.workflows.map((workflow) => [workflow.name, workflow]))
  }

  /**
   * Takes one instance forward until it is finished or waits. Safe to call at any time and any number of times; a call for
   * an instance that does not exist or is finished does nothing. Throws only what should be tried again later (storage
   * away, a defect): nothing is lost by it, the ledger says where to go on.
   */
  async advance(name: string, key: string): Promise<void> {
    const workflow = this.#byName.get(name)
    if (!workflow) return
    const loaded = await this.#options.ledger.load(name, key)
    if (!loaded || loaded.instance.state === "done" || loaded.instance.state === "undone") return
    const run = new LedgerRun(workflow, loaded, this.#options)
    try {
      await run.finish(await this.#go(workflow, loaded, run))
    } catch (thrown) {
      await run.settle()
      const error = asAppError(thrown)
      if (error.code === "LEASE_LOST") return
      if (error.kind === "defect")
        this.#options.log.error({ err: thrown, workflow: name, key }, "a workflow met a defect; it is tried again")
      throw thrown
    }
  }

  async #go(workflow: AnyWorkflow, loaded: LoadedRun, run: LedgerRun): Promise<InstanceWrite> {
    const { input } = loaded.instance
    const context = { use: this.#use(workflow, loaded), policies: this.#options.policies as never }
    let reason = loaded.instance.state === "undoing" ? (loaded.instance.failure as UndoReason | null) : null
    try {
      if (!reason) {
        try {
          await workflow.run(new Step(run), input as never, context)
          return { state: "done" }
        } catch (thrown) {
          reason = reasonToUndo(thrown)
          if (!reason) throw thrown
          await run.settle()
          await run.write({ state: "undoing", failure: reason, wake_in_ms: 20_000 })
        }
      }
      await this.#undo(run)
      const step = new Step(run)
      step.pointOfNoReturn()
      await workflow.afterUndo?.(step, input as never, { ...context, reason })
      return { state: "undone", failure: reason }
    } catch (thrown) {
      const suspension = suspensionOf(thrown)
      if (!suspension) throw thrown
      return { ...run.waitFor(suspension), state: reason ? "undoing" : "waiting", failure: reason }
    }
  }

  /**
   * Takes back, in reverse, every effect that registered an undo and was done or may have been. The ledger says how, not the
   * code, so an undo outlives the version that made it. A refused undo becomes an exception of its own and waits for a person.
   */
  async #undo(run: LedgerRun): Promise<void> {
    const effects = run.allRows.filter(
      (row) => row.kind === "effect" && row.undo && row.outcome !== "rejected" && row.outcome !== "retryable",
    )
    effects.sort((a, b) => b.n - a.n)
    const step = new Step(run)
    step.pointOfNoReturn()
    for (const row of effects) {
      if (!row.undo) continue
      const { connection, capability, operation, key, input } = row.undo
      const target = findWrite(this.#options.connections.get(connection), capability, operation)
      const name = `undo: ${row.step}`
      let retryRejected = false
      for (;;) {
        try {
          await performEffect(run, {
            step: name,
            kind: "undo",
            target,
            input,
            businessKey: key,
            lane: run.lane,
            retryRejected,
          })
          break
        } catch (thrown) {
          if (!(thrown instanceof StepRejected)) throw thrown
          const decision = await step.ask(`${name} was refused#${run.row(name)?.rejections ?? 1}`, {
            summary: `"${row.step}" could not be taken back: ${thrown.message}`,
            ifNobodyActs: "it stays as it is in the other system, and the rest of the undo waits",
            owner: "operations",
            allowedActions: ["retry", "leave it"],
          })
          if (decision.action !== "retry") break
          retryRejected = true
        }
      }
    }
  }

  #use(workflow: AnyWorkflow, loaded: LoadedRun): Use {
    const { connections, route } = this.#options
    const { correlation, traceparent } = loaded.instance
    return (name, scope = {}) =>
      routeCapability(connections.get(route(name, scope)), name, {
        correlation,
        lane: workflow.lane,
        ...(traceparent === null ? {} : { traceparent }),
      })
  }
}

function reasonToUndo(thrown: unknown): UndoReason | null {
  if (thrown instanceof StepRejected) return { kind: "rejected", reason: `${thrown.step}: ${thrown.message}` }
  if (!(thrown instanceof Interrupted)) return null
  const { data } = thrown.signal
  const reason =
    typeof data === "object" && data !== null && "reason" in data ? String(data.reason) : thrown.signal.name
  return { kind: "interrupted", reason }
}

/** A read of a system that is away, outside any effect, makes the workflow wait just as an effect would. */
function suspensionOf(thrown: unknown): Suspension | undefined {
  if (thrown instanceof Suspension) return thrown
  const error = asAppError(thrown)
  if (error.code !== "VENDOR_UNAVAILABLE" && error.code !== "CONNECTION_PAUSED") return undefined
  return new Suspension(
    { kind: "connection", name: error.message.slice(0, 200) },
    { wakeInMs: error.retryAfterMs ?? 2000 },
  )
}
