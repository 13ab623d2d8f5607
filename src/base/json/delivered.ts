import { isUtf8 } from "node:buffer"
import { AppError } from "../errors.ts"
import { brokenPlace } from "./place.ts"

const decoder = new TextDecoder("utf-8", { fatal: true })

/**
 * The body of a delivery as JSON; a byte order mark before it is passed over. TRANSLATION_FAILED, with the place and what was expected
 * there, when it is empty, not UTF-8 or no JSON. Nothing of the body is quoted.
 */
export function deliveredJson(bytes: Uint8Array, reviver?: Parameters<typeof JSON.parse>[1]): unknown {
  if (bytes.length === 0) throw refused("the body is empty", "expected JSON")
  if (!isUtf8(bytes))
    throw refused("the body is not UTF-8", "expected JSON in UTF-8: it was sent, or stored, in another encoding")
  const text = decoder.decode(bytes)
  try {
    return JSON.parse(text, reviver)
  } catch {
    const { pointer = "", line = 1, column = 1, expected = "JSON" } = brokenPlace(text) ?? {}
    throw refused("the body is not JSON", `expected ${expected} at line ${line}, column ${column}`, pointer)
  }
}

function refused(what: string, message: string, pointer = ""): AppError {
  return new AppError("TRANSLATION_FAILED", `${what}: ${message}`, { problems: [{ pointer, message }] })
}

/** Whether a value of JSON is an object, and neither a list nor null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
