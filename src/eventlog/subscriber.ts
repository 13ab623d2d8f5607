import type { EventName } from "../canonical/events.ts"
import type { StoredEvent } from "./event-log.ts"

/** An event that a handler could not handle, and why. */
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
   * Handles events in log order and returns the failures. It must be safe to repeat: after a crash a batch comes again.
   * After the first failure of a key, later events of that key in the batch must not be handled.
   * Throwing `unavailable` (a system that all keys need) fails the whole batch, which is retried until it works. After any other
   * throw the events are handled one by one, and the one that throws fails.
   */
  handle: (events: readonly StoredEvent[]) => Promise<Failure[]>
}
