import { AppError, asAppError } from "../base/errors.ts"
import { derivedId } from "../base/ids.ts"
import { monotonicMs, sleep } from "../base/time.ts"
import type { Call, Written } from "../ports/write.ts"
import { ledgerError } from "./ledger.ts"
import type { Outcome, StepRow, StepWrite, Undo, Waiting } from "./ledger-rows.ts"
import type { Connection } from "./connections.ts"
import type { Lane } from "./pacing.ts"
import type { RoutedWrite } from "./routed.ts"

/** Thrown to end a run that must wait; the ledger holds what it waits for. Never catch it in a workflow. */
export class Suspension extends Error {
  readonly waiting: Waiting
  readonly connection: string | undefined
  /** When to look again on its own; undefined = only when something happens. */
  readonly wakeInMs: number | undefined

  constructor(waiting: Waiting, options: { connection?: string; wakeInMs?: number } = {}) {
    super(`waits for ${waiting.name}`)
    this.waiting = waiting
    this.connection = options.connection
    this.wakeInMs = options.wakeInMs
  }
}

/** A system refused a step. Thrown out of `run`, it makes the workflow undo what it did. */
export class StepRejected extends Error {
  readonly step: string
  readonly code: string

  constructor(step: string, code: string, message: string) {
    super(message)
    this.step = step
    this.code = code
  }
}

/** What the run of a workflow offers an effect. */
export interface EffectRun {
  key: string
  correlation: string
  traceparent?: string
  /** Milliseconds since the ledger was read; ledger distances grow by it. */
  elapsedMs(): number
  row(step: string): StepRow | undefined
  nextN(): number
  /** Hands a step to the ledger; durable when it resolves, with everything handed over before. */
  record(step: StepWrite): Promise<unknown>
}

export interface EffectSpec<Input, Output extends Written> {
  step: string
  kind: "effect" | "undo"
  target: RoutedWrite<Input, Output>
  input: Input
  /** Our reference in the other system; at most 35 characters. Default derived from instance and step. */
  businessKey?: string
  undo?: Undo
  lane: Lane
  /** A person decided to try a rejected step again. */
  retryRejected?: boolean
}

const leaseMarginMs = 2000
const settleDefaultMs = 2000
const shortWaitMs = 300
// A lost answer is mended at once; whoever answers nothing clear twice is asked again later and later.
const attemptsAtOnceMax = 2

/**
 * Carries out one intent, exactly once as far as the other system lets anyone know.
 *
 * The intent is durable before the call. A call whose outcome is not known (lost answer, crash, lease over) is looked up
 * before anything is repeated, and "not there" counts only after the time the system may still need to commit.
 * Answers the recorded result when the step is done already. Throws StepRejected, Suspension, or what is a defect.
 */
export async function performEffect<Input, Output extends Written>(
  run: EffectRun,
  spec: EffectSpec<Input, Output>,
): Promise<Output> {
  for (let tries = 0; ; tries += 1) {
    const known = run.row(spec.step)
    // The ledger keeps what this very operation answered, so its type is the operation's.
    if (known?.outcome === "done") return known.result as Output
    if (known?.outcome === "rejected" && !spec.retryRejected)
      throw new StepRejected(spec.step, known.error?.code ?? "VENDOR_REJECTED", known.error?.message ?? "rejected")
    if (known && (known.outcome === null || known.outcome === "unknown")) {
      const found = await lookUp(run, spec, known)
      if (found) return found
      if (tries > 0 && known.attempts >= attemptsAtOnceMax)
        throw waitFor(spec, new AppError("VENDOR_UNCERTAIN", `no clear answer to "${spec.step}"`), known.attempts)
    }
    const answer = await attempt(run, spec, known)
    if (answer) return answer.output
    await sleep(20)
  }
}

/** Finds out what became of an intent; undefined when it certainly did not happen. */
async function lookUp<Input, Output extends Written>(
  run: EffectRun,
  spec: EffectSpec<Input, Output>,
  known: StepRow,
): Promise<Output | undefined> {
  const leaseLeftMs = known.outcome === null ? (known.lease_left_ms ?? 0) - run.elapsedMs() : 0
  if (leaseLeftMs > 0) await waitOrSuspend(leaseLeftMs, "the end of an earlier attempt's lease")
  const found = await probe(run, spec, known)
  const row = { ...stepOf(run, spec, known), probes: known.probes + 1 }
  if (found) {
    void run.record({ ...row, outcome: "done", result: found, reference: found.reference ?? null, error: null })
    return found
  }
  const quietMs = known.outcome === null ? -leaseLeftMs : (known.since_settled_ms ?? 0) + run.elapsedMs()
  const leftMs = (spec.target.write.settleMs ?? settleDefaultMs) - quietMs
  if (leftMs <= 0) return undefined
  const unknown = { ...row, outcome: "unknown" as const, error: known.error }
  await run.record(unknown)
  await waitOrSuspend(leftMs, `${spec.target.connection.id} to settle a call it did not answer`)
  return lookUp(run, spec, run.row(spec.step) ?? known)
}

/** How long a call whose outcome is open may still take effect in the other system; 0 = what is there by now is all. */
export function unsettledForMs(row: StepRow, elapsedMs: number, settleMs = settleDefaultMs): number {
  const quietMs = row.outcome === null ? -(row.lease_left_ms ?? 0) : (row.since_settled_ms ?? 0)
  return Math.max(0, settleMs - quietMs - elapsedMs)
}

async function probe<Input, Output extends Written>(
  run: EffectRun,
  spec: EffectSpec<Input, Output>,
  known: StepRow,
): Promise<Output | undefined> {
  const { write, connection } = spec.target
  try {
    return await connection.gate.pass(spec.lane, () => write.probe(spec.input, callOf(run, spec)))
  } catch (thrown) {
    const error = asAppError(thrown)
    if (error.kind === "unavailable" || error.kind === "uncertain") throw waitFor(spec, error, known.probes + 1)
    throw thrown
  }
}

async function waitOrSuspend(ms: number, what: string): Promise<void> {
  if (ms > shortWaitMs) throw new Suspension({ kind: "time", name: what }, { wakeInMs: ms + 20 })
  await sleep(ms)
}

/** One attempt; undefined when its outcome is not known and has to be looked up. */
async function attempt<Input, Output extends Written>(
  run: EffectRun,
  spec: EffectSpec<Input, Output>,
  known: StepRow | undefined,
): Promise<{ output: Output } | undefined> {
  const { write, connection } = spec.target
  const base = stepOf(run, spec, known)
  const attempts = (known?.attempts ?? 0) + 1
  let isSent = false
  try {
    const output = await connection.gate.pass(spec.lane, async () => {
      const leaseMs = connection.timeoutMs + leaseMarginMs
      const leaseEnd = monotonicMs() + leaseMs
      await run.record({ ...base, attempts, lease_ms: leaseMs, ...(spec.undo ? { undo: spec.undo } : {}) })
      const leftMs = leaseEnd - monotonicMs()
      // A worker that was paused here must not send under a lease that another has seen run out.
      if (leftMs < leaseMarginMs / 2)
        throw new AppError("LEASE_LOST", `the lease on "${spec.step}" ran out before it was sent`)
      isSent = true
      return await withDeadline(leftMs, (signal) => write.send(spec.input, callOf(run, spec, signal)))
    })
    void run.record({
      ...base,
      attempts,
      outcome: "done",
      result: output,
      reference: output.reference ?? null,
      error: null,
    })
    return { output }
  } catch (thrown) {
    const error = asAppError(thrown)
    if (!isSent) throw error.code === "CONNECTION_PAUSED" ? waitFor(spec, error, attempts) : error
    const outcome: Outcome = outcomeOf(error)
    const rejections = (known?.rejections ?? 0) + (outcome === "rejected" ? 1 : 0)
    await run.record({ ...base, attempts, rejections, outcome, error: ledgerError(error) })
    if (outcome === "rejected") throw new StepRejected(spec.step, error.code, error.message)
    if (outcome === "retryable") throw waitFor(spec, error, attempts)
    if (error.kind === "defect") throw error
    return undefined
  }
}

function waitFor(
  spec: { step: string; target: { connection: Connection } },
  error: AppError,
  attempts: number,
): Suspension {
  const { id, gate } = spec.target.connection
  const waiting = { kind: "connection", name: id } as const
  // Behind a closed door everybody waits to be let in, in order of promise; looking again by oneself is only the backstop.
  if (error.code === "CONNECTION_PAUSED" || gate.state.breaker !== "closed")
    return new Suspension(waiting, { connection: id, wakeInMs: 30_000 })
  // The door is open and this one call failed: it alone tries again, later and later, so that it cannot spin.
  const backoffMs = Math.min(500 * 2 ** Math.min(attempts - 1, 6), 30_000)
  return new Suspension(waiting, { wakeInMs: error.retryAfterMs ?? backoffMs })
}

function outcomeOf(error: AppError): Outcome {
  if (error.kind === "unavailable") return "retryable"
  return error.kind === "uncertain" || error.kind === "defect" ? "unknown" : "rejected"
}

function callOf<Input, Output extends Written>(
  run: EffectRun,
  spec: EffectSpec<Input, Output>,
  signal: AbortSignal = AbortSignal.timeout(spec.target.connection.timeoutMs),
): Call {
  return {
    key: businessKeyOf(run, spec, run.row(spec.step)),
    signal,
    correlation: run.correlation,
    ...(run.traceparent === undefined ? {} : { traceparent: run.traceparent }),
  }
}

function businessKeyOf(
  run: EffectRun,
  spec: { step: string; businessKey?: string },
  known: StepRow | undefined,
): string {
  // The key of an intent that was recorded stands for ever, whatever the code derives today.
  return known?.business_key ?? spec.businessKey ?? derivedId("eff", run.key, spec.step)
}

function stepOf<Input, Output extends Written>(
  run: EffectRun,
  spec: EffectSpec<Input, Output>,
  known: StepRow | undefined,
): StepWrite {
  return {
    step: spec.step,
    n: known?.n ?? run.nextN(),
    kind: spec.kind,
    connection: spec.target.connection.id,
    capability: spec.target.capability,
    operation: spec.target.operation,
    business_key: businessKeyOf(run, spec, known),
    outcome: null,
    attempts: known?.attempts ?? 0,
    probes: known?.probes ?? 0,
    rejections: known?.rejections ?? 0,
  }
}

async function withDeadline<Result>(ms: number, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), ms)
  try {
    return await work(controller.signal)
  } finally {
    clearTimeout(timer)
  }
}
