import { createHash } from "node:crypto"

/** What a chain is made of: an entry's hash covers the one before it, its place, and the bytes that were kept. */
export interface Link {
  /** The life of the agent's journal that wrote it: another one after a backup was restored or a damaged file was set aside. */
  journal: string
  tillId: string
  /** Counts the entries of a till from 1. It goes on with the next number, and leaves numbers out only where a journal begins. */
  place: number
  /** The receipt's bytes. */
  receipt: string
}

/** The end of a till's chain. */
export interface Head {
  place: number
  hash: string
}

/** Before the first entry of a till. */
export const noHead: Head = { place: 0, hash: "" }

/** The hash of an entry that follows one with the hash `previous`. */
export function linkHash(previous: string, { journal, tillId, place, receipt }: Link): string {
  return createHash("sha256")
    .update(JSON.stringify([previous, journal, tillId, place]))
    .update(receipt)
    .digest("hex")
}
