import { asAppError, type AppError } from "../../../base/errors.ts"
import type { ItemOutcome } from "../../../ports/bulk-write.ts"
import type { Written } from "../../../ports/write.ts"
import { rejection } from "./read-levels.ts"

/** So many refused one by one, and none taken: then it may not be the rows. As many as are tried of a channel that refused most before. */
const refusedAloneMax = 10

/**
 * Writes rows by a mutation that takes all or none: where the shop refuses it, in halves, until what it refuses stands alone.
 *
 * After ten rows refused alone and none taken, what is left is asked about in the parts in which it stands. Once one is taken all go on in
 * halves; with none taken they are refused too. So a shop that refuses everything is asked a few times and not for each row, and rows that
 * it refuses for good do not keep others from their turn.
 *
 * `write` returns an outcome for each row; what it throws is about all of them. `readBack` reads one row after an error inside the shop:
 * undefined when it is not there. A repeat of `write` must be harmless. After a row has its outcome, a call that fails leaves the others
 * `unknown` and does not throw.
 */
export async function writeApart<Row, Outcome extends Written>(
  rows: readonly Row[],
  { write, readBack }: Writing<Row, Outcome>,
): Promise<ReadonlyMap<Row, ItemOutcome<Outcome>>> {
  const outcomes = new Map<Row, ItemOutcome<Outcome>>()
  let refusedAlone = 0
  let isAnyTaken = false
  let lastError: AppError | undefined
  const open: (readonly Row[])[] = rows.length === 0 ? [] : [rows]
  const putOff: (readonly Row[])[] = []
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    try {
      for (const [row, outcome] of await write(part)) outcomes.set(row, outcome)
      isAnyTaken = true
      open.push(...putOff.splice(0))
    } catch (thrown) {
      const error = asAppError(thrown)
      const [only, ...others] = part
      if (!isAboutRows(error) || only === undefined) {
        if (outcomes.size === 0) throw thrown
        for (const row of [...part, ...open.flat(), ...putOff.flat()])
          outcomes.set(row, { kind: "unknown", message: error.message })
        return outcomes
      }
      lastError = error
      if (others.length > 0) {
        const half = Math.ceil(part.length / 2)
        const halves = refusedAlone >= refusedAloneMax && !isAnyTaken ? putOff : open
        halves.push(part.slice(half), part.slice(0, half))
        continue
      }
      refusedAlone += 1
      outcomes.set(only, await alone(only, error, readBack))
    }
  }
  // Of an error inside the shop it is known that nothing was written where all that were read back are not there.
  const isKnown = [...outcomes.values()].every(({ kind }) => kind === "rejected")
  for (const row of putOff.flat()) {
    const message = `${lastError?.message}; it was refused with others, after ${refusedAlone} were alone`
    outcomes.set(row, isKnown ? rejection("VENDOR_REJECTED", message) : { kind: "unknown", message })
  }
  return outcomes
}

interface Writing<Row, Outcome extends Written> {
  write(rows: readonly Row[]): Promise<ReadonlyMap<Row, ItemOutcome<Outcome>>>
  readBack(row: Row): Promise<Outcome | undefined>
}

/** What the shop said of the rows, and not a call of which nobody knows anything, or a shop that is away. */
function isAboutRows({ code, data }: AppError): boolean {
  return code === "VENDOR_REJECTED" || (code === "VENDOR_UNCERTAIN" && data["isAnswered"] === true)
}

async function alone<Row, Outcome extends Written>(
  row: Row,
  error: AppError,
  readBack: (row: Row) => Promise<Outcome | undefined>,
): Promise<ItemOutcome<Outcome>> {
  const { code, message, data } = error
  if (code === "VENDOR_REJECTED")
    return rejection(data["code"] === "ENTITY_NOT_FOUND" ? "ARTICLE_UNKNOWN" : "VENDOR_REJECTED", message)
  try {
    const outcome = await readBack(row)
    return outcome ? { kind: "done", outcome } : rejection("VENDOR_REJECTED", message)
  } catch {
    return { kind: "unknown", message }
  }
}
