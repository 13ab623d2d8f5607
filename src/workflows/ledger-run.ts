import type { AppError } from "../base/errors.ts"
import { contentDigest } from "../base/ids.ts"
import { durationMs, instant, monotonicMs, type Clock } from "../base/time.ts"
import { newEvent, type NewEvent } from "../canonical/events.ts"
import { type EffectLedger } from "../effects/ledger.ts"
import { emptyStep, type InstanceWrite, type LoadedRun, type StepRow, type StepWrite } from "../effects/ledger-rows.ts"
import type { Suspension } from "../effects/perform.ts"
import { ownerStep, type AnyWorkflow } from "./define-workflow.ts"
import type { StepRun } from "./step-run.ts"

/** One run of one instance over what the ledger held when it began. */
export class LedgerRun implements StepRun {
  readonly workflow: string
  readonly key: string
  readonly correlation: string
  readonly traceparent?: string
  readonly steps: readonly string[]
  readonly interrupts: readonly string[]
  readonly lane
  readonly clock: Clock
  readonly signals
  readonly #rows = new Map<string, StepRow>()
  readonly #ledger: EffectLedger
  readonly #instance
  readonly #deadlineMs: number
  readonly #loadedAt = monotonicMs()
  readonly #pending = new Set<Promise<void>>()
  readonly #fate = { hasFailedWrite: false }
  #failed: { error: unknown } | undefined
  #events: NewEvent[] = []
  #n: number

  constructor(workflow: AnyWorkflow, loaded: LoadedRun, options: { ledger: EffectLedger; clock: Clock }) {
    this.workflow = workflow.name
    this.key = loaded.instance.key
    this.correlation = loaded.instance.correlation
    if (loaded.instance.traceparent !== null) this.traceparent = loaded.instance.traceparent
    this.steps = workflow.steps
    this.interrupts = workflow.interrupts
    this.lane = workflow.lane
    this.clock = options.clock
    this.signals = loaded.signals
    this.#ledger = options.ledger
    this.#instance = loaded.instance
    this.#deadlineMs = durationMs(workflow.deadline)
    this.#n = loaded.steps.reduce((highest, row) => Math.max(highest, row.n), 0)
    for (const row of loaded.steps) this.#rows.set(row.step, row)
    for (const row of loaded.steps) {
      const step = renamedStep(row.step, workflow.renamed)
      // A step begun again under its new name is the current one.
      if (!this.#rows.has(step)) this.#rows.set(step, { ...row, step, begunAs: row.step })
      if (step !== row.step) this.#rows.delete(row.step)
    }
  }

  get allRows(): StepRow[] {
    return [...this.#rows.values()]
  }

  row = (step: string): StepRow | undefined => this.#rows.get(step)

  elapsedMs(): number {
    return monotonicMs() - this.#loadedAt
  }

  nextN(): number {
    return (this.#n += 1)
  }

  doneSoFar(): string[] {
    const done = this.allRows.filter((row) => row.outcome === "done" && (row.kind === "effect" || row.kind === "undo"))
    return done.sort((a, b) => a.n - b.n).map((row) => (row.reference ? `${row.step} (${row.reference.id})` : row.step))
  }

  takenFacts(): ReadonlySet<string> {
    const taken = new Set<string>()
    for (const row of this.#rows.values())
      if (row.kind === "until" && row.outcome === "done" && isSignal(row.result)) taken.add(row.result.fact)
    return taken
  }

  record(step: StepWrite, events: NewEvent[] = []): Promise<unknown> {
    const known = this.#rows.get(step.step)
    const elapsedMs = this.elapsedMs()
    this.#rows.set(step.step, {
      ...emptyStep,
      ...known,
      ...step,
      outcome: step.outcome ?? null,
      lease_left_ms: step.lease_ms === undefined ? (known?.lease_left_ms ?? null) : step.lease_ms + elapsedMs,
      since_settled_ms: step.outcome ? -elapsedMs : null,
      since_intent_ms: known?.since_intent_ms ?? -elapsedMs,
    })
    return this.#write({ steps: [step], events })
  }

  write(instance: InstanceWrite): Promise<unknown> {
    return this.#write({ instance })
  }

  /** Hands a write over at once, so that writes keep their order; one that fails fails every later one of this run. */
  #write(
    part: Omit<Parameters<EffectLedger["write"]>[0], "workflow" | "key" | "correlation" | "epoch">,
  ): Promise<boolean> {
    const { workflow, key, correlation } = this
    const own = this.#ledger.write({
      workflow,
      key,
      correlation,
      epoch: this.#instance.epoch,
      fate: this.#fate,
      ...part,
    })
    const all = this.#afterAll([...this.#pending], own)
    const tracked = own.then(
      () => undefined,
      (error: unknown) => {
        this.#failed ??= { error }
      },
    )
    this.#pending.add(tracked)
    void tracked.finally(() => this.#pending.delete(tracked))
    // Callers that do not wait learn of a failure from the next write they do wait for, or from `settle`.
    all.catch(() => undefined)
    return all
  }

  async #afterAll(earlier: Promise<void>[], own: Promise<boolean>): Promise<boolean> {
    try {
      await Promise.all([...earlier, own])
    } catch (thrown) {
      // The first failure is the reason; those behind it were only not made.
      throw this.#failed?.error ?? thrown
    }
    if (this.#failed) throw this.#failed.error
    return own
  }

  /** Waits until everything handed over is durable or has failed. */
  async settle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending)
  }

  /** Hands over how this run leaves its instance; durable once it was given back. */
  finish(instance: InstanceWrite): void {
    const hasEnded = instance.state === "done" || instance.state === "undone"
    void this.#write({ instance, events: this.#events, steps: hasEnded ? this.#givenUp() : [] })
  }

  /** Keeps others from taking the instance while this run goes on. A failure matters only when it goes on until the time is over. */
  hold(): void {
    const { workflow, key } = this
    this.#ledger.hold({ workflow, key, epoch: this.#instance.epoch }).catch(() => undefined)
  }

  /** Waits until everything handed over is durable and gives the instance back; answers whether it was called meanwhile. */
  giveBack(): Promise<boolean> {
    return this.#write({ givesBack: true })
  }

  /** Effects that certainly did not happen and that nobody will try again, because the instance ends without them. */
  #givenUp(): StepWrite[] {
    const open = this.allRows.filter((row) => row.kind === "effect" && row.outcome === "retryable")
    return open.map(({ step, n, kind, attempts, probes, rejections, error }) => {
      return { step, n, kind, attempts, probes, rejections, error, outcome: "superseded" }
    })
  }

  /** The instance's state while it waits; past the workflow's deadline a person is told, once, and it goes on waiting. */
  waitFor(suspensions: readonly Suspension[]): Omit<InstanceWrite, "state"> {
    const forOthers = suspensions.find(({ waiting }) => waiting.kind === "connection" || waiting.kind === "time")
    const leftMs = this.#deadlineMs - (this.clock.now() - Date.parse(this.#instance.started_at))
    if (forOthers && leftMs <= 0) this.#events = [this.#lateEvent(forOthers)]
    const wakes = suspensions.flatMap(({ wakeInMs }) => wakeInMs ?? [])
    if (forOthers && leftMs > 0) wakes.push(leftMs)
    return {
      waiting: suspensions.map((suspension) => suspension.waiting),
      waits_for_connection: suspensions.find(({ connection }) => connection !== undefined)?.connection ?? null,
      wake_in_ms: wakes.length > 0 ? Math.max(0, Math.min(...wakes)) : null,
    }
  }

  /** Tells people of a defect, once per kind; the workflow is tried again with backoff all the same. */
  async tellDefect(error: AppError): Promise<void> {
    const event = this.#exception(`defect-${contentDigest(error.message).slice(0, 8)}`, {
      cause: error.code,
      summary: `It cannot go on: ${error.message}`.slice(0, 1000),
      ifNobodyActs: "it is tried again from time to time and stays where it is",
      owner: "integration",
    })
    // A write of its own, because the defect may be a write that failed. Telling is best effort: when even that fails, the log
    // line above is what is left.
    const { workflow, key, correlation } = this
    const telling = this.#ledger.write({ workflow, key, correlation, epoch: this.#instance.epoch, events: [event] })
    await telling.catch(() => undefined)
  }

  #lateEvent(suspension: Suspension): NewEvent {
    return this.#exception("late", {
      cause: "deadline passed",
      summary: `It has waited for ${suspension.waiting.name} longer than agreed.`,
      ifNobodyActs: "it goes on waiting and continues by itself when the other system answers",
      owner: "operations",
    })
  }

  /** One exception per label: the fact is unique, so telling it again at every look is stored once. */
  #exception(label: string, text: { cause: string; summary: string; ifNobodyActs: string; owner: string }): NewEvent {
    const at = instant(this.clock.now())
    return newEvent({
      type: "exception.opened",
      fact: `${this.workflow}:${this.key}:${label}`,
      source: `crossdock:${this.workflow}`,
      time: at,
      data: {
        exceptionId: `${this.key}:${label}`,
        subject: this.key,
        orderId: this.key,
        doneSoFar: this.doneSoFar().slice(0, 100),
        allowedActions: ["acknowledge"],
        at,
        ...text,
      },
    })
  }
}

/** Old step names read as what they are called now; what stands behind `#` stays. */
function renamedStep(step: string, renamed: Readonly<Record<string, string>> | undefined): string {
  if (!renamed) return step
  const owner = ownerStep(step)
  const current = renamed[owner]
  const at = step.startsWith("undo: ") ? "undo: ".length : 0
  return current === undefined ? step : step.slice(0, at) + current + step.slice(at + owner.length)
}

function isSignal(value: unknown): value is { fact: string } {
  return typeof value === "object" && value !== null && "fact" in value
}
