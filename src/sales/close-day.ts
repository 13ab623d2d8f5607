import { derivedId } from "../base/ids.ts"
import { inTransaction, storage, type SqlTransaction } from "../base/sql.ts"
import { durationMs, epochMs, instant } from "../base/time.ts"
import { newEvent, type NewEvent } from "../canonical/events.ts"
import { storeDayRef } from "../canonical/sales/events.ts"
import type { Closure, CorrectionReason } from "../canonical/sales/store-day.ts"
import { assertStoreEntryBalanced, type StoreEntry, type StoreLine } from "../canonical/sales/store-entry.ts"
import { postCounts, tenderTotals } from "../rules/sales/close-day.ts"
import { keyOfLine, summed } from "../rules/sales/post-receipt.ts"
import { closuresOf, cutList, missingOf, standingOf, type DayName, type Standing } from "./day-standing.ts"
import { runOf } from "./policies.ts"
import { storeEvents, type Selling } from "./selling.ts"

interface DayRow {
  state: "open" | "closing" | "closed"
  closings: number
  requested_by: string | null
  post_anyway_at: Date | null
  approvals: Record<string, string>
}

/** The last number that a till gave, as whoever closes says it. */
export interface LastNumber {
  tillId: string
  epoch?: string
  lastSequence: number
}

const source = "crossdock:sales"

/** Asks for a day to be closed. It is closed as soon as nothing is missing, or when it has waited long enough. */
export async function requestClosing(
  selling: Selling,
  day: DayName,
  { by, tills = [] }: { by: string; tills?: readonly LastNumber[] },
): Promise<void> {
  const { sql, clock, policies } = selling
  const { storeId, businessDay } = day
  const at = instant(clock.now())
  let told = () => {}
  await storage(() =>
    inTransaction(sql, async (tx) => {
      // Before any row, because a rebuild of the store's views takes these locks in this order.
      await tx`select pg_advisory_xact_lock(hashtextextended(${storeId}, 525))`
      await tx`select pg_advisory_xact_lock_shared(hashtextextended(${storeId}, 521))`
      await tx`insert into store_days (store_id, business_day) values (${storeId}, ${businessDay}::date) on conflict do nothing`
      const { state, approvals } = await lockDay(tx, day)
      for (const { tillId, epoch = "1", lastSequence } of tills) {
        const run = runOf({ ...day, epoch }, policies)
        await tx`select announce_last(${storeId}, ${businessDay}::date, ${tillId}, ${run}, ${lastSequence}, ${at}::timestamptz)`
      }
      if (state !== "open") return
      const postAnywayAt = instant(clock.now() + durationMs(policies.waitForReceipts))
      await tx`
        update store_days set state = 'closing', requested_by = ${by}, post_anyway_at = ${postAnywayAt}::timestamptz,
          stirred_since = ${at}::timestamptz
        where store_id = ${storeId} and business_day = ${businessDay}::date`
      const standing = await standingOf(tx, day, { ...policies, approvals })
      const closing = newEvent({
        type: "storeDay.closing",
        fact: `${storeDayRef(day)}:closing`,
        source,
        time: at,
        data: { ...day, requestedBy: by, requestedAt: at, postAnywayAt, waitsFor: missingOf(storeId, standing) },
      })
      told = await storeEvents(tx, selling, [closing])
    }),
  )
  told()
  await settleDay(selling, day)
}

/**
 * Closes a day that is to be closed and is whole or late; of a closed day, takes what came since as a correction. Repeated, or by several
 * processes, it does each once: the day's row is locked, and a receipt belongs to one closing.
 */
export async function settleDay(selling: Selling, day: DayName): Promise<void> {
  const { sql, clock, policies } = selling
  let told = () => {}
  await storage(() =>
    inTransaction(sql, async (tx) => {
      const row = await lockDay(tx, day)
      if (row.state === "open") return
      const standing = await standingOf(tx, day, { ...policies, approvals: row.approvals })
      const missing = missingOf(day.storeId, standing)
      const isLate = row.post_anyway_at !== null && clock.now() >= epochMs(row.post_anyway_at.toISOString())
      const isDue = row.state === "closed" || missing.length === 0 || isLate
      const events = isDue ? await close(tx, day, { row, standing, missing, clock }) : []
      await tx`
        update store_days set stirred_since = null, state = ${isDue ? "closed" : row.state}, closings = closings + ${events.length}
        where store_id = ${day.storeId} and business_day = ${day.businessDay}::date`
      told = await storeEvents(tx, selling, events)
    }),
  )
  told()
}

/** A second person accepts how far a session's count is off. */
export async function approveCount(
  selling: Selling,
  day: DayName,
  { sessionId, by }: { sessionId: string; by: string },
): Promise<void> {
  const approved = JSON.stringify({ [sessionId]: by })
  await storage(
    () => selling.sql`
      update store_days set approvals = approvals || ${approved}::text::jsonb
      where store_id = ${day.storeId} and business_day = ${day.businessDay}::date`,
  )
  await settleDay(selling, day)
}

async function lockDay(tx: SqlTransaction, { storeId, businessDay }: DayName): Promise<DayRow> {
  // One closing of a store at a time, because its Z numbers have no gaps.
  await tx`select pg_advisory_xact_lock(hashtextextended(${storeId}, 525))`
  const [row] = await tx<DayRow[]>`
    select state, closings, requested_by, post_anyway_at, approvals from store_days
    where store_id = ${storeId} and business_day = ${businessDay}::date for update`
  return row ?? { state: "open", closings: 0, requested_by: null, post_anyway_at: null, approvals: {} }
}

interface Closing {
  row: DayRow
  standing: Standing
  missing: string[]
  clock: Selling["clock"]
}

interface TakenRow {
  currency: string
  account: string | null
  amount: number | null
  receipt_count: number
  digest: string
  kinds: string[]
}

async function close(tx: SqlTransaction, day: DayName, of: Closing): Promise<NewEvent[]> {
  const { storeId, businessDay } = day
  const n = of.row.closings
  const taken = await tx<TakenRow[]>`select * from take_into_closure(${storeId}, ${businessDay}::date, ${n})`
  if (n > 0 && taken.length === 0) return []
  const took = await tx<Closure["took"]>`
    select till_id as "tillId", epoch, from_sequence as from, to_sequence as to
    from taken_by(${storeId}, ${businessDay}::date, ${n})`
  const before = await closuresOf(tx, day)
  const [last] = await tx<{ z: number }[]>`
    select coalesce(max(z_number), 0)::bigint as z from store_closures where store_id = ${storeId}`
  const closure = closureOf(day, { ...of, n, taken, took, before, zNumber: (last?.z ?? 0) + 1 })
  await tx`
    insert into store_closures (store_id, business_day, n, z_number, closure)
    values (${storeId}, ${businessDay}::date, ${n}, ${closure.zNumber}, ${JSON.stringify(closure)}::text::jsonb)`
  return [
    newEvent({
      type: n === 0 ? "storeDay.closed" : "storeDay.corrected",
      fact: `${storeDayRef(day)}:closure:${n}`,
      source,
      time: closure.closedAt,
      data: closure,
    }),
  ]
}

interface Made extends Closing {
  n: number
  taken: readonly TakenRow[]
  took: Closure["took"]
  before: readonly Closure[]
  zNumber: number
}

function closureOf(day: DayName, made: Made): Closure {
  const { row, standing, missing, clock, n, taken, took, zNumber } = made
  const closedAt = instant(clock.now())
  const entries = entriesOf(day, { ...made, closedAt })
  return {
    ...day,
    n,
    zNumber,
    reasons: n === 0 ? [] : reasonsOf(taken.flatMap(({ kinds }) => kinds)),
    receiptCount: [...new Map(taken.map((one) => [one.currency, one.receipt_count])).values()].reduce(
      (a, b) => a + b,
      0,
    ),
    took: took.map((range) => ({ ...range })),
    tenders: entries.flatMap(({ currency, lines }) => tenderTotals(lines).map((total) => ({ ...total, currency }))),
    counts: standing.counts,
    // Of a correction: counts that nobody else accepted. What else is missing is asked for at the till.
    missing: n === 0 ? missing : cutList(standing.uncounted),
    carried: n === 0 ? cutList(standing.carried) : [],
    entries,
    closedBy: row.requested_by ?? "crossdock",
    closedAt,
  }
}

function entriesOf(day: DayName, { n, taken, before, standing, closedAt }: Made & { closedAt: string }): StoreEntry[] {
  const counted = before.flatMap(({ counts }) => counts)
  const currencies = [...new Set([...taken, ...standing.counts].map(({ currency }) => currency))].sort()
  return currencies.flatMap((currency) => {
    const own = taken.filter((one) => one.currency === currency)
    const lines: StoreLine[] = summed([
      ...own.flatMap(({ account, amount }) =>
        account === null ? [] : [{ ...keyOfLine(account), amountMinor: amount ?? 0 }],
      ),
      ...postCounts(
        standing.counts.filter((count) => count.currency === currency),
        counted,
        standing.accountOf,
      ),
    ])
    if (lines.length === 0) return []
    const entry: StoreEntry = {
      entryId: derivedId("sd", day.storeId, day.businessDay, String(n), currency),
      ...day,
      currency,
      text: `store ${day.storeId}, ${day.businessDay}${n === 0 ? "" : `, correction ${n}`}`,
      lines,
      receipts: { count: own[0]?.receipt_count ?? 0, digest: own[0]?.digest ?? "" },
      closedAt,
    }
    assertStoreEntryBalanced(entry)
    return [entry]
  })
}

function reasonsOf(kinds: readonly string[]): CorrectionReason[] {
  const reasons = kinds.map((kind): CorrectionReason => {
    if (kind === "sale" || kind === "void") return "late_sale"
    return kind === "count" || kind === "close" ? "recount" : "late_movement"
  })
  return [...new Set(reasons)].sort()
}
