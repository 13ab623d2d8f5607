import { startRestateFloor, type FloorRun, type RestateFloor } from "../floors/restate.ts"
import { stepsPerOrder } from "../orders/book.ts"
import { costOf, medianCost, orderCost } from "../orders/cost.ts"
import { OrderFlow } from "../orders/flow.ts"
import type { Cost } from "../counters.ts"
import { best, scored, sweep, type Options, type Result } from "../scenario.ts"
import { settle, type Stack } from "../stack.ts"
import { median, pairedRatio } from "../statistics.ts"

const floorConnections = [64, 128, 256]
const inFlightCounts = [32, 128, 256]
const firstBatch = 20
const openLoopShare = 0.5

interface Round {
  ours: { count: number; perSecond: number; cost: Cost }
  floor: FloorRun
}

/** Orders from the shop's webhook to closed, every step of them, beside a Restate service with as many steps that do nothing. */
export async function orders(stack: Stack, options: Options): Promise<Result> {
  const { seconds } = options
  const flow = await OrderFlow.start(stack)
  let floor: RestateFloor | undefined
  try {
    const trySeconds = seconds / 3
    await flow.closeFor(trySeconds, firstBatch)
    const inFlight = await best(
      sweep(inFlightCounts, options),
      async (count) => (await flow.closeFor(trySeconds, count)).perSecond,
    )
    const steps = await stepsPerOrder(stack.sql)
    const running = (floor = await startRestateFloor(stack, steps))
    const connections = await best(
      sweep(floorConnections, options),
      async (count) => (await running.measure(count, trySeconds)).perSecond,
    )
    const measured = await measure(options, { flow, floor, inFlight, connections })
    const openRate = Math.max(1, Math.round(median(measured.map((round) => round.ours.perSecond)) * openLoopShare))
    const open = await flow.openLoop(Math.max(firstBatch, Math.round(openRate * seconds)), openRate)
    return resultOf(measured, {
      violations: [...(await flow.violations()), ...wrongFloor(measured)],
      floorIs: `raw Restate, one service with ${steps} ctx.run no-op steps, ${connections} connections`,
      ...open,
      latencyIs: `webhook durable to closed, open loop at ${openRate}/s`,
      notes: [
        `${inFlight} plain orders under way, through shop, fraud, tax, payment, ERP, warehouse, mail; simulators without latency, faults or limits in one process`,
        `${steps} effects and decisions an order; gateway, worker, lab and PostgreSQL share the cores`,
      ],
    })
  } finally {
    await floor?.stop()
    await flow.stop()
  }
}

async function measure(
  { seconds, rounds }: Options,
  {
    flow,
    floor,
    inFlight,
    connections,
  }: { flow: OrderFlow; floor: RestateFloor; inFlight: number; connections: number },
): Promise<Round[]> {
  const measured: Round[] = []
  for (let round = 0; round < rounds; round += 1) {
    const ours = await costOf(flow, () => flow.closeFor(seconds, inFlight))
    await settle(flow.stack.sql)
    measured.push({ ours, floor: await floor.measure(connections, seconds) })
  }
  return measured
}

type Rest = Pick<Result, "violations" | "floorIs" | "p50Ms" | "p99Ms" | "latencyIs" | "notes">

function resultOf(measured: readonly Round[], rest: Rest): Result {
  const ours = measured.map((round) => round.ours.perSecond)
  const floors = measured.map((round) => round.floor.perSecond)
  const cost = orderCost(measured.map((round) => ({ cost: round.ours.cost, floorCpuMs: round.floor.cpuMs })))
  const result = scored(
    {
      ours: Number(median(ours).toPrecision(4)),
      floor: Math.round(median(floors)),
      unit: "orders/s",
      rounds: measured.map(({ ours: one, floor }) => ({
        ours: Math.round(one.perSecond),
        floor: Math.round(floor.perSecond),
      })),
      perUnit: medianCost(measured.map((round) => round.ours.cost)),
      orderCost: cost,
      ...rest,
    },
    pairedRatio(ours, floors),
  )
  // Lower is better here, so an invalid run has no figure: 0 would be the best one.
  if (rest.violations.length > 0) return result
  return { ...result, ownCpuRatio: cost.ownCpuRatio.median, walBytesPerOrder: cost.walBytes.median }
}

function wrongFloor(measured: readonly Round[]): string[] {
  return measured
    .flatMap(({ floor }) => floor.wrong)
    .slice(0, 3)
    .map((answer) => `wrong answer of the floor: ${answer}`)
}
