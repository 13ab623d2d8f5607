import { storage } from "../base/sql.ts"
import {
  dayAfter,
  durationMs,
  epochMs,
  instant,
  momentOf,
  type BusinessDate,
  type DayPlace,
  type Instant,
} from "../base/time.ts"
import { derivedId } from "../base/ids.ts"
import { newEvent, type NewEvent } from "../canonical/events.ts"
import { ref } from "../canonical/refs.ts"
import { requestClosing, settleDay } from "./close-day.ts"
import { outstandingText, type DayName } from "./day-standing.ts"
import type { Selling } from "./selling.ts"

/**
 * A store that was alone sends days of receipts in minutes: while they come, an old day is neither closed nor corrected batch by batch, but
 * when it is quiet, or has waited for long.
 */
const [quiet, longest] = ["1 minute", "10 minutes"]

/** Days of a store that go in one statement: some thousand receipts each. */
const forgottenAtOnce = 5

interface DayRow {
  store_id: string
  business_day: string
}

/**
 * Closes days that are over, goes on with those that wait, and tells of numbers that are missing. Safe in several processes. A day that fails
 * holds up no other: all are tried, then what failed is thrown, and tried again the next time.
 */
export async function keepDays(selling: Selling, append: (event: NewEvent) => Promise<unknown>): Promise<void> {
  const failed: unknown[] = []
  const tried = (act: Promise<unknown>) => act.catch((thrown: unknown) => void failed.push(thrown))
  for (const day of await overdue(selling)) await tried(requestClosing(selling, day, { by: "crossdock" }))
  for (const day of await stirred(selling)) await tried(settleDay(selling, day))
  await tried(tellGaps(selling, append))
  if (failed.length > 0) throw failed[0]
}

/** The end of a business day: the cut-off, on the day itself or after midnight. */
function dayEnd(day: BusinessDate, { timeZone, dayEndsAt = "00:00" }: DayPlace): string {
  return momentOf(dayEndsAt <= "12:00" ? dayAfter(day, 1) : day, dayEndsAt, timeZone)
}

async function overdue({ sql, clock, stores, policies }: Selling): Promise<DayName[]> {
  const now = instant(clock.now())
  const rows = await storage(
    () => sql<DayRow[]>`
      select store_id, business_day::text from store_days
      where state = 'open' and business_day <= ${now}::date and (heard_at is null or heard_at <= ${now}::timestamptz - ${quiet}::interval)`,
  )
  return rows.flatMap(({ store_id: storeId, business_day: businessDay }) => {
    const place = stores.get(storeId)
    if (!place) return []
    const dueMs = epochMs(dayEnd(businessDay, place)) + durationMs(policies.closeAfter)
    return clock.now() >= dueMs ? [{ storeId, businessDay }] : []
  })
}

async function stirred({ sql, clock }: Selling): Promise<DayName[]> {
  const now = instant(clock.now())
  const rows = await storage(
    () => sql<DayRow[]>`
      select store_id, business_day::text from store_days
      where (state = 'closing' and (stirred_since is not null or post_anyway_at <= ${now}::timestamptz))
        or (state = 'closed' and (heard_at <= ${now}::timestamptz - ${quiet}::interval
          and stirred_since is not null or stirred_since <= ${now}::timestamptz - ${longest}::interval))
      order by 1, 2`,
  )
  return rows.map(({ store_id: storeId, business_day: businessDay }) => ({ storeId, businessDay }))
}

/** Forgets receipts of closed days that are older, a few days at a time. What was closed and posted stays. */
export async function forgetOldReceipts({ sql }: Pick<Selling, "sql">, before: Instant): Promise<void> {
  await storage(() => sql`select forget_receipts(${before}::date, ${forgottenAtOnce})`)
  await storage(() => sql`delete from dropped_files where taken_at < ${before}::timestamptz and exception_id is null`)
}

interface GapRow {
  store_id: string
  till_id: string
  run: string
  gaps: { from: number; to: number }[]
  is_told_over: boolean
  outstanding: string
  gap_since: Date | null
  told_since: Date | null
}

/**
 * People hear once of numbers that are missing for too long, and the case ends by itself when they come. Other numbers that go missing while
 * it is open end it, too, for a case that names all of them. A death before the row is written tells the same once more, which is the same event.
 */
async function tellGaps(
  { sql, clock, policies }: Selling,
  append: (event: NewEvent) => Promise<unknown>,
): Promise<void> {
  const before = instant(clock.now() - durationMs(policies.gapsToldAfter))
  const rows = await storage(
    () => sql<GapRow[]>`
      select store_id, till_id, run, gap_since, told_since, isempty(told * outstanding) as is_told_over, outstanding::text,
        array(select json_build_object('from', lower(g), 'to', upper(g) - 1) from unnest(outstanding) g limit 20) as gaps
      from till_runs
      where gap_since <= ${before}::timestamptz or (told_since is not null and isempty(told * outstanding))`,
  )
  for (const row of rows) {
    const { store_id, till_id, run, gap_since, told_since, is_told_over } = row
    const at = instant(clock.now())
    const isDue = gap_since !== null && gap_since.toISOString() <= before
    if (told_since)
      await append(
        gapClosed(row, {
          since: told_since.toISOString(),
          at,
          reason: is_told_over
            ? "the numbers came"
            : "more numbers are missing now, and another case names all of them",
        }),
      )
    if (isDue) await append(gapOpened(row, { since: gap_since.toISOString(), at }))
    // Only what was read is told: what came to be missing meanwhile has its own time.
    await storage(
      () => sql`
        update till_runs set
          told = case when ${isDue} then ${row.outstanding}::text::int8multirange else '{}' end,
          told_since = ${isDue ? gap_since : null}::timestamptz,
          gap_since = case when not ${isDue} then gap_since when not outstanding <@ ${row.outstanding}::text::int8multirange then ${at}::timestamptz end
        where store_id = ${store_id} and till_id = ${till_id} and run = ${run}
          and gap_since is not distinct from ${gap_since}::timestamptz and told_since is not distinct from ${told_since}::timestamptz`,
    )
  }
}

const source = "crossdock:sales"
const gapId = ({ store_id, till_id, run }: GapRow, since: string) => derivedId("gap", store_id, till_id, run, since)

function gapOpened(row: GapRow, { since, at }: { since: string; at: string }): NewEvent {
  const { store_id: storeId, till_id: tillId, gaps } = row
  const exceptionId = gapId(row, since)
  const what = gaps.map((gap) => outstandingText(storeId, { tillId, ...gap })).join("; ")
  return newEvent({
    type: "exception.opened",
    fact: `crossdock:sales:${exceptionId}`,
    source,
    time: at,
    data: {
      exceptionId,
      about: ref("till", storeId, tillId),
      cause: "receipts are outstanding",
      summary: `${what}.`.slice(0, 1000),
      doneSoFar: ["took the receipts that came"],
      ifNobodyActs: "the day waits for them, and is posted without them at its deadline",
      allowedActions: ["acknowledge"],
      owner: "operations",
      because: { kind: "outage", operation: "receipts are outstanding", value: `${storeId}/${tillId}`.slice(0, 200) },
      at,
    },
  })
}

function gapClosed(row: GapRow, { since, at, reason }: { since: string; at: string; reason: string }): NewEvent {
  const exceptionId = gapId(row, since)
  return newEvent({
    type: "exception.decided",
    fact: `crossdock:sales:${exceptionId}:closed`,
    source,
    time: at,
    data: {
      exceptionId,
      about: ref("till", row.store_id, row.till_id),
      action: "acknowledge",
      decidedBy: "crossdock",
      reason,
      at,
    },
  })
}
