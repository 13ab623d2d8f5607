import { once } from "node:events"
import { startScript } from "../child.ts"
import { someOrderIds } from "../orders/book.ts"
import { operatorKey, type Stack } from "../stack.ts"
import { quantile } from "../statistics.ts"
import { round3, type Figure } from "../scenario.ts"

const callsLeast = 5
const secondsMost = 15
const doctorCallsMost = 5
const outcomes = ["done", "rejected", "retryable", "unknown", "superseded", "under way"]

/** Times operators' reads, one after the other, like a single person. */
export async function timeReads(
  stack: Stack,
  how: { gatewayUrl: string; lab: string; calls: number },
): Promise<Figure[]> {
  const key = operatorKey(stack)
  const ids = await someOrderIds(stack.sql, how.calls)
  const reads: [name: string, path: (call: number) => string][] = [
    ["/v1/orders", () => "/v1/orders"],
    ["/v1/orders?state=closed", () => "/v1/orders?state=closed"],
    ["/v1/orders/{id}", (call) => `/v1/orders/${ids[call % ids.length] ?? ""}`],
    ["/v1/orders/{id}/trace", (call) => `/v1/orders/${ids[call % ids.length] ?? ""}/trace`],
    ["/v1/exceptions", () => "/v1/exceptions"],
    ["/v1/events", () => "/v1/events"],
    ["/v1/events?key=…", (call) => `/v1/events?key=${ids[call % ids.length] ?? ""}`],
    ["/v1/effects", () => "/v1/effects"],
    ...outcomes.map((outcome): [string, () => string] => {
      const path = `/v1/effects?outcome=${encodeURIComponent(outcome)}`
      return [path, () => path]
    }),
    ["/v1/kpis", () => "/v1/kpis"],
    ["/metrics", () => "/metrics"],
  ]
  const figures: Figure[] = []
  for (const [name, path] of reads)
    figures.push(await timed(name, how.calls, (call) => readText(how.gatewayUrl + path(call), key)))
  figures.push(
    await timed("crossdock doctor, with the start of its process", Math.min(doctorCallsMost, how.calls), () =>
      runDoctor(stack, how.lab),
    ),
  )
  return figures
}

async function timed(name: string, most: number, read: (call: number) => Promise<void>): Promise<Figure> {
  const took: number[] = []
  const startedAt = performance.now()
  const isLate = () => took.length >= callsLeast && performance.now() - startedAt > secondsMost * 1000
  while (took.length < most && !isLate()) {
    const before = performance.now()
    await read(took.length)
    took.push(performance.now() - before)
  }
  const more = `p99 ${round3(quantile(took, 0.99))} ms, ${took.length} calls`
  return { name, value: round3(quantile(took, 0.5)), unit: "ms p50", more }
}

async function readText(url: string, key: string): Promise<void> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${key}` } })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`GET ${url} returned ${answer.status}: ${text.slice(0, 500)}`)
}

/** Exit code 4 means that the doctor found a problem, which is possible on such a machine. */
async function runDoctor(stack: Stack, lab: string): Promise<void> {
  const child = startScript(["bin/crossdock.mjs", "doctor", "--json"], stack.environment("gateway", lab))
  let text = ""
  child.stdout?.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")))
  child.stderr?.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")))
  const [code] = (await once(child, "close")) as [number | null]
  if (code !== 0 && code !== 4)
    throw new Error(`crossdock doctor ended with code ${code ?? "none"}: ${text.slice(-500)}`)
}
