import type { Sql } from "../../base/sql.ts"
import type { NewEvent } from "../../canonical/events.ts"
import type { Inbox } from "../../eventlog/inbox.ts"
import type { ExceptionRecord } from "./record.ts"

/** Who decided what, and when. */
export interface Decided {
  action: string
  by: string
  at: string
  reason?: string
}

/** What an action may work with when it carries something out itself. */
export interface ActionParts {
  sql: Sql
  inbox: Pick<Inbox, "retranslate">
}

/**
 * What happens when an action is chosen, beside the decision itself, which is always an event:
 * - "wake": the workflow that asked hears the decision and goes on by it;
 * - "close": a person knows of it, and nothing more is to be done;
 * - "append": an event is told, which others hear;
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

/** Something a person may do about an exception. Areas declare them; one that no area declares cannot be chosen. */
export interface ExceptionAction {
  name: string
  /** What it does, for people. */
  does: string
  effect: ActionEffect
}
