import { cut } from "../../base/text.ts"
import { Suspension } from "../../effects/perform.ts"
import type { StepId } from "../../effects/step-rows.ts"
import type { Run } from "../run.ts"
import {
  exceptionIdOf,
  exceptionOpened,
  exceptionSettled,
  type Decision,
  type ExceptionText,
  type RaisedText,
} from "./raised.ts"
import { signalsOf } from "./signals.ts"

/** The exceptions of one run: it raises them, waits for decisions, and closes them. */
export class Desk {
  readonly #run: Run
  /** Throws when a signal stops the workflow. */
  readonly #heedInterrupts: () => void

  constructor(run: Run, heedInterrupts: () => void) {
    this.#run = run
    this.#heedInterrupts = heedInterrupts
  }

  /** An open exception keeps its id, read from the journal, when its step is renamed. */
  exceptionId(id: StepId): string {
    const { result } = this.#run.row("raise", id) ?? this.#run.row("ask", id) ?? {}
    const known = (result as { exceptionId?: string } | null | undefined)?.exceptionId
    return known ?? exceptionIdOf(this.#run, id)
  }

  /** A person's decision on an exception. */
  decisionAbout(exceptionId: string) {
    const decisions = signalsOf(this.#run.signals, ["exception.decided"])
    return decisions.find((signal) => signal.data.exceptionId === exceptionId)?.data
  }

  /** The decision that the journal holds. */
  keptDecision(id: StepId): Decision | undefined {
    const row = this.#run.row("ask", id)
    return row?.outcome === "done" ? (row.result as Decision) : undefined
  }

  /** Raises an exception and waits for the decision. */
  async ask(id: StepId, text: ExceptionText): Promise<Decision> {
    const kept = this.keptDecision(id)
    if (kept) return kept
    const exceptionId = this.exceptionId(id)
    const decided = this.decisionAbout(exceptionId)
    if (decided) {
      const { action, decidedBy, day } = decided
      const decision: Decision = { action, decidedBy, ...(day === undefined ? {} : { day }) }
      void this.#run.keep({ kind: "ask", ...id, outcome: "done", result: { ...decision, exceptionId } })
      return decision
    }
    this.#heedInterrupts()
    if (!this.#run.row("ask", id)) {
      const opened = exceptionOpened(this.#run, { exceptionId, id }, text)
      void this.#run.keep({ kind: "ask", ...id, outcome: null, result: { exceptionId } }, [opened])
    }
    throw new Suspension({ kind: "person", name: cut(text.summary, 300) })
  }

  /** Raises an exception without waiting. */
  async raise(id: StepId, { closesIfStopped, ...text }: RaisedText): Promise<void> {
    if (this.#run.row("raise", id)) return
    const exceptionId = exceptionIdOf(this.#run, id)
    const opened = exceptionOpened(this.#run, { exceptionId, id }, text)
    const result = { exceptionId, ...(closesIfStopped ? { closesIfStopped } : {}) }
    await this.#run.keep({ kind: "raise", ...id, outcome: "done", result }, [opened])
  }

  /** Closes an exception that needs no decision any more, if it was raised. An earlier decision stands. */
  settle(id: StepId, settled: { action: string; reason: string }): void {
    const asked = this.#run.row("ask", id)
    if (!asked && !this.#run.row("raise", id)) return
    const exceptionId = this.exceptionId(id)
    const place = { step: "settled", part: exceptionId }
    if (this.#run.row("settle", place)) return
    const event = exceptionSettled(this.#run, exceptionId, settled)
    void this.#run.keep({ kind: "settle", ...place, outcome: "done" }, [event])
    if (asked?.outcome === null)
      void this.#run.keep({ kind: "ask", ...id, outcome: "superseded", result: asked.result })
  }
}
