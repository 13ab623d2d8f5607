import { asAppError, type AppError } from "../../../base/errors.ts"
import type { ItemOutcome } from "../../../ports/bulk-write.ts"
import type { Written } from "../../../ports/write.ts"
import { rejection } from "../stock/read-levels.ts"

/** So many refused one by one, and none taken: then it is not the rows. */
const refusedAloneMax = 5

/**
 * Writes rows by a mutation that takes all or none: where the shop refuses it, in halves, until what it refuses stands alone.
 *
 * `write` returns an outcome for each row; what it throws is about all of them. `readBack` reads one row after an error inside the shop:
 * undefined when it is not there. A repeat of `write` must be harmless. After something was taken, a call that fails leaves its rows
 * `unknown` and does not throw.
 */
export async function writeApart<Row, Outcome extends Written>(
  rows: readonly Row[],
  { write, readBack }: Writing<Row, Outcome>,
): Promise<ReadonlyMap<Row, ItemOutcome<Outcome>>> {
  const outcomes = new Map<Row, ItemOutcome<Outcome>>()
  let refusedAlone = 0
  let isAnyTaken = false
  const open: (readonly Row[])[] = rows.length === 0 ? [] : [rows]
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    try {
      for (const [row, outcome] of await write(part)) outcomes.set(row, outcome)
      isAnyTaken = true
    } catch (thrown) {
      const error = asAppError(thrown)
      const [only, ...others] = part
      if (!isAboutRows(error) || only === undefined || (refusedAlone >= refusedAloneMax && !isAnyTaken)) {
        if (!isAnyTaken) throw thrown
        for (const row of [...part, ...open.flat()]) outcomes.set(row, { kind: "unknown", message: error.message })
        break
      }
      if (others.length > 0) {
        const half = Math.ceil(part.length / 2)
        open.push(part.slice(half), part.slice(0, half))
        continue
      }
      refusedAlone += 1
      outcomes.set(only, await alone(only, error, readBack))
    }
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
