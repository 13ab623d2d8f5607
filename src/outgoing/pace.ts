import type { AppError } from "../base/errors.ts"
import type { StoredEvent } from "../eventlog/event-log.ts"

/** How fast a receiver that fails is tried again. */
export interface Pace {
  /** Waits after failures in a row; after the last of them `waitMsMax`. */
  waitsMs: readonly number[]
  waitMsMax: number
  /** Tries of one event at which the receiver fails while it takes others; then a person decides. */
  triesMax: number
}

export const usualPace: Pace = {
  waitsMs: [1_000, 5_000, 30_000, 120_000, 600_000, 1_800_000],
  waitMsMax: 3_600_000,
  triesMax: 4,
}

/** The wait after so many failures in a row, the first of them 1. A receiver that names a longer one is given it. */
export function waitAfter({ waitsMs, waitMsMax }: Pace, failures: number, wantedMs = 0): number {
  return Math.max(waitsMs[failures - 1] ?? waitMsMax, Math.min(wantedMs, waitMsMax))
}

/** The wait of one event that fails by itself. It does not grow after the last counted try: a receiver that is back gets it soon. */
export function waitOfOne(pace: Pace, failures: number, wantedMs?: number): number {
  return waitAfter(pace, Math.min(failures, pace.triesMax - 1), wantedMs)
}

/** What a status says: about this message (`refused`), or about the receiver. */
export type Verdict = "taken" | "refused" | "busy" | "gone" | "failed"

/** Statuses by which a receiver says that it will never take this message. */
const refusals = new Set([400, 409, 413, 415, 422])

/** The verdict of a status. One that comes with `Retry-After` is about the receiver, whatever the message (RFC 9110 §10.2.3, RFC 6585 §4). */
export function verdictOf(status: number, asksToWait: boolean): Verdict {
  if (status >= 200 && status < 300) return "taken"
  if (refusals.has(status)) return "refused"
  if (status === 410) return "gone"
  return status === 429 || asksToWait ? "busy" : "failed"
}

/** The failures of one event since it was last taken or given to a person. */
export interface Trial {
  failures: number
  /** Those of them between which the receiver took something else. */
  counted: number
  /** How many messages the receiver had taken at the last of them. */
  takenBefore: number
}

/** One more failure of an event, when the receiver had taken so many messages. */
export function failedAgain(trial: Trial | undefined, taken: number): Trial {
  if (!trial) return { failures: 1, counted: 1, takenBefore: taken }
  const hasTakenOthers = taken > trial.takenBefore
  return { failures: trial.failures + 1, counted: trial.counted + (hasTakenOthers ? 1 : 0), takenBefore: taken }
}

/** Names an event of the log. */
export const placeOf = ({ position }: StoredEvent): string => `${position.xid}/${position.seq}`

/**
 * What is left to send of a batch that came again, by business object, in order. An object with a settled failure has nothing left.
 * Those that failed least come first, so that a few events at which a receiver fails do not hide that it takes others.
 */
export function whatIsLeft(
  batch: readonly StoredEvent[],
  settled: ReadonlyMap<string, "taken" | AppError>,
  trials: ReadonlyMap<string, Trial>,
): StoredEvent[][] {
  const failuresOf = ([first]: readonly StoredEvent[]) => (first && trials.get(placeOf(first))?.failures) ?? 0
  return [...Map.groupBy(batch, ({ key }) => key).values()]
    .filter((chain) => chain.every((event) => (settled.get(placeOf(event)) ?? "taken") === "taken"))
    .map((chain) => chain.filter((event) => !settled.has(placeOf(event))))
    .filter((chain) => chain.length > 0)
    .sort((one, other) => failuresOf(one) - failuresOf(other))
}
