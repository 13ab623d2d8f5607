import type { Because, ExceptionGroup } from "../api/answers.ts"
import type { Shown } from "./roles.ts"

/** Where a group of exceptions stands: overdue and open ones need somebody, acknowledged ones have somebody. */
export function groupState({ state, dueAt }: Pick<ExceptionGroup, "state" | "dueAt">, nowMs: number): Shown {
  if (state === "snoozed") return { role: "waiting", word: "snoozed" }
  if (dueAt !== undefined && Date.parse(dueAt) < nowMs) return { role: "stopped", word: "overdue" }
  return state === "acknowledged" ? { role: "moving", word: "acknowledged" } : { role: "needs", word: "open" }
}

/** What the cases have in common, part by part: "sap · bookOrder · VENDOR_REJECTED". */
export function becauseText({ connection, operation, code, field, value }: Because): string {
  return [connection, operation, code, field, value].filter((part) => part !== undefined && part !== "").join(" · ")
}
