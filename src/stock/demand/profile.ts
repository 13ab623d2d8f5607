const hourMs = 3_600_000
/** Hours of a week, from Monday 00:00 UTC. */
const hoursOfWeek = 168
// 1970-01-05 was a Monday.
const mondayMs = 4 * 24 * hourMs

/** How busy each hour of the week is, 1 being its mean; a flat one where nothing is known. */
export type WeekProfile = readonly number[]

const flat: WeekProfile = Array.from({ length: hoursOfWeek }, () => 1)

/** As many units are taken for granted in every hour, so that a week of few sales makes no sharp profile. */
const assumedUnits = 2

/** A profile of units sold by hour of the week. */
export function profileOf(unitsByHour: ReadonlyMap<number, number>): WeekProfile {
  const total = [...unitsByHour.values()].reduce((sum, units) => sum + units, 0)
  if (total === 0) return flat
  const all = total + assumedUnits * hoursOfWeek
  return flat.map((_one, hour) => ((unitsByHour.get(hour) ?? 0) + assumedUnits) * (hoursOfWeek / all))
}

/** Hours of mean business between two moments: an hour twice as busy counts twice. */
export function busyHours(fromMs: number, toMs: number, profile: WeekProfile = flat): number {
  if (toMs <= fromMs) return 0
  const weekMs = hoursOfWeek * hourMs
  const weeks = Math.floor((toMs - fromMs) / weekMs)
  let sum = weeks * hoursOfWeek
  for (let at = fromMs + weeks * weekMs; at < toMs;) {
    const next = Math.min((Math.floor(at / hourMs) + 1) * hourMs, toMs)
    sum += ((next - at) / hourMs) * (profile[hourOfWeek(at)] ?? 1)
    at = next
  }
  return sum
}

/** The moment by which that many hours of mean business have passed; undefined beyond five weeks. */
export function busyUntil(fromMs: number, hours: number, profile: WeekProfile = flat): number | undefined {
  if (hours > 5 * hoursOfWeek) return undefined
  let left = hours
  for (let at = fromMs; ;) {
    const next = (Math.floor(at / hourMs) + 1) * hourMs
    const rate = (profile[hourOfWeek(at)] ?? 1) / hourMs
    const inHour = (next - at) * rate
    if (inHour >= left && rate > 0) return at + left / rate
    left -= inHour
    at = next
    if (at - fromMs > 6 * hoursOfWeek * hourMs) return undefined
  }
}

/** The hour of the week of a moment, 0 to 167. */
function hourOfWeek(atMs: number): number {
  return ((Math.floor((atMs - mondayMs) / hourMs) % hoursOfWeek) + hoursOfWeek) % hoursOfWeek
}
