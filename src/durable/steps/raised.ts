import { cut, storable } from "../../base/text.ts"
import { derivedId } from "../../base/ids.ts"
import { instant, type BusinessDate, type Clock } from "../../base/time.ts"
import type { Money } from "../../base/money.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import type { Because } from "../../canonical/events/because.ts"
import type { Ref } from "../../canonical/refs.ts"
import type { StepId, StepKind } from "../../effects/step-rows.ts"

/** Text of an exception, and the actions a person may choose. */
export interface ExceptionText {
  summary: string
  ifNobodyActs: string
  owner: string
  allowedActions: readonly string[]
  atRisk?: Money
  sku?: string
  /** Codes on the goods of an article that nobody knows, as GTINs of 14 digits. */
  barcodes?: readonly string[]
  missingMilli?: number
  /** In a few words; default: the step's name. */
  cause?: string
  /** What it has in common with others; default: its cause and its SKU. */
  because?: Because
  /** When something happens if nobody acts, and what. */
  dueAt?: { at: string; what: string }
}

/** Text of an exception that waits for nobody. */
export interface RaisedText extends ExceptionText {
  /** It is about a wait: when the workflow is taken back or ends, nobody needs to know it any more. */
  closesIfStopped?: true
}

export interface Decision {
  action: string
  decidedBy: string
  /** The day that was chosen, where the action asks for one. */
  day?: BusinessDate
}

interface RaisingRun {
  workflow: string
  about: Ref
  clock: Clock
  doneSoFar(): string[]
}

/** The event that opens an exception. Its fact and id follow from workflow, object and step. */
export function exceptionOpened(
  run: RaisingRun,
  { exceptionId, id }: { exceptionId: string; id: StepId },
  text: ExceptionText,
): NewEvent {
  const at = instant(run.clock.now())
  const { allowedActions, summary, ifNobodyActs, barcodes, ...rest } = text
  return newEvent({
    type: "exception.opened",
    fact: `exception:${exceptionId}:opened`,
    source: `crossdock:${run.workflow}`,
    time: at,
    data: {
      exceptionId,
      about: run.about,
      workflow: run.workflow,
      cause: id.step.slice(0, 64),
      doneSoFar: run.doneSoFar().slice(0, 100),
      summary: cut(storable(summary), 1000),
      ifNobodyActs: cut(ifNobodyActs, 500),
      allowedActions: [...allowedActions],
      at,
      ...(barcodes && barcodes.length > 0 && { barcodes: [...barcodes] }),
      ...rest,
    },
  })
}

/** The event that closes an exception that needs no decision any more. */
export function exceptionSettled(
  run: RaisingRun,
  exceptionId: string,
  { action, reason }: { action: string; reason: string },
): NewEvent {
  const at = instant(run.clock.now())
  return newEvent({
    type: "exception.decided",
    // A person's decision has the same fact, so only the first of both counts.
    fact: `exception:${exceptionId}:decided`,
    source: `crossdock:${run.workflow}`,
    time: at,
    data: { exceptionId, about: run.about, workflow: run.workflow, decidedBy: "crossdock", at, action, reason },
  })
}

/** The exception for a refused step after the point of no return. */
export function onlyRetry(step: string, about: Ref): ExceptionText {
  return {
    summary: `"${step}" of ${about} was refused after goods or money had begun to move`,
    ifNobodyActs: "it is not done, and everything that does not need it goes on",
    owner: "operations",
    allowedActions: ["retry"],
  }
}

/** The exception for a step that waits for another system longer than its workflow's deadline. */
export function waitedTooLong(
  step: string,
  what: string,
  { owner, connection }: { owner: string; connection: string | undefined },
): ExceptionText {
  return {
    summary:
      connection === undefined
        ? `${step} has waited longer than agreed for ${what}`
        : `${step} has waited longer than agreed for connection ${connection}. Look why: crossdock connections`,
    ifNobodyActs: "it goes on waiting and continues by itself when the other system answers",
    owner,
    allowedActions: ["acknowledge"],
    ...(connection !== undefined && { because: { kind: "outage", connection } }),
  }
}

const exceptionIdLengthMax = 64

/**
 * The id of an exception: the object and the step, in words where they fit, and a digest of workflow, object and step.
 * Two workflows on one object, or two steps of one workflow, never share an id.
 */
export function exceptionIdOf(run: { workflow: string; about: string }, { step, part }: StepId): string {
  const digest = derivedId("x", run.workflow, run.about, step, part).slice(0, 14)
  const words = `${run.about.slice(run.about.indexOf("/") + 1)}:${step}`.replaceAll(/[^A-Za-z0-9:_-]+/g, "-")
  return `${words.slice(0, exceptionIdLengthMax - digest.length - 1)}-${digest}`
}

/** Each refusal of a step raises its own exception. */
export function refusedId({ kind, step, part: own }: StepId & { kind: StepKind }, rejections: number): StepId {
  const name = kind === "undo" ? `undo: ${own}` : own
  return { step, part: `${name}${name === "" ? "" : ":"}refused ${rejections}` }
}
