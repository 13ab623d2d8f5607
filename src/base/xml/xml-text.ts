import type { AppError } from "../errors.ts"

/** What is read of XML at most. */
export const xmlLimits = { depth: 64, attributes: 100, namespaces: 64, tokenLength: 1024 * 1024 } as const

// Name of XML 1.0, fifth edition, production 5, without the planes beyond the first.
const nameStart =
  ":A-Z_a-z\\u00C0-\\u00D6\\u00D8-\\u00F6\\u00F8-\\u02FF\\u0370-\\u037D\\u037F-\\u1FFF\\u200C-\\u200D\\u2070-\\u218F\\u2C00-\\u2FEF\\u3001-\\uD7FF\\uF900-\\uFDCF\\uFDF0-\\uFFFD"
const name = `[${nameStart}][${nameStart}\\-.0-9\\u00B7\\u0300-\\u036F\\u203F-\\u2040]*`
const nameHere = new RegExp(name, "y")
const attributeHere = new RegExp(`\\s+(${name})\\s*=\\s*("[^"<]*"|'[^'<]*')`, "y")
// Production 2. Half a surrogate pair is no character either.
// oxlint-disable-next-line no-control-regex
const forbidden = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/
const reference = /&(?:#\d{1,7}|#x[0-9A-Fa-f]{1,6}|lt|gt|amp|quot|apos);/g

interface Place {
  malformed(expected: string): AppError
}

/** The name at a place of a text; empty when there is none. */
export function nameIn(text: string, at: number): string {
  nameHere.lastIndex = at
  return nameHere.exec(text)?.[0] ?? ""
}

/** The attributes of a tag as they were written, namespaces among them. */
export function attributesOf(text: string, place: Place): [string, string][] {
  const found: [string, string][] = []
  let at = 0
  while (at < text.length) {
    attributeHere.lastIndex = at
    const match = attributeHere.exec(text)
    if (!match) break
    const [whole, key = "", quoted = ""] = match
    // White space within a value becomes blanks (3.3.3).
    const value = plainText(quoted.slice(1, -1).replaceAll(/[\t\r\n]/g, " "), place)
    // Here and not at the end: each is compared with all before it.
    if (found.length >= xmlLimits.attributes) throw place.malformed(`at most ${xmlLimits.attributes} attributes`)
    if (found.some(([known]) => known === key)) throw place.malformed("each attribute once")
    found.push([key, value])
    at += whole.length
  }
  if (text.slice(at).trim() !== "") throw place.malformed('attributes as name="value"')
  return found
}

/** Text with its references resolved and line ends as U+000A (2.11); `literal` is text in which references do not count. */
export function plainText(text: string, place: Place, literal = ""): string {
  const whole = text + literal
  if (forbidden.test(whole) || !whole.isWellFormed()) throw place.malformed("no control characters")
  const lined = (part: string) => (part.includes("\r") ? part.replaceAll(/\r\n?/g, "\n") : part)
  if (!text.includes("&")) return lined(whole)
  const resolved = lined(text).replaceAll(reference, (whole) => referred(whole.slice(1, -1), place))
  const left = text.replaceAll(reference, "")
  if (left.includes("&")) throw place.malformed("&amp; for &, and no entities but lt, gt, amp, quot and apos")
  return resolved + lined(literal)
}

const entities: ReadonlyMap<string, string> = new Map([
  ["lt", "<"],
  ["gt", ">"],
  ["amp", "&"],
  ["quot", '"'],
  ["apos", "'"],
])

function referred(name: string, place: Place): string {
  if (name.startsWith("#x")) return character(Number.parseInt(name.slice(2), 16), place)
  return name.startsWith("#") ? character(Number(name.slice(1)), place) : (entities.get(name) ?? "")
}

function character(code: number, place: Place): string {
  const isOne = code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)
  const text = isOne ? String.fromCodePoint(code) : ""
  if (!isOne || forbidden.test(text)) throw place.malformed("a character that XML may have")
  return text
}
