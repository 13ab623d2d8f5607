import { AppError } from "../base/errors.ts"
import { answerJson, type HttpAnswer } from "../base/http.ts"
import { businessDate, epochMs, instant, type BusinessDate } from "../base/time.ts"

/*
 * The parts of OData V2 that are the same for every service. Source: OData Version 2.0, "JSON Format" and "URI
 * Conventions",
 * odata.org/documentation/odata-version-2-0, read 2026-11.
 */

/** The object under `d` of a response. VENDOR_MISBEHAVED when there is none. */
export function contentOf(answer: HttpAnswer): unknown {
  const body = answerJson(answer)
  if (typeof body === "object" && body !== null && "d" in body) return body.d
  throw new AppError("VENDOR_MISBEHAVED", `an OData response without "d": ${answer.text.slice(0, 200)}`)
}

/** A field of a value that may not be an object; undefined when it is absent. */
export function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined
  // Reads own fields only.
  return (value as Record<string, unknown>)[name]
}

/** Text of a field that the vendor always fills. VENDOR_MISBEHAVED when it is no text. */
export function textOf(value: unknown, name: string): string {
  const field = fieldOf(value, name)
  if (typeof field === "string") return field
  throw new AppError("VENDOR_MISBEHAVED", `a response without the text ${name}`)
}

/** Text of a field that the vendor may leave out or empty: "" for both. VENDOR_MISBEHAVED for anything that is no text. */
export function textOrNone(value: unknown, name: string): string {
  const field = fieldOf(value, name)
  if (field === undefined || field === null) return ""
  if (typeof field === "string") return field
  throw new AppError("VENDOR_MISBEHAVED", `a response whose ${name} is no text`)
}

/** Whether a navigation property came with its rows; otherwise it is a link, or not there. */
export function isExpanded(value: unknown, name: string): boolean {
  return Array.isArray(fieldOf(fieldOf(value, name), "results"))
}

/** Rows of a collection, expanded or at the top. */
export function rowsOf(value: unknown): unknown[] {
  const results = fieldOf(value, "results")
  if (Array.isArray(results)) return results
  throw new AppError("VENDOR_MISBEHAVED", "a collection without results")
}

/** The version of an entity, for If-Match. VENDOR_MISBEHAVED when it has none: many entities of SAP have none. */
export function etagOf(value: unknown): string {
  return textOf(fieldOf(value, "__metadata"), "etag")
}

/** A calendar day as OData V2 writes `Edm.DateTime`: midnight in no time zone, as milliseconds of UTC. */
export function dayText(day: BusinessDate): string {
  return `/Date(${epochMs(`${day}T00:00:00.000Z`)})/`
}

/** The calendar day of an `Edm.DateTime`; undefined for no date. */
export function dayOf(text: string): BusinessDate | undefined {
  const ms = /^\/Date\((-?\d+)/.exec(text)?.[1]
  return ms === undefined ? undefined : businessDate(instant(Number(ms)), { timeZone: "UTC" })
}

/** A text literal of a filter or a key, with quotes doubled and encoded for a URL. */
export function literal(text: string): string {
  return encodeURIComponent(`'${text.replaceAll("'", "''")}'`)
}
