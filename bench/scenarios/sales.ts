import { startProgram, type Program } from "../child.ts"
import { costEach, countCost } from "../counters.ts"
import { countRows } from "../growth/clone.ts"
import type { LoadResult } from "../programs/http-client.ts"
import { best, round3, scored, sweep, type Options, type Result } from "../scenario.ts"
import { makeBenchKey, settle, type Stack } from "../stack.ts"
import { median, pairedRatio } from "../statistics.ts"
import { noCentre, startAgent, untilSent } from "../stores/agent.ts"
import { storeIds } from "../stores/receipts.ts"

const connectionCounts = [8, 4, 16]
const copyPartCounts = [1, 2]
const batch = 500
const guessPerSecond = 1000
/** Tables that get a row with each receipt; `violations` names any other. */
const tables = ["receipts", "event_facts", "events"]
const replayTills = 4
const replayWithinMs = 600_000

interface Round {
  ours: LoadResult
  perSecond: number
  floor: number
}

/** Receipts that the centre accepts in batches, beside COPY of the rows that it wrote; and a store that was alone for days. */
export async function sales(stack: Stack, options: Options): Promise<Result> {
  const gateway = await stack.startCrossdock("gateway")
  const load = startProgram("stores/till-load")
  const copy = startProgram("stores/copy-floor")
  try {
    const key = await makeBenchKey(stack, gateway.url)
    await copy.ask({ do: "connect", databaseUrl: stack.databaseUrl, tables })
    const before = await countRows(stack.sql)
    const doors = new Door({ stack, load, copy, url: gateway.url, key })
    const guess = Math.max(batch, Math.round((guessPerSecond * options.seconds) / 3))
    await doors.round(guess, 4)
    const connections = await best(
      sweep(connectionCounts, options),
      async (count) => (await doors.round(guess, count)).perSecond,
    )
    const parts = await best(sweep(copyPartCounts, options), async (count) => {
      // Rows can be copied once.
      await doors.round(guess, connections)
      return await doors.copy(count)
    })
    const rate = (await doors.round(guess, connections)).perSecond
    const receipts = Math.max(batch, Math.round(rate * options.seconds))
    const rounds: Round[] = []
    for (let round = 0; round < options.rounds; round += 1) {
      const ours = await doors.round(receipts, connections)
      rounds.push({ ...ours, floor: await doors.copy(parts) })
    }
    const pids = { ...stack.pids, gateway: gateway.pid, tills: load.pid }
    const perUnit = await doors.counted(Math.ceil(receipts / 2), connections, pids)
    const violations = await doors.violations(before)
    const replay = await replayed(stack, { load, receipts: options.replayReceipts, url: gateway.url, key })
    const of = (pick: (round: Round) => number) => rounds.map(pick)
    return scored(
      {
        ours: Math.round(median(of(({ perSecond }) => perSecond))),
        floor: Math.round(median(of(({ floor }) => floor))),
        unit: "receipts/s",
        floorIs: `COPY of the same rows into tables like ${tables.join(", ")}, same indexes, ${parts} connection(s)`,
        p50Ms: median(of(({ ours }) => ours.p50Ms)),
        p99Ms: median(of(({ ours }) => ours.p99Ms)),
        latencyIs: `a request of ${batch} receipts, closed loop, ${connections} connections`,
        rounds: rounds.map(({ perSecond, floor }) => ({ ours: Math.round(perSecond), floor: Math.round(floor) })),
        perUnit,
        violations: [...violations, ...replay.violations],
        notes: [
          "POST /v1/sales, NDJSON, one gateway process: key, schema, the receipt's law, its number and content, the store's day, the event; receipts of 1 to 15 lines, 8 on average",
          `${options.replayReceipts} receipts of one store replayed by its agent, ${replayTills} tills: ${round3(replay.seconds)} s, ${Math.round(replay.perSecond)} receipts/s`,
        ],
        more: { replayReceipts: options.replayReceipts, replaySeconds: round3(replay.seconds) },
      },
      pairedRatio(
        of(({ perSecond }) => perSecond),
        of(({ floor }) => floor),
      ),
    )
  } finally {
    await Promise.all([load.stop(), copy.stop()])
    await gateway.stop()
  }
}

const today = () => new Date().toISOString().slice(0, 10)

/** The gateway's door for receipts, and the floor for what went through it last. */
class Door {
  readonly #parts: { stack: Stack; load: Program; copy: Program; url: string; key: string }
  readonly #wrong: string[] = []
  #sent = 0
  #last = { fromXid: 0, receipts: 0 }

  constructor(parts: { stack: Stack; load: Program; copy: Program; url: string; key: string }) {
    this.#parts = parts
  }

  async round(receipts: number, connections: number): Promise<{ ours: LoadResult; perSecond: number }> {
    await this.#prepare(receipts, connections)
    return await this.#send(receipts)
  }

  async counted(receipts: number, connections: number, pids: Record<string, number>) {
    await this.#prepare(receipts, connections)
    const counting = await countCost(this.#parts.stack.sql, pids)
    await this.#send(receipts)
    return costEach(await counting(), receipts)
  }

  async #prepare(receipts: number, connections: number): Promise<void> {
    const { stack, load, key } = this.#parts
    const tills = `c${connections}-`
    const businessDay = today()
    await load.ask({
      do: "prepare",
      path: "/v1/sales",
      key,
      storeIds: storeIds.slice(1),
      tills,
      connections,
      receipts,
      batch,
      businessDay,
    })
    await settle(stack.sql)
    const [row] = await stack.sql<{ xid: number }[]>`select pg_current_xact_id()::text::bigint as xid`
    this.#last = { fromXid: row?.xid ?? 0, receipts }
  }

  async #send(receipts: number): Promise<{ ours: LoadResult; perSecond: number }> {
    const { load, url } = this.#parts
    const ours = await load.ask<LoadResult>({ do: "send", url })
    this.#wrong.push(...ours.wrong)
    this.#sent += receipts
    return { ours, perSecond: receipts / (ours.tookMs / 1000) }
  }

  /** Receipts a second of COPY, of the rows of the last round. */
  async copy(count: number): Promise<number> {
    const { stack, copy } = this.#parts
    const { fromXid, receipts } = this.#last
    await copy.ask({ do: "prepare", fromXid, count })
    await settle(stack.sql)
    return receipts / ((await copy.ask<number>({ do: "run" })) / 1000)
  }

  /** Every receipt counts once and its event is in the log once; the floor wrote into every table that grew with receipts. */
  async violations(before: Map<string, number>): Promise<string[]> {
    const { sql } = this.#parts.stack
    const violations = this.#wrong.slice(0, 5).map((answer) => `wrong answer: ${answer.slice(0, 300)}`)
    const [row] = await sql<{ rows: number; recorded: number; events: number; facts: number }[]>`
      select (select count(*) from receipts) as rows, (select count(*) from receipts where standing = 'recorded') as recorded,
        (select count(*) from events where type = 'sale.recorded') as events,
        (select count(distinct fact) from events where type = 'sale.recorded') as facts`
    for (const [what, found] of Object.entries(row ?? { rows: 0 }))
      if (found !== this.#sent) violations.push(`${what}: ${found}, should be ${this.#sent}`)
    for (const [table, rows] of await countRows(sql))
      if (!tables.includes(table) && rows - (before.get(table) ?? 0) > this.#sent / 2)
        violations.push(`${table} grew with the receipts, and the floor does not write it`)
    return violations
  }
}

/** A store that was alone: its agent has so many receipts when the line comes back. */
async function replayed(
  stack: Stack,
  { load, receipts, url, key }: { load: Program; receipts: number; url: string; key: string },
): Promise<{ seconds: number; perSecond: number; violations: string[] }> {
  const [storeId = ""] = storeIds
  const at = { storeId, folder: "edge-replay", key }
  const alone = await startAgent(stack, { ...at, centreUrl: noCentre })
  await load.ask({
    do: "prepare",
    path: "/sales",
    key,
    storeIds: [storeId],
    tills: "alone-",
    connections: replayTills,
    receipts,
    batch,
    businessDay: today(),
  })
  const kept = await load.ask<LoadResult>({ do: "send", url: alone.url })
  await alone.stop()
  await settle(stack.sql)
  const agent = await startAgent(stack, { ...at, centreUrl: url })
  const tookMs = await untilSent(agent, replayWithinMs)
  await agent.stop()
  const [row] = await stack.sql<{ found: number }[]>`
    select count(*) as found from receipts where store_id = ${storeId} and standing = 'recorded'`
  const found = row?.found ?? 0
  return {
    seconds: tookMs / 1000,
    perSecond: receipts / (tookMs / 1000),
    violations: [
      ...kept.wrong.map((answer) => `wrong answer of the agent: ${answer.slice(0, 300)}`),
      ...(found === receipts ? [] : [`${receipts} receipts were replayed, the centre counts ${found}`]),
    ],
  }
}
