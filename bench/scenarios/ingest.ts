import { startProgram, type Program } from "../child.ts"
import { costEach, countCost } from "../counters.ts"
import type { LoadResult } from "../programs/http-client.ts"
import { best, round3, scored, sweep, type Options, type Result } from "../scenario.ts"
import { settle, type Stack } from "../stack.ts"
import { median, pairedRatio } from "../statistics.ts"

const connections = 64
const copyPartCounts = [1, 2, 4]
const guessPerSecond = 1500
const firstIds = { engine: 8_000_000_000_000, http: 9_000_000_000_000 }

interface Round {
  engine: number
  http: LoadResult
  copy: number
}

/** Facts ingested a second, signature checked, durable and deduplicated, beside COPY of the same rows into the same tables. */
export async function ingest(stack: Stack, options: Options): Promise<Result> {
  const { seconds, rounds } = options
  const gateway = await stack.startCrossdock("gateway")
  const engine = startProgram("ingest-engine")
  const shop = startProgram("ingest-load")
  try {
    await engine.ask({ do: "connect", databaseUrl: stack.databaseUrl, firstOrderId: firstIds.engine })
    const warm = new Ingest({ stack, engine, shop, url: gateway.url })
    const warmCount = Math.max(300, Math.round((guessPerSecond * seconds) / 4))
    const warmRate = await warm.engineRound(warmCount)
    await warm.httpRound(warmCount)
    const parts = await best(sweep(copyPartCounts, options), (count) => warm.copyRound(warmCount, count))
    const count = Math.max(300, Math.round(warmRate * seconds))
    const measured: Round[] = []
    for (let round = 0; round < rounds; round += 1) {
      const engineRate = await warm.engineRound(count)
      const http = await warm.httpRound(count)
      measured.push({ engine: engineRate, http, copy: await warm.copyRound(count, parts) })
    }
    const pids = { ...stack.pids, gateway: gateway.pid, engine: engine.pid, shop: shop.pid }
    const spent = await warm.countedHttpRound(Math.round(count / 2), pids)
    const ours = measured.map((one) => one.engine)
    const floors = measured.map((one) => one.copy)
    const httpRatio = pairedRatio(
      measured.map((one) => one.http.perSecond),
      floors,
    )
    return scored(
      {
        ours: Math.round(median(ours)),
        floor: Math.round(median(floors)),
        unit: "deliveries/s",
        floorIs: `COPY of the same rows into inbox, inbox_bodies, event_facts and events, same indexes, ${parts} connection(s)`,
        p50Ms: median(measured.map((one) => one.http.p50Ms)),
        p99Ms: median(measured.map((one) => one.http.p99Ms)),
        latencyIs: `HTTP answer after the flush, closed loop, ${connections} connections`,
        rounds: measured.map((one) => ({ ours: Math.round(one.engine), floor: Math.round(one.copy) })),
        perUnit: spent,
        violations: await warm.violations(),
        notes: [
          "ratio is the engine's (src/eventlog): signature, translation, then inbox and facts in one transaction; 1 % repeats found",
          `over HTTP, one delivery a request, with the workflows they start: ${Math.round(median(measured.map((one) => one.http.perSecond)))}/s; ratio to COPY ${round3(httpRatio.median)} [${round3(httpRatio.low)} … ${round3(httpRatio.high)}]`,
          `${warm.bytesEach} bytes a request; costs are of the HTTP way`,
        ],
        more: { httpRatio: round3(httpRatio.median) },
      },
      pairedRatio(ours, floors),
    )
  } finally {
    await Promise.all([engine.stop(), shop.stop(), gateway.stop()])
  }
}

/** The three kinds of ingest, and the total of what they stored. */
class Ingest {
  readonly #parts: { stack: Stack; engine: Program; shop: Program; url: string }
  readonly #wrong: string[] = []
  #sent = 0
  #copied = 0
  bytesEach = 0

  constructor(parts: { stack: Stack; engine: Program; shop: Program; url: string }) {
    this.#parts = parts
  }

  async engineRound(count: number): Promise<number> {
    const { engine, stack } = this.#parts
    this.#sent += await engine.ask<number>({ do: "prepare", count })
    await settle(stack.sql)
    return await engine.ask<number>({ do: "run" })
  }

  /** A delivery with a response has its verdict, because it is translated before it is stored. */
  async httpRound(count: number): Promise<Round["http"]> {
    const { stack } = this.#parts
    await this.#prepareHttp(count)
    await settle(stack.sql)
    return await this.#runHttp()
  }

  async countedHttpRound(count: number, pids: Record<string, number>) {
    const { stack } = this.#parts
    const ready = await this.#prepareHttp(count)
    const counting = await countCost(stack.sql, pids)
    await this.#runHttp()
    return costEach(await counting(), ready)
  }

  async #prepareHttp(count: number): Promise<number> {
    const request = { do: "prepare", count, firstOrderId: firstIds.http }
    const prepared = await this.#parts.shop.ask<{ count: number; bytesEach: number }>(request)
    this.bytesEach = prepared.bytesEach
    this.#sent += prepared.count
    return prepared.count
  }

  async #runHttp(): Promise<Round["http"]> {
    const { shop, url } = this.#parts
    const load = await shop.ask<LoadResult>({ do: "run", url, connections })
    this.#wrong.push(...load.wrong)
    return load
  }

  async copyRound(count: number, parts: number): Promise<number> {
    const { engine, stack } = this.#parts
    const prepared = await engine.ask<number>({ do: "prepareCopy", count, parts })
    this.#copied += prepared
    await settle(stack.sql)
    return await engine.ask<number>({ do: "copy", count: prepared })
  }

  /** Every delivery has its verdict, every fact is in the log once, every repeat was recognised. */
  async violations(): Promise<string[]> {
    const { sql } = this.#parts.stack
    const [row] = await sql<
      { rows: number; translated: number; duplicates: number; facts: number; events: number; distinct: number }[]
    >`
      select count(*) as rows, count(*) filter (where state = 'translated') as translated,
        count(*) filter (where state = 'duplicate') as duplicates, (select count(*) from event_facts) as facts,
        (select count(*) from events) as events, (select count(distinct fact) from events) as distinct
      from inbox`
    if (!row) return ["no counts"]
    const violations = this.#wrong.slice(0, 5).map((answer) => `wrong answer: ${answer}`)
    const expect = (what: string, found: number, wanted: number) => {
      if (found !== wanted) violations.push(`${what}: ${found}, should be ${wanted}`)
    }
    expect("inbox rows", row.rows, this.#sent + this.#copied)
    expect("rows with a verdict", row.translated + row.duplicates, row.rows)
    expect("events", row.events, row.translated)
    expect("facts", row.facts, row.events)
    expect("distinct facts", row.distinct, row.events)
    if (row.duplicates === 0) violations.push("no repeat was found")
    return violations
  }
}
