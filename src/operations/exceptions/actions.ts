import type { BusinessDate } from "../../base/time.ts"
import type { Sql } from "../../base/sql.ts"
import type { NewEvent } from "../../canonical/events.ts"
import type { Inbox } from "../../eventlog/inbox.ts"
import type { Ask } from "../asks.ts"
import type { ExceptionRecord } from "./record.ts"

/** Who decided what, and when. */
export interface Decided {
  action: string
  by: string
  at: string
  reason?: string
  day?: BusinessDate
}

/** The tools of an action that carries something out itself. */
export interface ActionParts {
  sql: Sql
  inbox: Pick<Inbox, "retranslate">
}

/**
 * The effect of an action. The decision itself is always an event.
 * - "wake": the workflow that raised the exception gets the decision as a signal;
 * - "close": nothing more;
 * - "append": an event is appended;
 * - "carry out": the module that raised the exception does it. It may be called again with the same decision.
 */
export type ActionEffect =
  | { kind: "wake" }
  | { kind: "close" }
  | { kind: "append"; event: (exception: ExceptionRecord, decided: Decided) => NewEvent }
  | {
      kind: "carry out"
      run: (parts: ActionParts, exception: ExceptionRecord) => Promise<unknown>
      /** Open exceptions whose id begins with this are decided by the same decision. */
      alsoDecides?: (exceptionId: string) => string | undefined
    }

/** An action that a person may choose on an exception. Areas declare them; others cannot be chosen. */
export interface ExceptionAction {
  name: string
  /** Its effect, for people. */
  does: string
  /** What the decision must say beside the action: a day so far, and nothing else. */
  asksFor?: readonly (Ask & { name: "day" })[]
  /** The scope that whoever decides needs besides `operations:write`; such an action is decided one by one. */
  scope?: string
  effect: ActionEffect
}
