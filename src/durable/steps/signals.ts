import type { Duration, Instant } from "../../base/time.ts"
import type { EventData, EventName } from "../../canonical/events.ts"

/** An event delivered to an instance. Its type determines its data. */
export type Signal<Name extends EventName = EventName> = {
  [Type in Name]: { type: Type; fact: string; at: string; data: EventData<Type> }
}[Name]

/** A wait for signals: for a time from its begin, until an instant, or without a limit. */
export interface Wait<Name extends EventName> {
  signals: readonly Name[]
  within?: Duration
  by?: Instant
}

/** Selects signals by type. */
export function signalsOf<Name extends EventName>(signals: readonly Signal[], types: readonly Name[]): Signal<Name>[] {
  const wanted = new Set<string>(types)
  // The compiler does not narrow a union by a set.
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
