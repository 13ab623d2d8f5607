import { cut } from "../base/text.ts"
import { spanned } from "../base/log/spans.ts"
import { callSpan } from "./step-span.ts"
import { AppError, asAppError, type ErrorCode } from "../base/errors.ts"
import { monotonicMs, sleep } from "../base/time.ts"
import type { Written } from "../ports/write.ts"
import { undoOfLinked, type EffectRun, type EffectSpec, type Linked } from "./effect.ts"
import { callOf, effectError, entryOf, intentOf } from "./intents.ts"
import type { Outcome, StepEntry, StepId, StepKind, StepRow, Waiting } from "./step-rows.ts"
import type { Connection } from "./connections.ts"
import { startLease, underLease } from "./lease.ts"

/** Thrown to end a run that must wait; the journal holds what it waits for. Never catch it in a workflow. */
export class Suspension extends Error {
  readonly waiting: Waiting
  /** The connection whose return it waits for, in order of promise. */
  readonly connection: string | undefined
  /** When to look again by itself; undefined = only when something happens. */
  readonly wakeInMs: number | undefined
  /** The step that waits for another system, and since when: a deadline belongs to it. */
  readonly step: (StepId & { kind: StepKind }) | undefined

  constructor(
    waiting: Waiting,
    options: { connection?: string; wakeInMs?: number; step?: StepId & { kind: StepKind } } = {},
  ) {
    super(`waits for ${waiting.name}`)
    this.waiting = waiting
    this.connection = options.connection
    this.wakeInMs = options.wakeInMs
    this.step = options.step
  }
}

const awayCodes: ReadonlySet<ErrorCode> = new Set(["VENDOR_UNAVAILABLE", "VENDOR_KEY_REFUSED", "CONNECTION_PAUSED"])

/** Turns the failure of a read into a wait where its system is away; returns anything else as it is. */
export function suspensionOf(thrown: unknown, step?: StepId & { kind: StepKind }): unknown {
  if (thrown instanceof Suspension) return thrown
  const error = asAppError(thrown)
  if (!awayCodes.has(error.code)) return thrown
  const waiting = { kind: "connection", name: cut(error.message, 200) } as const
  return new Suspension(waiting, { wakeInMs: error.retryAfterMs ?? 2000, ...(step ? { step } : {}) })
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

export const leaseMarginMs = 2000
export const settleDefaultMs = 2000
const shortWaitMs = 300
// A lost answer is looked up at once. After two unclear answers the waits between attempts grow.
const attemptsAtOnceMax = 2

/**
 * Carries out one intent, exactly once as far as the other system lets anyone know.
 *
 * The intent is durable before the call. A call whose outcome is unknown (lost answer, crash, lease over) is looked up
 * before anything is repeated, and "not there" counts only after the time the system may still need to commit.
 * Returns the recorded result when the step is done already. Throws StepRejected, Suspension, or a defect.
 */
export async function performEffect<Input, Output extends Written>(
  run: EffectRun,
  spec: EffectSpec<Input, Output>,
): Promise<Output> {
  for (let tries = 0; ; tries += 1) {
    const known = run.row(spec.kind, spec)
    // The journal keeps what this very operation returned, so its type is the operation's.
    if (known?.outcome === "done") return known.result as Output
    const linked = known && spec.linked?.()
    if (known && linked) {
      const found = wasSentSince(known, linked) ? await lookUp(run, spec, known) : undefined
      return found ?? takeLinked(run, spec, { known: run.row(spec.kind, spec) ?? known, linked })
    }
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

/** Whether an attempt that the person did not know of may have made a document of its own. */
function wasSentSince({ outcome, attempts }: StepRow, linked: Linked): boolean {
  return (outcome === null || outcome === "unknown") && attempts > (linked.attempts ?? attempts)
}

/**
 * Takes the document that a person linked as the outcome; nothing is sent.
 */
function takeLinked<Input, Output extends Written>(
  run: EffectRun,
  spec: EffectSpec<Input, Output>,
  { known, linked }: { known: StepRow; linked: Linked },
): Output {
  // The preview made it by the connector, as this operation's result.
  const output = linked.output as Output
  const { undo } = known
  const withNumber = undo ? { undo: undoOfLinked(undo, linked) } : {}
  done(run, spec, { base: { ...entryOf(run, spec, known), ...withNumber }, output })
  return output
}

/** Finds out what became of an intent; undefined when it certainly did not happen. */
async function lookUp<Input, Output extends Written>(
  run: EffectRun,
  spec: EffectSpec<Input, Output>,
  known: StepRow,
): Promise<Output | undefined> {
  const leaseLeftMs = known.outcome === null ? (known.leaseUntilMs ?? 0) - monotonicMs() : 0
  if (leaseLeftMs > 0) await waitOrSuspend(spec, leaseLeftMs, "the end of an earlier attempt's lease")
  const found = await probe(run, spec, known)
  const entry = { ...entryOf(run, spec, known), probes: known.probes + 1 }
  if (found) {
    done(run, spec, { base: entry, output: found })
    return found
  }
  const leftMs = unsettledForMs(known, spec.target.write.settleMs)
  if (leftMs <= 0) return undefined
  await run.record({ ...entry, outcome: "unknown", error: known.error })
  await waitOrSuspend(spec, leftMs, `${spec.target.connection.id} to settle a call it did not answer`)
  return lookUp(run, spec, run.row(spec.kind, spec) ?? known)
}

/** How long a call whose outcome is open may still take effect in the other system; 0 once it can no longer. */
export function unsettledForMs(row: StepRow, settleMs = settleDefaultMs): number {
  const since = row.outcome === null ? (row.leaseUntilMs ?? row.intentAtMs) : (row.settledAtMs ?? row.intentAtMs)
  return Math.max(0, settleMs - (monotonicMs() - since))
}

async function probe<Input, Output extends Written>(
  run: EffectRun,
  spec: EffectSpec<Input, Output>,
  known: StepRow,
): Promise<Output | undefined> {
  const { write, connection } = spec.target
  try {
    return await connection.gate.pass(spec.lane, () =>
      underLease(startLease(connection.timeoutMs), (signal) => write.probe(spec.input, callOf(run, spec, signal))),
    )
  } catch (thrown) {
    const error = asAppError(thrown)
    if (error.kind === "unavailable" || error.kind === "uncertain") throw waitFor(spec, error, known.probes + 1)
    throw thrown
  }
}

async function waitOrSuspend(spec: StepId & { kind: StepKind }, ms: number, what: string): Promise<void> {
  if (ms > shortWaitMs)
    throw new Suspension({ kind: "time", name: what }, { wakeInMs: ms + 20, step: waitingStep(spec) })
  await sleep(ms)
}

const waitingStep = ({ kind, step, part }: StepId & { kind: StepKind }) => ({ kind, step, part })

/** One attempt; undefined when its outcome is unknown and has to be looked up, or a document was linked instead. */
async function attempt<Input, Output extends Written>(
  run: EffectRun,
  spec: EffectSpec<Input, Output>,
  known: StepRow | undefined,
): Promise<{ output: Output } | undefined> {
  const { write, connection } = spec.target
  const base = entryOf(run, spec, known)
  const attempts = (known?.attempts ?? 0) + 1
  let isSent = false
  let isLinked = false
  try {
    const output = await connection.gate.pass(
      spec.lane,
      async () => {
        // A person may have linked a document while it waited at the door.
        isLinked = known !== undefined && spec.linked?.() !== undefined
        // Our own reason, of which the breaker takes no note.
        if (isLinked) throw new AppError("LEASE_LOST", `a document was linked to "${spec.step}" before it was sent`)
        const leaseMs = connection.timeoutMs + leaseMarginMs
        // It begins before the intent is written, so it ends for us before it ends for whoever reads the intent.
        const lease = startLease(leaseMs)
        await run.record(intentOf(run, spec, { ...base, attempts, leaseMs }))
        // A worker that was paused here must not send under a lease that another has seen run out.
        if (lease.leftMs() < leaseMarginMs / 2)
          throw new AppError("LEASE_LOST", `the lease on "${spec.step}" ran out before it was sent`)
        isSent = true
        const send = () => underLease(lease, (signal) => write.send(spec.input, callOf(run, spec, signal)))
        const operation = `${spec.target.capability}.${spec.target.operation}`
        const call = { connection: connection.id, operation, attempt: attempts }
        return await spanned(() => callSpan(run, spec, call), send)
      },
      `${spec.target.capability}.${spec.target.operation}`,
    )
    done(run, spec, { base: { ...base, attempts }, output })
    return { output }
  } catch (thrown) {
    if (isLinked) return undefined
    const error = asAppError(thrown)
    if (!isSent) throw error.code === "CONNECTION_PAUSED" ? waitFor(spec, error, attempts) : error
    const outcome: Outcome = outcomeOf(error)
    const rejections = (known?.rejections ?? 0) + (outcome === "rejected" ? 1 : 0)
    await run.record({ ...base, attempts, rejections, outcome, error: effectError(error) })
    if (outcome === "rejected") throw new StepRejected(spec.step, error.code, error.message)
    if (outcome === "retryable") throw waitFor(spec, error, attempts)
    if (error.kind === "defect") throw error
    return undefined
  }
}

function done<Input, Output extends Written>(
  run: EffectRun,
  spec: EffectSpec<Input, Output>,
  { base, output }: { base: StepEntry; output: Output },
): void {
  const entry: StepEntry = {
    ...base,
    outcome: "done",
    result: output,
    reference: output.reference ?? null,
    error: null,
  }
  if (spec.recordDone) spec.recordDone(entry, output)
  else void run.record(entry)
}

function waitFor(
  spec: StepId & { kind: StepKind; target: { connection: Connection } },
  error: AppError,
  attempts: number,
): Suspension {
  const { id, gate } = spec.target.connection
  const waiting = { kind: "connection", name: id } as const
  const step = waitingStep(spec)
  // Behind a closed door everybody waits to be let in, in order of promise; looking again by oneself is only the backstop.
  if (error.code === "CONNECTION_PAUSED" || gate.state.breaker !== "closed")
    return new Suspension(waiting, { connection: id, wakeInMs: 30_000, step })
  // The door is open and this one call failed: it alone tries again, after longer and longer waits, so that it cannot spin.
  const backoffMs = Math.min(500 * 2 ** Math.min(attempts - 1, 6), 30_000)
  // A wait that the system asked for holds all of its connection, and ends early when a person pauses and resumes that.
  if (error.retryAfterMs !== undefined)
    return new Suspension(waiting, { connection: id, wakeInMs: error.retryAfterMs, step })
  return new Suspension(waiting, { wakeInMs: backoffMs, step })
}

function outcomeOf(error: AppError): Outcome {
  if (error.kind === "unavailable") return "retryable"
  return error.kind === "uncertain" || error.kind === "defect" ? "unknown" : "rejected"
}
