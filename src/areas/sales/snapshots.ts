import { codeHash } from "../../canonical/pickups/code-hash.ts"
import type { SnapshotKind, SnapshotPickup } from "../../canonical/sales/snapshot.ts"
import { articlesBehind, articlesOf, storePromotionsBehind, storePromotionsOf } from "../../catalogue/store-articles.ts"
import type { SnapshotDesk } from "../../gateway/routes/sales/store-snapshots.ts"
import { openPickupsBehind, openPickupsOf } from "../../orders/pickups/read.ts"
import { readPage, type SnapshotSource } from "../../sales/snapshot/page.ts"
import { bookedAt, storeStockBehind, storeStockOf } from "../../stock/views/store-stock.ts"
import type { AreaParts } from "../define-area.ts"
import { storePickups } from "../pickups/pickups.ts"

type Parts = Pick<AreaParts, "sql" | "clock" | "eventLog" | "estate" | "policyOf">

/** Hashing a code takes 30 ms of a core, and each pickup is read from the log. */
const pickupsAtOnce = 50

/** What agents of stores keep of each part of the business. */
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
  return {
    isStore: (storeId) => stores.has(storeId),
    page: (asked) =>
      readPage(
        { sql, clock, sources, booked: bookedAt },
        { ...asked, currency: stores.get(asked.storeId)?.currency ?? "" },
      ),
  }
}

function pickupSource(parts: Parts): SnapshotSource {
  const { read, codeOf } = storePickups(parts)
  const one = async (pickupId: string): Promise<SnapshotPickup | undefined> => {
    const found = await read(pickupId)
    if (!found) return undefined
    const { number, method, state, requestedAt, readyBy, readyAt, keptUntil, lines, buyer, asksCode, asksId } = found
    const code = method === "pickup" ? codeOf(pickupId) : undefined
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
      ...(code === undefined ? {} : { codeHash: await codeHash(pickupId, code) }),
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
    async behind(tx, { limit, ...of }) {
      const most = Math.min(limit, pickupsAtOnce)
      const ids = await openPickupsBehind(tx, { ...of, limit: most })
      const last = ids.length < most ? undefined : ids.at(-1)
      return { items: await all(ids), ...(last === undefined ? {} : { next: last }) }
    },
    some: async (tx, { storeId, keys }) => all(await openPickupsOf(tx, { storeId, ids: keys })),
  }
}
