import type {
  AggregationTemporality,
  DataPoint,
  DataPointType,
  Histogram,
  MetricData,
} from "@opentelemetry/sdk-metrics"
import { AppError } from "../base/errors.ts"
import { setting } from "../base/config.ts"
import type { GatewayCore } from "../gateway/core.ts"
import type { Log } from "../base/log.ts"
import { systemClock } from "../base/time.ts"
import type { Stop } from "./parts.ts"
import { atMost, telling, timeOf } from "./telemetry.ts"

const everyMsDefault = 60_000
const everyMsLeast = 100
const timeoutMsMost = 5000

/**
 * Sends what `/metrics` shows over OTLP/HTTP to OTEL_EXPORTER_OTLP_ENDPOINT, under the same names, labels and values; undefined when it
 * is not set, and then no package of OpenTelemetry is loaded. A receiver that is away, slow or refuses costs points and nothing else:
 * one request is under way at a time, and counters are cumulative, so the next one makes up for those that were lost. The last values
 * go out at the stop.
 */
export async function startOtlpMetrics(
  registry: GatewayCore["registry"],
  { log, process }: { log: Log; process: string },
): Promise<Stop | undefined> {
  const endpoint = setting("OTEL_EXPORTER_OTLP_ENDPOINT")
  if (endpoint === undefined) return undefined
  const everyMs = intervalMs()
  const [sdk, { OTLPMetricExporter }, { resourceFromAttributes }, { ValueType }] = await Promise.all([
    import("@opentelemetry/sdk-metrics"),
    import("@opentelemetry/exporter-metrics-otlp-http"),
    import("@opentelemetry/resources"),
    import("@opentelemetry/api"),
  ])
  const timeoutMillis = Math.min(timeoutMsMost, everyMs)
  const exporter = new OTLPMetricExporter({ url: `${endpoint.replace(/\/$/, "")}/v1/metrics`, timeoutMillis })
  const reader = new sdk.PeriodicExportingMetricReader({
    exporter: telling(exporter, { log, what: "metrics" }),
    exportIntervalMillis: everyMs,
    exportTimeoutMillis: timeoutMillis,
  })
  const resource = resourceFromAttributes({ "service.name": "crossdock", "service.instance.id": process })
  const startMs = systemClock.now()
  reader.setMetricProducer({
    async collect() {
      const { shown, errors } = await shownBy(registry)
      const at = { startTime: timeOf(startMs), endTime: timeOf(systemClock.now()) }
      const metrics = shown.flatMap((metric) => dataOf(metric, { ...at, sdk, valueType: ValueType.DOUBLE }) ?? [])
      return { resourceMetrics: { resource, scopeMetrics: [{ scope: { name: "crossdock" }, metrics }] }, errors }
    },
  })
  return () => atMost(timeoutMsMost / 5, reader.shutdown())
}

function intervalMs(): number {
  const text = setting("OTEL_METRIC_EXPORT_INTERVAL")
  if (text === undefined) return everyMsDefault
  const ms = Number(text)
  if (Number.isInteger(ms) && ms >= everyMsLeast) return ms
  throw new AppError(
    "CONFIG_INVALID",
    `OTEL_METRIC_EXPORT_INTERVAL takes milliseconds from ${everyMsLeast}, as 60000, not "${text}"`,
  )
}

/** A metric as the registry returns it. Its type is text, although the package's types say that it is a number. */
interface Shown {
  name: string
  help: string
  type: unknown
  values: { value: number; labels: Partial<Record<string, string | number>>; metricName?: string }[]
}

/** Each metric by itself: one whose source is away must not keep the others back. */
async function shownBy(registry: GatewayCore["registry"]): Promise<{ shown: Shown[]; errors: unknown[] }> {
  const asked = registry.getMetricsAsArray().map(({ name }) => registry.getSingleMetric(name)?.get())
  const results = await Promise.allSettled(asked)
  return {
    shown: results.flatMap((result) => (result.status === "fulfilled" && result.value ? [result.value] : [])),
    errors: results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : [])),
  }
}

interface Made {
  startTime: [number, number]
  endTime: [number, number]
  valueType: number
  sdk: { DataPointType: typeof DataPointType; AggregationTemporality: typeof AggregationTemporality }
}

/** The same metric in OpenTelemetry's words; undefined for a kind that OTLP has no like of, such as a summary. */
function dataOf({ name, help, type, values }: Shown, made: Made): MetricData | undefined {
  const { DataPointType: types, AggregationTemporality: temporality } = made.sdk
  const common = {
    descriptor: { name, description: help, unit: unitOf(name), valueType: made.valueType },
    aggregationTemporality: temporality.CUMULATIVE,
  }
  const { startTime, endTime } = made
  const numbers = () => values.map(({ value, labels }) => ({ startTime, endTime, attributes: texts(labels), value }))
  if (type === "counter") return { ...common, dataPointType: types.SUM, isMonotonic: true, dataPoints: numbers() }
  if (type === "gauge") return { ...common, dataPointType: types.GAUGE, dataPoints: numbers() }
  if (type !== "histogram") return undefined
  const dataPoints = histogramsOf({ name, values }).map((point) => ({ startTime, endTime, ...point }))
  return { ...common, dataPointType: types.HISTOGRAM, dataPoints }
}

/** UCUM codes, as OpenTelemetry writes units. The unit is the end of the name (prometheus.io/docs/practices/naming). */
const units = { seconds: "s", bytes: "By", ratio: "1" } as const

function unitOf(name: string): string {
  const words = name.replace(/_total$/, "").split("_")
  return Object.entries(units).find(([word]) => words.at(-1) === word)?.[1] ?? ""
}

const texts = (labels: Shown["values"][number]["labels"]) =>
  Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, String(value)]))

/** Prometheus counts everything up to a bound, OTLP what lies between two. */
function histogramsOf({ name, values }: Pick<Shown, "name" | "values">) {
  const points = new Map<
    string,
    { labels: Record<string, string>; upTo: [number, number][]; sum: number; count: number }
  >()
  for (const { metricName, labels: all, value } of values) {
    const { le, ...labels } = texts(all)
    const key = JSON.stringify(Object.entries(labels).sort())
    const point = points.get(key) ?? { labels, upTo: [], sum: 0, count: 0 }
    points.set(key, point)
    if (metricName === `${name}_sum`) point.sum = value
    else if (metricName === `${name}_count`) point.count = value
    else if (le !== undefined && le !== "+Inf") point.upTo.push([Number(le), value])
  }
  return [...points.values()].map(
    ({ labels, upTo, sum, count }): Pick<DataPoint<Histogram>, "attributes" | "value"> => {
      const sorted = upTo.sort(([a], [b]) => a - b)
      const cumulated = [...sorted.map(([, value]) => value), count]
      const counts = cumulated.map((value, place) => value - (cumulated[place - 1] ?? 0))
      return {
        attributes: labels,
        value: { buckets: { boundaries: sorted.map(([bound]) => bound), counts }, sum, count },
      }
    },
  )
}
