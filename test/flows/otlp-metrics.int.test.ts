import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { Collector, type SentMetric, type SentPoint } from "../fixtures/servers/collector.ts"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { heldCard, orderRequest, plentifulSkus, untilState } from "../fixtures/order-flow.ts"
import { orderIdOf } from "../../src/base/ids.ts"

// What a collector is sent is what `/metrics` shows, and a collector that is away, slow or refuses hurts nothing.

let t: TestCrossdock
let sku = ""
const collector = new Collector()
beforeAll(async () => {
  await collector.start()
  process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = `http://127.0.0.1:${collector.port}`
  process.env["OTEL_METRIC_EXPORT_INTERVAL"] = "500"
  t = await startTestCrossdock({ seed: 84 })
  ;[sku = ""] = plentifulSkus(t, 1)
}, 60_000)
afterAll(async () => {
  delete process.env["OTEL_EXPORTER_OTLP_ENDPOINT"]
  delete process.env["OTEL_METRIC_EXPORT_INTERVAL"]
  await t?.stop()
  await collector.stop()
})

async function place(externalId: string): Promise<string> {
  const bare = orderRequest({ externalId, lines: [{ sku, count: 1, totalMinor: 2420 }] })
  const order = { ...bare, tenders: [heldCard(t, bare.total.shop.amountMinor)] }
  const answer = await fetch(`${t.gatewayUrl}/v1/orders`, {
    method: "POST",
    headers: { authorization: `Bearer ${t.key}`, "content-type": "application/json" },
    body: JSON.stringify(order),
  })
  if (answer.status !== 202) throw new Error(await answer.text())
  return orderIdOf("till", externalId)
}

interface Line {
  name: string
  labels: Record<string, string>
  value: number
}

/** What `/metrics` shows, line by line (prometheus.io/docs/instrumenting/exposition_formats). */
async function shownLines(): Promise<{ kinds: Map<string, string>; lines: Line[] }> {
  const text = await (await fetch(`${t.gatewayUrl}/metrics`)).text()
  const kinds = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = "", kind = ""]) => [name, kind]))
  const lines = [...text.matchAll(/^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)$/gim)].map(
    ([, name = "", labels = "", value]) => ({
      name,
      labels: Object.fromEntries(
        [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = "", is = ""]) => [label, is]),
      ),
      value: Number(value),
    }),
  )
  return { kinds, lines }
}

const labelsOf = ({ attributes }: SentPoint) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]))
const last = () => collector.metrics.at(-1)?.all ?? []
const sent = (name: string) => last().find((metric) => metric.name === name)
const pointsOf = ({ sum, gauge, histogram }: SentMetric) => (sum ?? gauge ?? histogram)?.dataPoints ?? []

/** Orders that the API took, as the last request told it. */
const placedSent = () =>
  pointsOf(sent("crossdock_request_duration_seconds") as SentMetric)
    .filter((point) => labelsOf(point)["route"] === "POST /v1/orders" && labelsOf(point)["status"] === "2xx")
    .reduce((sum, { count }) => sum + Number(count), 0)

/** Waits until a request has begun and ended after now. */
async function untilSentAnew(): Promise<void> {
  const before = collector.metrics.length
  await eventually("metrics are sent", () => collector.metrics.length >= before + 2, { withinMs: 30_000 })
}

describe("metrics over OTLP", () => {
  test("each metric of /metrics is sent under its name, with its kind, labels, unit and value", async () => {
    await untilState(t, await place("M-1"), "closed")
    await untilSentAnew()
    const { kinds, lines } = await shownLines()
    expect(
      last()
        .map(({ name }) => name)
        .sort(),
    ).toEqual([...kinds.keys()].sort())
    for (const metric of last()) {
      const kind = metric.sum ? "counter" : metric.gauge ? "gauge" : "histogram"
      expect([metric.name, kind]).toEqual([metric.name, kinds.get(metric.name)])
      const own = lines.filter(({ name }) => name === metric.name || name === `${metric.name}_count`)
      const withoutPoint = own.filter(
        ({ labels }) => !pointsOf(metric).some((point) => isSame(labelsOf(point), labels)),
      )
      // Requests of this test itself are counted between the two looks.
      if (metric.name !== "crossdock_request_duration_seconds") expect(withoutPoint).toEqual([])
    }
    expect(placedSent()).toBe(1)
    expect(sent("crossdock_request_duration_seconds")?.unit).toBe("s")
    expect(sent("crossdock_missed_events_ratio")?.unit).toBe("1")
    expect(sent("process_resident_memory_bytes")?.unit).toBe("By")
    expect(sent("process_cpu_seconds_total")).toMatchObject({
      unit: "s",
      sum: { isMonotonic: true, aggregationTemporality: 2 },
    })
    expect(collector.metrics.at(-1)?.resource).toContainEqual({
      key: "service.name",
      value: { stringValue: "crossdock" },
    })
  })

  test("a histogram has the same counts between its bounds, count and sum", async () => {
    await fetch(`${t.gatewayUrl}/v1/orders/none`, { headers: { authorization: `Bearer ${t.key}` } })
    const { lines } = await shownLines()
    await untilSentAnew()
    const point = pointsOf(sent("crossdock_request_duration_seconds") as SentMetric).find(
      (one) => labelsOf(one)["status"] === "4xx",
    )
    const own = lines.filter(
      ({ labels }) => labels["status"] === "4xx" && labels["route"] === labelsOf(point as SentPoint)["route"],
    )
    const upTo = own.filter(({ name, labels }) => name.endsWith("_bucket") && labels["le"] !== "+Inf")
    expect(point?.explicitBounds).toEqual(upTo.map(({ labels }) => Number(labels["le"])))
    let sum = 0
    const cumulated = (point?.bucketCounts ?? []).map((count) => (sum += Number(count)))
    expect(cumulated.slice(0, -1)).toEqual(upTo.map(({ value }) => value))
    expect(cumulated.at(-1)).toBe(Number(point?.count))
    expect(Number(point?.count)).toBe(own.find(({ name }) => name.endsWith("_count"))?.value)
    expect(point?.sum).toBeCloseTo(own.find(({ name }) => name.endsWith("_sum"))?.value ?? -1, 9)
  })

  test.each(["refuses it", "says nothing"] as const)("a collector that %s stops nobody", async (answers) => {
    collector.answers = answers
    const before = collector.requests
    await eventually("it was asked", () => collector.requests > before, { withinMs: 30_000 })
    await untilState(t, await place(`R-${answers}`), "closed")
    expect((await fetch(`${t.gatewayUrl}/metrics`)).status).toBe(200)
    collector.answers = "takes it"
    await untilSentAnew()
  })

  test("a collector that was away is sent the sums of all that happened meanwhile", async () => {
    const before = placedSent()
    await collector.stop()
    await untilState(t, await place("A-1"), "closed")
    await collector.start()
    await untilSentAnew()
    expect(placedSent()).toBe(before + 1)
  })

  test("the last values go out at the stop, and then nothing more", async () => {
    const before = placedSent()
    const sentBefore = collector.metrics.length
    await untilState(t, await place("S-1"), "closed")
    await t.crossdock.stop()
    const after = collector.metrics.length
    expect(after).toBeGreaterThan(sentBefore)
    expect(placedSent()).toBe(before + 1)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(collector.metrics.length).toBe(after)
  })
})

function isSame(one: object, other: object): boolean {
  const text = (labels: object) => JSON.stringify(Object.entries(labels).sort())
  return text(one) === text(other)
}
