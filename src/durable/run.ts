import { cut } from "../base/text.ts"
import { AppError } from "../base/errors.ts"
import { own } from "../base/lookup.ts"
import { durationMs, instant, monotonicMs, type Clock } from "../base/time.ts"
import { assertEvents } from "../canonical/check-event.ts"
import type { EventName, NewEvent } from "../canonical/events.ts"
import type { Ref } from "../canonical/refs.ts"
import type { EffectRun } from "../effects/effect.ts"
import type { Suspension } from "../effects/perform.ts"
import {
  stepKey,
  stepText,
  withEntry,
  type StepEntry,
  type StepId,
  type StepKind,
  type StepRow,
} from "../effects/step-rows.ts"
import type { Lane } from "../effects/pacing.ts"
import type { AnyWorkflow } from "./define-workflow.ts"
import { cannotGoOn, ended, goneOn, questionsClosed, type Closing } from "./steps/closing.ts"
import type { Claimed, Journal, RunEnd, RunFate } from "./journal.ts"
import { noteStep } from "../effects/step-span.ts"
import { figuresOf, type Figure } from "./step-figures.ts"
import { exceptionIdOf, exceptionOpened, exceptionSettled, waitedTooLong } from "./steps/raised.ts"
import type { Signal } from "./steps/signals.ts"

/** One run of one claimed instance. Each entry is kept in memory and passed to the journal at once. */
export class Run implements EffectRun {
  readonly workflow: string
  readonly about: Ref
  readonly correlation: string
  readonly traceparent?: string
  readonly steps: readonly string[]
  readonly interrupts: readonly EventName[]
  readonly lane: Lane
  readonly clock: Clock
  readonly #claimed: Claimed
  readonly #heard: number
  readonly #rows: Map<string, StepRow>
  readonly #renamed: Readonly<Record<string, string>>
  readonly #journal: Journal
  readonly #instance: number
  readonly #deadlineMs: number
  readonly #owner: string
  readonly #pending = new Set<Promise<void>>()
  readonly #fate = { hasFailedWrite: false }
  #failed: { error: unknown } | undefined
  #n: number

  constructor(workflow: AnyWorkflow, claimed: Claimed, options: { journal: Journal; clock: Clock }) {
    const { facts, rows, signals } = claimed
    this.workflow = workflow.name
    this.about = facts.about
    this.correlation = facts.correlation
    if (facts.traceparent !== null) this.traceparent = facts.traceparent
    this.steps = workflow.steps
    this.interrupts = workflow.interrupts
    this.lane = workflow.lane
    this.clock = options.clock
    this.#claimed = claimed
    this.#heard = signals.length
    this.#journal = options.journal
    this.#instance = facts.id
    this.#deadlineMs = durationMs(workflow.deadline)
    this.#owner = workflow.owner
    this.#renamed = workflow.renamed ?? {}
    this.#rows = rows
    this.#n = [...rows.values()].reduce((highest, row) => Math.max(highest, row.n), 0)
    this.#rename()
  }

  /** Gives rows of renamed steps their new names. A row that has the new name already wins. */
  #rename(): void {
    for (const [key, row] of this.#rows) {
      const step = own(this.#renamed, row.step)
      if (step === undefined) continue
      this.#rows.delete(key)
      const current = stepKey(row.kind, { step, part: row.part })
      if (!this.#rows.has(current)) this.#rows.set(current, { ...row, step })
    }
  }

  /** All signals so far. The worker adds those that come during the run, so that a cancellation takes effect at once. */
  get signals(): readonly Signal[] {
    return this.#claimed.signals
  }

  get allRows(): StepRow[] {
    return [...this.#rows.values()]
  }

  row(kind: StepKind, id: StepId): StepRow | undefined {
    return this.#rows.get(stepKey(kind, id))
  }

  nextN(): number {
    return (this.#n += 1)
  }

  doneSoFar(): string[] {
    const done = this.allRows.filter((row) => row.outcome === "done" && (row.kind === "effect" || row.kind === "undo"))
    return done
      .sort((a, b) => a.n - b.n)
      .map((row) => {
        const name = row.kind === "undo" ? `undo: ${stepText(row)}` : stepText(row)
        return cut(row.reference ? `${name} (${row.reference.id})` : name, 300)
      })
  }

  /** The signal that a finished wait took. The journal keeps its type and fact; the signal is kept for as long as its instance. */
  takenSignal({ result }: StepRow): Signal | undefined {
    if (!isSignal(result)) return undefined
    const signal = this.signals.find(({ fact }) => fact === result.fact)
    if (!signal) throw new AppError("INVARIANT_BROKEN", `the signal ${result.fact} of ${this.about} is gone`)
    return signal
  }

  /** The facts of signals that finished waits have taken. */
  takenFacts(): ReadonlySet<string> {
    const taken = new Set<string>()
    for (const { kind, outcome, result } of this.#rows.values())
      if (kind === "until" && outcome === "done" && isSignal(result)) taken.add(result.fact)
    return taken
  }

  /** Passes an entry and its events to the journal, which stores both or neither. */
  record(entry: StepEntry, events: NewEvent[] = []): Promise<unknown> {
    // A malformed event of ours is a defect, and its step is not recorded as done.
    assertEvents(events, `the step "${stepText(entry)}" of ${this.workflow} ${this.about}`)
    const known = this.row(entry.kind, entry)
    const row = this.#keepInMemory(entry)
    noteStep(this, row)
    return this.#write({ entries: [entry], events, figures: figuresOf(known, row) })
  }

  /** Records a step that is no effect, in its place among the others. */
  keep(entry: Omit<StepEntry, "n">, events: NewEvent[] = []): Promise<unknown> {
    return this.record({ ...entry, n: this.row(entry.kind, entry)?.n ?? this.nextN() }, events)
  }

  /** Writes in the middle of a run that what was done is taken back, and closes what nobody needs to decide any more. */
  markUndoing(failure: RunEnd["failure"], why: string): Promise<unknown> {
    return this.#finish({ state: "undoing", failure, isOver: false, isKept: true }, questionsClosed(this, why))
  }

  /** Hands a write over at once, so that writes keep their order; one that fails fails every later one of this run. */
  #write(part: { entries?: StepEntry[]; events?: NewEvent[]; end?: RunEnd; figures?: Figure[] }): Promise<boolean> {
    const own = this.#journal.write({ ...this.#asWrite(this.#fate), ...part })
    const all = this.#afterAll([...this.#pending], own)
    const tracked = own.then(
      () => undefined,
      (error: unknown) => {
        this.#failed ??= { error }
      },
    )
    this.#pending.add(tracked)
    void tracked.finally(() => this.#pending.delete(tracked))
    // A caller that does not wait gets the failure from the next write it waits for, or from `settle`.
    all.catch(() => undefined)
    return all
  }

  #asWrite(fate: RunFate) {
    return { instance: this.#instance, correlation: this.correlation, fate }
  }

  async #afterAll(earlier: Promise<void>[], own: Promise<boolean>): Promise<boolean> {
    try {
      await Promise.all([...earlier, own])
    } catch (thrown) {
      // The first failure is the cause; later writes were only refused.
      throw this.#failed?.error ?? thrown
    }
    if (this.#failed) throw this.#failed.error
    return own
  }

  /** Waits until all writes are durable or have failed. */
  async settle(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending)
  }

  /** Writes how this run leaves its instance, after all its earlier writes. Returns whether signals came meanwhile. */
  async finish(how: RunEnd): Promise<boolean> {
    const end = { ...how, heard: this.#heard }
    if (end.isOver) this.#endWaits()
    return this.#finish(end, end.isOver ? ended(this) : goneOn(this))
  }

  /** Ends the run of an instance that has signals and was never started. */
  async finishOrphan(raised: Closing): Promise<{ end: RunEnd; isWoken: boolean }> {
    const end: RunEnd = { state: "expected", failure: null, isOver: true, isKept: false }
    return { end, isWoken: await this.#finish({ ...end, heard: this.#heard }, raised) }
  }

  /** Entries of the end are known only once they are durable: what is not stored must not change the ids of exceptions. */
  async #finish(end: RunEnd, { entries, events }: Closing): Promise<boolean> {
    const isWoken = await this.#write({ end, ...(entries.length > 0 ? { entries, events } : {}) })
    for (const entry of entries) this.#keepInMemory(entry)
    return isWoken
  }

  #keepInMemory(entry: StepEntry): StepRow {
    const row = withEntry(this.row(entry.kind, entry), entry, monotonicMs())
    this.#rows.set(stepKey(entry.kind, entry), row)
    return row
  }

  /**
   * Describes the waits of a run. A step that waits for another system longer than the workflow's deadline raises an exception
   * once and goes on waiting; when the step is done, the exception is closed.
   */
  waitFor(suspensions: readonly Suspension[]): Omit<RunEnd, "state" | "failure" | "isOver" | "isKept"> {
    const wakes = suspensions.flatMap(({ wakeInMs }) => wakeInMs ?? [])
    for (const suspension of suspensions) {
      const leftMs = this.#deadlineLeftMs(suspension)
      if (leftMs !== undefined && leftMs > 0) wakes.push(leftMs)
    }
    const waitsFor = suspensions.find(({ connection }) => connection !== undefined)?.connection
    return {
      waiting: suspensions.map((suspension) => suspension.waiting),
      ...(waitsFor === undefined ? {} : { waitsFor }),
      ...(wakes.length > 0 ? { wakeInMs: Math.max(0, Math.min(...wakes)) } : {}),
    }
  }

  /** Time until a waiting step raises its exception; undefined if it has, or if it waits for no system. */
  #deadlineLeftMs({ step, waiting, connection }: Suspension): number | undefined {
    if (!step || (waiting.kind !== "connection" && waiting.kind !== "time")) return undefined
    const { wait, late } = this.#waitOf(step)
    if (this.row("raise", late)) return undefined
    const since = this.row("until", wait)
    if (!since) void this.record({ kind: "until", ...wait, n: this.nextN(), outcome: null })
    const leftMs = this.#deadlineMs - (since ? monotonicMs() - since.intentAtMs : 0)
    if (leftMs > 0) return leftMs
    const exceptionId = exceptionIdOf(this, late)
    const opened = exceptionOpened(
      this,
      { exceptionId, id: late },
      waitedTooLong(`"${stepText(step)}" of ${this.about}`, waiting.name, { owner: this.#owner, connection }),
    )
    void this.record({ kind: "raise", ...late, n: this.nextN(), outcome: "done", result: { exceptionId } }, [opened])
    return undefined
  }

  /** The names of a step's current or next wait. Each wait has its own deadline. */
  #waitOf(step: StepId & { kind: StepKind }): { wait: StepId; late: StepId } {
    for (let n = 1; ; n += 1) {
      const part = n === 1 ? partOf(step) : `${partOf(step)} (${n})`
      const wait = { step: waitStep, part }
      if (this.row("until", wait)?.outcome !== "done") return { wait, late: { step: "deadline passed", part } }
    }
  }

  /** Ends the wait of a step that got its response, and closes the exception about it. */
  endWait(step: StepId & { kind: StepKind }, reason = "it continued by itself"): void {
    const { wait, late } = this.#waitOf(step)
    const since = this.row("until", wait)
    if (!since) return
    const { exceptionId } = (this.row("raise", late)?.result ?? {}) as { exceptionId?: string }
    const events =
      exceptionId === undefined ? [] : [exceptionSettled(this, exceptionId, { action: "acknowledge", reason })]
    void this.record({ kind: "until", ...wait, n: since.n, outcome: "done", result: null }, events)
  }

  /** Ends the waits of steps that will not be retried, because the instance ends. */
  #endWaits(): void {
    const { allRows } = this
    if (!allRows.some(({ kind, step, outcome }) => kind === "until" && step === waitStep && outcome === null)) return
    for (const { kind, step, part } of allRows)
      if (kind === "effect" || kind === "undo" || kind === "decide")
        this.endWait({ kind, step, part }, "it is not needed any more")
  }

  /**
   * Raises the exception about an error that stops this run. A write of its own, because an earlier one may be what failed: then
   * the log line is all that is left.
   */
  async raiseCannotGoOn(error: AppError): Promise<void> {
    const raised = cannotGoOn(this, error)
    if (raised) await this.#journal.write({ ...this.#asWrite({ hasFailedWrite: false }), ...raised })
  }

  now(): string {
    return instant(this.clock.now())
  }
}

const partOf = ({ kind, ...id }: StepId & { kind: StepKind }) =>
  kind === "undo" ? `undo: ${stepText(id)}` : stepText(id)
/** The engine's own wait; workflows do not declare it. */
const waitStep = "wait for another system"

function isSignal(value: unknown): value is { fact: string } {
  return typeof value === "object" && value !== null && "fact" in value
}
