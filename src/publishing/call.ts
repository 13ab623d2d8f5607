import { traceparentOf } from "../base/ids.ts"
import { withDeadline } from "../base/time.ts"
import type { Connection } from "../effects/connections.ts"
import type { Call } from "../ports/write.ts"

export const settleDefaultMs = 2000

type Lane = Parameters<Connection["gate"]["pass"]>[0]

/** One call about what a channel shows, through the connection's door. */
export function callChannel<Result>(
  { gate, timeoutMs }: Connection,
  { channel, lane, operation }: { channel: string; lane: Lane; operation: string },
  work: (call: Omit<Call, "key"> & { traceparent: string }) => Promise<Result>,
): Promise<Result> {
  const correlation = `publish ${channel}`
  return gate.pass(
    lane,
    () => withDeadline(timeoutMs, (signal) => work({ signal, correlation, traceparent: traceparentOf(correlation) })),
    operation,
  )
}
