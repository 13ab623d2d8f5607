import { AppError } from "../../base/errors.ts"
import { inTransaction, storage, type Sql, type SqlTransaction } from "../../base/sql.ts"
import { instant, sleep, type Clock } from "../../base/time.ts"
import {
  snapshotKinds,
  type SnapshotItem,
  type SnapshotKind,
  type SnapshotPage,
} from "../../canonical/sales/snapshot.ts"
import { cursorText, isNotAhead, readCursor, type SnapshotCursor } from "./cursor.ts"

/** Where things of one kind come from. Everything is read in the transaction given, or is at least as new. */
export interface SnapshotSource {
  /** Of things that are costly to read: a page of changes ends behind so many. */
  atOnce?: number
  /** Things of a store behind a key, by key; `next` is the last key that was looked at, absent when there are no more. */
  behind(
    tx: SqlTransaction,
    of: { storeId: string; after: string; limit: number },
  ): Promise<{ items: ReadonlyMap<string, object>; next?: string }>
  /** Things by key. What a store has not, or has no more, is left out. */
  some(tx: SqlTransaction, of: { storeId: string; keys: readonly string[] }): Promise<ReadonlyMap<string, object>>
}

/** What pages are made of. */
export interface Snapshots {
  sql: Sql
  clock: Clock
  sources: Readonly<Record<SnapshotKind, SnapshotSource>>
  /** Which lines of receipts are off the stock of a store. */
  booked(
    tx: SqlTransaction,
    of: { storeId: string; facts: readonly string[] },
  ): Promise<{ fact: string; sku: string }[]>
}

interface Asked {
  storeId: string
  currency: string
  cursor?: string | undefined
  limit: number
  /** Names of sold lines. */
  sold: readonly string[]
}

/** A page ends before it is larger, whatever its limit says; one thing alone may be. */
const pageBytesMax = 4 * 1024 * 1024
const [looksMax, lookEveryMs] = [100, 20]

/**
 * A page of what a store has of the centre: everything first, later what changed since. A cursor of other times begins with everything.
 * STORAGE_UNAVAILABLE while transactions run that began before notes were made: ask again.
 */
export async function readPage(snapshots: Snapshots, asked: Asked): Promise<SnapshotPage> {
  const { sql, clock } = snapshots
  const life = await join(sql, asked.storeId)
  return storage(() =>
    inTransaction(sql, async (tx) => {
      // What is booked, and what is on hand, is of one moment.
      await tx`set transaction isolation level repeatable read, read only`
      const [now] = await tx<{ snapshot: string }[]>`select pg_current_snapshot()::text as snapshot`
      const snapshot = now?.snapshot ?? ""
      const given = asked.cursor === undefined ? undefined : readCursor(asked.cursor)
      const from: SnapshotCursor = given?.life === life && isNotAhead(given, snapshot) ? given : { life }
      const { items, after } = await (from.since === undefined
        ? everything(tx, snapshots, { ...asked, from })
        : changes(tx, snapshots, { ...asked, from, since: from.since }))
      const round = from.round ?? snapshot
      const next = after
        ? { ...from, round, after }
        : // Nothing new: the same cursor goes on saying so.
          {
            life,
            since: from.since !== undefined && from.round === undefined && items.length === 0 ? from.since : round,
          }
      const booked = await snapshots.booked(tx, { storeId: asked.storeId, facts: asked.sold })
      return {
        storeId: asked.storeId,
        currency: asked.currency,
        mode: from.since === undefined ? "whole" : "changes",
        isFirst: from.round === undefined,
        isLast: after === undefined,
        cursor: cursorText(next),
        at: instant(clock.now()),
        items,
        booked,
      }
    }),
  )
}

type Found = { items: SnapshotItem[]; after?: { kind: SnapshotKind; key: string } }

/** Has changes noted for a store, and returns the life of the notes once nothing can be missing from them. */
async function join(sql: Sql, storeId: string): Promise<string> {
  for (let looks = 0; looks < looksMax; looks += 1) {
    const [known] = await storage(
      () => sql<{ life: string; is_dated: boolean; is_settled: boolean | null; is_fresh: boolean }[]>`
        select life, since is not null as is_dated, since < pg_snapshot_xmin(pg_current_snapshot()) as is_settled, heard_at > now() - interval '1 day' as is_fresh
        from snapshot_stores where store_id = ${storeId} and server = (select system_identifier from pg_control_system())`,
    )
    if (known?.is_settled) {
      if (!known.is_fresh)
        await storage(() => sql`update snapshot_stores set heard_at = now() where store_id = ${storeId}`)
      return known.life
    }
    if (!known) await storage(() => sql`select snapshot_join(${storeId})`)
    else if (known.is_dated) await sleep(lookEveryMs)
    // In a transaction of its own: whatever began while the row was not to be seen has a lower number than this one.
    else
      await storage(
        () => sql`
          update snapshot_stores set since = pg_current_xact_id() where store_id = ${storeId} and since is null`,
      )
  }
  throw new AppError(
    "STORAGE_UNAVAILABLE",
    "what changes while a store is read for the first time is not certain yet",
    {
      retryAfterMs: 2000,
    },
  )
}

async function everything(
  tx: SqlTransaction,
  { sources }: Snapshots,
  { storeId, limit, from }: Asked & { from: SnapshotCursor },
): Promise<Found> {
  const items: SnapshotItem[] = []
  let bytes = 0
  const first = snapshotKinds.indexOf(from.after?.kind ?? snapshotKinds[0])
  for (const kind of snapshotKinds.slice(first)) {
    let key: string | undefined = kind === from.after?.kind ? from.after.key : ""
    while (key !== undefined) {
      const page = await sources[kind].behind(tx, { storeId, after: key, limit: limit - items.length })
      for (const [one, body] of page.items) {
        bytes += Buffer.byteLength(JSON.stringify(body))
        if (bytes > pageBytesMax && items.length > 0) return { items, after: { kind, key } }
        items.push({ kind, key: one, body })
        key = one
      }
      key = page.next
      if (key !== undefined && (items.length >= limit || page.items.size === 0)) return { items, after: { kind, key } }
      if (items.length >= limit) break
    }
    const next = snapshotKinds[snapshotKinds.indexOf(kind) + 1]
    if (items.length >= limit && next) return { items, after: { kind: next, key: "" } }
  }
  return { items }
}

async function changes(
  tx: SqlTransaction,
  { sources }: Snapshots,
  { storeId, limit, from, since }: Asked & { from: SnapshotCursor; since: string },
): Promise<Found> {
  const { kind: afterKind = "", key: afterKey = "" } = from.after ?? {}
  // One store's own notes, and those that may concern every store; `changed` is the index, the rest is looked at.
  const rows = await tx<{ kind: SnapshotKind; key: string }[]>`
    select c.kind, c.key from snapshot_changes c
    where c.store_id in (${storeId}, '') and c.changed >= pg_snapshot_xmin(${since}::text::pg_snapshot)
      and not pg_visible_in_snapshot(c.changed, ${since}::text::pg_snapshot)
      and (c.kind collate "C", c.key collate "C") > (${afterKind}, ${afterKey})
    group by 1, 2 order by c.kind collate "C", c.key collate "C" limit ${limit + 1}`
  const page = rows.slice(0, limit)
  const items: SnapshotItem[] = []
  let bytes = 0
  for (const [kind, of] of Map.groupBy(page, (row) => row.kind)) {
    const some = of.slice(0, sources[kind].atOnce)
    const found = await sources[kind].some(tx, { storeId, keys: some.map(({ key }) => key) })
    for (const { key } of some) {
      const body = found.get(key)
      bytes += body === undefined ? 0 : Buffer.byteLength(JSON.stringify(body))
      const last = items.at(-1)
      if (bytes > pageBytesMax && last) return { items, after: last }
      items.push(body === undefined ? { kind, key, gone: true } : { kind, key, body })
    }
    const end = some.length < of.length ? some.at(-1) : undefined
    if (end) return { items, after: end }
  }
  const last = items.at(-1)
  return rows.length > limit && last ? { items, after: { kind: last.kind, key: last.key } } : { items }
}

/** Forgets stores whose agents have not asked for long, and notes that nobody waits for any more. */
export async function forgetSilentStores(sql: Sql): Promise<void> {
  const gone = await storage(
    () => sql`delete from snapshot_stores where heard_at < now() - interval '30 days' returning 1`,
  )
  if (gone.length === 0) return
  await storage(
    () => sql`
      delete from snapshot_changes c where not exists (select from snapshot_stores s where c.store_id in (s.store_id, ''))`,
  )
}
