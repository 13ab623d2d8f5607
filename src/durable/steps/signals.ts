import type { Duration, Instant } from "../../base/time.ts"
import { cut } from "../../base/text.ts"
import type { EventData, EventName } from "../../canonical/events.ts"
import { parseRef, type Ref } from "../../canonical/refs.ts"

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

/** What a signal that stops work on an object says, for people. */
export function stopText({ data }: Signal, about: Ref): string {
  const who = "requestedBy" in data ? data.requestedBy : "somebody"
  const reason = "reason" in data && data.reason !== undefined ? `: ${data.reason}` : ""
  return cut(
    `${who === "channel" ? "the shop" : who} cancelled the ${parseRef(about)?.kind ?? "object"}${reason}`,
    1000,
  )
}

/** A signal that stops the workflow, thrown at a step boundary. */
export class Interrupted extends Error {
  readonly signal: Signal

  constructor(signal: Signal) {
    super(`interrupted by ${signal.type}`)
    this.signal = signal
  }
}
