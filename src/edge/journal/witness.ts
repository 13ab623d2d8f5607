import { closeSync, constants, fstatSync, openSync, readFileSync, writeSync } from "node:fs"
import type { Head } from "./chain.ts"

/** Where the note of a journal is. */
export const witnessOf = (file: string) => `${file}.heads`

/**
 * A note beside the journal of how far each till was answered, written after each commit and not synced. SQLite drops a damaged tail of its
 * log without a word (https://sqlite.org/fileformat2.html#walformat, "checksum"); this note then knows better. It is never ahead of the journal,
 * and what it lacks after a power cut is no loss.
 */
export class Witness {
  readonly #path: string
  #file: number | undefined

  constructor(path: string) {
    this.#path = path
  }

  read(): ReadonlyMap<string, Head> {
    try {
      const heads = JSON.parse(readFileSync(this.#path, "utf8").trim()) as [string, Head][]
      return new Map(heads)
    } catch {
      // Not there, or cut off with the power: it then says nothing.
      return new Map()
    }
  }

  write(heads: ReadonlyMap<string, Head>): void {
    const text = JSON.stringify([...heads])
    try {
      // Opened without cutting it off, so that a death between opening and writing leaves the note before.
      this.#file ??= openSync(this.#path, constants.O_RDWR | constants.O_CREAT, 0o600)
      // One write over the whole note before it.
      writeSync(this.#file, text.padEnd(fstatSync(this.#file).size), 0)
    } catch {
      // The disk is full: the receipt itself is kept.
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
  }
}
