import { startProgram, type Program } from "../child.ts"
import { costEach, countCost } from "../counters.ts"
import type { LoadResult } from "../programs/http-client.ts"
import { best, scored, sweep, type Options, type Result } from "../scenario.ts"
import { callGateway, makeBenchKey, settle, type Stack } from "../stack.ts"
import { median, pairedRatio } from "../statistics.ts"

const sku = "HOT-HTTP"
const plentyMilli = 900_000_000_000
const connectionCounts = [64, 128, 256]
const openLoopShare = 0.5

type Measured = LoadResult & { fresh: number }

/** One reservation per request over HTTP, beside a Fastify that sends the same response and does nothing. */
export async function hotSkuHttp(stack: Stack, options: Options): Promise<Result> {
  const { seconds, rounds } = options
  const gateway = await stack.startCrossdock("gateway")
  const noop = startProgram("noop-server")
  const load = startProgram("http-load")
  try {
    const key = await makeBenchKey(stack, gateway.url)
    const receipt = { kind: "receipt", fact: "bench:http", sku, locationId: "W1", milli: plentyMilli }
    await callGateway(gateway.url, key, { method: "POST", path: "/v1/stock-movements", body: { movements: [receipt] } })
    const noopUrl = await noop.ask<string>({ do: "listen" })
    const all: Measured[] = []
    const ask = async (connections: number, pace: Pace) => {
      const result = await reserve(load, { url: gateway.url, key, connections, isDecided: true, ...pace })
      all.push(result)
      return result
    }
    const askNoop = (connections: number, lasting: number) =>
      reserve(load, { url: noopUrl, key, connections, isDecided: false, seconds: lasting })
    const trySeconds = seconds / 3
    const counts = sweep(connectionCounts, options)
    const bestOurs = await best(
      counts,
      async (connections) => (await ask(connections, { seconds: trySeconds })).perSecond,
    )
    const bestNoop = await best(counts, async (connections) => (await askNoop(connections, trySeconds)).perSecond)
    const measured: { ours: Measured; floor: Measured }[] = []
    for (let round = 0; round < rounds; round += 1) {
      await settle(stack.sql)
      const ours = await ask(bestOurs, { seconds })
      measured.push({ ours, floor: await askNoop(bestNoop, seconds) })
    }
    await settle(stack.sql)
    const counting = await countCost(stack.sql, { ...stack.pids, gateway: gateway.pid, client: load.pid })
    const counted = await ask(bestOurs, { seconds: seconds / 2 })
    const spent = await counting()
    const ours = measured.map((one) => one.ours.perSecond)
    const openRate = Math.round(median(ours) * openLoopShare)
    const open = await ask(256, { seconds, perSecond: openRate })
    return scored(
      {
        ours: Math.round(median(ours)),
        floor: Math.round(median(measured.map((one) => one.floor.perSecond))),
        unit: "decisions/s",
        floorIs: `Fastify no-op POST, same body and schema, one process, ${bestNoop} connections`,
        p50Ms: median(measured.map((one) => one.ours.p50Ms)),
        p99Ms: median(measured.map((one) => one.ours.p99Ms)),
        latencyIs: `closed loop, ${bestOurs} connections`,
        rounds: measured.map((one) => ({
          ours: Math.round(one.ours.perSecond),
          floor: Math.round(one.floor.perSecond),
        })),
        perUnit: costEach(spent, counted.answered),
        violations: [...wrongAnswers(measured.map((one) => one.floor)), ...(await conservation(stack, all))],
        notes: [
          "gateway role alone in one process: key checked, rate counted, body validated, decided and durable; 1 % repeats",
          `open loop at ${openRate}/s: p50 ${open.p50Ms} ms, p99 ${open.p99Ms} ms`,
        ],
        more: { openLoopPerSecond: openRate, openLoopP50Ms: open.p50Ms, openLoopP99Ms: open.p99Ms },
      },
      pairedRatio(
        ours,
        measured.map((one) => one.floor.perSecond),
      ),
    )
  } finally {
    await Promise.all([load.stop(), noop.stop(), gateway.stop()])
  }
}

interface Pace {
  seconds: number
  perSecond?: number
}

function reserve(
  load: Program,
  request: Pace & { url: string; key: string; connections: number; isDecided: boolean },
): Promise<Measured> {
  return load.ask<Measured>({ do: "reserve", sku, ...request })
}

function wrongAnswers(results: readonly LoadResult[]): string[] {
  return results
    .flatMap(({ wrong }) => wrong)
    .slice(0, 5)
    .map((answer) => `wrong answer: ${answer}`)
}

async function conservation(stack: Stack, all: readonly Measured[]): Promise<string[]> {
  const violations = wrongAnswers(all)
  const granted = all.reduce((sum, one) => sum + one.fresh, 0)
  const [row] = await stack.sql<{ reserved: number; held: number; lines: number }[]>`
    select s.reserved_milli as reserved, coalesce(sum(l.held_milli), 0)::bigint as held, count(l.*) as lines
    from stock_skus s left join stock_reservation_lines l on l.sku = s.sku where s.sku = ${sku} group by 1`
  if (row?.lines !== granted) violations.push(`${granted} were granted, ${row?.lines ?? 0} are in the tables`)
  if (row?.held !== granted * 1000 || row.reserved !== row.held)
    violations.push(`granted ${granted * 1000}, held ${row?.held ?? 0}, reserved ${row?.reserved ?? 0}`)
  return violations
}
