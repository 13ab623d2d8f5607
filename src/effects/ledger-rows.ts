import type { ErrorCode } from "../base/errors.ts"
import type { Reference } from "../canonical/parts.ts"

/** How an intent ended. `unknown` is never repeated before the other system was asked. */
export type Outcome = "done" | "rejected" | "retryable" | "unknown" | "superseded"

export type StepKind = "effect" | "undo" | "decide" | "until" | "state"

/** How to take an effect back, complete in itself, so that it outlives the code that made it. */
export interface Undo {
  connection: string
  capability: string
  operation: string
  key: string
  input: unknown
}

/** A step as the ledger holds it. Times are distances measured by the database's clock. */
export interface StepRow {
  step: string
  /** What it was called when it began, if it has been renamed since: people were asked under that name. */
  begunAs?: string
  n: number
  kind: StepKind
  connection: string | null
  capability: string | null
  operation: string | null
  business_key: string | null
  outcome: Outcome | null
  attempts: number
  probes: number
  rejections: number
  lease_left_ms: number | null
  since_settled_ms: number | null
  since_intent_ms: number
  reference: Reference | null
  result: unknown
  error: { code: ErrorCode; message: string } | null
  undo: Undo | null
}

/** What a step is before anything of it is known; the ledger leaves out what it has nothing to tell of. */
export const emptyStep: Omit<StepRow, "step" | "n" | "kind"> = {
  connection: null,
  capability: null,
  operation: null,
  business_key: null,
  outcome: null,
  attempts: 0,
  probes: 0,
  rejections: 0,
  lease_left_ms: null,
  since_settled_ms: null,
  since_intent_ms: 0,
  reference: null,
  result: null,
  error: null,
  undo: null,
}

/** A late fact for a workflow. */
export interface Signal {
  fact: string
  name: string
  data: unknown
  at: string
}

export interface Waiting {
  kind: "signal" | "person" | "connection" | "time"
  name: string
  until?: string
}

/** What is written about the instance itself when a run ends. */
export interface InstanceWrite {
  state: "running" | "waiting" | "undoing" | "done" | "undone"
  waiting?: Waiting[] | null
  waits_for_connection?: string | null
  wake_in_ms?: number | null
  failure?: unknown
}

export interface LoadedInstance {
  workflow: string
  key: string
  state: InstanceWrite["state"]
  input: unknown
  correlation: string
  traceparent: string | null
  epoch: number
  failure: { reason: string; kind: string } | null
  started_at: string
  promised_at: string
}

/** Everything a run needs to go on. */
export interface LoadedRun {
  instance: LoadedInstance
  steps: StepRow[]
  signals: Signal[]
}

export type StepWrite = Pick<StepRow, "step" | "n" | "kind"> &
  Partial<Pick<StepRow, "connection" | "capability" | "operation" | "business_key" | "outcome">> &
  Partial<Pick<StepRow, "attempts" | "probes" | "rejections" | "reference" | "result" | "error" | "undo">> & {
    lease_ms?: number
  }
