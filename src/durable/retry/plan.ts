import type { StepEntry, StepRow } from "../../effects/step-rows.ts"
import { stepText } from "../../effects/step-rows.ts"
import type { EventData } from "../../canonical/events.ts"
import type { Run } from "../run.ts"
import { refusedId } from "../steps/raised.ts"
import { signalsOf } from "../steps/signals.ts"

/** What a retry needs to know of a step. */
export type PlannedStep = Pick<StepRow, "kind" | "step" | "part" | "n" | "outcome" | "attempts" | "rejections">

export type Retry = Pick<EventData<"workflow.retried">, "from" | "step">

/** What a retry does to an instance. */
export interface RetryPlan<Row> {
  /** Decisions that are made anew. */
  again: Row[]
  /** Effects that exist, or may exist, in other systems: they are found, never done again. */
  exists: Row[]
  /** Effects that were refused or did not happen: they are tried again under their key. */
  tried: Row[]
  /** A refused effect that its decision had left undone, and that is now tried again. */
  reopened: Row[]
  /** Why it cannot be done at all. */
  problem?: string
}

/**
 * Plans a retry. Every run goes through the whole workflow from the top, so what a retry chooses is which decisions are made anew:
 * those from the step on, but only as far as no effect that exists followed from them. A decision before such an effect stays, because
 * another answer could lead to a second effect beside it (I-3).
 */
export function planRetry<Row extends PlannedStep>(rows: readonly Row[], { from, step }: Retry): RetryPlan<Row> {
  const exists = rows.filter(isThere)
  const chosen = rows.filter((row) => stepText(row) === step || row.step === step)
  const tried = rows.filter(
    (row) => row.kind === "effect" && (row.outcome === "rejected" || row.outcome === "retryable"),
  )
  if (from === "failed step") return { again: [], exists, tried, reopened: [] }
  if (from === "chosen step" && chosen.length === 0)
    return { again: [], exists, tried: [], reopened: [], problem: `it has not reached the step "${step ?? ""}"` }
  const startsAt = from === "first step" ? 0 : Math.min(...chosen.map(({ n }) => n))
  const stays = Math.max(0, ...[...exists, ...rows.filter(({ kind }) => kind === "tell")].map(({ n }) => n))
  return {
    again: rows.filter((row) => row.kind === "decide" && row.outcome === "done" && row.n >= startsAt && row.n > stays),
    exists,
    tried: tried.filter(({ n }) => n >= startsAt),
    reopened:
      from === "chosen step" ? chosen.filter(({ kind, outcome }) => kind === "effect" && outcome === "rejected") : [],
  }
}

/** An intent without an outcome, or with an unknown one, may have happened. */
function isThere({ kind, outcome, attempts }: PlannedStep): boolean {
  if (kind !== "effect" && kind !== "undo") return false
  return outcome === "done" || outcome === "unknown" || (outcome === null && attempts > 0)
}

/** The step under which the journal keeps that a retry was heeded. */
const heeded = "retried"

/** Heeds the retries that this run's signals ask for, each once. Earlier attempts stay in the journal. */
export function heedRetries(run: Run): void {
  for (const { data, fact } of signalsOf(run.signals, ["workflow.retried"])) {
    const place = { step: heeded, part: fact }
    if (run.row("settle", place)) continue
    const { again, reopened } = planRetry(run.allRows, data)
    for (const { kind, step, part, n } of again) void run.record({ kind, step, part, n, outcome: "superseded" })
    for (const row of reopened) void run.keep(triedAgain(row, data))
    void run.keep({ kind: "settle", ...place, outcome: "done", result: { by: data.retriedBy, from: data.from } })
  }
}

/** The answer "retry" to the last refusal of an effect, whatever was answered before. */
function triedAgain(row: StepRow, { retriedBy }: EventData<"workflow.retried">): Omit<StepEntry, "n"> {
  const answer = { action: "retry", decidedBy: retriedBy }
  return { kind: "ask", ...refusedId(row, row.rejections), outcome: "done", result: answer }
}
