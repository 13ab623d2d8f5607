import { setTimeout as sleep } from "node:timers/promises"
import { residentOf } from "../counters.ts"
import type { Booked } from "../programs/publishing/stock-load.ts"
import { BenchChannel } from "../publishing/channel.ts"
import { cloneArticles } from "../publishing/catalogue.ts"
import { round3, type Figure, type Findings, type Options } from "../scenario.ts"
import { callGateway, operatorKey, type Stack } from "../stack.ts"
import { quantile } from "../statistics.ts"

/** A Plus shop: 1,000 points a second, twenty seconds' worth of them in the bucket. */
const budget = { maximum: 20_000, restorePerSecond: 1000 }
const places = 1
const milli = 20_000
const tricklePerSecond = 10
const lookEveryMs = 500
const withinMs = 4 * 3_600_000
const levelsOfRead = 50
/** Half of the reads that a load needs, when its worker is killed: what was read then must not be read again. */
const killedAt = 0.5

interface Progress {
  rows: number
  left: number
  endsAt?: string
}

/**
 * The first load of a shop that shows nothing: a dry run, whose worker is killed on the way, and then the same without it, beside changes of stock
 * all the time.
 */
export async function publishLoad(stack: Stack, { loadSkus: skus }: Options): Promise<Findings> {
  const channel = await BenchChannel.start(stack, { skus, places, budget, isDryRun: true })
  try {
    await cloneArticles(stack.sql, { from: 0, to: skus, places: channel.places, milli, isPublished: false })
    const dry = await dryRun(channel, skus)
    const written = await forReal(channel, skus)
    const reads = Math.ceil(skus / levelsOfRead)
    const figures: Figure[] = [
      { name: `dry run of ${skus} articles`, value: round3(dry.seconds), unit: "s", more: dry.more },
      {
        name: "queries of the dry run",
        value: dry.queries,
        unit: `of ${reads} reads of ${levelsOfRead} that are needed`,
      },
      {
        name: "dry run, the shop's budget alone",
        value: round3(dry.idealSeconds),
        unit: "s",
        more: `${dry.points} points`,
      },
      { name: "first estimate of its end, off by", value: round3(dry.estimateOff), unit: "of the time that was left" },
      { name: "all written", value: round3(written.seconds), unit: "s" },
      {
        name: "changes beside it, p50",
        value: Math.round(quantile(written.waits, 0.5)),
        unit: "ms",
        more: `${tricklePerSecond} a second`,
      },
      { name: "changes beside it, p99", value: Math.round(quantile(written.waits, 0.99)), unit: "ms" },
      {
        name: "worker's memory at most",
        value: Math.round(Math.max(dry.residentBytes, written.residentBytes) / 1e6),
        unit: "MB",
      },
    ]
    return {
      figures,
      more: { rereadShare: round3(dry.queries / reads - 1), loadedRows: skus * places },
      violations: [...dry.violations, ...written.violations, ...(await channel.violations())],
      notes: ["the worker of the dry run is killed when half is read, and another goes on"],
    }
  } finally {
    await channel.stop()
  }
}

async function progressOf({ gateway }: BenchChannel, stack: Stack): Promise<Progress | undefined> {
  const answer = await callGateway(gateway.url, operatorKey(stack), { method: "GET", path: "/v1/channels" })
  // The product's own API.
  const { items } = answer as { items: { aspect: string; load?: Progress }[] }
  return items.find(({ aspect }) => aspect === "stock")?.load
}

async function dryRun(channel: BenchChannel, skus: number) {
  const { stack } = channel
  const call = (path: string, body: object) =>
    callGateway(channel.gateway.url, operatorKey(stack), { method: "POST", path, body })
  const before = await channel.budget()
  const startedMs = performance.now()
  const operation = { kind: "load stock", spec: { channel: "shopify" }, reason: "first load" }
  const { id, hash } = (await call("/v1/operations", operation)) as { id: string; hash: string }
  await call(`/v1/operations/${id}/run`, { hash })
  let [residentBytes, isKilled] = [0, false]
  let estimate: { at: number; endsAtMs: number } | undefined
  const isLoaded = async () => {
    const [row] = await stack.sql<{ read: number }[]>`
      select count(*)::integer as read from published_rows where aspect = 'stock' and observed is not null and desired is not null`
    return row?.read ?? 0
  }
  for (;;) {
    const read = await isLoaded()
    residentBytes = Math.max(residentBytes, residentOf(channel.pids)["worker"] ?? 0)
    const progress = await progressOf(channel, stack)
    if (progress?.endsAt !== undefined && isKilled)
      estimate ??= { at: performance.now(), endsAtMs: Date.parse(progress.endsAt) }
    if (!isKilled && read >= skus * places * killedAt) {
      isKilled = true
      await channel.killWorker()
      await channel.startWorker({ isDryRun: true })
    }
    if (read >= skus * places) break
    if (performance.now() - startedMs > withinMs) throw new Error(`${read} of ${skus * places} were read`)
    await sleep(lookEveryMs)
  }
  const endedMs = performance.now()
  const after = await channel.budget()
  const points = after.points - before.points
  const leftMs = estimate ? endedMs - estimate.at : 0
  const saidMs = estimate ? estimate.endsAtMs - (Date.now() - (performance.now() - estimate.at)) : 0
  return {
    seconds: (endedMs - startedMs) / 1000,
    queries: after.queries - before.queries,
    points,
    idealSeconds: Math.max(0, points - budget.maximum) / budget.restorePerSecond,
    estimateOff: leftMs > 0 ? Math.abs(saidMs - leftMs) / leftMs : 0,
    residentBytes,
    more: `${Math.round((skus * places) / ((endedMs - startedMs) / 1000))} levels/s`,
    violations: (await channel.count()) > 0 ? ["the dry run wrote to the shop"] : [],
  }
}

/** Takes the dry run away, as an operator does, while stock goes on changing. */
async function forReal(channel: BenchChannel, skus: number) {
  await channel.stopWorker()
  await channel.startWorker({ isDryRun: false })
  const startedMs = performance.now()
  let [isWritten, residentBytes] = [false, 0]
  const booked: Booked[] = []
  const before = new Map<string, number>()
  const beside = (async () => {
    do {
      const part = await channel.ask<{ booked: Booked[] }>({
        do: "trickle",
        skus,
        perSecond: tricklePerSecond,
        seconds: 3,
      })
      booked.push(...part.booked)
    } while (!isWritten)
  })()
  const wanted = skus * places
  while (!isWritten) {
    residentBytes = Math.max(residentBytes, residentOf(channel.pids)["worker"] ?? 0)
    const [row] = await channel.stack.sql<{ live: number }[]>`
      select count(*)::integer as live from published_rows where aspect = 'stock' and accepted_at is not null`
    isWritten = (row?.live ?? 0) >= wanted
    if (performance.now() - startedMs > withinMs) throw new Error(`${row?.live ?? 0} of ${wanted} were written`)
    await sleep(lookEveryMs)
  }
  const seconds = (performance.now() - startedMs) / 1000
  await beside
  await channel.untilShown()
  for (const [sku, place] of booked) before.set(`${place}/${sku}`, milli / 1000)
  const waits = channel.latencies(booked, await channel.changesSince(0), before)
  const shown = waits.filter((wait) => wait !== undefined)
  const violations = shown.length < booked.length ? [`${booked.length - shown.length} changes were never shown`] : []
  return { seconds, waits: shown, residentBytes, violations }
}
