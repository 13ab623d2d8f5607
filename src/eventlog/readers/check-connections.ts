import { storage, isStorageAway, type Sql } from "../../base/sql.ts"
import type { Log } from "../../base/log.ts"
import { sleep } from "../../base/time.ts"
import type { Reader } from "./readers.ts"

/** A connection that is asked from time to time whether it is there and takes our key. */
export interface CheckedConnection {
  /** The name of its reader. */
  name: string
  reader: Reader
  /** A cheap call through the connection's gate that proves reachability and credentials. */
  check: () => Promise<void>
  /** Milliseconds since the last call that got a clear response; undefined when none did, or one has failed since. */
  answeredMsAgo: () => number | undefined
}

interface Options {
  sql: Sql
  log: Log
  connections: readonly CheckedConnection[]
}

const lookEveryMs = 5000
/** A connection in use proves itself; one at rest is asked this often. */
const askAfterMs = 20_000
/** Longer than a check may take. */
const leaseMs = 60_000

/**
 * Keeps the heartbeat of every connection: a wrong key or a system that is gone is found within half a minute, also where
 * nothing is read from it and nothing is sent. Of all workers of the estate one asks. Returns the way to stop.
 */
export function checkConnections(options: Options): () => Promise<void> {
  const stop = new AbortController()
  const busy = new Set<Promise<void>>()
  const loop = async () => {
    while (!stop.signal.aborted) {
      const due = await dueOf(options).catch((thrown: unknown) => {
        if (!isStorageAway(thrown)) options.log.error({ err: thrown }, "connections could not be looked at")
        return []
      })
      for (const one of due) {
        const running = checkOnce(options.sql, one).finally(() => busy.delete(running))
        busy.add(running)
      }
      await sleep(lookEveryMs, stop.signal).catch(() => undefined)
    }
  }
  const running = loop()
  return async () => {
    stop.abort()
    await running
    await Promise.all(busy)
  }
}

/** Those that nobody has heard of for a while, and that no other worker asks. */
async function dueOf({ sql, connections }: Options): Promise<CheckedConnection[]> {
  const quiet = connections.filter(({ reader, answeredMsAgo }) => {
    const isInUse = (answeredMsAgo() ?? Infinity) < askAfterMs
    if (isInUse) reader.succeeded()
    return !isInUse
  })
  if (quiet.length === 0) return []
  const names = quiet.map(({ name }) => name)
  const claimed = await storage(
    () => sql<{ name: string }[]>`select name from claim_readers(${names}::text[], ${askAfterMs}, ${leaseMs}) as name`,
  )
  return quiet.filter((one) => claimed.some(({ name }) => name === one.name))
}

/** One check. The reader notes how it went; one that fails is due again at the next look. */
async function checkOnce(sql: Sql, { name, reader, check }: CheckedConnection): Promise<void> {
  const isThere = await reader.pass(check).then(
    () => true,
    () => false,
  )
  // A little early, so that the next look finds it due.
  const restMs = (isThere ? askAfterMs : lookEveryMs) * 0.9
  await sql`
    update readers set due_at = clock_timestamp() + ${restMs} * interval '1 ms' where name = ${name}`.catch(
    () => undefined,
  )
}
