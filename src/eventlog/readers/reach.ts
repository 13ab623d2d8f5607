import { AppError } from "../../base/errors.ts"
import type { ListsChanges } from "../../ports/capabilities/intake.ts"

const timeoutMs = 15_000

interface Listed {
  connected: { listsChanges?: ListsChanges }
  gate: { passEvenIfPaused: <Answer>(lane: "service", call: () => Promise<Answer>) => Promise<Answer> }
}

/**
 * Throws STATE_FORBIDS, with every list's reason, unless these lists can be read from a moment on. Only a system whose lists have a limit is
 * asked, also while it is paused: what it reads when it goes on is settled meanwhile.
 */
export async function assertReach(
  { connected: { listsChanges = {} }, gate }: Listed,
  { lists, sinceMs }: { lists: readonly string[]; sinceMs: number },
): Promise<void> {
  const call = { signal: AbortSignal.timeout(timeoutMs), correlation: "history" }
  const reasons: string[] = []
  for (const list of lists) {
    const { refusesSince } = listsChanges[list] ?? {}
    const why = refusesSince && (await gate.passEvenIfPaused("service", () => refusesSince({ sinceMs }, call)))
    if (why !== undefined) reasons.push(`"${list}" cannot be read from there: ${why}`)
  }
  if (reasons.length > 0) throw new AppError("STATE_FORBIDS", reasons.join("; "))
}
