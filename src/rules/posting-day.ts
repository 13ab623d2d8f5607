import { dayAfter, type BusinessDate } from "../base/time.ts"

/**
 * The day to try when the books are closed on one: the first of the next month, because books are closed by the month, and at the
 * latest today. Undefined when today is closed, too: nothing is posted into the future.
 */
export function nextDayToTry(closed: BusinessDate, today: BusinessDate): BusinessDate | undefined {
  if (closed >= today) return undefined
  // The 32nd of a month is always in the next one.
  const first = `${dayAfter(`${closed.slice(0, 7)}-01`, 31).slice(0, 7)}-01`
  return first < today ? first : today
}
