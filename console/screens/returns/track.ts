import type { Role, Shown } from "../../format/roles.ts"

const roles: Readonly<Record<string, Role>> = {
  "put away": "done",
  none: "done",
  closed: "done",
  "given back": "done",
  credited: "done",
  "nothing due": "done",
  "needs a person": "needs",
  "waits for approval": "needs",
  requested: "waiting",
  "not due yet": "waiting",
  "waits for the money": "waiting",
  pending: "waiting",
  declined: "stopped",
  cancelled: "stopped",
  left: "stopped",
}

/** A state of a return, or of one of its tracks. */
export function returnTrack(state: string): Shown {
  return { role: roles[state] ?? "moving", word: state }
}
