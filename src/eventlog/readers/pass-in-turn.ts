import { storage, type Sql } from "../../base/sql.ts"
import { monotonicMs } from "../../base/time.ts"
import type { Reader } from "./beat.ts"

/** A reader of which one process of the estate makes each pass. */
export interface SharedReader {
  /** As it is declared. */
  name: string
  everyMs: number
  /** Notes how a pass went, in the process that made it: one that found nothing to do must not hide that another fails. */
  reader: Pick<Reader, "succeeded" | "failed">
}

/** Other processes leave the reader alone for so long; a process that dies in a pass leaves it to them after that. */
const leaseMs = 60_000

/**
 * Makes one pass, unless another process is at it or ended one within the interval; returns undefined then, else what the pass does. A pass that
 * takes long calls `keep` from time to time. No connection is held meanwhile.
 */
export async function passInTurn<Result>(
  sql: Sql,
  { name, everyMs, reader }: SharedReader,
  pass: (keep: () => Promise<void>) => Promise<Result>,
): Promise<Result | undefined> {
  // A little early, so that a process's own next look finds it due.
  const restMs = everyMs * 0.9
  const dueIn = (ms: number) =>
    storage(() => sql`update readers set due_at = clock_timestamp() + ${ms} * interval '1 ms' where name = ${name}`)
  const [claimed] = await storage(() => sql`select from claim_readers(${[name]}::text[], ${restMs}, ${leaseMs})`)
  if (!claimed) return undefined
  let keptAtMs = monotonicMs()
  const keep = async () => {
    if (monotonicMs() - keptAtMs < leaseMs / 4) return
    await dueIn(leaseMs)
    keptAtMs = monotonicMs()
  }
  try {
    const result = await pass(keep)
    reader.succeeded()
    return result
  } catch (thrown) {
    reader.failed(thrown)
    throw thrown
  } finally {
    // Where this fails, it is due when the lease ends.
    await dueIn(restMs).catch(() => undefined)
  }
}
