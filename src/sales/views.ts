import { AppError } from "../base/errors.ts"
import { inTransaction, storage } from "../base/sql.ts"
import { isMoment } from "../base/time.ts"
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
  /** Tills without numbers have no last one. */
  tills: readonly { tillId: string; lastSequence?: number; receipts: number }[]
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
      const tills = await tx<{ tillId: string; lastSequence: number | null; receipts: number }[]>`
        select t.till_id as "tillId", (max(t.last_sequence) filter (where t.run <> ''))::bigint as "lastSequence",
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
        tills: tills.map(({ lastSequence, ...till }) => ({
          ...till,
          ...(lastSequence === null ? {} : { lastSequence }),
        })),
        closures: await closuresOf(tx, day),
      }
    }),
  )
}

function blind({ expectedMinor, ...count }: TenderCount): Partial<TenderCount> {
  return count.countedMinor === undefined ? count : { expectedMinor, ...count }
}

/** A list's page as it is asked for, and as it is answered: with `cursor` when there is more. */
export interface PageAsked {
  limit: number
  cursor?: string
}
export interface Page<Item> {
  items: Item[]
  cursor?: string
}

/** Cuts one row more than a page at its end. `keyOf` names where the next page begins. */
export function pageOf<Item>(
  rows: readonly Item[],
  limit: number,
  keyOf: (last: Item) => readonly string[],
): Page<Item> {
  const items = rows.slice(0, limit)
  const last = items.at(-1)
  if (rows.length <= limit || last === undefined) return { items }
  return { items, cursor: Buffer.from(JSON.stringify(keyOf(last))).toString("base64url") }
}

export function keyIn(cursor: string | undefined, length: number): string[] | undefined {
  if (cursor === undefined) return undefined
  try {
    const key: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString())
    if (Array.isArray(key) && key.length === length && key.every((part) => typeof part === "string")) return key
  } catch {
    // Told below.
  }
  throw new AppError("REQUEST_INVALID", "the cursor is none of this list", {
    problems: [{ pointer: "?cursor", message: "is not a `cursor` of this list" }],
  })
}

/** The days of a store of which anything is known, the newest first. */
export async function listDays(
  { sql }: Pick<Selling, "sql">,
  { storeId, limit, cursor }: { storeId: string } & PageAsked,
): Promise<Page<object>> {
  const [before = "infinity"] = keyIn(cursor, 1) ?? []
  checkDay(before)
  const rows = await storage(
    () => sql<{ businessDay: string; state: string; closings: number }[]>`
      select business_day::text as "businessDay", state, closings from store_days
      where store_id = ${storeId} and business_day < ${before}::text::date order by business_day desc limit ${limit + 1}`,
  )
  return pageOf(rows, limit, ({ businessDay }) => [businessDay])
}

function checkDay(text: string): void {
  if (text === "infinity" || (/^\d{4}-\d{2}-\d{2}$/.test(text) && isMoment(`${text}T00:00:00Z`))) return
  throw new AppError("REQUEST_INVALID", "the cursor is none of this list", {
    problems: [{ pointer: "?cursor", message: "is not a `cursor` of this list" }],
  })
}

/** A till whose numbers are missing: the first hundred ranges, and how many there are. */
export interface TillGaps {
  storeId: string
  tillId: string
  /** Which installation of the till gave them. */
  epoch: string
  since: string
  outstanding: readonly { from: number; to: number }[]
  ranges: number
}

/** Numbers that tills gave and that have not come. */
export async function outstandingReceipts(
  { sql }: Pick<Selling, "sql">,
  {
    storeId,
    stores,
    limit,
    cursor,
  }: { storeId?: string | undefined; stores: readonly string[] | undefined } & PageAsked,
): Promise<Page<TillGaps>> {
  const [store, till, run] = keyIn(cursor, 3) ?? ["", "", ""]
  const rows = await storage(
    () => sql<(TillGaps & { run: string; at: Date })[]>`
      select store_id as "storeId", till_id as "tillId", run, split_part(run, '/', 1) as epoch, least(gap_since, told_since) as at,
        array(select json_build_object('from', lower(g), 'to', upper(g) - 1) from unnest(outstanding) g limit 100) as outstanding,
        (select count(*) from unnest(outstanding)) as ranges
      from till_runs where (gap_since is not null or told_since is not null) and not isempty(outstanding)
        and (${storeId ?? null}::text is null or store_id = ${storeId ?? null})
        and (${stores === undefined} or store_id = any(${[...(stores ?? [])]}::text[]))
        and (store_id, till_id, run) > (${store ?? ""}, ${till ?? ""}, ${run ?? ""})
      order by store_id, till_id, run limit ${limit + 1}`,
  )
  const page = pageOf(rows, limit, (last) => [last.storeId, last.tillId, last.run])
  const items = page.items.map(({ storeId: of, tillId, epoch, at, outstanding, ranges }) => {
    return { storeId: of, tillId, epoch, since: at.toISOString(), outstanding, ranges }
  })
  return { ...page, items }
}

/** A document's number says nothing. */
function withoutNumber<Row extends { sequence: number }>({ sequence: _none, ...row }: Row): Omit<Row, "sequence"> {
  return row
}

/** Where a receipt is, the newest day first: its standing, and the closing and entries that took it into the books. */
export async function findReceipts(
  { sql }: Pick<Selling, "sql">,
  {
    limit,
    cursor,
    ...called
  }: { storeId: string; tillId?: string; sequence?: number; documentId?: string } & PageAsked,
): Promise<Page<object>> {
  const { storeId, tillId = null, sequence = null, documentId = null } = called
  const [before = "infinity", than = ""] = keyIn(cursor, 2) ?? []
  checkDay(before)
  const rows = await storage(
    () => sql<
      {
        till_id: string
        document_id: string | null
        sequence: number
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
      select r.till_id, r.document_id, r.sequence, r.epoch, r.business_day::text, r.digest, r.standing, r.kind, r.status, r.closure,
        c.closure -> 'entries' as entries
      from (
        select n.* from till_days t
        join receipts n on n.store_id = t.store_id and n.business_day = t.business_day and n.till_id = t.till_id
          and n.sequence = ${sequence}::bigint and split_part(t.run, '/', 1) = n.epoch
        where ${documentId}::text is null and t.store_id = ${storeId} and t.till_id = ${tillId}::text
        union all
        select d.* from receipts d
        where d.document_id = ${documentId}::text and d.store_id = ${storeId} and (${tillId}::text is null or d.till_id = ${tillId}::text)
      ) r
      left join store_closures c on c.store_id = r.store_id and c.business_day = r.business_day and c.n = r.closure
      where r.business_day <= ${before}::text::date
        and (r.business_day < ${before}::text::date or r.digest::text > ${than})
      order by r.business_day desc, r.digest::text limit ${limit + 1}`,
  )
  const page = pageOf(rows, limit, (last) => [last.business_day, last.digest])
  const items = page.items.map(
    ({ business_day: businessDay, closure, entries, till_id, document_id, epoch, ...row }) => ({
      storeId,
      tillId: till_id,
      businessDay,
      ...(document_id === null ? { epoch, ...row } : { documentId: document_id, ...withoutNumber(row) }),
      ...(closure === null ? {} : { closure, entryIds: (entries ?? []).map(({ entryId }) => entryId) }),
    }),
  )
  return { ...page, items }
}
