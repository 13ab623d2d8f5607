import { cut, storable } from "../base/text.ts"
import { hash } from "node:crypto"
import { describeError, type ErrorCode } from "../base/errors.ts"
import { derivedId, traceparentOf } from "../base/ids.ts"
import type { Call, Links, Written } from "../ports/write.ts"
import type { EffectRun, EffectSpec } from "./effect.ts"
import { stepText, type StepEntry, type StepId, type StepKind, type StepRow } from "./step-rows.ts"

/** An error as the journal keeps it. */
export function effectError(thrown: unknown): { code: ErrorCode; message: string } {
  const { code, message } = describeError(thrown)
  return { code, message: cut(storable(message), 2000) }
}

/** What a connector is told about the call it makes. */
export function callOf<Input, Output extends Written>(
  run: EffectRun,
  spec: EffectSpec<Input, Output>,
  signal: AbortSignal,
): Call {
  const known = run.row(spec.kind, spec)
  return {
    key: businessKeyOf(run, spec, known),
    ...(known?.rejections ? { refusals: known.rejections } : {}),
    signal,
    correlation: run.correlation,
    traceparent: run.traceparent ?? traceparentOf(run.correlation),
  }
}

function businessKeyOf(
  run: EffectRun,
  spec: StepId & { kind: StepKind; businessKey?: string },
  known: StepRow | undefined,
): string {
  // The key of an intent that was recorded stands for ever, whatever the code derives today.
  return known?.businessKey ?? spec.businessKey ?? derivedId("eff", run.workflow, run.about, spec.kind, stepText(spec))
}

/** The beginning of an entry of an effect or undo. */
export function entryOf(
  run: EffectRun,
  { kind, step, part }: StepId & { kind: StepKind },
  known: StepRow | undefined,
): StepEntry {
  return { kind, step, part, n: known?.n ?? run.nextN(), outcome: null }
}

const inputLengthMax = 1000

/** The entry that is durable before the call: where it goes, under which key, and what is asked. */
export function intentOf<Input, Output extends Written>(
  run: EffectRun,
  spec: EffectSpec<Input, Output>,
  base: StepEntry,
): StepEntry {
  const known = run.row(spec.kind, spec)
  const { connection, capability, operation } = spec.target
  return {
    ...base,
    connection: connection.id,
    capability,
    operation,
    businessKey: businessKeyOf(run, spec, known),
    ...(spec.undo ? { undo: spec.undo } : {}),
    ...(known?.input === undefined ? { input: keptInput(spec.input, spec.target.write.links) } : {}),
  }
}

/**
 * Small inputs are kept whole. Of large ones, which carry the order's document, the digest tells whether two were the same, and where a
 * person may link a document there is what it is compared with.
 */
function keptInput<Input>(input: Input, links: Pick<Links<Input, unknown>, "asks"> | undefined): unknown {
  const text = JSON.stringify(input)
  if (text.length <= inputLengthMax) return input
  const asked = links?.asks(input)
  return { digest: hash("sha256", text).slice(0, 32), length: text.length, ...(asked ? { asked } : {}) }
}
