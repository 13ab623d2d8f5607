import { AppError, type Problem } from "../../base/errors.ts"
import {
  dayAfter,
  epochMs,
  instant,
  isMoment,
  isTimeZone,
  momentOf,
  parseInstant,
  type Instant,
} from "../../base/time.ts"
import type { Validity } from "./price.ts"

/** A validity as sources write it: whole days or moments, in a zone, and whether the end belongs to it. */
export interface WrittenValidity {
  /** `2026-11-27`, `2026-11-27T00:00`, or a moment with its offset. */
  from?: string
  until?: string
  /** Of days and local times. */
  zone?: string
  /** Whether the price still holds at its end; default: of days yes, of moments no. */
  endIncluded?: boolean
}

const dayText = /^\d{4}-\d{2}-\d{2}$/
const localText = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(?::(\d{2}))?$/

/**
 * Reads a validity as instants, the end left out: the last day of a price that ends on 30 November is over when the zone's own
 * midnight comes, in a night of 23 hours as well as in one of 25. REQUEST_INVALID with every problem.
 */
export function readValidity(written: WrittenValidity): Validity {
  const problems: Problem[] = []
  const { zone } = written
  if (zone !== undefined && !isTimeZone(zone)) problems.push({ pointer: "/zone", message: `"${zone}" is no time zone` })
  const edge = (name: "from" | "until"): Instant | undefined => {
    const text = written[name]
    if (text === undefined || problems.some(({ pointer }) => pointer === "/zone")) return undefined
    const read = readEdge(text, { zone, isEnd: name === "until", endIncluded: written.endIncluded })
    if (read.at === undefined) problems.push({ pointer: `/${name}`, message: read.why })
    return read.at
  }
  const [from, until] = [edge("from"), edge("until")]
  problems.push(...orderProblems({ ...(from && { from }), ...(until && { until }) }))
  if (problems.length > 0) throw new AppError("REQUEST_INVALID", "the validity cannot be read", { problems })
  const said = [written.from, written.until].some((text) => text !== undefined && parseInstant(text) === undefined)
    ? `${written.from ?? ""} to ${written.until ?? ""}${written.endIncluded === false ? ", end left out" : ""}`
    : undefined
  return {
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
    ...(zone === undefined ? {} : { zone }),
    ...(said === undefined ? {} : { said }),
  }
}

/** A validity that ends before it begins never holds. */
export function orderProblems({ from, until }: Pick<Validity, "from" | "until">): Problem[] {
  const isOrdered = from === undefined || until === undefined || epochMs(from) < epochMs(until)
  return isOrdered ? [] : [{ pointer: "/until", message: "is not after its beginning" }]
}

interface Edge {
  zone: string | undefined
  isEnd: boolean
  endIncluded: boolean | undefined
}

function readEdge(
  text: string,
  { zone, isEnd, endIncluded }: Edge,
): { at: Instant; why?: never } | { at?: never; why: string } {
  const moment = parseInstant(text)
  if (moment !== undefined && isMoment(moment)) return { at: isEnd && endIncluded ? afterLast(moment, text) : moment }
  const isDay = dayText.test(text)
  const [, date, time, seconds] = localText.exec(text) ?? []
  if (!isMoment(`${text.slice(0, 10)}T00:00:00.000Z`) || (!isDay && date === undefined))
    return { why: `"${text}" is neither a day nor a moment` }
  if (zone === undefined) return { why: `"${text}" is a day or a local time: name its zone` }
  if (isDay) return { at: momentOf(isEnd && (endIncluded ?? true) ? dayAfter(text, 1) : text, "00:00", zone) }
  const at = instant(epochMs(momentOf(date ?? "", time ?? "", zone)) + Number(seconds ?? 0) * 1000)
  return { at: isEnd && endIncluded ? afterLast(at, text) : at }
}

/** The moment after the last one that a text names: 23:59 means through that minute, 23:59:59 through that second. */
function afterLast(at: Instant, text: string): Instant {
  const stepMs = /\.\d/.test(text) ? 1 : /\d{2}:\d{2}:\d{2}/.test(text) ? 1000 : 60_000
  return instant(epochMs(at) + stepMs)
}

/** Whether a validity holds at a moment: from its beginning on, and no more at its end. */
export function holds({ from, until }: Validity, atMs: number): boolean {
  return (from === undefined || epochMs(from) <= atMs) && (until === undefined || atMs < epochMs(until))
}
