import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { AppError } from "../../base/errors.ts"
import type { Mode } from "./policies.ts"

/** For whom a runbook is written. */
export const runbookReaders = ["it", "store"] as const
export type RunbookReader = (typeof runbookReaders)[number]

/** A runbook: its text in Markdown, or the address where it is. */
export type Runbook = { text: string } | { url: string }

/**
 * What people do in a mode, read when it is asked for, so that a change needs no restart. Undefined when the mode or its runbook is not
 * named in the estate. CONFIG_INVALID: the file that the estate names cannot be read.
 */
export async function runbookOf(
  modes: readonly Mode[],
  { name, reader }: { name: string; reader: RunbookReader },
): Promise<Runbook | undefined> {
  const place = modes.find((mode) => mode.name === name)?.runbooks[reader]
  if (place === undefined) return undefined
  if (/^https?:\/\//.test(place)) return { url: place }
  try {
    return { text: await readFile(resolve(place), "utf8") }
  } catch (error) {
    throw new AppError("CONFIG_INVALID", `the runbook ${place} of mode "${name}" cannot be read`, { cause: error })
  }
}
