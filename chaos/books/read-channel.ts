import { setTimeout as sleep } from "node:timers/promises"
import { openSql } from "../../src/base/sql.ts"
import type { Stage } from "../stage.ts"
import type { Availability, Books, ChannelBook } from "./books.ts"
import { pages } from "./pages.ts"

const channel = "shopify"
const lookEveryMs = 1500

interface RowAnswer {
  sku: string
  locationId: string
  state: string
  desired: { version: number; milli: number; why: { unseenMilli: number } | null } | null
  sent: { version: number } | null
  observed: { at: string | null } | null
}

/** Looks at the rows of the channel while faults are on: what version each has, and which was sent. */
export class RowWatch {
  readonly sightings: ChannelBook["sightings"][number][] = []
  readonly #stop = new AbortController()
  #running: Promise<void> = Promise.resolve()

  start(stage: Stage): void {
    this.#running = this.#loop(stage)
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #loop(stage: Stage): Promise<void> {
    while (!this.#stop.signal.aborted) {
      // The gateway may be down; the next look is soon enough.
      const page = (await stage.tryApi(`/v1/channels/${channel}/published?limit=500`).catch(() => undefined)) as
        | { items?: RowAnswer[] }
        | undefined
      for (const { sku, locationId, desired, sent } of page?.items ?? [])
        this.sightings.push({
          channel,
          sku,
          locationId,
          version: desired?.version ?? 0,
          sentVersion: sent?.version ?? 0,
        })
      await sleep(lookEveryMs, undefined, { signal: this.#stop.signal }).catch(() => undefined)
    }
  }
}

/** Rows that are still on their way to what they should show, or that nobody has read back since. */
export async function rowsUnderWay(stage: Stage, sinceMs: number): Promise<number> {
  const rows = await pages<RowAnswer>(stage, `/v1/channels/${channel}/published`)
  return rows.filter(({ state, observed }) => {
    if (state === "live") return Date.parse(observed?.at ?? "") < sinceMs
    return !["refused", "unmapped", "derived", "held", "gone"].includes(state)
  }).length
}

/** Everything about the channel that is published to: its own books, our rows, the promise, and how the promise moved. */
export async function readChannel(stage: Stage, shop: Record<string, never>): Promise<ChannelBook> {
  const rows = await pages<RowAnswer>(stage, `/v1/channels/${channel}/published`)
  const items = rows.map(({ sku }) => ({ sku, channel }))
  const promises: (Availability & { availableToPromiseMilli: number })[] = []
  for (let at = 0; at < items.length; at += 1000) {
    const body = { items: items.slice(at, at + 1000) }
    const answer = await stage.api("/v1/availability/query", { method: "POST", body })
    promises.push(...(answer as { items: typeof promises }).items)
  }
  return {
    channel,
    rows: rows.map(({ sku, locationId, state, desired }, n) => ({
      sku,
      locationId,
      state,
      unseenMilli: desired?.why?.unseenMilli ?? 0,
      promiseMilli: promises[n]?.availableToPromiseMilli ?? 0,
      backorderMilli: promises[n]?.backorderLimitMilli ?? 0,
    })),
    levels: shop["levels"] ?? [],
    changes: shop["levelChanges"] ?? [],
    sightings: [],
    steps: await promiseSteps(stage.readerUrl),
  }
}

/**
 * How what can be promised of each article changed, from the ledger and the reservations. It reads the database, which the checker does
 * not: what could be promised at a moment is in no book. A shipment takes from both, so it changes nothing. Units that were
 * given back count as never reserved, because they may have gone from place to place before: that allows more.
 */
async function promiseSteps(databaseUrl: string): Promise<ChannelBook["steps"][number][]> {
  const sql = openSql(databaseUrl, { connectionsMax: 1, name: "chaos" })
  try {
    const rows = await sql<{ sku: string; at_ms: number; milli: number }[]>`
      select sku, extract(epoch from recorded_at)::float8 * 1000 as at_ms, delta_milli::float8 as milli from stock_ledger
        where kind <> 'shipment' and location_id not like '%/%' and delta_milli <> 0
      union all
      select l.sku, extract(epoch from r.created_at)::float8 * 1000, -(l.held_milli + l.consumed_milli)::float8
        from stock_reservation_lines l join stock_reservations r on r.id = l.reservation_id
        where l.held_milli + l.consumed_milli > 0
      order by at_ms`
    return rows.map(({ sku, at_ms: atMs, milli }) => ({ sku, atMs, milli }))
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** What lies in states at places, of articles that were moved: in transit, damaged. */
export async function readStates(stage: Stage, skus: readonly string[]): Promise<Books["inStates"][number][]> {
  const found: Books["inStates"][number][] = []
  for (const sku of new Set(skus)) {
    const { places } = (await stage.api(`/v1/stock/${encodeURIComponent(sku)}`)) as {
      places: { locationId: string; state?: string; onHandMilli: number }[]
    }
    for (const { locationId, state, onHandMilli } of places)
      if (state !== undefined) found.push({ sku, locationId: `${locationId}/${state}`, onHandMilli })
  }
  return found
}
