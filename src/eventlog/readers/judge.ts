import { derivedId } from "../../base/ids.ts"
import { own } from "../../base/lookup.ts"
import { cut, storable } from "../../base/text.ts"
import { durationText, instant } from "../../base/time.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { ref, type Ref } from "../../canonical/refs.ts"

/** A row of `readers`, with the database's time. */
export interface ReaderRow {
  name: string
  connection: string | null
  what: string
  meanwhile: string
  every_ms: number
  late_after_ms: number
  since: Date
  succeeded_at: Date | null
  failed_at: Date | null
  failures: number
  error_code: string | null
  last_error: string | null
  excused_at: Date | null
  excuse: string | null
  turned_away: number
  turned_away_why: string | null
  told: string[]
  now: Date
}

/**
 * - ok: its last success is not older than it may be;
 * - failing: it is still in time, and its last pass failed;
 * - refused: the other system refuses our key, several times in a row;
 * - behind: its last success is older than it may be;
 * - excused: the same, and for a good reason: somebody paused its connection.
 */
export type ReaderState = "ok" | "failing" | "refused" | "behind" | "excused"

/** Refusals in a row that are told at once: one may come from a session that has just ended. */
const refusalsMin: Readonly<Record<string, number>> = { VENDOR_KEY_REFUSED: 2 }
/** Deliveries turned away in a row that are told: a few may be a stranger's, and the next genuine one ends the row. */
export const turnedAwayMin = 5
/** An excuse is renewed with every pass that is not made; an older one counts no more. */
const excuseForMs = 30_000

/** Where a reader stands. */
export function stateOf(row: ReaderRow): ReaderState {
  const now = row.now.getTime()
  const at = (time: Date | null) => time?.getTime() ?? 0
  const isFailing = at(row.failed_at) > at(row.succeeded_at)
  const isExcused = now - at(row.excused_at) < Math.max(excuseForMs, row.every_ms * 2)
  if (isExcused && at(row.excused_at) > at(row.succeeded_at)) return "excused"
  if (isFailing && row.failures >= (own(refusalsMin, row.error_code ?? "") ?? Infinity)) return "refused"
  // It works when something comes; nothing is late before.
  if (row.every_ms === 0) return isFailing ? "failing" : "ok"
  if (now - Math.max(at(row.succeeded_at), at(row.since), at(row.excused_at)) > row.late_after_ms) return "behind"
  return isFailing ? "failing" : "ok"
}

/** How the ids of exceptions about readers begin. */
export const prefixOf = { behind: "behind", refused: "refusedkey", "turning away": "turnedaway" } as const

/**
 * The exception about a reader that is behind, has its key refused or turns deliveries away. The same in every process, until its
 * next success.
 */
export function toldOf(row: ReaderRow, state: keyof typeof prefixOf, nowMs: number): NewEvent<"exception.opened"> {
  const at = instant(nowMs)
  const lastMs = (row.succeeded_at ?? row.since).getTime()
  const exceptionId = derivedId(prefixOf[state], row.name, String(lastMs))
  return newEvent({
    type: "exception.opened",
    fact: `reader:${exceptionId}:opened`,
    source: "crossdock:readers",
    time: at,
    data: {
      exceptionId,
      about: aboutOf(row),
      ...causeOf(row, { state, lastMs }),
      because: {
        kind: state === "turning away" ? "data" : "outage",
        ...(row.connection === null ? {} : { connection: row.connection }),
        operation: cut(storable(row.name), 120),
        ...(row.error_code === null ? {} : { code: cut(row.error_code, 64) }),
      },
      doneSoFar: row.every_ms === 0 ? [] : ["it is tried again all the time"],
      ifNobodyActs: `${row.meanwhile}; this closes by itself when it works again`,
      allowedActions: ["acknowledge"],
      owner: "integration",
      at,
    },
  })
}

function causeOf(row: ReaderRow, { state, lastMs }: { state: keyof typeof prefixOf; lastMs: number }) {
  switch (state) {
    case "behind":
      return { cause: "a reader is behind its time", summary: textOf(behindText(row, lastMs)) }
    case "refused":
      return { cause: "the key is refused", summary: textOf(refusedText(row)) }
    case "turning away":
      return { cause: "signatures are refused", summary: textOf(signaturesText(row)) }
  }
}

/** Closes the exception. A person's decision has the same fact: the first one counts. */
export function backAgain(row: ReaderRow, exceptionId: string, nowMs: number): NewEvent<"exception.decided"> {
  return newEvent({
    type: "exception.decided",
    fact: `exception:${exceptionId}:decided`,
    source: "crossdock:readers",
    time: instant(nowMs),
    data: {
      exceptionId,
      about: aboutOf(row),
      action: "works again",
      decidedBy: "crossdock",
      reason: `${row.what} works again`,
      at: instant(nowMs),
    },
  })
}

const textOf = (summary: string) => cut(storable(summary), 1000)

function signaturesText({ connection, turned_away, turned_away_why }: ReaderRow): string {
  return `Deliveries for ${connection ?? ""} are refused, ${turned_away} in a row: ${turned_away_why ?? "their signature does not fit"}. Anybody may send such deliveries; if no genuine one comes either, compare the secrets in the settings of the connection with those of the system that sends, and look for a proxy that changes bodies.`
}

function aboutOf({ connection, name }: ReaderRow): Ref {
  return connection === null ? ref("reader", name) : ref("connection", connection)
}

function refusedText({ connection, what, last_error }: ReaderRow): string {
  return `The key is refused: ${connection ?? what} does not accept our key, password or rights (${what.toLowerCase()}). It says: ${last_error ?? "nothing"}. Correct the key there, or in the settings of the connection.`
}

function behindText({ what, every_ms, last_error, failed_at, succeeded_at, now }: ReaderRow, lastMs: number): string {
  const age = durationText(now.getTime() - lastMs)
  const since = succeeded_at ? `The last success was ${age} ago` : `It has not succeeded since its start ${age} ago`
  const why = failed_at && last_error ? `The last error: ${last_error}` : "It reported no error: it stands still"
  return `${what} is behind its time. ${since}; it is due every ${durationText(every_ms)}. ${why}.`
}
