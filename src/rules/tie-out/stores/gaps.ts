import type { Ref } from "../../../canonical/refs.ts"
import type { Finding } from "../finding.ts"

/** One look at the numbers that the centre says are outstanding of a till, in one epoch. */
export interface GapLook {
  till: Ref
  epoch: string
  /** Every number that the till gave. */
  given: readonly number[]
  /** Numbers that the centre had before the look, for sure. */
  knownBefore: readonly number[]
  /** Numbers that it got only after the look, or never. */
  missing: readonly number[]
  /** The last number of the till that somebody told the centre before; 0 when nobody did. */
  toldLast: number
  named: readonly { from: number; to: number }[]
}

/** Numbers that had not come, lie below one that the centre knew of, and were not named. What is below the first known one may be of another time. */
export function findUnnamedGaps(looks: readonly GapLook[]): Finding[] {
  return looks.flatMap((look) => {
    const { till, epoch, knownBefore, missing, toldLast } = look
    const first = knownBefore.reduce((least, n) => Math.min(least, n), Number.MAX_SAFE_INTEGER)
    const last = knownBefore.reduce((most, n) => Math.max(most, n), toldLast)
    const silent = missing.filter((n) => n > first && n <= last && !isNamed(look, n))
    return silent.map((n) => gap(till, `did not name number ${n} of epoch ${epoch}`, ["outstanding", "nothing"]))
  })
}

/** Numbers that were named although they had come, or although the till never gave them. */
export function findFalseGaps(looks: readonly GapLook[]): Finding[] {
  return looks.flatMap(({ till, epoch, given, knownBefore, named }) => {
    const [ofTill, known] = [new Set(given), new Set(knownBefore)]
    const numbers = named.flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, n) => from + n))
    const wrong = numbers.filter((n) => known.has(n) || !ofTill.has(n))
    return wrong.map((n) =>
      gap(till, `names number ${n} of epoch ${epoch}`, [
        ofTill.has(n) ? "it came" : "it was never given",
        "outstanding",
      ]),
    )
  })
}

const isNamed = ({ named }: GapLook, n: number) => named.some(({ from, to }) => from <= n && n <= to)

function gap(about: Ref, what: string, [expected, found]: [string, string]): Finding {
  return { what, about, expected, found, atRisk: null }
}
