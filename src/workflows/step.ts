import { durationMs, instant, type Duration } from "../base/time.ts"
import { newEvent, type EventData, type EventName } from "../canonical/events.ts"
import type { OrderState } from "../canonical/order.ts"
import type { Reference } from "../canonical/parts.ts"
import type { Signal } from "../effects/ledger-rows.ts"
import { performEffect, StepRejected, Suspension } from "../effects/perform.ts"
import type { RoutedWrite } from "../effects/routed.ts"
import type { Money } from "../base/money.ts"
import type { Written } from "../ports/write.ts"
import type { StepRun } from "./step-run.ts"
import { assertDeclared, refusedSuffix } from "./define-workflow.ts"
import { isAway, undoOf, type EffectOptions, isOpenEffect } from "./effect-options.ts"
import {
  exceptionIdOf,
  exceptionOpened,
  exceptionSettled,
  onlyRetry,
  type Decision,
  type ExceptionText,
} from "./raised.ts"

/** A signal that stops the workflow, thrown at a step boundary. */
export class Interrupted extends Error {
  readonly signal: Signal

  constructor(signal: Signal) {
    super(`interrupted by ${signal.name}`)
    this.signal = signal
  }
}

/**
 * The steps of one run. Every step has a name and its result is remembered under it; a finished step answers from the
 * ledger. Before a step that is not finished begins, interrupting signals are looked at.
 */
export class Step {
  readonly #run: StepRun
  readonly #outstanding: Suspension[] = []
  #isPastNoReturn = false
  readonly #newsCounts = new Map<string, number>()

  constructor(run: StepRun) {
    this.#run = run
  }

  /** The time now, as an instant. Use it only inside `decide`, so that a rerun sees the same. */
  now(): string {
    return instant(this.#run.clock.now())
  }

  /** Signals that stop the workflow do so only before this line; afterwards `until` and `next` receive them like others. */
  pointOfNoReturn(): void {
    this.#isPastNoReturn = true
  }

  /** What blocks run by `alongside` still wait for; the workflow is not done while there is any. */
  get outstanding(): readonly Suspension[] {
    return this.#outstanding
  }

  /**
   * Runs blocks of steps side by side. A block that must wait for another system is left behind and taken up again by a
   * later run; the workflow goes on meanwhile, so that a mail server that is away keeps no goods from leaving (I-8).
   */
  async alongside(...blocks: (() => Promise<unknown>)[]): Promise<void> {
    const results = await Promise.allSettled(blocks.map((block) => block()))
    const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []))
    for (const failure of failures) if (failure instanceof Suspension) this.#outstanding.push(failure)
    const failure = failures.find((candidate) => !(candidate instanceof Suspension))
    if (failure !== undefined) throw failure
  }

  /**
   * Runs a block that nothing after it depends on: when its system is away it is left behind for a later run, and the workflow
   * goes on. What waits for a person holds up what comes after it. Answers whether the block is done.
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

  /** Changes another system, once. Answers what the other system said, now or when it was done. */
  async effect<Input, Output extends Written, UndoInput>(
    name: string,
    call: { write: RoutedWrite<Input, Output>; input: Input } & EffectOptions<UndoInput>,
  ): Promise<Output> {
    this.#begin(name)
    const spec = {
      step: name,
      kind: "effect" as const,
      target: call.write,
      input: call.input,
      lane: call.lane ?? this.#run.lane,
      ...(call.key === undefined ? {} : { businessKey: call.key }),
      ...(call.undo ? { undo: undoOf(call.undo, this.#run.key) } : {}),
    }
    for (;;) {
      const rejections = this.#run.row(name)?.rejections ?? 0
      const retryRejected = rejections > 0 && this.#decisionOn(name, rejections) === "retry"
      try {
        return await performEffect(this.#run, { ...spec, retryRejected })
      } catch (thrown) {
        if (thrown instanceof Suspension && call.ifWaiting && isAway(call.write)) await this.alongside(call.ifWaiting)
        const ifRejected = call.ifRejected ?? (this.#isPastNoReturn ? { ask: onlyRetry(name) } : "throw")
        if (!(thrown instanceof StepRejected) || ifRejected === "throw") throw thrown
        const row = this.#run.row(name)
        const text = ifRejected.ask
        const decision = await this.ask(`${name}${refusedSuffix}#${row?.rejections ?? 1}`, {
          ...text,
          summary: `${text.summary}: ${thrown.message}`,
        })
        if (decision.action !== "retry") throw thrown
      }
    }
  }

  #decisionOn(name: string, rejections: number): string | undefined {
    const row = this.#run.row(`${name}${refusedSuffix}#${rejections}`)
    return row?.outcome === "done" ? (row.result as Decision).action : undefined
  }

  /** Makes a choice once; a rerun gets the first answer. May read other systems; when one is away the workflow waits. */
  async decide<Result>(name: string, choose: () => Result | Promise<Result>): Promise<Result> {
    const known = this.#run.row(name)
    // The ledger keeps what this very function answered.
    if (known?.outcome === "done") return known.result as Result
    this.#begin(name)
    const result = await choose()
    void this.#run.record({
      step: name,
      n: known?.n ?? this.#run.nextN(),
      kind: "decide",
      outcome: "done",
      result: result ?? null,
    })
    return result
  }

  /**
   * Waits for the first signal of these names that no earlier step took, or for the deadline.
   * Answers `undefined` at the deadline. Signals that came before count.
   */
  async until(name: string, wait: { signals: readonly EventName[]; within?: Duration }): Promise<Signal | undefined> {
    const known = this.#run.row(name)
    if (known?.outcome === "done") return (known.result as Signal | null) ?? undefined
    this.#begin(name)
    const signal = this.#untaken(wait.signals)[0]
    const n = known?.n ?? this.#run.nextN()
    if (signal) {
      void this.#run.record({ step: name, n, kind: "until", outcome: "done", result: signal })
      return signal
    }
    const waitedMs = known ? known.since_intent_ms + this.#run.elapsedMs() : 0
    const leftMs = wait.within ? durationMs(wait.within) - waitedMs : undefined
    if (leftMs !== undefined && leftMs <= 0) {
      void this.#run.record({ step: name, n, kind: "until", outcome: "done", result: null })
      return undefined
    }
    if (!known) void this.#run.record({ step: name, n, kind: "until", outcome: null })
    const until = leftMs === undefined ? {} : { until: instant(this.#run.clock.now() + leftMs) }
    throw new Suspension(
      { kind: "signal", name: wait.signals.join(" or "), ...until },
      leftMs === undefined ? {} : { wakeInMs: leftMs },
    )
  }

  /** Like `until`, for loops: each call is the next piece of news, in the order it came. */
  next(name: string, wait: { signals: readonly EventName[]; within?: Duration }): Promise<Signal | undefined> {
    const count = (this.#newsCounts.get(name) ?? 0) + 1
    this.#newsCounts.set(name, count)
    return this.until(`${name}#${count}`, wait)
  }

  /** Signals of a name no step has taken yet. Look at them only inside `decide`, so that a rerun sees the same. */
  untaken(name: EventName): readonly Signal[] {
    return this.#untaken([name])
  }

  /** All signals of a name, taken or not. Look at them only inside `decide`, like `untaken`. */
  heard(name: EventName): readonly Signal[] {
    return this.#run.signals.filter((signal) => signal.name === name)
  }

  /**
   * Whether an effect that has not begun is better left alone, because such a signal came first. Once yes, always yes; an
   * effect that is under way or done is never overtaken.
   */
  async isOvertaken(effect: string, by: EventName): Promise<boolean> {
    const name = `look for late facts#${effect}`
    if (this.#run.row(name)?.outcome === "done") return true
    const row = this.#run.row(effect)
    if (row?.outcome === "done" || isOpenEffect(row) || this.heard(by).length === 0) return false
    return this.decide(name, () => true)
  }

  /** The id of the exception that `raise` or `ask` opens under this name. */
  exceptionId(name: string): string {
    return exceptionIdOf(this.#run, name)
  }

  /** What a person decided about an exception that `raise` opened. Look at it only inside `decide`. */
  decisionOn(name: string): string | undefined {
    const exceptionId = exceptionIdOf(this.#run, name)
    const decisions = this.heard("exception.decided").map((signal) => signal.data as EventData<"exception.decided">)
    return decisions.find((decided) => decided.exceptionId === exceptionId)?.action
  }

  /** Opens an exception and waits until a person decides it. Answers the decision. */
  async ask(name: string, text: ExceptionText): Promise<Decision> {
    const known = this.#run.row(name)
    if (known?.outcome === "done") return known.result as Decision
    const exceptionId = exceptionIdOf(this.#run, name)
    const n = known?.n ?? this.#run.nextN()
    const decided = this.#run.signals.find(
      (signal) =>
        signal.name === "exception.decided" &&
        (signal.data as EventData<"exception.decided">).exceptionId === exceptionId,
    )
    if (decided) {
      const { action, decidedBy } = decided.data as EventData<"exception.decided">
      void this.#run.record({ step: name, n, kind: "until", outcome: "done", result: { action, decidedBy } })
      return { action, decidedBy }
    }
    assertDeclared(this.#run, name)
    this.#heedInterrupts()
    if (!known)
      void this.#run.record({ step: name, n, kind: "until", outcome: null }, [exceptionOpened(this.#run, name, text)])
    throw new Suspension({ kind: "person", name: text.summary.slice(0, 300) })
  }

  /** Tells people something that needs no decision to go on: opens an exception and goes on. */
  async raise(name: string, text: ExceptionText): Promise<void> {
    if (this.#run.row(name)?.outcome === "done") return
    const opened = exceptionOpened(this.#run, name, text)
    await this.#run.record({ step: name, n: this.#run.nextN(), kind: "state", outcome: "done" }, [opened])
  }

  /** Closes an exception that events have answered; a decision that came before stands. */
  settle(exceptionId: string, settled: { action: string; reason: string }): void {
    const step = `settled: ${exceptionId}`
    if (this.#run.row(step)) return
    const event = exceptionSettled(this.#run, exceptionId, settled)
    void this.#run.record({ step, n: this.#run.nextN(), kind: "state", outcome: "done" }, [event])
  }

  /** Announces a business state, once per `name`; an event of its own in the log. */
  announce(
    name: string,
    state: OrderState,
    more: { reason?: string; references?: Reference[]; amount?: Money } = {},
  ): void {
    const step = `state: ${name}`
    if (this.#run.row(step)) return
    const at = instant(this.#run.clock.now())
    const changed = newEvent({
      type: "order.state-changed",
      fact: `${this.#run.workflow}:${this.#run.key}:${step}`,
      source: `crossdock:${this.#run.workflow}`,
      time: at,
      data: { orderId: this.#run.key, state, at, ...more },
    })
    void this.#run.record({ step, n: this.#run.nextN(), kind: "state", outcome: "done", result: state }, [changed])
  }

  /** Whether a state was announced under this name, in this run or an earlier one. */
  hasAnnounced(name: string): boolean {
    return this.#run.row(`state: ${name}`) !== undefined
  }

  /** Whether `raise` opened an exception under this name, in this run or an earlier one. */
  hasRaised(name: string): boolean {
    return this.#run.row(name) !== undefined
  }

  #begin(name: string): void {
    const { row } = this.#run
    assertDeclared(this.#run, name)
    // An effect whose outcome is open is finished first: only then is known what there is to undo.
    if (row(name)?.outcome === "done" || isOpenEffect(row(name))) return
    this.#heedInterrupts()
  }

  #heedInterrupts(): void {
    const interrupt = this.#isPastNoReturn ? undefined : this.#untaken(this.#run.interrupts)[0]
    if (interrupt) throw new Interrupted(interrupt)
  }

  #untaken(names: readonly string[]): Signal[] {
    const taken = this.#run.takenFacts()
    return this.#run.signals.filter((signal) => names.includes(signal.name) && !taken.has(signal.fact))
  }
}
