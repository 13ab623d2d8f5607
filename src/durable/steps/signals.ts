import type { Duration, Instant } from "../../base/time.ts"
import type { EventData, EventName } from "../../canonical/events.ts"

/** An event an instance hears. Its type says what its data is. */
export type Signal<Name extends EventName = EventName> = {
  [Type in Name]: { type: Type; fact: string; at: string; data: EventData<Type> }
}[Name]

/** What a wait waits for, and how long: a time from when it began, or up to a moment, or for ever. */
export interface Wait<Name extends EventName> {
  signals: readonly Name[]
  within?: Duration
  by?: Instant
}

/** Those of some signals that are of the types named. */
export function signalsOf<Name extends EventName>(signals: readonly Signal[], types: readonly Name[]): Signal<Name>[] {
  const wanted = new Set<string>(types)
  // A signal's data is of its type; the compiler does not narrow a union by a set.
  return signals.filter((signal): signal is Signal & Signal<Name> => wanted.has(signal.type))
}

/** A signal that stops the workflow, thrown at a step boundary. */
export class Interrupted extends Error {
  readonly signal: Signal

  constructor(signal: Signal) {
    super(`interrupted by ${signal.type}`)
    this.signal = signal
  }
}
