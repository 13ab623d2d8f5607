import type { EventName } from "../canonical/events.ts"
import type { StoredEvent } from "./event-log.ts"

/** One event a handler could not deal with, and why. */
export interface Failure {
  event: StoredEvent
  error: unknown
}

/** A durable reader of the log. */
export interface Subscriber {
  name: string
  types: readonly EventName[]
  batchSizeMax?: number
  /** Attempts per key before it is parked for a person. Waits double from 200 ms to 30 s. Default 12. */
  attemptsMax?: number
  /**
   * Handles events in log order and answers what failed. Must be safe to repeat: after a crash a batch comes again.
   * After the first failure of a key, later events of that key in the batch must not be handled.
   * Throwing `unavailable` fails the whole batch: nothing moves on until it works (a system all keys need is away). Any other
   * throw makes the events be handled one by one, and fails the one that throws.
   */
  handle: (events: readonly StoredEvent[]) => Promise<Failure[]>
}
