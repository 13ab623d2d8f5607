import { AppError } from "../../base/errors.ts"
import type { ListsChanges } from "../../ports/capabilities/intake.ts"

const timeoutMs = 15_000

/** Throws STATE_FORBIDS, with every list's reason, unless these lists can be read from a moment on. */
export async function assertReach(
  listsChanges: ListsChanges,
  { lists, sinceMs }: { lists: readonly string[]; sinceMs: number },
): Promise<void> {
  const call = { signal: AbortSignal.timeout(timeoutMs), correlation: "history" }
  const reasons = await Promise.all(
    lists.map(async (list) => {
      const why = await listsChanges[list]?.refusesSince?.({ sinceMs }, call)
      return why === undefined ? [] : [`"${list}" cannot be read from there: ${why}`]
    }),
  )
  if (reasons.flat().length > 0) throw new AppError("STATE_FORBIDS", reasons.flat().join("; "))
}
