import { asAppError } from "../../base/errors.ts"
import { cut, storable } from "../../base/text.ts"
import { monotonicMs } from "../../base/time.ts"

/** Notes how one reader does. Cheap: what it notes is written every five seconds. */
export interface Reader {
  succeeded(): void
  failed(thrown: unknown): void
  /** It has a good reason not to work now, e.g. a person paused its connection. */
  excused(why: string): void
  /** It turned away what anybody may send, e.g. a delivery with a wrong signature. That says nothing about how it does. */
  turnedAway(thrown: unknown): void
  /** Runs one pass and notes how it went; returns and throws what the pass does. */
  pass<Result>(work: () => Promise<Result>): Promise<Result>
}

/** What a reader noted since it was last written. */
export interface Beat {
  succeededMs?: number | undefined
  failedMs?: number | undefined
  /** Since its last success, or since it was last written. */
  failures: number
  turnedAway: number
  error?: { code: string; message: string }
  turnedAwayWhy?: string
  excusedMs?: number | undefined
  excuse?: string
  isNew: boolean
}

export const newBeat = (): Beat => ({ failures: 0, turnedAway: 0, isNew: false })

/** The reader that notes what it does in a beat. */
export function readerOf(beat: Beat): Reader {
  const reader: Reader = {
    succeeded() {
      Object.assign(beat, { succeededMs: monotonicMs(), failures: 0, turnedAway: 0, isNew: true })
    },
    failed(thrown) {
      const { code, message, data } = asAppError(thrown)
      if (code === "CONNECTION_PAUSED" && data["pausedBy"] !== undefined) return reader.excused(message)
      // A closed breaker hides the error that opened it.
      const error = code === "CONNECTION_PAUSED" ? (beat.error ?? { code, message }) : { code, message }
      Object.assign(beat, { failedMs: monotonicMs(), failures: beat.failures + 1, error, isNew: true })
    },
    excused(why) {
      Object.assign(beat, { excusedMs: monotonicMs(), excuse: why, isNew: true })
    },
    turnedAway(thrown) {
      Object.assign(beat, {
        turnedAway: beat.turnedAway + 1,
        turnedAwayWhy: asAppError(thrown).message,
        isNew: true,
      })
    },
    async pass(work) {
      try {
        const result = await work()
        reader.succeeded()
        return result
      } catch (thrown) {
        reader.failed(thrown)
        throw thrown
      }
    },
  }
  return reader
}

/** A beat as `beat_readers` takes it. */
export function beatRow(name: string, beat: Beat) {
  const { succeededMs, failedMs, failures, error, excusedMs, excuse, turnedAway, turnedAwayWhy } = beat
  const ago = (ms: number | undefined) => (ms === undefined ? null : monotonicMs() - ms)
  return {
    name,
    succeeded_ms: ago(succeededMs),
    failed_ms: ago(failedMs),
    failures,
    error_code: error?.code ?? null,
    last_error: error === undefined ? null : cut(storable(error.message), 500),
    excused_ms: ago(excusedMs),
    excuse: excuse === undefined ? null : cut(storable(excuse), 200),
    turned_away: turnedAway,
    turned_away_why: turnedAwayWhy === undefined ? null : cut(storable(turnedAwayWhy), 500),
  }
}
