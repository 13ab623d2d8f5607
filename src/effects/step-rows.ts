import type { ErrorCode } from "../base/errors.ts"
import type { Reference } from "../canonical/parts.ts"

/** How an intent ended. `unknown` is never repeated before the other system was asked. */
export type Outcome = "done" | "rejected" | "retryable" | "unknown" | "superseded"

/**
 * What a step does. `effect` changes another system, `undo` takes an effect back, `decide` keeps a choice, `until` waits for a
 * signal, `ask` waits for a person, `raise` opens an exception and goes on, `settle` closes one, `state` announces a state,
 * `tell` puts a fact into the log.
 */
export type StepKind = "effect" | "undo" | "decide" | "until" | "ask" | "raise" | "settle" | "state" | "tell"

/** Which step: its declared name, and what tells repeats of it apart ("" when there is one only). */
export interface StepId {
  step: string
  part: string
}

/** How to take an effect back, complete in itself, so that it outlives the code that made it. */
export interface Undo {
  connection: string
  capability: string
  operation: string
  key: string
  input: unknown
}

/** What the journal keeps of a step each time it changes. A later entry replaces the fields it names; `outcome` always counts. */
export interface StepEntry extends StepId {
  kind: StepKind
  /** Order in which steps were first begun; undo goes backwards by it. */
  n: number
  outcome: Outcome | null
  connection?: string
  capability?: string
  operation?: string
  businessKey?: string
  attempts?: number
  probes?: number
  rejections?: number
  /** How long from now the call may be under way. */
  leaseMs?: number
  reference?: Reference | null
  result?: unknown
  error?: { code: ErrorCode; message: string } | null
  undo?: Undo
  /** What was asked of the other system, or its digest when that is large. */
  input?: unknown
}

/** An entry as the journal stores it: what says nothing is left out. */
export type StoredEntry = Omit<StepEntry, "part" | "outcome"> & Partial<Pick<StepEntry, "part" | "outcome">>

/** Leaves out of an entry what `readEntry` puts back. A reference that the result holds is not stored twice. */
export function storedEntry({ part, outcome, error, reference, ...entry }: StepEntry): StoredEntry {
  return {
    ...entry,
    ...(part === "" ? {} : { part }),
    ...(outcome === null ? {} : { outcome }),
    ...(error ? { error } : {}),
    ...(reference && reference !== referenceIn(entry.result) ? { reference } : {}),
  }
}

/** An entry with an outcome says what became of the whole step, so an error or a reference that it does not name is gone. */
export function readEntry({ part = "", outcome = null, ...entry }: StoredEntry): StepEntry {
  if (outcome === null || (entry.kind !== "effect" && entry.kind !== "undo")) return { ...entry, part, outcome }
  return {
    ...entry,
    part,
    outcome,
    error: entry.error ?? null,
    reference: entry.reference ?? referenceIn(entry.result) ?? null,
  }
}

function referenceIn(result: unknown): Reference | undefined {
  return (result as { reference?: Reference } | null | undefined)?.reference
}

/** A step as it stands. Moments are milliseconds on this process's steady clock, taken from the database's clock. */
export interface StepRow extends StepEntry {
  attempts: number
  probes: number
  rejections: number
  result: unknown
  error: { code: ErrorCode; message: string } | null
  /** When it began. */
  intentAtMs: number
  /** Until when a call may be under way; undefined when none was sent. */
  leaseUntilMs?: number
  /** How figures count it: its last outcome and what that had taken, also while it is under way again. */
  counted?: { outcome: Outcome; attempts: number; probes: number; atMs: number }
  /** When its outcome came. An outcome that stays unknown keeps the moment it became so. */
  settledAtMs?: number
}

/** Adds an entry, written at a moment of the steady clock, to what is known of its step. */
export function withEntry(known: StepRow | undefined, entry: StepEntry, atMs: number): StepRow {
  const stillUnknown =
    known?.outcome === "unknown" && entry.outcome === "unknown" && known.attempts === (entry.attempts ?? known.attempts)
  const settledAtMs = entry.outcome === null ? undefined : stillUnknown ? known.settledAtMs : atMs
  const { leaseMs } = entry
  const [attempts, probes] = [entry.attempts ?? known?.attempts ?? 0, entry.probes ?? known?.probes ?? 0]
  const counted = entry.outcome === null ? known?.counted : { outcome: entry.outcome, attempts, probes, atMs }
  const leaseUntilMs = leaseMs === undefined ? known?.leaseUntilMs : atMs + leaseMs
  return {
    attempts: 0,
    probes: 0,
    rejections: 0,
    result: null,
    error: null,
    ...known,
    ...entry,
    n: known?.n ?? entry.n,
    intentAtMs: known?.intentAtMs ?? atMs,
    ...(leaseUntilMs === undefined ? {} : { leaseUntilMs }),
    ...(settledAtMs === undefined ? {} : { settledAtMs }),
    ...(counted === undefined ? {} : { counted }),
  }
}

/** Names a step for people: "capture payment#S1". */
export function stepText({ step, part }: StepId): string {
  return part === "" ? step : `${step}#${part}`
}

/** Key of a step in a map; kinds have names of their own, so an effect and its undo differ. */
export function stepKey(kind: StepKind, { step, part }: StepId): string {
  return `${kind}\n${step}\n${part}`
}

export interface Waiting {
  kind: "signal" | "person" | "connection" | "time"
  name: string
  until?: string
}
