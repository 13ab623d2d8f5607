import type { SqlTransaction } from "../base/sql.ts"
import type { EventName } from "../canonical/events.ts"
import type { StoredEvent } from "./event-log.ts"

/** An event that a handler could not handle, and why. */
export interface Failure {
  event: StoredEvent
  error: unknown
}

interface Reads {
  name: string
  types: readonly EventName[]
  batchSizeMax?: number
  /** How long events may gather before they are handled: views that may be so late are written in few, larger batches. Default 0. */
  gathersMs?: number
}

/** A durable reader of the log that acts on events. */
export interface Subscriber extends Reads {
  /** Attempts per key before it is parked for a person. Waits double from 200 ms to 30 s. Default 12. */
  attemptsMax?: number
  /**
   * Handles events in log order and returns the failures. It must be safe to repeat: after a crash a batch comes again.
   * After the first failure of a key, later events of that key in the batch must not be handled.
   * Throwing `unavailable` (a system that all keys need) fails the whole batch, which is retried until it works. After any other
   * throw the events are handled one by one, and the one that throws fails.
   * `isRetry`: these are the events of one key that waits in the backlog; an error's `retryAfterMs` is the least wait before the next try.
   */
  handle: (events: readonly StoredEvent[], how?: { isRetry: boolean }) => Promise<Failure[]>
}

/**
 * A reader whose writes are one transaction with its position: each event counts once, whatever happens. `keep` must not fail for the
 * sake of one event, since nothing goes on before it succeeds. Setting its position back makes it read again (`rebuild_figures`).
 */
export interface KeepingSubscriber extends Reads {
  keep: (transaction: SqlTransaction, events: readonly StoredEvent[]) => Promise<void>
}

/** A durable reader of the log. */
export type AnySubscriber = Subscriber | KeepingSubscriber
