import { codeHash } from "../../canonical/pickups/code-hash.ts"
import type { SnapshotItem, SnapshotKind, SnapshotPickup } from "../../canonical/sales/snapshot.ts"
import { articlesBehind, articlesOf, storePromotionsBehind, storePromotionsOf } from "../../catalogue/store-articles.ts"
import type { SnapshotDesk } from "../../gateway/routes/sales/store-snapshots.ts"
import { openPickupsBehind, openPickupsOf } from "../../orders/pickups/read.ts"
import { readPage, type SnapshotSource } from "../../sales/snapshot/page.ts"
import { bookedAt, storeStockBehind, storeStockOf } from "../../stock/views/store-stock.ts"
import type { AreaParts } from "../define-area.ts"
import { storePickups } from "../pickups/pickups.ts"
import { turns } from "./turns.ts"

type Parts = Pick<AreaParts, "sql" | "clock" | "eventLog" | "estate" | "policyOf">

/** Hashing a code takes 30 ms of a core, and each pickup is read from the log. */
const pickupsAtOnce = 50
/** A page holds a connection and reads pickups over another: all stores ask at once when the database is back after a crash. */
const pagesAtOnce = { atOnce: 4, waitingMax: 200 }
/** Hashes that are remembered, of 100 bytes or so. */
const hashesMax = 20_000

/** Serves the pages from which a store's agent keeps articles, promotions, stock and pickups. */
export function snapshotDesk(parts: Parts): SnapshotDesk {
  const { sql, clock, estate } = parts
  const stores = new Map(estate.locations.filter(({ kind }) => kind === "store").map((place) => [place.id, place]))
  const nowMs = () => clock.now()
  const sources: Record<SnapshotKind, SnapshotSource> = {
    article: {
      behind: (tx, of) => articlesBehind(tx, { ...of, nowMs: nowMs() }),
      some: (tx, { storeId, keys }) => articlesOf(tx, { storeId, ids: keys, nowMs: nowMs() }),
    },
    promotion: {
      behind: (tx, of) => storePromotionsBehind(tx, of),
      some: (tx, { storeId, keys }) => storePromotionsOf(tx, { storeId, ids: keys }),
    },
    stock: {
      behind: (tx, of) => storeStockBehind(tx, of),
      some: (tx, { storeId, keys }) => storeStockOf(tx, { storeId, skus: keys }),
    },
    pickup: pickupSource(parts),
  }
  const inTurn = turns(pagesAtOnce)
  const withHashes = hasher(parts)
  return {
    isStore: (storeId) => stores.has(storeId),
    page: (asked) =>
      inTurn(async () => {
        const { currency = "" } = stores.get(asked.storeId) ?? {}
        const page = await readPage({ sql, clock, sources, booked: bookedAt }, { ...asked, currency })
        return { ...page, items: await withHashes(page.items) }
      }),
  }
}

/** Adds the hashes of codes to pickups. A code follows from its pickup's id, so that its hash is made once; no transaction waits for it. */
function hasher(parts: Parts): (items: readonly SnapshotItem[]) => Promise<SnapshotItem[]> {
  const { codeOf } = storePickups(parts)
  const known = new Map<string, string>()
  const hashOf = async (pickupId: string, code: string) => {
    const hash = known.get(pickupId) ?? (await codeHash(pickupId, code))
    // The one that was asked for longest ago is forgotten first.
    known.delete(pickupId)
    known.set(pickupId, hash)
    for (const [oldest] of known) {
      if (known.size <= hashesMax) break
      known.delete(oldest)
    }
    return hash
  }
  return async (items) => {
    const whole: SnapshotItem[] = []
    for (const item of items) {
      const code = isCollected(item) ? codeOf(item.key) : undefined
      if (code === undefined || !("body" in item)) whole.push(item)
      else whole.push({ ...item, body: { ...item.body, codeHash: await hashOf(item.key, code) } })
    }
    return whole
  }
}

function isCollected(item: SnapshotItem): boolean {
  // Bodies of this kind are made below.
  return item.kind === "pickup" && "body" in item && (item.body as SnapshotPickup).method === "pickup"
}

function pickupSource(parts: Parts): SnapshotSource {
  const { read } = storePickups(parts)
  const one = async (pickupId: string): Promise<SnapshotPickup | undefined> => {
    const found = await read(pickupId)
    if (!found) return undefined
    const { number, method, state, requestedAt, readyBy, readyAt, keptUntil, lines, buyer, asksCode, asksId } = found
    return {
      number,
      method,
      state,
      requestedAt,
      ...(readyBy === undefined ? {} : { readyBy }),
      ...(readyAt === undefined ? {} : { readyAt }),
      ...(keptUntil === undefined ? {} : { keptUntil }),
      lines: lines.map(({ lineId, sku, title, unit, toFindMilli, toHandOverMilli, toPutBackMilli }) => {
        return { lineId, sku, title, unit, toFindMilli, toHandOverMilli, toPutBackMilli }
      }),
      // Whom a carrier brings it to is none of the store's business.
      ...(buyer === undefined || method === "ship" ? {} : { buyer }),
      asksCode,
      asksId,
    }
  }
  const all = async (ids: readonly string[]) => {
    const found: [string, SnapshotPickup][] = []
    for (const id of ids) {
      const pickup = await one(id)
      if (pickup) found.push([id, pickup])
    }
    return new Map(found)
  }
  return {
    atOnce: pickupsAtOnce,
    async behind(tx, { limit, ...of }) {
      const most = Math.min(limit, pickupsAtOnce)
      const ids = await openPickupsBehind(tx, { ...of, limit: most })
      const last = ids.length < most ? undefined : ids.at(-1)
      return { items: await all(ids), ...(last === undefined ? {} : { next: last }) }
    },
    some: async (tx, { storeId, keys }) => all(await openPickupsOf(tx, { storeId, ids: keys })),
  }
}
