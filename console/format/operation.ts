import type { Operation } from "../api/work-answers.ts"
import type { Role, Shown } from "./roles.ts"

const roles: Readonly<Record<Operation["state"], Role>> = {
  previewed: "waiting",
  "waiting for approval": "needs",
  running: "moving",
  paused: "waiting",
  stopped: "stopped",
  done: "done",
}

export function operationState(state: Operation["state"]): Shown {
  return { role: roles[state], word: state }
}

/** What it does, in the words of its kind: "decide: retry". */
export function operationName({ kind, spec: { action, day } }: Pick<Operation, "kind" | "spec">): string {
  return [action === undefined ? kind : `${kind}: ${action}`, day].filter((part) => part !== undefined).join(" ")
}
