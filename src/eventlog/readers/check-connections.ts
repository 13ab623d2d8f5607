import { sleep } from "../../base/time.ts"
import type { Reader } from "./readers.ts"

/** A connection that is asked from time to time whether it is there and takes our key. */
export interface CheckedConnection {
  reader: Reader
  /** A cheap call through the connection's gate that proves reachability and credentials. */
  check: () => Promise<void>
  /** Milliseconds since the last call that got a clear response; undefined when none did, or one has failed since. */
  answeredMsAgo: () => number | undefined
}

const lookEveryMs = 5000
/** A connection in use proves itself; one at rest is asked this often. */
const askAfterMs = 20_000

/**
 * Keeps the heartbeat of every connection: a wrong key or a system that is gone is found within half a minute, also where
 * nothing is read from it and nothing is sent. Returns the way to stop.
 */
export function checkConnections(connections: readonly CheckedConnection[]): () => Promise<void> {
  const stop = new AbortController()
  const loop = async (one: CheckedConnection) => {
    while (!stop.signal.aborted) {
      await checkOnce(one)
      await sleep(lookEveryMs, stop.signal).catch(() => undefined)
    }
  }
  const loops = connections.map(loop)
  return async () => {
    stop.abort()
    await Promise.all(loops)
  }
}

/** One look. The reader notes what a check throws. */
async function checkOnce({ reader, check, answeredMsAgo }: CheckedConnection): Promise<void> {
  const ago = answeredMsAgo()
  if (ago !== undefined && ago < askAfterMs) return reader.succeeded()
  await reader.pass(check).catch(() => undefined)
}
