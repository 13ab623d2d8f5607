import { startProgram, type Program } from "../child.ts"
import { costEach, countCost, type Cost } from "../counters.ts"
import type { LoadResult } from "../programs/http-client.ts"
import { best, round3, scored, sweep, type Options, type Result } from "../scenario.ts"
import { makeBenchKey, type Stack } from "../stack.ts"
import { median, pairedRatio } from "../statistics.ts"
import { noCentre, startAgent, untilSent, type Agent } from "../stores/agent.ts"
import { storeIds } from "../stores/receipts.ts"

const manyTills = [64, 16, 256]
const sentWithinMs = 300_000

interface Round {
  one: LoadResult
  many: LoadResult
  floor: number
}

/** Receipts that the agent of a store keeps, durable before the till hears of it, beside the disk's own fdatasync. */
export async function edge(stack: Stack, options: Options): Promise<Result> {
  const storeId = storeIds[0] ?? ""
  const load = startProgram("stores/till-load")
  const disk = startProgram("stores/disk-floor")
  try {
    const cut = await measureCut(stack, options, { storeId, load, disk })
    const { rounds, tills, lost } = cut
    const { cost, sending, sentPerSecond, missing } = await measureSending(stack, options, { storeId, load, tills })
    const ours = rounds.map(({ one }) => one.perSecond)
    const floors = rounds.map(({ floor }) => floor)
    const manyRatio = pairedRatio(
      rounds.map(({ many }) => many.perSecond),
      floors,
    )
    const of = (pick: (round: Round) => number) => median(rounds.map(pick))
    const manyText = `${Math.round(of(({ many }) => many.perSecond))} receipts/s, p50 ${of(({ many }) => many.p50Ms)} ms, p99 ${of(({ many }) => many.p99Ms)} ms`
    return scored(
      {
        ours: Math.round(median(ours)),
        floor: Math.round(median(floors)),
        unit: "receipts/s",
        floorIs: "fdatasync of one 8 KiB page over and over, in the same folder",
        p50Ms: of(({ one }) => one.p50Ms),
        p99Ms: of(({ one }) => one.p99Ms),
        latencyIs: "one till, one receipt a request",
        rounds: rounds.map(({ one, floor }) => ({ ours: Math.round(one.perSecond), floor })),
        perUnit: cost,
        violations: [...lost, ...missing],
        notes: [
          "ratio is one till's, the line to the centre cut; receipts of 1 to 15 lines, 8 on average",
          `${tills} tills at once: ${manyText}; ratio to the floor ${round3(manyRatio.median)} [${round3(manyRatio.low)} … ${round3(manyRatio.high)}]`,
          `${tills} tills while the agent sends to the centre: ${Math.round(sending.perSecond)} receipts/s, p99 ${sending.p99Ms} ms; the centre has them at ${sentPerSecond}/s; costs are of this way`,
        ],
        more: { tills, manyRatio: round3(manyRatio.median), sentPerSecond },
      },
      pairedRatio(ours, floors),
    )
  } finally {
    await Promise.all([load.stop(), disk.stop()])
  }
}

interface Parts {
  storeId: string
  load: Program
}

function sell(
  load: Program,
  agent: Agent,
  of: { storeId: string; tills: string; connections: number; seconds: number },
) {
  return load.ask<LoadResult>({ do: "sell", url: agent.url, ...of })
}

/** One till and many tills beside the floor, with no centre. Then the agent is killed, and its journal is counted. */
async function measureCut(
  stack: Stack,
  options: Options,
  { storeId, load, disk }: Parts & { disk: Program },
): Promise<{ rounds: Round[]; tills: number; lost: string[] }> {
  const at = { storeId, folder: "edge", centreUrl: noCentre, key: "none" }
  const agent = await startAgent(stack, at)
  const all: LoadResult[] = []
  const ask = async (connections: number, seconds: number) => {
    const result = await sell(load, agent, { storeId, tills: `cut-${connections}-`, connections, seconds })
    all.push(result)
    return result
  }
  await ask(1, options.seconds / 3)
  const tills = await best(
    sweep(manyTills, options),
    async (count) => (await ask(count, options.seconds / 3)).perSecond,
  )
  const rounds: Round[] = []
  for (let round = 0; round < options.rounds; round += 1) {
    const one = await ask(1, options.seconds)
    const floor = await disk.ask<number>({ do: "run", folder: stack.folder, seconds: options.seconds })
    rounds.push({ one, floor, many: await ask(tills, options.seconds) })
  }
  await agent.kill()
  return { rounds, tills, lost: [...wrongAnswers(all), ...(await lostBy(stack, at, all))] }
}

/** An agent that is started again has every receipt that was answered before it was killed, and no other. */
async function lostBy(
  stack: Stack,
  at: Parameters<typeof startAgent>[1],
  all: readonly LoadResult[],
): Promise<string[]> {
  const agent = await startAgent(stack, at)
  const { entries, breaks } = await agent.walk()
  await agent.stop()
  const answered = all.reduce((sum, one) => sum + one.answered, 0)
  return [
    ...(entries === answered ? [] : [`${answered} receipts were answered, the journal has ${entries}`]),
    ...(breaks.length === 0 ? [] : [`the journal's chain is broken: ${JSON.stringify(breaks).slice(0, 300)}`]),
  ]
}

/** Many tills with the centre in reach: what that costs, and whether the centre has each receipt once. */
async function measureSending(
  stack: Stack,
  { seconds }: Options,
  { storeId, load, tills }: Parts & { tills: number },
): Promise<{ cost: Cost; sending: LoadResult; sentPerSecond: number; missing: string[] }> {
  const gateway = await stack.startCrossdock("gateway")
  const key = await makeBenchKey(stack, gateway.url)
  const agent = await startAgent(stack, { storeId, folder: "edge-sending", centreUrl: gateway.url, key })
  const pids = { ...stack.pids, gateway: gateway.pid, agent: agent.pid, tills: load.pid }
  try {
    const counting = await countCost(stack.sql, pids)
    const sending = await sell(load, agent, { storeId, tills: "sending-", connections: tills, seconds: seconds / 2 })
    const restMs = await untilSent(agent, sentWithinMs)
    const spent = await counting()
    const [row] = await stack.sql<{ kept: number; tills: number }[]>`
      select count(*) as kept, count(distinct (till_id, sequence)) as tills from receipts
      where store_id = ${storeId} and standing = 'recorded'`
    const missing =
      row?.kept === sending.answered && row.tills === sending.answered
        ? []
        : [`${sending.answered} receipts were answered, the centre has ${row?.kept ?? 0} (${row?.tills ?? 0} numbers)`]
    return {
      cost: costEach(spent, sending.answered),
      sending,
      sentPerSecond: Math.round(sending.answered / ((sending.tookMs + restMs) / 1000)),
      missing: [...wrongAnswers([sending]), ...missing],
    }
  } finally {
    await agent.stop()
    await gateway.stop()
  }
}

function wrongAnswers(results: readonly LoadResult[]): string[] {
  return results
    .flatMap(({ wrong }) => wrong)
    .slice(0, 5)
    .map((answer) => `wrong answer: ${answer}`)
}
