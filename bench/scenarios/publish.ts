import { setTimeout as sleep } from "node:timers/promises"
import { costEach, countCost, type Cost } from "../counters.ts"
import type { LoadResult } from "../programs/http-client.ts"
import type { Booked } from "../programs/publishing/stock-load.ts"
import { BenchChannel } from "../publishing/channel.ts"
import { cloneArticles } from "../publishing/catalogue.ts"
import { round3, scored, sweep, type Options, type Result } from "../scenario.ts"
import { settle, type Stack } from "../stack.ts"
import { median, pairedRatio, quantile } from "../statistics.ts"

/** A standard shop: 100 points a second, and twenty seconds' worth of them in the bucket. */
const budget = { maximum: 2000, restorePerSecond: 100 }
const levelsOfCall = 250
/** Ten for a mutation, one for the group of adjustments that it returns: lab/shopify/graph/cost.ts. */
const pointsOfCall = 11
const places = 2
const tricklePerSecond = 50

/** One size of the catalogue: what a change costs, and how long it takes to be shown. */
interface Size {
  levels: number
  cost: Cost
  waits: number[]
}

/** Many changes at once, under the shop's budget. */
interface Drain {
  seconds: number
  idealSeconds: number
  calls: number
  throttled: number
  cost: Cost
}

/** From a change of stock to what the shop shows, at two sizes of the catalogue, and how fast many changes are shown under its budget. */
export async function publish(stack: Stack, options: Options): Promise<Result> {
  const skus = options.publishSkus
  const channel = await BenchChannel.start(stack, { skus, places, budget })
  try {
    const wrong: string[] = []
    const sizes: Size[] = []
    let known = 0
    // A run that is too short to compare sizes has only one.
    const counts = sweep([skus, Math.ceil(skus / 10)], options).toReversed()
    for (const count of counts) {
      const from = known
      await cloneArticles(stack.sql, { from, to: count, places: channel.places, milli: 0, isPublished: true })
      known = count
      if (counts.length > 1) await trickled(channel, { skus: count, seconds: 2 })
      const size = await trickled(channel, { skus: count, seconds: options.seconds })
      wrong.push(...size.wrong)
      sizes.push(size)
    }
    const drains: Drain[] = []
    const levels = Math.min(options.publishLevels, skus * places)
    for (let round = 0; round < options.rounds; round += 1) drains.push(await drained(channel, { skus, levels }))
    return resultOf({ sizes, drains, levels, violations: [...wrong, ...(await channel.violations())] })
  } finally {
    await channel.stop()
  }
}

async function trickled(
  channel: BenchChannel,
  { skus, seconds }: { skus: number; seconds: number },
): Promise<Size & { wrong: string[] }> {
  const { stack } = channel
  await channel.untilShown()
  await settle(stack.sql)
  const from = await channel.count()
  const counting = await countCost(stack.sql, channel.pids)
  const { load, booked } = await channel.ask<{ load: LoadResult; booked: Booked[] }>({
    do: "trickle",
    skus,
    perSecond: tricklePerSecond,
    seconds,
  })
  await channel.untilShown()
  const cost = await counting()
  const waits = channel.latencies(booked, await channel.changesSince(from))
  const shown = waits.filter((wait) => wait !== undefined)
  const wrong = [
    ...load.wrong.map((answer) => `wrong answer: ${answer}`),
    ...(shown.length < booked.length ? [`${booked.length - shown.length} changes were never shown`] : []),
  ]
  return { levels: skus * places, cost: costEach(cost, booked.length), waits: shown, wrong }
}

/** Changes so many levels at once, with nothing left of the shop's budget, and waits until all are shown. */
async function drained(channel: BenchChannel, { skus, levels }: { skus: number; levels: number }): Promise<Drain> {
  await channel.untilShown()
  await settle(channel.stack.sql)
  await sleep(500)
  const from = await channel.count()
  const counting = await countCost(channel.stack.sql, channel.pids)
  // Counting takes a second, in which the bucket must not fill again.
  await channel.shop.ask({ do: "empty" })
  const before = await channel.budget()
  const { startedMs } = await channel.ask<{ startedMs: number }>({ do: "burst", skus, levels })
  await channel.untilShown()
  const cost = costEach(await counting(), levels)
  const changes = await channel.changesSince(from)
  const after = await channel.budget()
  const lastMs = Math.max(...changes.map(([, , , atMs]) => atMs))
  const calls = after.queries - before.queries
  const throttled = after.throttled - before.throttled
  return {
    seconds: (lastMs - startedMs) / 1000,
    idealSeconds: (Math.ceil(levels / levelsOfCall) * pointsOfCall) / budget.restorePerSecond,
    calls,
    throttled,
    cost,
  }
}

const total = ({ cpuMs }: Cost) => Object.values(cpuMs).reduce((sum, ms) => sum + ms, 0)

function resultOf({
  sizes,
  drains,
  levels,
  violations,
}: {
  sizes: readonly Size[]
  drains: readonly Drain[]
  levels: number
  violations: string[]
}): Result {
  const [small, large, drain] = [sizes[0], sizes.at(-1), drains.at(-1)]
  if (!small || !large || !drain) throw new Error("nothing was measured")
  const ours = drains.map(({ seconds }) => Math.round(levels / seconds))
  const floors = drains.map(({ idealSeconds }) => Math.round(levels / idealSeconds))
  const cpuGrowth = round3(total(large.cost) / total(small.cost))
  const sum = (pick: (one: Drain) => number) => drains.reduce((all, one) => all + pick(one), 0)
  const [calls, throttled] = [sum((one) => one.calls), sum((one) => one.throttled)]
  const walGrowth = round3(large.cost.walBytes / small.cost.walBytes)
  return scored(
    {
      ours: Math.round(median(ours)),
      floor: Math.round(median(floors)),
      unit: "levels/s",
      floorIs: `full calls of ${levelsOfCall} levels, ${pointsOfCall} points each, at ${budget.restorePerSecond} points a second from an empty bucket`,
      p50Ms: Math.round(quantile(large.waits, 0.5)),
      p99Ms: Math.round(quantile(large.waits, 0.99)),
      latencyIs: `from a booked movement to the shop, ${tricklePerSecond} a second, open loop, ${large.levels} levels published`,
      rounds: drains.map((_drain, n) => ({ ours: ours[n] ?? 0, floor: floors[n] ?? 0 })),
      perUnit: large.cost,
      violations,
      notes: [
        `${levels} levels change at once: ${median(drains.map((one) => one.seconds))} s, ${calls / drains.length} calls, each level costs ${round3(total(drain.cost))} CPU-ms (${byProcess(drain.cost)}) and ${drain.cost.walBytes} WAL bytes`,
        `${throttled} of these ${calls} calls were throttled; the shop tells of each level that was set, which is in all figures`,
        ...sizes.map(
          ({ levels: published, cost, waits }) =>
            `${published} levels published: a change costs ${round3(total(cost))} CPU-ms (${byProcess(cost)}) and ${cost.walBytes} WAL bytes; shown after ${Math.round(quantile(waits, 0.5))} ms, 99 % within ${Math.round(quantile(waits, 0.99))} ms`,
        ),
        `growth of a change's cost from the smaller to the larger: CPU ${cpuGrowth}, WAL ${walGrowth}`,
      ],
      more: { cpuGrowth, walGrowth, levels: large.levels, throttledShare: round3(throttled / Math.max(1, calls)) },
    },
    pairedRatio(ours, floors),
  )
}

const byProcess = ({ cpuMs }: Cost) =>
  Object.entries(cpuMs)
    .map(([name, ms]) => `${name} ${ms}`)
    .join(", ")
