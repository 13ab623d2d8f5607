import type { AppError } from "../../base/errors.ts"
import { contentDigest } from "../../base/ids.ts"
import { own } from "../../base/lookup.ts"
import type { NewEvent } from "../../canonical/events.ts"
import type { StepEntry, StepId, StepRow } from "../../effects/step-rows.ts"
import type { Run } from "../run.ts"
import { exceptionIdOf, exceptionOpened, exceptionSettled } from "./raised.ts"

// Exceptions that nobody has to decide any more close in the same write that says why (I-6). The journal is the source of every
// id, so a repeated run and a rescued one open and close the same exceptions.

/** Entries of the journal and the events that come with them. */
export interface Closing {
  entries: StepEntry[]
  events: NewEvent[]
}

/** What the engine raises about an instance as a whole, and why it closes when a run goes well. */
const closedByGoingOn: Readonly<Record<string, string>> = {
  "cannot go on": "it goes on",
  "nothing to wake": "its workflow has started",
}

/** The result that the journal keeps of an exception. */
interface Kept {
  exceptionId?: string
  closesIfStopped?: boolean
}

/**
 * Raises the exception about an error that stops a run; undefined while it is open. After the instance has gone on, the same
 * error is a new occurrence with an id of its own.
 */
export function cannotGoOn(run: Run, error: AppError): Closing | undefined {
  const digest = contentDigest(error.message).slice(0, 8)
  for (let n = 1; ; n += 1) {
    const id = { step: "cannot go on", part: n === 1 ? digest : `${digest} (${n})` }
    const before = run.row("raise", id)
    if (before && !isSettled(run, before)) return undefined
    if (before) continue
    const text = {
      cause: error.code,
      because: { kind: "flow", operation: run.workflow, code: error.code, value: digest } as const,
      summary: `"${run.workflow}" of ${run.about} cannot go on: ${error.message}`,
      ifNobodyActs: "it is tried again from time to time; this closes by itself when it goes on",
      owner: "integration",
      allowedActions: ["acknowledge"],
    }
    return raised(run, id, text)
  }
}

/** Raises an exception of the engine, with its row of the journal. */
export function raised(run: Run, id: StepId, text: Parameters<typeof exceptionOpened>[2]): Closing {
  const exceptionId = exceptionIdOf(run, id)
  return {
    entries: [{ kind: "raise", ...id, n: run.nextN(), outcome: "done", result: { exceptionId } }],
    events: [exceptionOpened(run, { exceptionId, id }, text)],
  }
}

/** Closes what the engine raised about an instance that goes on. */
export function goneOn(run: Run): Closing {
  const rows = run.allRows.filter(({ kind, step }) => kind === "raise" && own(closedByGoingOn, step) !== undefined)
  return settled(run, rows, ({ step }) => own(closedByGoingOn, step) ?? "")
}

/** Closes open questions, and exceptions about waits, of a workflow that is taken back or has ended. */
export function questionsClosed(run: Run, why: string): Closing {
  const questions = run.allRows.filter(({ kind, outcome }) => kind === "ask" && outcome === null)
  const waits = run.allRows.filter((row) => row.kind === "raise" && keptOf(row).closesIfStopped === true)
  const closed = settled(run, [...questions, ...waits], () => why)
  const given = questions.map(({ kind, step, part, n, result }): StepEntry => {
    return { kind, step, part, n, result, outcome: "superseded" }
  })
  return { ...closed, entries: [...given, ...closed.entries] }
}

/** What an end leaves open: nobody hears an answer any more. */
export function ended(run: Run): Closing {
  const [goes, closed] = [goneOn(run), questionsClosed(run, "the workflow has ended")]
  return {
    entries: [...goes.entries, ...closed.entries, ...givenUp(run)],
    events: [...goes.events, ...closed.events],
  }
}

/** Marks effects superseded that were certainly not carried out and will not be retried, because the instance ends. */
function givenUp(run: Run): StepEntry[] {
  const open = run.allRows.filter((row) => row.kind === "effect" && row.outcome === "retryable")
  return open.map(({ kind, step, part, n, error }) => ({ kind, step, part, n, error, outcome: "superseded" }))
}

function settled(run: Run, rows: readonly StepRow[], why: (row: StepRow) => string): Closing {
  const open = rows.filter((row) => keptOf(row).exceptionId !== undefined && !isSettled(run, row))
  return {
    entries: open.map((row) => ({ kind: "settle", ...settledId(row), n: run.nextN(), outcome: "done" })),
    events: open.map((row) => {
      const { exceptionId = "" } = keptOf(row)
      return exceptionSettled(run, exceptionId, { action: "acknowledge", reason: why(row) })
    }),
  }
}

const keptOf = ({ result }: StepRow) => (result ?? {}) as Kept
const settledId = (row: StepRow): StepId => ({ step: "settled", part: keptOf(row).exceptionId ?? "" })
const isSettled = (run: Run, row: StepRow) => run.row("settle", settledId(row)) !== undefined
