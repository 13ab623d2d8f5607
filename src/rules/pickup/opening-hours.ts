import { businessDate, dayAfter, epochMs, instant, momentOf, type Instant } from "../../base/time.ts"

const days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const

/** `mon-fri 09:00-18:00`, `sat 10:00-16:00`; several of one day add up. */
export const openingHoursPattern =
  "^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))? ([01]\\d|2[0-3]):[0-5]\\d-(([01]\\d|2[0-3]):[0-5]\\d|24:00)$"

/** When a place is open: lines of `openingHoursPattern`, in its own time. None: always. */
export interface OpeningHours {
  timeZone: string
  lines: readonly string[]
}

// Longer than any Christmas, and an end for hours that never come.
const daysAhead = 60

/**
 * The moment at which so much time within opening hours has passed since a moment. Where a place has no hours, time passes always; so
 * it does when it is not open for two months.
 */
export function afterOpenTime(hours: OpeningHours, since: Instant, ms: number): Instant {
  const always = instant(epochMs(since) + ms)
  if (hours.lines.length === 0) return always
  let left = ms
  const today = businessDate(since, { timeZone: hours.timeZone })
  // From the day before: its hours may end at midnight, which is today.
  for (let ahead = -1; ahead < daysAhead; ahead += 1)
    for (const { fromMs, toMs } of openOn(hours, dayAfter(today, ahead))) {
      const beginsMs = Math.max(fromMs, epochMs(since))
      if (toMs <= beginsMs) continue
      if (toMs - beginsMs >= left) return instant(beginsMs + left)
      left -= toMs - beginsMs
    }
  return always
}

/** The stretches of one day in which a place is open, the earliest first; what overlaps is one stretch. */
function openOn({ timeZone, lines }: OpeningHours, day: string): { fromMs: number; toMs: number }[] {
  // The first day of 1970 was a Thursday.
  const weekday = (Math.floor(epochMs(`${day}T00:00:00.000Z`) / 86_400_000) + 3) % 7
  const stretches = lines
    .flatMap((line) => {
      const [when = "", times = ""] = line.split(" ")
      const [from = "", to = ""] = times.split("-")
      if (!isOn(when, weekday)) return []
      const ends = to === "24:00" ? momentOf(dayAfter(day, 1), "00:00", timeZone) : momentOf(day, to, timeZone)
      return [{ fromMs: epochMs(momentOf(day, from, timeZone)), toMs: epochMs(ends) }]
    })
    .sort((a, b) => a.fromMs - b.fromMs)
  let openedMs = 0
  return stretches.map(({ fromMs, toMs }) => {
    const stretch = { fromMs: Math.max(fromMs, openedMs), toMs }
    openedMs = Math.max(openedMs, toMs)
    return stretch
  })
}

/** `fri-mon` goes over the end of the week. */
function isOn(when: string, weekday: number): boolean {
  const [first = "", last = first] = when.split("-")
  const [from, to] = [indexOf(first), indexOf(last)]
  return from <= to ? weekday >= from && weekday <= to : weekday >= from || weekday <= to
}

const indexOf = (name: string) => days.findIndex((day) => day === name)
