import { durationMs, epochMs, instant, monotonicMs } from "../../base/time.ts"
import type { EventData, EventName, NewEvent } from "../../canonical/events.ts"
import { performEffect, StepRejected, Suspension, suspensionOf } from "../../effects/perform.ts"
import type { EffectSpec } from "../../effects/effect.ts"
import type { RoutedWrite } from "../../effects/routed.ts"
import { stepText, type StepEntry, type StepId, type StepKind, type StepRow } from "../../effects/step-rows.ts"
import type { Written } from "../../ports/write.ts"
import { assertDeclared } from "../define-workflow.ts"
import { afterLinked, linkToTake } from "../links/linked.ts"
import { isAway, isOpenEffect, undoOf, type EffectOptions, type IfRejected } from "./effect-options.ts"
import { becauseOf } from "../../canonical/events/because.ts"
import { Desk } from "./desk.ts"
import { onlyRetry, refusedId, type Decision, type ExceptionText, type RaisedText } from "./raised.ts"
import type { Run } from "../run.ts"
import { Interrupted, signalsOf, stopText, type Signal, type Wait } from "./signals.ts"
import { part, stepId, type StepName } from "./step-name.ts"
import { factTold, stateChanged, type StateDetails } from "./told.ts"

/** The decision that stores whether an effect was overtaken. */
const lateFacts = "look for late facts"

/**
 * The steps of one run. The journal keeps the result of each step under the step's name; a finished step returns that result.
 * Before an unfinished step begins, the run checks for interrupting signals.
 */
export class Step {
  readonly #run: Run
  readonly #desk: Desk
  readonly #outstanding: Suspension[] = []
  #isPastNoReturn = false
  readonly #newsCounts = new Map<string, number>()

  constructor(run: Run) {
    this.#run = run
    this.#desk = new Desk(run, () => this.#heedInterrupts())
  }

  /** The time now, as an instant. Use it only inside `decide`, so that a rerun sees the same. */
  now(): string {
    return this.#run.now()
  }

  /** After this line, interrupting signals no longer stop the workflow; `until` and `next` receive them like others. */
  pointOfNoReturn(): void {
    this.#isPastNoReturn = true
  }

  /** Waits of blocks run by `alongside`; the workflow is not done while there are any. */
  get outstanding(): readonly Suspension[] {
    return this.#outstanding
  }

  /**
   * Runs blocks of steps in parallel. A block that waits for another system is continued by a later run, and the workflow goes on,
   * so that an unavailable mail server does not delay goods (I-8).
   */
  async alongside(...blocks: (() => Promise<unknown>)[]): Promise<void> {
    const results = await Promise.allSettled(blocks.map((block) => block()))
    const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []))
    for (const failure of failures) if (failure instanceof Suspension) this.#outstanding.push(failure)
    const failure = failures.find((candidate) => !(candidate instanceof Suspension))
    if (failure !== undefined) throw failure
  }

  /**
   * Runs a block that later steps do not depend on. If its system is unavailable, a later run continues the block, and the
   * workflow goes on. A block that waits for a person stops the workflow. Returns whether the block is done.
   */
  async evenIfAway(block: () => Promise<unknown>): Promise<boolean> {
    try {
      await block()
      return true
    } catch (thrown) {
      if (!(thrown instanceof Suspension) || thrown.waiting.kind === "person") throw thrown
      this.#outstanding.push(thrown)
      return false
    }
  }

  /** Changes another system, once. Returns its response, now or from the journal. */
  async effect<Input, Output extends Written, UndoInput>(
    name: StepName,
    call: { write: RoutedWrite<Input, Output>; input: Input } & EffectOptions<Output, UndoInput>,
  ): Promise<Output> {
    const id = stepId(name)
    this.#begin("effect", id)
    const { tells } = call
    const spec: EffectSpec<Input, Output> = {
      ...id,
      kind: "effect",
      target: call.write,
      input: call.input,
      lane: call.lane ?? this.#run.lane,
      ...(call.key === undefined ? {} : { businessKey: call.key }),
      ...(call.undo
        ? { undo: undoOf(call.undo, { ...id, workflow: this.#run.workflow, about: this.#run.about }) }
        : {}),
      ...(tells
        ? { recordDone: (entry: StepEntry, output: Output) => void this.#run.record(entry, tells(output)) }
        : {}),
    }
    try {
      return await this.performUntilDecided(spec, call.ifRejected ?? this.#ifRejected(id))
    } catch (thrown) {
      if (thrown instanceof Suspension && call.ifWaiting && isAway(call.write)) await this.alongside(call.ifWaiting)
      throw thrown
    }
  }

  #ifRejected({ step }: StepId): IfRejected {
    return this.#isPastNoReturn ? { ask: onlyRetry(step, this.#run.about) } : "throw"
  }

  /** Carries out an effect or an undo. With `ask`, a refusal raises an exception, and "retry" carries it out again. */
  async performUntilDecided<Input, Output extends Written>(
    spec: EffectSpec<Input, Output>,
    ifRejected: IfRejected,
  ): Promise<Output> {
    const linked = () => linkToTake(this.#run, this.#desk, spec)
    for (;;) {
      const rejections = this.#run.row(spec.kind, spec)?.rejections ?? 0
      const retryRejected = rejections > 0 && this.#desk.keptDecision(refusedId(spec, rejections))?.action === "retry"
      try {
        const output = await performEffect(this.#run, { ...spec, retryRejected, linked })
        this.#run.endWait(spec)
        await afterLinked(this.#run, this.#desk, { spec, output })
        return output
      } catch (thrown) {
        if (!(thrown instanceof StepRejected)) throw thrown
        this.#run.endWait(spec)
        if (ifRejected === "throw" || ifRejected.except?.some((code) => code === thrown.code)) throw thrown
        const text = typeof ifRejected.ask === "function" ? ifRejected.ask(thrown) : ifRejected.ask
        if (text === undefined) throw thrown
        const asked = refusedId(spec, this.#run.row(spec.kind, spec)?.rejections ?? 1)
        const decision = await this.#desk.ask(asked, {
          because: becauseOf(thrown, { connection: spec.target.connection.id, operation: spec.step }),
          ...text,
          summary: `${text.summary}: ${thrown.message}`,
        })
        if (decision.action !== "retry") throw thrown
      }
    }
  }

  /** Makes a decision once; a rerun gets the first result. It may read other systems; if one is unavailable the workflow waits. */
  async decide<Result>(name: StepName, choose: () => Result | Promise<Result>): Promise<Result> {
    const id = stepId(name)
    const known = this.#run.row("decide", id)
    // The journal holds a result of this very function.
    if (known?.outcome === "done") return known.result as Result
    this.#begin("decide", id)
    try {
      const result = await choose()
      this.#run.endWait({ kind: "decide", ...id })
      void this.#run.keep({ kind: "decide", ...id, outcome: "done", result: result ?? null })
      return result
    } catch (thrown) {
      throw suspensionOf(thrown, { kind: "decide", ...id })
    }
  }

  /**
   * Waits for the first signal of these types that no earlier step took, or for the deadline.
   * Returns `undefined` at the deadline. Signals that came before count.
   */
  async until<Name extends EventName>(name: StepName, wait: Wait<Name>): Promise<Signal<Name> | undefined> {
    const id = stepId(name)
    const known = this.#run.row("until", id)
    // It is of one of this wait's types.
    if (known?.outcome === "done") return this.#run.takenSignal(known) as Signal<Name> | undefined
    this.#begin("until", id)
    const signal = this.#untaken(wait.signals)[0]
    if (signal) {
      void this.#run.keep({ kind: "until", ...id, outcome: "done", result: { type: signal.type, fact: signal.fact } })
      return signal
    }
    const leftMs = this.#leftMs(wait, known)
    if (leftMs !== undefined && leftMs <= 0) {
      void this.#run.keep({ kind: "until", ...id, outcome: "done", result: null })
      return undefined
    }
    if (!known) void this.#run.keep({ kind: "until", ...id, outcome: null })
    const until = leftMs === undefined ? {} : { until: instant(this.#run.clock.now() + leftMs) }
    throw new Suspension(
      { kind: "signal", name: wait.signals.join(" or "), ...until },
      leftMs === undefined ? {} : { wakeInMs: leftMs },
    )
  }

  #leftMs({ within, by }: Wait<EventName>, known: StepRow | undefined): number | undefined {
    if (by !== undefined) return epochMs(by) - this.#run.clock.now()
    const waitedMs = known ? monotonicMs() - known.intentAtMs : 0
    return within && durationMs(within) - waitedMs
  }

  /** Like `until`, for loops: each call returns the next signal, in the order of arrival. */
  next<Name extends EventName>(name: string, wait: Wait<Name>): Promise<Signal<Name> | undefined> {
    const count = (this.#newsCounts.get(name) ?? 0) + 1
    this.#newsCounts.set(name, count)
    return this.until(part(name, String(count)), wait)
  }

  /** Signals of a type that no step has taken yet. Call it only inside `decide`, so that a rerun gets the same. */
  untaken<Name extends EventName>(type: Name): readonly Signal<Name>[] {
    return this.#untaken([type])
  }

  /** All signals of a type, taken or not. Call it only inside `decide`, like `untaken`. */
  heard<Name extends EventName>(type: Name): readonly Signal<Name>[] {
    return signalsOf(this.#run.signals, [type])
  }

  /**
   * Whether a signal came before an effect began, so that the effect is left out; a question about its refusal closes.
   * Stored once true; an effect that is under way or done is never overtaken.
   */
  async isOvertaken(effect: StepName, by: EventName): Promise<boolean> {
    const id = stepId(effect)
    const name = part(lateFacts, stepText(id))
    if (this.#run.row("decide", name)?.outcome === "done") return true
    const row = this.#run.row("effect", id)
    const [signal] = this.heard(by)
    if (row?.outcome === "done" || isOpenEffect(row) || !signal) return false
    const closed = { action: "acknowledge", reason: stopText(signal, this.#run.about) }
    if (row && row.rejections > 0) this.#desk.settle(refusedId(row, row.rejections), closed)
    return this.decide(name, () => true)
  }

  /** The id of the exception that `raise` or `ask` opens under this name. */
  exceptionId(name: StepName): string {
    return this.#desk.exceptionId(stepId(name))
  }

  /** A person's decision on an exception of `raise`. Call it only inside `decide`. */
  decisionOn(name: StepName): string | undefined {
    return this.#desk.decisionAbout(this.exceptionId(name))?.action
  }

  /** Raises an exception and waits for the decision. */
  async ask(name: StepName, text: ExceptionText): Promise<Decision> {
    const id = stepId(name)
    assertDeclared(this.#run, id.step)
    return this.#desk.ask(id, text)
  }

  /** Raises an exception without waiting. */
  raise(name: StepName, text: RaisedText): Promise<void> {
    return this.#desk.raise(stepId(name), text)
  }

  /** Closes an exception that needs no decision any more, if it was raised. An earlier decision stands. */
  settle(name: StepName, settled: { action: string; reason: string }): void {
    this.#desk.settle(stepId(name), settled)
  }

  /** Announces a business state, once per `name`, as `{kind}.state-changed` of the workflow's object; `tells` comes with it. */
  announce(name: StepName, state: string, { tells = [], ...more }: StateDetails & { tells?: NewEvent[] } = {}): void {
    const id = stepId(name)
    if (this.#run.row("state", id)) return
    const changed = stateChanged(this.#run, id, { state, ...more })
    void this.#run.keep({ kind: "state", ...id, outcome: "done", result: state }, [changed, ...tells])
  }

  /** Appends a fact to the log, once per `name`. Facts of an effect belong into its `tells`. */
  tell<Name extends EventName>(name: StepName, fact: { type: Name; data: EventData<Name> }): void {
    const id = stepId(name)
    if (this.#run.row("tell", id)) return
    void this.#run.keep({ kind: "tell", ...id, outcome: "done" }, [factTold(this.#run, id, fact)])
  }

  /** Whether a state was announced under this name, in this run or an earlier one. */
  hasAnnounced(name: StepName): boolean {
    return this.#run.row("state", stepId(name)) !== undefined
  }

  /** Whether `raise` opened an exception under this name, in this run or an earlier one. */
  hasRaised(name: StepName): boolean {
    return this.#run.row("raise", stepId(name)) !== undefined
  }

  #begin(kind: StepKind, id: StepId): void {
    assertDeclared(this.#run, id.step)
    // An effect without an outcome is finished first, because only then we know whether there is anything to undo.
    const row = this.#run.row(kind, id)
    if (row?.outcome === "done" || isOpenEffect(row)) return
    this.#heedInterrupts()
  }

  #heedInterrupts(): void {
    const interrupt = this.#isPastNoReturn ? undefined : this.#untaken(this.#run.interrupts)[0]
    if (interrupt) throw new Interrupted(interrupt)
  }

  #untaken<Name extends EventName>(types: readonly Name[]): Signal<Name>[] {
    const taken = this.#run.takenFacts()
    return signalsOf(this.#run.signals, types).filter((signal) => !taken.has(signal.fact))
  }
}
