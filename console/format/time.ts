import type { ZoneChoice } from "./settings.ts"

/** A zone as times are shown in it. */
export interface Zone {
  timeZone: string
  /** "Berlin", "UTC". */
  name: string
}

/** The zone chosen. Without a zone of the estate's stores, the reader's own stands in. */
export function zoneOf(choice: ZoneChoice, storeTimeZone: string | undefined): Zone {
  const own = new Intl.DateTimeFormat().resolvedOptions().timeZone
  const timeZone = choice === "utc" ? "UTC" : choice === "mine" ? own : (storeTimeZone ?? own)
  return { timeZone, name: nameOf(timeZone) }
}

function nameOf(timeZone: string): string {
  return timeZone.slice(timeZone.lastIndexOf("/") + 1).replaceAll("_", " ")
}

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(timeZone: string, options: Intl.DateTimeFormatOptions, locale: string | undefined) {
  const name = `${locale} ${timeZone} ${Object.keys(options).join()}`
  const known = formats.get(name)
  if (known) return known
  const made = new Intl.DateTimeFormat(locale, { hourCycle: "h23", ...options, timeZone })
  formats.set(name, made)
  return made
}

const clock = { hour: "2-digit", minute: "2-digit" } as const
const clockExact = { ...clock, second: "2-digit" } as const
const day = { day: "numeric", month: "short" } as const
const dayExact = { ...day, year: "numeric" } as const

interface Moment {
  at: string
  nowMs: number
  zone: Zone
  locale?: string | undefined
}

/** "14:02" today, "27 Nov, 14:02" earlier this year, with the year before that. */
export function clockText({ at, nowMs, zone, locale }: Moment): string {
  const time = new Date(at)
  const days = formatOf(zone.timeZone, dayExact, locale)
  if (days.format(time) === days.format(nowMs)) return formatOf(zone.timeZone, clock, locale).format(time)
  const isNear = Math.abs(nowMs - time.getTime()) < 300 * 86_400_000
  return formatOf(zone.timeZone, { ...(isNear ? day : dayExact), ...clock }, locale).format(time)
}

/** To the second, with its day: for lists of what happened and for audits. */
export function exactText({ at, zone, locale }: Omit<Moment, "nowMs">): string {
  return `${formatOf(zone.timeZone, { ...dayExact, ...clockExact }, locale).format(new Date(at))} ${zone.name}`
}

/** Hours, minutes and seconds only. */
export function secondsText({ at, zone, locale }: Omit<Moment, "nowMs">): string {
  return formatOf(zone.timeZone, clockExact, locale).format(new Date(at))
}

/** A length of time in its largest whole unit: "40 s", "12 min", "3 h", "5 d". */
export function lengthText(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} d`
}

/** A length of time to the millisecond below a minute: "420 ms", "3.2 s". */
export function gapText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : lengthText(ms)
}
