import type { Role, Shown } from "../../format/roles.ts"

const roles: Readonly<Record<string, Role>> = {
  live: "done",
  gone: "stopped",
  unmapped: "stopped",
  derived: "done",
  waiting: "waiting",
  due: "waiting",
  marked: "waiting",
  refused: "needs",
  held: "needs",
  drifted: "risk",
  unknown: "risk",
  stale: "risk",
}

/** Of a row of what a channel shows. */
export function shownState(state: string): Shown {
  return { role: roles[state] ?? "moving", word: state }
}
