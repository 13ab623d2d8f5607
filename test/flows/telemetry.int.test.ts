import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { Collector, type SentSpan as Span } from "../fixtures/servers/collector.ts"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { heldCard, orderRequest, plentifulSkus, untilState } from "../fixtures/order-flow.ts"
import { orderIdOf } from "../../src/base/ids.ts"

// One order is one trace, whoever takes it: request, door, steps, calls. Who watches costs nobody who works anything.

let t: TestCrossdock
let sku = ""
const collector = new Collector()
beforeAll(async () => {
  await collector.start()
  process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] = `http://127.0.0.1:${collector.port}/`
  t = await startTestCrossdock({ seed: 83 })
  ;[sku = ""] = plentifulSkus(t, 1)
}, 60_000)
afterAll(async () => {
  delete process.env["OTEL_EXPORTER_OTLP_ENDPOINT"]
  await t?.stop()
  await collector.stop()
})

async function place(externalId: string, traceparent?: string): Promise<{ orderId: string; correlation: string }> {
  const bare = orderRequest({ externalId, lines: [{ sku, count: 1, totalMinor: 2420 }] })
  const order = { ...bare, tenders: [heldCard(t, bare.total.shop.amountMinor)] }
  const correlation = `cart-${externalId}`
  const answer = await fetch(`${t.gatewayUrl}/v1/orders`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${t.key}`,
      "content-type": "application/json",
      "x-correlation-id": correlation,
      ...(traceparent === undefined ? {} : { traceparent }),
    },
    body: JSON.stringify(order),
  })
  if (answer.status !== 202) throw new Error(await answer.text())
  return { orderId: orderIdOf("till", externalId), correlation }
}

const attribute = ({ attributes }: Span, key: string) => attributes.find((one) => one.key === key)?.value.stringValue

describe("OpenTelemetry", () => {
  test("an order is one trace from its request to every call, under the caller's trace and the correlation id", async () => {
    const [traceId, callerId] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"]
    const { orderId, correlation } = await place("O-1", `00-${traceId}-${callerId}-01`)
    await untilState(t, orderId, "closed")
    const own = () => collector.spans.filter((span) => span.traceId === traceId)
    await eventually("the capture is told", () => own().some(({ name }) => name.startsWith("stripe capturesPayments")))
    const spans = own()
    for (const span of spans) expect(attribute(span, "crossdock.correlation_id")).toBe(correlation)
    const request = spans.find(({ name }) => name === "POST /v1/orders")
    expect(request).toMatchObject({ parentSpanId: callerId, kind: 2 })
    expect(spans.find(({ name }) => name.startsWith("door "))?.parentSpanId).toBe(request?.spanId)
    const call = spans.find(({ name }) => name.startsWith("sap booksOrders"))
    const step = spans.find(({ spanId }) => spanId === call?.parentSpanId)
    expect(call).toMatchObject({ kind: 3 })
    expect(step).toMatchObject({ name: "step book order in ERP", parentSpanId: request?.spanId })
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length)
  })

  test("an order without a caller's trace is one trace, too", async () => {
    const { orderId, correlation } = await place("O-2")
    await untilState(t, orderId, "closed")
    const own = () => collector.spans.filter((span) => attribute(span, "crossdock.correlation_id") === correlation)
    await eventually("it is told", () => own().some(({ name }) => name.startsWith("stripe capturesPayments")))
    expect(new Set(own().map(({ traceId }) => traceId)).size).toBe(1)
    expect(own().find(({ name }) => name === "POST /v1/orders")?.parentSpanId ?? "").toBe("")
  })

  test("a receiver that is away loses no order and keeps nobody waiting", async () => {
    await collector.stop()
    const startMs = performance.now()
    const placed = await Promise.all(Array.from({ length: 10 }, (_, n) => place(`A-${n}`)))
    for (const { orderId } of placed) await untilState(t, orderId, "closed")
    expect(performance.now() - startMs).toBeLessThan(15_000)
    const before = collector.requests
    await collector.start()
    const { orderId, correlation } = await place("B-1")
    await untilState(t, orderId, "closed")
    await eventually(
      "what happens now is told again",
      () =>
        collector.requests > before &&
        collector.spans.some((span) => attribute(span, "crossdock.correlation_id") === correlation),
      { withinMs: 20_000 },
    )
  })

  test("a stop does not wait for a receiver that is away", async () => {
    await collector.stop()
    await place("C-1")
    const startMs = performance.now()
    await t.crossdock.stop()
    expect(performance.now() - startMs).toBeLessThan(8000)
    await collector.start()
  })
})
