import type { Random } from "../lab/random.ts"

/** Values that broke parsers, validators, tables of handlers and databases elsewhere. */
export const oddValues: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e21,
  2 ** 53 + 2,
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "a\r\nBcc: b@example.com",
  "a@example.com, b@example.com",
  "constructor",
  "__proto__",
  "toString",
  "hasOwnProperty",
  "valueOf",
  "'; drop table events; --",
  "../../../etc/passwd",
  "2026-02-30T00:00:00Z",
  "9999-99-99T99:99:99Z",
  "0000-01-01T00:00:00Z",
  "+275760-09-13T00:00:00.000Z",
  "2026-11-20T10:00:00+99:99",
  "EUR",
  "ZZZ",
  "eur",
  "QQ",
  "xx",
  "furlong",
  "x".repeat(10_000),
  "😀".repeat(300),
  "\u202e\ufeff",
  "NaN",
  "1e400",
  "-0",
  "00012",
  "%00",
  [],
  {},
  [null],
  [[[]]],
  { constructor: 1 },
  { toString: 1, length: -1 },
]

/** A copy of a value of which one to three parts are odd, missing, doubled or swapped. */
export function spoil(random: Random, sound: unknown): unknown {
  const holder = { value: structuredClone(sound) }
  const changes = random.integer(1, 3)
  for (let n = 0; n < changes; n += 1) spoilOnce(random, holder)
  return holder.value
}

type Holder = Record<string, unknown>

function spoilOnce(random: Random, root: { value: unknown }): void {
  const places = placesIn(root)
  const { holder, key } = random.pick(places)
  const act = random.integer(0, 9)
  const value = holder[key]
  if (act === 0) delete holder[key]
  else if (act === 1) holder[String(random.pick(oddNames))] = value
  else if (act === 2 && Array.isArray(value)) value.push(...value.slice(0, 2))
  else if (act === 3) holder[key] = [value]
  else if (act === 4) holder[key] = textOf(value)
  else if (act === 5) {
    const other = random.pick(places)
    ;[holder[key], other.holder[other.key]] = [other.holder[other.key], value]
  } else holder[key] = random.pick(oddValues)
}

const oddNames = ["noSuch", "constructor", "id", "a/b~c", "", "toString", "\u0000"]

/** Everything below a value that can be replaced. Swaps may have made a circle: a part is visited once. */
function placesIn(root: object): { holder: Holder; key: string }[] {
  const places: { holder: Holder; key: string }[] = []
  const seen = new Set<object>()
  const walk = (part: unknown): void => {
    if (typeof part !== "object" || part === null || seen.has(part)) return
    seen.add(part)
    for (const key of Object.keys(part)) {
      places.push({ holder: part as Holder, key })
      walk((part as Holder)[key])
    }
  }
  walk(root)
  return places.length > 0 ? places : [{ holder: root as Holder, key: "value" }]
}

/** A value as text: what is no text as JSON. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : (jsonOf(value) ?? "")
}

/** JSON text, or undefined where a swap made a circle. */
export function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value) ?? "null"
  } catch {
    return undefined
  }
}

/** Bytes that are nearly the text: cut, changed, with foreign bytes, or no JSON at all. */
export function spoilBytes(random: Random, text: string): Buffer {
  const bytes = Buffer.from(text)
  const at = random.integer(0, Math.max(0, bytes.length - 1))
  const insert = (...odd: number[]) => Buffer.concat([bytes.subarray(0, at), Buffer.from(odd), bytes.subarray(at)])
  switch (random.integer(0, 9)) {
    case 0:
      return bytes.subarray(0, at)
    case 1:
      return insert(0)
    case 2:
      return insert(0xff, 0xfe)
    case 3:
      return insert(0xed, 0xa0, 0x80)
    case 4:
      return Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes])
    case 5:
      return Buffer.from(`${text}${text}`)
    case 6:
      return Buffer.from(text.replace(/[:,]/, ";"))
    case 7:
      return Buffer.from("[".repeat(random.integer(1, 200)))
    case 8:
      return Buffer.from(text.replace(/"([^"]*)"/, '"\\u0000$1"'))
    default:
      bytes[at] = random.integer(0, 255)
      return bytes
  }
}

/** A text of which some characters are others; for cursors, ids, addresses and headers. */
export function spoilText(random: Random, text: string): string {
  const at = random.integer(0, Math.max(0, text.length - 1))
  switch (random.integer(0, 4)) {
    case 0:
      return text.slice(0, at)
    case 1:
      return text.slice(0, at) + random.pick([..."0Aa-_=./%|~"]) + text.slice(at + 1)
    case 2:
      return text + text
    case 3:
      return Buffer.from(spoilText(random, Buffer.from(text, "base64url").toString("latin1")), "latin1").toString(
        "base64url",
      )
    default:
      return textOf(random.pick(oddValues))
  }
}
