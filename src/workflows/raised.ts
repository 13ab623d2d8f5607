import { derivedId } from "../base/ids.ts"
import { instant, type Clock } from "../base/time.ts"
import type { Money } from "../base/money.ts"
import { newEvent, type NewEvent } from "../canonical/events.ts"
import { declaredName } from "./define-workflow.ts"

/** What a person is told, and what they may do. */
export interface ExceptionText {
  summary: string
  ifNobodyActs: string
  owner: string
  allowedActions: readonly string[]
  atRisk?: Money
  sku?: string
  missingMilli?: number
}

export interface Decision {
  action: string
  decidedBy: string
}

interface NamingRun {
  key: string
  row(step: string): { begunAs?: string } | undefined
}

interface RaisingRun extends NamingRun {
  workflow: string
  clock: Clock
  doneSoFar(): string[]
}

/** The event that opens an exception; its fact and id follow from the instance and the name. */
export function exceptionOpened(run: RaisingRun, name: string, text: ExceptionText): NewEvent {
  const at = instant(run.clock.now())
  const { allowedActions, summary, ...rest } = text
  return newEvent({
    type: "exception.opened",
    fact: `${run.workflow}:${run.key}:${name}`,
    source: `crossdock:${run.workflow}`,
    time: at,
    data: {
      exceptionId: exceptionIdOf(run, name),
      subject: run.key,
      orderId: run.key,
      cause: declaredName(name).slice(0, 64),
      doneSoFar: run.doneSoFar().slice(0, 100),
      summary: summary.slice(0, 1000),
      allowedActions: [...allowedActions],
      at,
      ...rest,
    },
  })
}

/** The event that closes an exception nobody needs to decide any more. */
export function exceptionSettled(
  run: RaisingRun,
  exceptionId: string,
  settled: { action: string; reason: string },
): NewEvent {
  const at = instant(run.clock.now())
  return newEvent({
    type: "exception.decided",
    // A person's decision has this fact too: whoever comes first decides.
    fact: `exception:${exceptionId}:decided`,
    source: `crossdock:${run.workflow}`,
    time: at,
    data: { exceptionId, subject: run.key, orderId: run.key, decidedBy: "crossdock", at, ...settled },
  })
}

/** What is asked when a step is refused that cannot be taken back any more. */
export function onlyRetry(name: string): ExceptionText {
  return {
    summary: `"${name}" was refused after goods or money had begun to move`,
    ifNobodyActs: "it is not done, and everything that does not need it goes on",
    owner: "operations",
    allowedActions: ["retry"],
  }
}

const exceptionIdLengthMax = 64

/** Two exceptions of one order never share an id: what does not fit is told apart by a digest of the whole. */
export function exceptionIdOf(run: NamingRun, step: string): string {
  const name = run.row(step)?.begunAs ?? step
  const id = `${run.key}:${name}`.replaceAll(/[^A-Za-z0-9:_-]+/g, "-")
  if (id.length <= exceptionIdLengthMax) return id
  const digest = derivedId("x", run.key, name)
  return `${id.slice(0, exceptionIdLengthMax - digest.length - 1)}-${digest}`
}
