import { AppError, asAppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import type { Clock } from "../base/time.ts"
import type { Connection, Connections } from "../effects/connections.ts"
import type { EffectLedger } from "../effects/ledger.ts"
import type { InstanceWrite, LoadedRun, StepRow, Undo } from "../effects/ledger-rows.ts"
import { performEffect, StepRejected, Suspension, unsettledForMs } from "../effects/perform.ts"
import { findWrite, routeCapability } from "../effects/routed.ts"
import type { CapabilityName } from "../ports/capabilities.ts"
import { refusedSuffix, type AnyWorkflow, type RouteScope, type UndoReason, type Use } from "./define-workflow.ts"
import { LedgerRun } from "./ledger-run.ts"
import { Interrupted, Step } from "./step.ts"

interface RunnerOptions {
  ledger: EffectLedger
  connections: Connections
  clock: Clock
  log: Log
  workflows: readonly AnyWorkflow[]
  /** Picks the connection for a capability; undefined when the estate has no route for it. */
  route: (capability: CapabilityName, scope: RouteScope) => string | undefined
  policies: unknown
}

// A hold lasts 30 s (`workflow_hold`); one that could not be put off is tried again before that is over.
const holdEveryMs = 8000

/** Runs workflows: one `advance` goes as far as it can and returns. */
export class Runner {
  readonly #options: RunnerOptions
  readonly #byName: Map<string, AnyWorkflow>

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#byName = new Map(options.workflows.map((workflow) => [workflow.name, workflow]))
  }

  /**
   * Takes one instance forward until it is finished or waits, in the name of the invocation `by`. Safe to call at any time and
   * any number of times; a call for an instance that does not exist, is finished or is being run does nothing more than have
   * it run once more. Throws only what should be tried again later (storage away, a defect): nothing is lost by it, the
   * ledger says where to go on.
   */
  async advance(name: string, key: string, by?: string): Promise<void> {
    const workflow = this.#byName.get(name)
    if (!workflow) return
    while (await this.#runOnce(workflow, key, by));
  }

  /** One run; answers whether it was called again meanwhile. */
  async #runOnce(workflow: AnyWorkflow, key: string, by: string | undefined): Promise<boolean> {
    const loaded = await this.#options.ledger.load(workflow.name, key, by)
    if (!loaded) return false
    const run = new LedgerRun(workflow, loaded, this.#options)
    const { state } = loaded.instance
    const holding = setInterval(() => run.hold(), holdEveryMs)
    try {
      const isOver = state === "done" || state === "undone"
      const end: InstanceWrite = isOver ? { state } : await this.#go(workflow, loaded, run)
      if (!isOver) run.finish(end)
      // Facts that nothing in the run took, because it was waiting for something else, are late as well.
      if (end.state === "done" || end.state === "undone") await this.#late(workflow, loaded, { run, ending: end.state })
      return await run.giveBack()
    } catch (thrown) {
      await run.settle()
      const error = asAppError(thrown)
      if (error.code === "LEASE_LOST") return false
      // Storage comes back by itself; anything else that reaches here (a read that was refused, a route that is gone) does not.
      if (error.kind !== "unavailable") {
        this.#options.log.error(
          { err: thrown, workflow: workflow.name, key },
          "a workflow cannot go on; it is tried again",
        )
        await run.tellDefect(error)
      }
      // The instance stays held: the invocation that tries again takes it over, and calls of others do not pile up behind it,
      // each trying again for ever.
      throw thrown
    } finally {
      clearInterval(holding)
    }
  }

  async #go(workflow: AnyWorkflow, loaded: LoadedRun, run: LedgerRun): Promise<InstanceWrite> {
    const context = this.#context(workflow, loaded)
    const input = loaded.instance.input as never
    let reason = loaded.instance.state === "undoing" ? (loaded.instance.failure as UndoReason | null) : null
    if (!reason) {
      const step = new Step(run)
      try {
        await workflow.run(step, input, context)
        if (step.outstanding.length === 0) return { state: "done" }
        return { ...run.waitFor(step.outstanding), state: "waiting" }
      } catch (thrown) {
        reason = reasonToUndo(thrown)
        if (!reason) return { ...run.waitFor([...step.outstanding, suspensionOf(thrown)]), state: "waiting" }
        await run.settle()
        await run.write({ state: "undoing", failure: reason, wake_in_ms: 20_000 })
      }
    }
    const step = new Step(run)
    step.pointOfNoReturn()
    try {
      await this.#undo(run, step)
      await workflow.afterUndo?.(step, input, { ...context, reason })
      if (step.outstanding.length === 0) return { state: "undone", failure: reason }
      return { ...run.waitFor(step.outstanding), state: "undoing", failure: reason }
    } catch (thrown) {
      return { ...run.waitFor([...step.outstanding, suspensionOf(thrown)]), state: "undoing", failure: reason }
    }
  }

  async #late(
    workflow: AnyWorkflow,
    loaded: LoadedRun,
    { run, ending }: { run: LedgerRun; ending: "done" | "undone" },
  ): Promise<void> {
    const step = new Step(run)
    step.pointOfNoReturn()
    const waits: Suspension[] = []
    try {
      await workflow.late?.(step, loaded.instance.input as never, { ...this.#context(workflow, loaded), ending })
    } catch (thrown) {
      waits.push(suspensionOf(thrown))
    }
    // The instance has ended and the waker passes it by; Restate's own retry takes up again what waits for another system.
    const wait = [...waits, ...step.outstanding].find(({ waiting }) => ["connection", "time"].includes(waiting.kind))
    if (wait) throw new AppError("VENDOR_UNAVAILABLE", `what came after the end waits for ${wait.waiting.name}`)
  }

  /**
   * Takes back, in reverse, every effect that registered an undo and was done or may have been. The ledger says how, not the
   * code, so an undo outlives the version that made it. A system that is away holds up only what is to be taken back there: a
   * hold on a buyer's money does not last as long as an outage of the ERP (I-8). A refusal holds up all that comes after it.
   */
  async #undo(run: LedgerRun, step: Step): Promise<void> {
    const effects = run.allRows.filter(
      (row) => row.kind === "effect" && row.undo && row.outcome !== "rejected" && row.outcome !== "retryable",
    )
    effects.sort((a, b) => b.n - a.n)
    const away = new Set<string>()
    for (const row of effects) {
      const { undo } = row
      if (!undo || away.has(undo.connection)) continue
      if (!(await step.evenIfAway(() => this.#undoOne(run, step, { ...row, undo })))) away.add(undo.connection)
    }
  }

  /** A refused undo becomes an exception of its own and waits for a person. */
  async #undoOne(run: LedgerRun, step: Step, row: StepRow & { undo: Undo }): Promise<void> {
    const { connection, capability, operation, key, input } = row.undo
    const target = findWrite(this.#options.connections.get(connection), capability, operation)
    const name = `undo: ${row.step}`
    if (!run.row(name)) this.#awaitSettled(run, row)
    let retryRejected = false
    for (;;) {
      try {
        const spec = { step: name, kind: "undo" as const, target, input, businessKey: key, lane: run.lane }
        await performEffect(run, { ...spec, retryRejected })
        return
      } catch (thrown) {
        if (!(thrown instanceof StepRejected)) throw thrown
        const decision = await step.ask(`${name}${refusedSuffix}#${run.row(name)?.rejections ?? 1}`, {
          summary: `"${row.step}" could not be taken back: ${thrown.message}`,
          ifNobodyActs: "it stays as it is in the other system, and the rest of the undo waits",
          owner: "operations",
          allowedActions: ["retry", "leave it"],
        })
        if (decision.action !== "retry") return
        retryRejected = true
      }
    }
  }

  /** An effect whose outcome is open may still happen for a while; taken back before that, it would stay. */
  #awaitSettled(run: LedgerRun, row: StepRow): void {
    if (row.outcome !== null && row.outcome !== "unknown") return
    const { connections } = this.#options
    const isThere = row.connection !== null && connections.has(row.connection)
    const { settleMs } = isThere ? settleOf(connections.get(row.connection ?? ""), row) : {}
    const leftMs = unsettledForMs(row, run.elapsedMs(), settleMs)
    const what = `${row.connection ?? "the other system"} to settle "${row.step}" before it is taken back`
    if (leftMs > 0) throw new Suspension({ kind: "time", name: what }, { wakeInMs: leftMs + 20 })
  }

  #context(workflow: AnyWorkflow, loaded: LoadedRun) {
    const { connections, route, policies } = this.#options
    const { correlation, traceparent } = loaded.instance
    const binding = { correlation, lane: workflow.lane, ...(traceparent === null ? {} : { traceparent }) }
    const use: Use = (name, scope = {}) => {
      const connection = route(name, scope)
      if (connection === undefined)
        throw new AppError("CONFIG_INVALID", `no route for ${name} (${JSON.stringify(scope)})`)
      return routeCapability(connections.get(connection), name, binding)
    }
    const can = (name: CapabilityName, scope: RouteScope = {}) => route(name, scope) !== undefined
    return { use, can, policies: policies as never }
  }
}

/** What the effect's own operation says of late commits; a version of the code that no longer has it says nothing. */
function settleOf(connection: Connection, row: StepRow): { settleMs?: number } {
  try {
    const { settleMs } = findWrite(connection, row.capability ?? "", row.operation ?? "").write
    return settleMs === undefined ? {} : { settleMs }
  } catch {
    return {}
  }
}

function reasonToUndo(thrown: unknown): UndoReason | null {
  if (thrown instanceof StepRejected) return { kind: "rejected", reason: `${thrown.step}: ${thrown.message}` }
  if (!(thrown instanceof Interrupted)) return null
  const { data, name, fact } = thrown.signal
  const said = (key: string) =>
    typeof data === "object" && data !== null ? (Reflect.get(data, key) as unknown) : undefined
  return {
    kind: "interrupted",
    reason: String(said("reason") ?? name),
    fact,
  }
}

/** What a thrown value means for the wait; rethrows what is no wait. A read of a system that is away counts as one. */
function suspensionOf(thrown: unknown): Suspension {
  if (thrown instanceof Suspension) return thrown
  const error = asAppError(thrown)
  if (error.code !== "VENDOR_UNAVAILABLE" && error.code !== "CONNECTION_PAUSED") throw thrown
  return new Suspension(
    { kind: "connection", name: error.message.slice(0, 200) },
    { wakeInMs: error.retryAfterMs ?? 2000 },
  )
}
