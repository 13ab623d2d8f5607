import { AppError } from "../base/errors.ts"
import { answerJson, type HttpAnswer } from "../base/http.ts"

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

/** Rows of a collection, expanded or at the top. */
export function rowsOf(value: unknown): unknown[] {
  const results = fieldOf(value, "results")
  if (Array.isArray(results)) return results
  throw new AppError("VENDOR_MISBEHAVED", "a collection without results")
}

/** The version of an entity, for If-Match. */
export function etagOf(value: unknown): string {
  return textOf(fieldOf(value, "__metadata"), "etag")
}

/** A text literal of a filter or a key, with quotes doubled and encoded for a URL. */
export function literal(text: string): string {
  return encodeURIComponent(`'${text.replaceAll("'", "''")}'`)
}
