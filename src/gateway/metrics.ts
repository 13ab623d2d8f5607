import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client"
import type { ErrorCode } from "../base/errors.ts"
import { noteSpan, takesSpans } from "../base/log/spans.ts"
import type { Clock } from "../base/time.ts"
import type { Exchange } from "./exchange.ts"

/** A registry with the usual metrics of a process. */
export function newRegistry(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

const violationCodes: ReadonlySet<ErrorCode> = new Set([
  "REQUEST_MALFORMED",
  "REQUEST_INVALID",
  "REQUEST_TOO_LARGE",
  "AUTHENTICATION_FAILED",
  "SIGNATURE_INVALID",
  "PERMISSION_MISSING",
  "VERSION_UNKNOWN",
  "RATE_LIMITED",
  "IDEMPOTENCY_KEY_REUSED",
  "ORDER_TOTALS_WRONG",
])

const alertWindowMs = 300_000
const alertFailures = 5

/** Counts violations by consumer, and raises an alert for a connection whose signatures keep failing. */
export class Violations {
  readonly #clock: Clock
  readonly #violations: Counter<"consumer" | "policy">
  readonly #failures: Counter<"connection">
  readonly #recent = new Map<string, number[]>()

  constructor(registry: Registry, clock: Clock) {
    this.#clock = clock
    const registers = [registry]
    this.#violations = new Counter({
      name: "crossdock_policy_violations_total",
      help: "Requests refused because of a rule, by consumer and rule",
      labelNames: ["consumer", "policy"],
      registers,
    })
    this.#failures = new Counter({
      name: "crossdock_webhook_signature_failures_total",
      help: "Deliveries whose signature was wrong, too old or replayed",
      labelNames: ["connection"],
      registers,
    })
    const recent = this.#recent
    const isAlarming = (connection: string) => this.#recentFailures(connection) >= alertFailures
    // oxlint-disable-next-line no-new -- a gauge reports itself through its registry
    new Gauge({
      name: "crossdock_webhook_signature_alert",
      help: `1 while a connection had ${alertFailures} or more bad signatures within five minutes`,
      labelNames: ["connection"],
      registers,
      collect() {
        for (const connection of recent.keys()) this.set({ connection }, isAlarming(connection) ? 1 : 0)
      },
    })
  }

  count(consumer: string, code: ErrorCode): void {
    if (violationCodes.has(code)) this.#violations.inc({ consumer, policy: code })
  }

  /** Counts a bad signature; true when this one crosses the alert threshold. */
  signatureFailed(connection: string): boolean {
    this.#failures.inc({ connection })
    const before = this.#recentFailures(connection)
    const times = this.#recent.get(connection) ?? []
    times.push(this.#clock.now())
    this.#recent.set(connection, times.slice(-alertFailures))
    return before < alertFailures && this.#recentFailures(connection) >= alertFailures
  }

  #recentFailures(connection: string): number {
    const since = this.#clock.now() - alertWindowMs
    return (this.#recent.get(connection) ?? []).filter((at) => at >= since).length
  }
}

/** Measures requests by route. Labels have a bounded set of values. */
export function requestMetrics(registry: Registry): (exchange: Exchange, status: number, tookMs: number) => void {
  const duration = new Histogram({
    name: "crossdock_request_duration_seconds",
    help: "Time from the first header to the answer, by route and status class",
    labelNames: ["route", "status"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [registry],
  })
  return (exchange, status, tookMs) =>
    duration.observe({ route: exchange.route.id, status: `${Math.floor(status / 100)}xx` }, tookMs / 1000)
}

/** Tells a request as the span that its trace begins with. */
export function noteRequest({ route, correlation, traceparent }: Exchange, status: number, tookMs: number): void {
  if (!takesSpans()) return
  const { method, path } = route
  noteSpan(
    {
      name: `${method} ${path}`,
      kind: "server",
      correlation,
      traceparent,
      attributes: { "http.request.method": method, "http.route": path, "http.response.status_code": status },
    },
    { tookMs, error: status >= 500 ? String(status) : undefined },
  )
}
