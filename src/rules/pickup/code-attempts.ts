/** Wrong codes that were typed for a pickup, or at a till, one after another. */
export interface WrongCodes {
  count: number
  lastMs: number
}

/** So many cost no wait: a buyer reads a code out badly. A till serves many buyers. */
const free = { pickup: 3, till: 10 } as const
const [firstWaitMs, longestWaitMs] = [30_000, 3_600_000]
/** What a till typed wrongly before is nobody's guessing any more. */
const tillForgetsAfterMs = 3_600_000
/** From so many wrong codes of one pickup on people are told. */
export const toldFromWrong = 10

/** What counts of them by now; a till's are forgotten when it typed none for an hour, a pickup's never. */
export function wrongNow(of: "pickup" | "till", wrong: WrongCodes | undefined, nowMs: number): number {
  if (!wrong) return 0
  return of === "till" && nowMs - wrong.lastMs > tillForgetsAfterMs ? 0 : wrong.count
}

/**
 * How long to wait before the next code is looked at, in milliseconds; 0 for not at all. It doubles with each wrong one, up to an hour. A
 * clock that was set back makes no wait longer than it was.
 */
export function waitBeforeNext(of: "pickup" | "till", wrong: WrongCodes | undefined, nowMs: number): number {
  const over = wrongNow(of, wrong, nowMs) - free[of]
  if (!wrong || over < 0) return 0
  const wait = Math.min(longestWaitMs, firstWaitMs * 2 ** Math.min(over, 20))
  return Math.max(0, Math.min(wait, wrong.lastMs + wait - nowMs))
}

/** What whoever types codes too fast is told. */
export function tooManyText(waitMs: number): string {
  return `too many wrong codes: try again in ${Math.ceil(waitMs / 1000)} s, or look at a document`
}

/** What people are told of a pickup for which `toldFromWrong` wrong codes were typed. */
export function guessingText(pickupId: string): string {
  return `${toldFromWrong} wrong codes were typed for pickup ${pickupId}: somebody may be guessing. Ask for a document before it is handed over.`
}

/** What nobody asks for any more is forgotten. */
export const codesForgottenAfterMs = 60 * 86_400_000
