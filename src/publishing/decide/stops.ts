import type { ItemOutcome } from "../../ports/bulk-write.ts"
import type { Taken } from "./outcome.ts"

/** A cause for which a channel refused most of a call. */
export interface CommonRefusal {
  code: string
  vendorCode: string
  message: string
}

const fewest = 10
/** What a channel says of an article, whatever it is told of it. */
const isOfTheArticle: ReadonlySet<string> = new Set(["ARTICLE_UNKNOWN", "DERIVED_BY_CHANNEL"])

/**
 * The one cause for which a channel refused more than half of a call, and took nothing of it: then the fault is not with the rows, and the channel is left alone
 * for a while instead of refusing row after row. A few rows may all be wrong by themselves.
 */
export function commonRefusal(outcomes: readonly ItemOutcome<Taken<unknown>>[]): CommonRefusal | undefined {
  if (outcomes.length < fewest || outcomes.some(({ kind }) => kind === "done")) return undefined
  const refusals = outcomes.flatMap((outcome) =>
    outcome.kind === "rejected" && !isOfTheArticle.has(outcome.code)
      ? [{ code: outcome.code, vendorCode: outcome.problems[0]?.code ?? outcome.code, message: outcome.message }]
      : [],
  )
  const byCause = Map.groupBy(refusals, ({ vendorCode }) => vendorCode)
  const [most] = [...byCause.values()].toSorted((a, b) => b.length - a.length)
  return most && most.length > outcomes.length / 2 ? most[0] : undefined
}

const waitFirstMs = 60_000
const waitMaxMs = 15 * 60_000

/** How long a channel is left alone after so many stops in a row. */
export function stopMs(stops: number): number {
  return Math.min(waitFirstMs * 2 ** stops, waitMaxMs)
}
