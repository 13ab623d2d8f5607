import { createHash, hash, randomBytes } from "node:crypto"

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz" // Crockford base 32: no i, l, o, u, so ids can be read out on the phone

function base32(bytes: Uint8Array): string {
  let bits = 0
  let value = 0
  let text = ""
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff_ffff
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += alphabet[(value >>> bits) & 31]
    }
  }
  return bits > 0 ? text + alphabet[(value << (5 - bits)) & 31] : text
}

/**
 * Derives an id from what identifies the object, e.g. `derivedId("line", lineId)`.
 * The same parts give the same id, so a repeated delivery is the same object. 80 bits of SHA-256: 16 characters after
 * the prefix.
 */
export function derivedId(prefix: string, ...parts: readonly string[]): string {
  return `${prefix}_${base32(digestOf(parts).subarray(0, 10))}`
}

/**
 * A derived id that rises with its last part, where that part is a number, a UUIDv7 or a ULID. Rows created at about
 * the same time are then neighbours in an index, so the cost of an insert does not grow with the table. The first four
 * characters rise; the other twelve are 60 bits of SHA-256 of all parts. With any other last part the first four are
 * hash characters too. It is as long as a derived id, and as deterministic.
 */
export function risingId(prefix: string, ...parts: readonly string[]): string {
  const digest = digestOf(parts)
  const rising = risingPlace(parts.at(-1) ?? "")
  const front = rising === undefined ? base32(digest.subarray(8, 11)).slice(0, 4) : placeText(rising)
  return `${prefix}_${front}${base32(digest.subarray(0, 8)).slice(0, 12)}`
}

/**
 * The W3C trace context of what has this correlation id and came without one. It follows from the id, so that it need not be
 * kept and everything of one correlation is one trace.
 */
export function traceparentOf(correlation: string): string {
  const digest = hash("sha256", correlation)
  return `00-${digest.slice(0, 32)}-${digest.slice(32, 48)}-01`
}

/** Our id of a channel's order. It does not depend on which system delivers the order. */
export function orderIdOf(channel: string, externalId: string): string {
  const key = JSON.stringify([channel, externalId])
  const id = orderIds.get(key) ?? risingId("ord", channel, externalId)
  if (orderIds.size >= orderIdsMost) orderIds.clear()
  orderIds.set(key, id)
  return id
}

/** Ids of the last orders: each is asked for a dozen times in a delivery. */
const orderIds = new Map<string, string>()
const orderIdsMost = 1000

function digestOf(parts: readonly string[]): Buffer {
  return createHash("sha256")
    .update(parts.map((part) => `${part.length}:${part}`).join("|"))
    .digest()
}

const placeBits = 20
const mantissaBits = 13
const hourMs = 3_600_000
const epoch2000Ms = 946_684_800_000

/** The rank of a text among texts of its form, in 20 bits; undefined when its form has no order. */
function risingPlace(text: string): number | undefined {
  if (/^\d{1,40}$/.test(text)) return numberPlace(BigInt(text))
  const madeAtMs = madeAt(text)
  if (madeAtMs === undefined) return undefined
  // Hours since 2000 fit 19 bits until 2059. The first bit separates them from numbers.
  const hours = Math.floor((madeAtMs - epoch2000Ms) / hourMs)
  return 2 ** 19 + Math.min(Math.max(hours, 0), 2 ** 19 - 1)
}

/** The length of a number in bits (6 bits), then the bits after its leading one (13 bits). Numbers from 2^63 come last. */
function numberPlace(value: bigint): number {
  const length = value === 0n ? 0 : value.toString(2).length
  if (length > 63) return 2 ** (placeBits - 1) - 1
  const behind = length === 0 ? 0n : value - (1n << BigInt(length - 1))
  const shift = length - 1 - mantissaBits
  const mantissa = shift >= 0 ? behind >> BigInt(shift) : behind << BigInt(-shift)
  return length * 2 ** mantissaBits + (length === 0 ? 0 : Number(mantissa))
}

/** The time in a UUIDv7 (RFC 9562, section 5.7) or a ULID (github.com/ulid/spec): both begin with 48 bits of milliseconds. */
function madeAt(text: string): number | undefined {
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.test(text))
    return Number.parseInt(text.slice(0, 8) + text.slice(9, 13), 16)
  if (!/^[0-7][0-9a-hjkmnp-tv-z]{25}$/i.test(text)) return undefined
  return [...text.slice(0, 10).toLowerCase()].reduce((sum, character) => sum * 32 + alphabet.indexOf(character), 0)
}

function placeText(place: number): string {
  return [15, 10, 5, 0].map((shift) => alphabet[(place >>> shift) & 31]).join("")
}

/** A random id, for objects without a natural identity (an API key, a browser session). */
export function randomId(prefix: string): string {
  return `${prefix}_${base32(randomBytes(10))}`
}

/** The first 16 bytes of SHA-256 as a UUID-shaped text: a fixed-width index key for a text of any length. */
export function textKey(text: string): string {
  return uuidShaped(hexDigest(text))
}

/**
 * The index key of a fact: 48 bits of the object it is about, then 80 bits of the fact's own hash. Facts of one object
 * are neighbours in the index, and so are facts of objects with neighbouring rising ids. The same fact must always be
 * about the same object.
 */
export function factKey(about: string, fact: string): string {
  const rising = /(?:^|\/)[a-z]+_([0-9a-hjkmnp-tv-z]{4})[0-9a-hjkmnp-tv-z]{12}(?:\/|$)/.exec(about)?.[1] ?? ""
  const place = [...rising].reduce((sum, character) => sum * 32 + alphabet.indexOf(character), 0)
  const front = rising === "" ? "" : place.toString(16).padStart(5, "0")
  return uuidShaped(`${(front + hexDigest(about)).slice(0, 12)}${hexDigest(fact).slice(0, 20)}`)
}

function hexDigest(text: string): string {
  return createHash("sha256").update(text).digest("hex")
}

function uuidShaped(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}

/** SHA-256 of a value's canonical JSON (keys sorted), in hex; equal for equal values whatever the key order. */
export function contentDigest(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex")
}

/** JSON with object keys sorted at every level. */
export function canonicalJson(value: unknown): string {
  // Sorted first and then written by the engine's own loop: a function that JSON.stringify asks for each value takes two to three times as long.
  return JSON.stringify(sorted(value, ""))
}

/** The value with its keys sorted; itself where they are. `key` is what a `toJSON` is told. */
function sorted(value: unknown, key: string): unknown {
  if (value === null || typeof value !== "object") return value
  if ("toJSON" in value && typeof value.toJSON === "function") {
    const told: unknown = value.toJSON(key)
    return told === value ? told : sorted(told, key)
  }
  return Array.isArray(value) ? sortedItems(value) : sortedFields(value as Record<string, unknown>)
}

function sortedItems(items: readonly unknown[]): readonly unknown[] {
  let copy: unknown[] | undefined
  for (let n = 0; n < items.length; n += 1) {
    const item = sorted(items[n], String(n))
    if (item !== items[n]) (copy ??= [...items])[n] = item
  }
  return copy ?? items
}

function sortedFields(fields: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(fields)
  let isSame = names.every((name, n) => n === 0 || (names[n - 1] ?? "") < name)
  if (!isSame) names.sort()
  const copy: Record<string, unknown> = {}
  for (const name of names) {
    const field = sorted(fields[name], name)
    isSame &&= field === fields[name]
    // Assigned, this one would be the prototype and not a field.
    if (name === "__proto__") Object.defineProperty(copy, name, { value: field, enumerable: true })
    else copy[name] = field
  }
  return isSame ? fields : copy
}
