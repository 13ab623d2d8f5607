import { setting } from "../base/config.ts"
import type { Log } from "../base/log.ts"
import { sendSpans, type Span } from "../base/log/spans.ts"
import { systemClock } from "../base/time.ts"

/** Spans kept until they are sent; what comes beyond is dropped, because work does not wait for those who watch it. */
const queueMost = 8192
const everyMs = 1000
const timeoutMs = 5000
/** How often it is told that nobody takes them. */
const tellEveryMs = 60_000

/**
 * Sends spans over OTLP/HTTP to OTEL_EXPORTER_OTLP_ENDPOINT; undefined when it is not set, and then no package of OpenTelemetry is
 * loaded. A receiver that is away costs spans and nothing else.
 */
export async function startTelemetry(log: Log, process: string): Promise<(() => Promise<void>) | undefined> {
  const endpoint = setting("OTEL_EXPORTER_OTLP_ENDPOINT")
  if (endpoint === undefined) return undefined
  const [{ BatchSpanProcessor }, { OTLPTraceExporter }, { resourceFromAttributes }, { SpanKind, SpanStatusCode }] =
    await Promise.all([
      import("@opentelemetry/sdk-trace"),
      import("@opentelemetry/exporter-trace-otlp-http"),
      import("@opentelemetry/resources"),
      import("@opentelemetry/api"),
    ])
  const url = `${endpoint.replace(/\/$/, "")}/v1/traces`
  const exporter = new OTLPTraceExporter({ url, timeoutMillis: timeoutMs })
  const processor = new BatchSpanProcessor({
    exporter: telling(exporter, { log, what: "traces" }),
    maxQueueSize: queueMost,
    scheduledDelayMillis: everyMs,
    exportTimeoutMillis: timeoutMs,
  })
  const resource = resourceFromAttributes({ "service.name": "crossdock", "service.instance.id": process })
  const kinds = { server: SpanKind.SERVER, internal: SpanKind.INTERNAL, client: SpanKind.CLIENT }
  const scope = { name: "crossdock" }
  sendSpans((span) => {
    const context = (spanId: string) => ({ traceId: span.traceId, spanId, traceFlags: 1 })
    const { name, startMs, endMs, parentSpanId } = span
    processor.onEnd({
      name,
      kind: kinds[span.kind],
      spanContext: () => context(span.spanId),
      ...(parentSpanId === undefined ? {} : { parentSpanContext: context(parentSpanId) }),
      startTime: timeOf(startMs),
      endTime: timeOf(endMs),
      duration: timeOf(endMs - startMs),
      status:
        span.error === undefined ? { code: SpanStatusCode.UNSET } : { code: SpanStatusCode.ERROR, message: span.error },
      attributes: attributesOf(span),
      links: [],
      events: [],
      ended: true,
      resource,
      instrumentationScope: scope,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    })
  })
  return async () => {
    sendSpans(undefined)
    await atMost(timeoutMs / 5, processor.shutdown())
  }
}

interface Exporter {
  export(spans: never, done: (result: { code: number; error?: Error }) => void): void
  shutdown(): Promise<void>
}

/** What is left is sent if the receiver is there; a stop does not wait for one that is not. */
export async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  await Promise.race([work, new Promise((resolve) => setTimeout(resolve, ms).unref())])
}

/** An exporter whose failures are told, now and then. */
export function telling<Wrapped extends Exporter>(
  exporter: Wrapped,
  { log, what }: { log: Log; what: string },
): Wrapped {
  let toldMs = 0
  const send: Exporter["export"] = (spans, done) =>
    exporter.export(spans, (result) => {
      if (result.code !== 0 && systemClock.now() - toldMs > tellEveryMs) {
        toldMs = systemClock.now()
        log.warn({ err: result.error }, `${what} could not be sent and are dropped; nothing else waits for them`)
      }
      done(result)
    })
  return new Proxy(exporter, {
    get: (target, name) => (name === "export" ? send : (Reflect.get(target, name) as unknown)),
  })
}

function attributesOf({ correlation, attributes, error }: Span): Record<string, string | number> {
  return {
    "crossdock.correlation_id": correlation,
    ...attributes,
    ...(error === undefined ? {} : { "error.type": error }),
  }
}

/** Seconds and nanoseconds. */
export function timeOf(ms: number): [number, number] {
  return [Math.floor(ms / 1000), Math.round((ms % 1000) * 1e6)]
}
