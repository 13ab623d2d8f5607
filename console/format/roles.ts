/** The six roles of state. Each has an icon, a word and a colour, so that none depends on the colour alone. */
export type Role = "moving" | "waiting" | "risk" | "stopped" | "done" | "needs"

/** A state as people see it: the API's own word, and its role. */
export interface Shown {
  role: Role
  word: string
}

const orderRoles: Readonly<Record<string, Role>> = {
  "on hold": "waiting",
  "waiting for the books": "waiting",
  closed: "done",
  cancelling: "risk",
  cancelled: "stopped",
  refused: "stopped",
  "not taken over": "needs",
}

/** What goes on is moving unless its word says otherwise. */
export function orderState(state: string): Shown {
  return { role: orderRoles[state] ?? "moving", word: state }
}

const unhappyEnds = /lost|refused|cancel|damage|came back|failed|rejected/

export function objectState({ kind, state, endedAt }: { kind: string; state: string; endedAt?: string }): Shown {
  if (kind === "order") return orderState(state)
  if (unhappyEnds.test(state)) return { role: endedAt === undefined ? "risk" : "stopped", word: state }
  return { role: endedAt === undefined ? "moving" : "done", word: state }
}

export function exceptionState(state: "open" | "decided"): Shown {
  return state === "open" ? { role: "needs", word: "open" } : { role: "done", word: "decided" }
}

const outcomes: Readonly<Record<string, Role>> = {
  done: "done",
  translated: "done",
  rejected: "stopped",
  parked: "needs",
  retryable: "waiting",
  unknown: "risk",
  superseded: "waiting",
  ignored: "waiting",
}

/** Of a call to another system, or a delivery from one. */
export function outcomeState(outcome: string): Shown {
  return { role: outcomes[outcome] ?? "moving", word: outcome }
}
