import { noteSpan, takesSpans, type SpanOf } from "../base/log/spans.ts"
import type { EffectRun } from "./effect.ts"
import { stepKey, stepText, type StepId, type StepKind, type StepRow } from "./step-rows.ts"

type SpannedRun = Pick<EffectRun, "about" | "workflow" | "correlation" | "traceparent">

/** Tells how long a step took, from its first intent to its outcome; waiting for a person or a system is part of it. */
export function noteStep({ about, workflow, correlation, traceparent }: SpannedRun, row: StepRow): void {
  if (!takesSpans() || row.outcome === null || !row.counted) return
  // It goes on; its end tells all of it. Each attempt is a span of its own.
  if (row.outcome === "retryable" || row.outcome === "unknown") return
  const attributes = {
    "crossdock.object": about,
    "crossdock.workflow": workflow,
    "crossdock.step": stepText(row),
    "crossdock.outcome": row.outcome,
  }
  noteSpan(
    { name: `step ${row.step}`, kind: "internal", correlation, traceparent, key: keyOf(about, row), attributes },
    { tookMs: row.counted.atMs - row.intentAtMs, error: row.error?.code },
  )
}

/** The span of one call to another system, a part of the span of its step. */
export function callSpan(
  { about, correlation, traceparent }: SpannedRun,
  step: StepId & { kind: StepKind },
  call: { connection: string; operation: string; attempt: number },
): SpanOf {
  const partOf = keyOf(about, step)
  const attributes = {
    "crossdock.object": about,
    "crossdock.connection": call.connection,
    "crossdock.attempt": call.attempt,
  }
  const key = `${partOf} ${call.attempt}`
  return {
    name: `${call.connection} ${call.operation}`,
    kind: "client",
    correlation,
    traceparent,
    key,
    partOf,
    attributes,
  }
}

const keyOf = (about: string, step: StepId & { kind: StepKind }) => `${about} ${stepKey(step.kind, step)}`
