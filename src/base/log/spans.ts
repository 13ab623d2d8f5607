import { hash } from "node:crypto"
import { asAppError } from "../errors.ts"
import { traceparentOf } from "../ids.ts"
import { systemClock } from "../time.ts"

/** What took time, for those who follow an object through systems. */
export interface SpanOf {
  name: string
  kind: "server" | "internal" | "client"
  correlation: string
  /** The caller's, where it sent one. */
  traceparent?: string | undefined
  /** Tells it apart from others of its name in one trace; without it, a random one. */
  key?: string | undefined
  /** Key of the span it is a part of; default: the request that began the trace. */
  partOf?: string | undefined
  attributes: Readonly<Record<string, string | number>>
}

/** A span that has ended. Its ids follow from the correlation id, so that every process makes the same trace without asking others. */
export interface Span extends Omit<SpanOf, "traceparent" | "key" | "partOf"> {
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  startMs: number
  endMs: number
  /** Code of the error it ended with. */
  error?: string | undefined
}

let sink: ((span: Span) => void) | undefined

/** Where ended spans go; undefined: nowhere, and then nothing is made of them. */
export function sendSpans(to: ((span: Span) => void) | undefined): void {
  sink = to
}

/** Whether anybody takes spans. */
export function takesSpans(): boolean {
  return sink !== undefined
}

/** Tells a span that has just ended. */
export function noteSpan(of: SpanOf, { tookMs, error }: { tookMs: number; error?: string | undefined }): void {
  const endMs = systemClock.now()
  sink?.({ ...idsOf(of), ...of, startMs: endMs - tookMs, endMs, error })
}

/** Does work, and tells how long it took. Costs nothing but a call while nobody takes spans. */
export async function spanned<Result>(of: () => SpanOf, work: () => Promise<Result>): Promise<Result> {
  if (!sink) return work()
  const startMs = systemClock.now()
  try {
    const result = await work()
    noteSpan(of(), { tookMs: systemClock.now() - startMs })
    return result
  } catch (thrown) {
    noteSpan(of(), { tookMs: systemClock.now() - startMs, error: asAppError(thrown).code })
    throw thrown
  }
}

function idsOf({ name, kind, correlation, traceparent, key, partOf }: SpanOf) {
  const [, traceId = "", callerId = ""] = (traceparent ?? traceparentOf(correlation)).split("-")
  const own = (text: string) => hash("sha256", `${traceId} ${correlation} ${text}`).slice(0, 16)
  // The span of the request itself. A caller that sent no trace learns it as its own parent.
  const requestId = traceparent === undefined ? callerId : own("request")
  if (kind === "server")
    return { traceId, spanId: requestId, parentSpanId: traceparent === undefined ? undefined : callerId }
  return {
    traceId,
    spanId: own(key ?? `${name} ${Math.random()}`),
    parentSpanId: partOf === undefined ? requestId : own(partOf),
  }
}
