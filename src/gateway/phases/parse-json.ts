import { AppError } from "../../base/errors.ts"

const depthMax = 64
const [quote, backslash, openBrace, openBracket, closeBrace, closeBracket] = [0x22, 0x5c, 0x7b, 0x5b, 0x7d, 0x5d]
// Any letter may be written as \u00xx, so an escape is as suspicious as the words; a match only costs the full check.
const suspicious = /__proto__|constructor|\\u(?:00|d[89a-f])/i

/**
 * Parses untrusted JSON.
 *
 * REQUEST_TOO_LARGE when it is nested deeper than 64 levels. REQUEST_MALFORMED when it is not JSON, has a key that could
 * reach an object's prototype (`__proto__`, or `constructor` with a `prototype` inside), or text that PostgreSQL's jsonb
 * cannot hold (U+0000, half a surrogate pair: PostgreSQL 18, 8.14): such text would fail only after the 2xx.
 */
export function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) throw new AppError("REQUEST_MALFORMED", "the body is empty")
  // 64 levels need 64 opening and 64 closing brackets.
  if (bytes.length > 2 * depthMax) checkDepth(bytes)
  const text = bytes.toString("utf8")
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The engine's message quotes the body, and bodies must not reach logs or other people's screens.
    throw new AppError("REQUEST_MALFORMED", "the body is not well-formed JSON")
  }
  if (suspicious.test(text)) refuseHarmful(value)
  return value
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
      if (depth > depthMax) throw new AppError("REQUEST_TOO_LARGE", `the body is nested deeper than ${depthMax} levels`)
    } else if (byte === closeBrace || byte === closeBracket) depth -= 1
  }
}

// Recursion is bounded by the depth check.
function refuseHarmful(value: unknown): void {
  if (typeof value === "string") refuseUnstorable(value)
  if (typeof value !== "object" || value === null) return
  for (const [key, inner] of Object.entries(value)) {
    refuseUnstorable(key)
    const reachesPrototype =
      key === "__proto__" ||
      (key === "constructor" && typeof inner === "object" && inner !== null && "prototype" in inner)
    if (reachesPrototype) throw new AppError("REQUEST_MALFORMED", `the body has a forbidden key ${key}`)
    refuseHarmful(inner)
  }
}

function refuseUnstorable(text: string): void {
  if (text.includes("\u0000") || !text.isWellFormed())
    throw new AppError("REQUEST_MALFORMED", "the body has text with U+0000 or half a surrogate pair")
}
