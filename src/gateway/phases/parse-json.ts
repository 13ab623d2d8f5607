import { isUtf8 } from "node:buffer"
import { AppError, asAppError, type Problem } from "../../base/errors.ts"
import { brokenPlace } from "../../base/json/place.ts"
import { UnreadRow } from "../../base/json/unread-row.ts"

const depthMax = 64
const [quote, backslash, openBrace, openBracket, closeBrace, closeBracket] = [0x22, 0x5c, 0x7b, 0x5b, 0x7d, 0x5d]
// Any letter may be written as \u00xx, so an escape is as suspicious as the words; a match only costs the full check.
const suspicious = /__proto__|constructor|\\u(?:00|d[89a-f])/i

/**
 * Parses untrusted JSON. Every error names the place.
 *
 * REQUEST_TOO_LARGE when it is nested deeper than 64 levels. REQUEST_MALFORMED when it is not JSON in UTF-8, has a key that
 * could reach an object's prototype (`__proto__`, or `constructor` with a `prototype` inside), or text that PostgreSQL's jsonb
 * cannot hold (U+0000, half a surrogate pair: PostgreSQL 18, 8.14): such text would fail only after the 2xx. Of the list `rows`, or a
 * body that is a list, each row is judged by itself: one with such keys or text becomes an `UnreadRow`. A byte order mark is passed over.
 */
export function parseJson(bytes: Buffer, { rows }: { rows?: string | undefined } = {}): unknown {
  if (bytes.length === 0) throw malformed("the body is empty", { pointer: "", message: "expected JSON" })
  if (!isUtf8(bytes)) throw malformed("the body is not UTF-8", notUtf8(bytes))
  // 64 levels need 64 opening and 64 closing brackets.
  if (bytes.length > 2 * depthMax) checkDepth(bytes)
  const text = bytes.toString("utf8").replace(/^\uFEFF/, "")
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw notJson(text)
  }
  if (!suspicious.test(text)) return value
  const list = rows === undefined ? undefined : listIn(value, rows)
  if (list) for (const [n, row] of list.entries()) list[n] = withoutHarm(row)
  refuseHarmful(value, "")
  return value
}

// The engine's message quotes the body, and bodies must not reach logs or other people's screens.
function notJson(text: string): AppError {
  const { pointer, line, column, expected } = brokenPlace(text) ?? { pointer: "", line: 1, column: 1, expected: "JSON" }
  return malformed("the body is not well-formed JSON", {
    pointer,
    message: `expected ${expected} at line ${line}, column ${column}`,
  })
}

function malformed(message: string, problem: Problem): AppError {
  return new AppError("REQUEST_MALFORMED", message, { problems: [problem] })
}

/** The first byte that decoding replaces, and so differs when the text is encoded again. */
function notUtf8(bytes: Buffer): Problem {
  const again = Buffer.from(bytes.toString("utf8"))
  const at = bytes.findIndex((byte, index) => byte !== again[index])
  return { pointer: "", message: `byte ${at + 1} of the body is not UTF-8` }
}

function checkDepth(bytes: Buffer): void {
  let depth = 0
  let inString = false
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]
    if (inString) {
      if (byte === backslash) at += 1
      else if (byte === quote) inString = false
    } else if (byte === quote) inString = true
    else if (byte === openBrace || byte === openBracket) {
      depth += 1
      if (depth > depthMax) throw tooDeep(at)
    } else if (byte === closeBrace || byte === closeBracket) depth -= 1
  }
}

function tooDeep(at: number): AppError {
  return new AppError("REQUEST_TOO_LARGE", `the body is nested deeper than ${depthMax} levels`, {
    problems: [{ pointer: "", message: `byte ${at + 1} of the body opens level ${depthMax + 1}` }],
  })
}

function listIn(value: unknown, rows: string): unknown[] | undefined {
  if (typeof value !== "object" || value === null) return undefined
  const list = Array.isArray(value) ? value : Object.getOwnPropertyDescriptor(value, rows)?.value
  return Array.isArray(list) ? list : undefined
}

function withoutHarm(row: unknown): unknown {
  try {
    refuseHarmful(row, "")
    return row
  } catch (thrown) {
    return new UnreadRow(asAppError(thrown).problems)
  }
}

// Recursion is bounded by the depth check.
function refuseHarmful(value: unknown, pointer: string): void {
  if (value instanceof UnreadRow) return
  if (typeof value === "string") refuseUnstorable(value, pointer)
  if (typeof value !== "object" || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    const place = `${pointer}/${key.toWellFormed().replaceAll("~", "~0").replaceAll("/", "~1").replaceAll("\0", "\uFFFD")}`
    refuseUnstorable(key, place)
    const reachesPrototype =
      key === "__proto__" ||
      (key === "constructor" && typeof inner === "object" && inner !== null && "prototype" in inner)
    if (reachesPrototype)
      throw malformed(`the body has a forbidden key ${key}`, {
        pointer: place,
        message: "a key of this name is refused",
      })
    refuseHarmful(inner, place)
  }
}

function refuseUnstorable(text: string, pointer: string): void {
  if (text.includes("\u0000") || !text.isWellFormed())
    throw malformed("the body has text with U+0000 or half a surrogate pair", {
      pointer,
      message: "contains U+0000 or half a surrogate pair, which no system here can store",
    })
}
