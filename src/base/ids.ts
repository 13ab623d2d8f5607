import { createHash, randomBytes } from "node:crypto"

/** A string that is only ever an id of its kind. */
export type Id<Kind extends string> = string & { readonly brand?: Kind }

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
 * Derives an id from what identifies the thing, e.g. `derivedId("ord", channel, externalId)`.
 * Same parts, same id, so a repeated delivery is the same object. 80 bits of SHA-256: 16 characters behind the prefix.
 */
export function derivedId(prefix: string, ...parts: readonly string[]): string {
  const digest = createHash("sha256")
    .update(parts.map((part) => `${part.length}:${part}`).join("|"))
    .digest()
  return `${prefix}_${base32(digest.subarray(0, 10))}`
}

/** A random id, for things nothing natural identifies (an API key, a browser session). */
export function randomId(prefix: string): string {
  return `${prefix}_${base32(randomBytes(10))}`
}

/** The first 16 bytes of SHA-256 as a UUID-shaped text: a fixed-width index key for facts of any length. */
export function factKey(fact: string): string {
  const hex = createHash("sha256").update(fact).digest("hex")
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}

/** SHA-256 of a value's canonical JSON (keys sorted), in hex; equal for equal values whatever the key order. */
export function contentDigest(value: unknown): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex")
}

/** JSON with object keys sorted at every level. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== "object" || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
  })
}
