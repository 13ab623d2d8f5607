import { randomId } from "../../base/ids.ts"
import type { Exchange } from "../exchange.ts"
import type { Phase } from "./phase.ts"
import { saneTraceparent } from "../traceparent.ts"

const saneCorrelation = /^[\w.:-]{1,128}$/

/** Gives every request a correlation id: the caller's `X-Correlation-Id` when it is valid, otherwise a new one. */
export function correlate(): Phase {
  // One random part per process and a counter: unique across nodes, without random bytes for each request.
  const processId = randomId("req")
  let count = 0
  return {
    name: "correlate",
    beforeBody(exchange: Exchange) {
      const given = exchange.header("x-correlation-id")
      exchange.correlation =
        given !== undefined && saneCorrelation.test(given) ? given : `${processId}-${(++count).toString(36)}`
      const trace = exchange.header("traceparent")
      if (trace !== undefined && saneTraceparent.test(trace)) exchange.traceparent = trace
    },
  }
}
