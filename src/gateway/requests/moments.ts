import { epochMs } from "../../base/time.ts"

/**
 * Whether text of the canonical pattern names a moment PostgreSQL can hold.
 *
 * The pattern admits a 99th of a 13th month, JavaScript reads 30 February as 2 March, and PostgreSQL refuses both: found out
 * behind the 2xx, that would fail a whole batch.
 */
export function isMoment(text: string): boolean {
  const at = epochMs(text)
  if (Number.isNaN(at) || text < "1900") return false
  const [year, month, day] = [Number(text.slice(0, 4)), Number(text.slice(5, 7)), Number(text.slice(8, 10))]
  return day <= 28 || day <= daysIn(year, month)
}

function daysIn(year: number, month: number): number {
  if (month !== 2) return [4, 6, 9, 11].includes(month) ? 30 : 31
  return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
}
