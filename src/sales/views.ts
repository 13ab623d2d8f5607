import { inTransaction, storage } from "../base/sql.ts"
import type { Closure, TenderCount } from "../canonical/sales/store-day.ts"
import { closuresOf, missingOf, standingOf, type DayName, type Outstanding } from "./day-standing.ts"
import type { Selling } from "./selling.ts"

/** A store's day as people see it. */
export interface DayView extends DayName {
  state: string
  requestedBy?: string
  postAnywayAt?: string
  /** What it waits for, in words. */
  waitsFor: readonly string[]
  outstanding: readonly Outstanding[]
  carried: readonly string[]
  /** By session and tender. Without what is expected while the session is not counted, where the reader counts blind. */
  counts: readonly Partial<TenderCount>[]
  tills: readonly { tillId: string; lastSequence: number; receipts: number }[]
  closures: readonly Closure[]
}

/** Looks at a day. `isBlind` hides what a session should have until it is counted. */
export async function viewDay(
  selling: Selling,
  day: DayName,
  { isBlind }: { isBlind: boolean },
): Promise<DayView | undefined> {
  const { storeId, businessDay } = day
  return storage(() =>
    inTransaction(selling.sql, async (tx) => {
      const [row] = await tx<
        {
          state: string
          requested_by: string | null
          post_anyway_at: Date | null
          approvals: Record<string, string>
        }[]
      >`select state, requested_by, post_anyway_at, approvals from store_days
        where store_id = ${storeId} and business_day = ${businessDay}::date`
      if (!row) return undefined
      const standing = await standingOf(tx, day, { ...selling.policies, approvals: row.approvals })
      const tills = await tx<{ tillId: string; lastSequence: number; receipts: number }[]>`
        select t.till_id as "tillId", max(t.last_sequence)::bigint as "lastSequence",
          (select count(*) from receipts r where r.store_id = t.store_id and r.business_day = t.business_day
            and r.till_id = t.till_id and r.standing = 'recorded') as receipts
        from till_days t where t.store_id = ${storeId} and t.business_day = ${businessDay}::date
        group by t.store_id, t.business_day, t.till_id order by 1`
      return {
        ...day,
        state: row.state,
        ...(row.requested_by === null ? {} : { requestedBy: row.requested_by }),
        ...(row.post_anyway_at === null ? {} : { postAnywayAt: row.post_anyway_at.toISOString() }),
        waitsFor: row.state === "closed" ? [] : missingOf(storeId, standing),
        outstanding: standing.outstanding,
        carried: standing.carried,
        counts: standing.counts.map((count) => (isBlind ? blind(count) : count)),
        tills,
        closures: await closuresOf(tx, day),
      }
    }),
  )
}

function blind({ expectedMinor, ...count }: TenderCount): Partial<TenderCount> {
  return count.countedMinor === undefined ? count : { expectedMinor, ...count }
}

/** The days of a store of which anything is known, the newest first. */
export async function listDays({ sql }: Pick<Selling, "sql">, storeId: string): Promise<object[]> {
  return storage(
    () => sql<{ businessDay: string; state: string; closings: number }[]>`
      select business_day::text as "businessDay", state, closings from store_days
      where store_id = ${storeId} order by business_day desc limit 31`,
  )
}

/** A till whose numbers are missing. */
export interface TillGaps {
  storeId: string
  tillId: string
  since: string
  outstanding: readonly { from: number; to: number }[]
}

/** Numbers that tills gave and that have not come. */
export async function outstandingReceipts(
  { sql }: Pick<Selling, "sql">,
  { storeId, stores }: { storeId?: string | undefined; stores: readonly string[] | undefined },
): Promise<TillGaps[]> {
  const rows = await storage(
    () => sql<{ store_id: string; till_id: string; gap_since: Date; gaps: { from: number; to: number }[] }[]>`
      select store_id, till_id, gap_since,
        array(select json_build_object('from', lower(g), 'to', upper(g) - 1) from unnest(outstanding) g limit 100) as gaps
      from till_runs where gap_since is not null
        and (${storeId ?? null}::text is null or store_id = ${storeId ?? null})
        and (${stores === undefined} or store_id = any(${[...(stores ?? [])]}::text[]))
      order by store_id, till_id, run limit 1000`,
  )
  return rows.map(({ store_id, till_id, gap_since, gaps }) => {
    return { storeId: store_id, tillId: till_id, since: gap_since.toISOString(), outstanding: gaps }
  })
}

/** Where a receipt is: its standing, and the closing and entries that took it into the books. */
export async function findReceipts(
  { sql }: Pick<Selling, "sql">,
  { storeId, tillId, sequence }: { storeId: string; tillId: string; sequence: number },
): Promise<object[]> {
  const rows = await storage(
    () => sql<
      {
        epoch: string
        business_day: string
        digest: string
        standing: string
        kind: string
        status: string
        closure: number | null
        entries: { entryId: string }[] | null
      }[]
    >`
      select r.epoch, r.business_day::text, r.digest, r.standing, r.kind, r.status, r.closure, c.closure -> 'entries' as entries
      from till_days t
      join receipts r on r.store_id = t.store_id and r.business_day = t.business_day and r.till_id = t.till_id
        and r.sequence = ${sequence} and split_part(t.run, '/', 1) = r.epoch
      left join store_closures c on c.store_id = r.store_id and c.business_day = r.business_day and c.n = r.closure
      where t.store_id = ${storeId} and t.till_id = ${tillId}
      order by r.business_day, r.recorded_at limit 100`,
  )
  return rows.map(({ business_day: businessDay, closure, entries, ...row }) => ({
    storeId,
    tillId,
    sequence,
    businessDay,
    ...row,
    ...(closure === null ? {} : { closure, entryIds: (entries ?? []).map(({ entryId }) => entryId) }),
  }))
}
