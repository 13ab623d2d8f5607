import { costEach, countCost, type Cost } from "../counters.ts"
import { medianWithInterval, pairedRatio, type Spread } from "../statistics.ts"
import { settle } from "../stack.ts"
import type { OrderFlow } from "./flow.ts"

const ownNames = ["postgres", "gateway", "worker"]

/** Runs a period of orders and returns the cost per order of each process. */
export async function costOf<Done extends { count: number }>(
  flow: OrderFlow,
  stretch: () => Promise<Done>,
): Promise<Done & { cost: Cost }> {
  await settle(flow.stack.sql)
  const counting = await countCost(flow.stack.sql, flow.pids)
  const done = await stretch()
  return { ...done, cost: costEach(await counting(), done.count) }
}

/** CPU-ms of Crossdock's own processes: gateway, worker and PostgreSQL. The lab is not ours, it stands for other systems. */
export function ownCpuMs({ cpuMs }: Cost): number {
  return ownNames.reduce((sum, name) => sum + (cpuMs[name] ?? 0), 0)
}

/** Medians of the rounds' costs. */
export function medianCost(costs: readonly Cost[]): Cost {
  const middle = (pick: (cost: Cost) => number) => short(medianWithInterval(costs.map(pick))).median
  const names = Object.keys(costs[0]?.cpuMs ?? {})
  return {
    transactions: middle((cost) => cost.transactions),
    walFlushes: middle((cost) => cost.walFlushes),
    walBytes: middle((cost) => cost.walBytes),
    cpuMs: Object.fromEntries(names.map((name) => [name, middle((cost) => cost.cpuMs[name] ?? 0)])),
  }
}

/** What an order costs, each figure a median over rounds with its interval. */
export interface OrderCost {
  ownCpuMs: Spread
  /** CPU of all processes of a floor's run: server, service and client. */
  floorCpuMs: Spread
  /** Own CPU of an order ÷ CPU of a run of the floor, round by round. */
  ownCpuRatio: Spread
  walBytes: Spread
  transactions: Spread
  walFlushes: Spread
  floorCpuBy: Record<string, number>
}

/** Compares the rounds' costs per order with the floor's CPU in the same rounds. */
export function orderCost(rounds: readonly { cost: Cost; floorCpuMs: Record<string, number> }[]): OrderCost {
  const own = rounds.map(({ cost }) => ownCpuMs(cost))
  const floors = rounds.map(({ floorCpuMs }) => Object.values(floorCpuMs).reduce((sum, ms) => sum + ms, 0))
  const spread = (pick: (cost: Cost) => number) => short(medianWithInterval(rounds.map(({ cost }) => pick(cost))))
  const parts = Object.keys(rounds[0]?.floorCpuMs ?? {})
  return {
    ownCpuMs: short(medianWithInterval(own)),
    floorCpuMs: short(medianWithInterval(floors)),
    ownCpuRatio: short(pairedRatio(own, floors)),
    walBytes: spread((cost) => cost.walBytes),
    transactions: spread((cost) => cost.transactions),
    walFlushes: spread((cost) => cost.walFlushes),
    floorCpuBy: Object.fromEntries(
      parts.map((name) => [name, short(medianWithInterval(rounds.map((one) => one.floorCpuMs[name] ?? 0))).median]),
    ),
  }
}

/** Three digits: more would only show noise. */
function short({ median, low, high }: Spread): Spread {
  const round = (value: number) => Number(value.toPrecision(3))
  return { median: round(median), low: round(low), high: round(high) }
}
