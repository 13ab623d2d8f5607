import { randomUUID } from "node:crypto"

/** W3C Trace Context, 2.2: version 00; all-zero ids are invalid. */
export const saneTraceparent = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/**
 * A new trace. Node caches UUIDs, which takes 1 µs instead of 5 µs for random bytes. The first half of a UUID contains
 * its version, so it is never all zeros.
 */
export function newTraceparent(): string {
  const hex = () => randomUUID().replaceAll("-", "")
  return `00-${hex()}-${hex().slice(0, 16)}-01`
}
