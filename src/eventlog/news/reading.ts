import type { NewEvent } from "../../canonical/events.ts"
import type { Delivery, RefusedRecord, Translation } from "../../ports/capabilities/intake.ts"
import type { Stating } from "../../ports/statements.ts"
import { soundFacts } from "../sound-facts.ts"
import { settlesOf, type Settles } from "./waiting-parts.ts"

interface ReadList {
  translate: (delivery: Delivery) => Translation
  stating?: Stating
}

/** What a polled delivery says. */
export interface Reading {
  events: NewEvent[]
  /** Whether every record of the delivery could be translated. */
  isWhole: boolean
  /** Whether it names objects to be read. */
  isNaming: boolean
  /** Records that could not be translated, and what it ends. */
  refused: readonly RefusedRecord[]
  settles: Settles | undefined
}

/** Reads a delivery of a list; what cannot be read has no facts. */
export function readingOf(polled: ReadList, delivery: Delivery): Reading {
  try {
    const { events, refused = [], fetch = [], readWhole = [] } = polled.translate(delivery)
    const { sound, error } = soundFacts(events, polled.stating)
    return {
      events: sound,
      isWhole: !error && refused.length === 0,
      isNaming: fetch.length > 0,
      refused: error ? [] : refused,
      settles: error ? undefined : settlesOf(readWhole, refused),
    }
  } catch {
    // What cannot be translated, in whole or in part, belongs in the inbox, where it is parked with its reason.
    return { events: [], isWhole: false, isNaming: false, refused: [], settles: undefined }
  }
}
