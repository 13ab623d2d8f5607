import { AppError } from "../base/errors.ts"
import { inTransaction, storage, type SqlTransaction } from "../base/sql.ts"
import { businessDate, dayAfter, instant, isMoment, monotonicMs } from "../base/time.ts"
import type { EventData, EventName } from "../canonical/events.ts"
import { ref } from "../canonical/refs.ts"
import { storeDayRef } from "../canonical/sales/events.ts"
import { receiptsKeptForDays } from "../canonical/sales/receipt-law.ts"
import { receiptRow } from "./receipt-row.ts"
import type { Selling } from "./selling.ts"
import { keyIn } from "./views.ts"

/** A row of a view of sales that was not what the log says; without `was` it was missing, without `is` it should not be there. */
export interface SalesDifference {
  view: string
  key: string
  was: object | null
  is: object | null
}

/** What a part of a rebuild found: so many rows, and the first of them. */
export interface SalesRebuild {
  storeId: string
  differences: number
  items: SalesDifference[]
  /** The last business day that was looked at. */
  upTo?: string
  /** Where the rebuild goes on; without it all is done. */
  cursor?: string
}

/** Is called within the transaction that mended a piece: a business day, or at the end the numbers of the tills. */
export type OnMended = (tx: SqlTransaction, piece: { piece: string; differences: number }) => Promise<void>

interface Rebuild {
  storeId: string
  isDryRun: boolean
  cursor?: string | undefined
  /** How long a part works before it returns; it always takes one day. */
  forMs: number
  onMended?: OnMended
}

const eventsPerRead = 2000
const shownMax = 200
const beforeAll = "1900-01-01"

interface LoggedSale {
  xid: string
  seq: number
  key: string
  type: EventName
  data: object
}
type Row = Omit<SalesDifference, "is"> & { became: object | null }
type Parts = Pick<Selling, "sql" | "clock" | "policies">

/**
 * Makes a part of the views of a store's sales anew from the log and returns what was different (I-10): receipts, numbers of tills, days,
 * closings. Each business day is a transaction of its own, in which receipts of the store wait; the numbers of tills, which go on from day to
 * day, come last. A rebuild that dies leaves days as they were or as the log says, and is repeated from its beginning or its cursor. A dry run
 * only looks, and nothing waits. Repeated, it finds nothing. Facts that no event says stay: the last numbers that were announced, since when a
 * gap is there and who was told, approvals. Errors: REQUEST_INVALID for a cursor of something else.
 */
export async function rebuildSales(parts: Parts, rebuild: Rebuild): Promise<SalesRebuild> {
  const { storeId, forMs } = rebuild
  const beganMs = monotonicMs()
  let { upTo, differing } = placeIn(rebuild.cursor)
  const rows: Row[] = []
  const part = () => {
    const items = rows.slice(0, shownMax).map(({ became, ...row }) => ({ ...row, is: became }))
    return { storeId, differences: rows.length, items, ...(upTo === beforeAll ? {} : { upTo }) }
  }
  for (let day = await nextDay(parts, storeId, upTo); day !== undefined; day = await nextDay(parts, storeId, upTo)) {
    const found = await rebuildDay(parts, rebuild, day)
    rows.push(...found)
    upTo = day
    // What a dry run leaves as it is, the numbers of tills must not be compared with.
    if (rebuild.isDryRun && found.some(({ view }) => view === "till_days")) differing = [...differing, day]
    if (monotonicMs() - beganMs < forMs) continue
    return { ...part(), cursor: cursorOf(upTo, differing) }
  }
  rows.push(...(await rebuildRuns(parts, rebuild, differing)))
  return part()
}

function cursorOf(upTo: string, differing: readonly string[]): string {
  return Buffer.from(JSON.stringify([upTo, differing.join(",")])).toString("base64url")
}

function placeIn(cursor: string | undefined): { upTo: string; differing: string[] } {
  const [upTo = beforeAll, days = ""] = keyIn(cursor, 2) ?? []
  const differing = days === "" ? [] : days.split(",")
  if ([upTo, ...differing].some((day) => !/^\d{4}-\d{2}-\d{2}$/.test(day) || !isMoment(`${day}T00:00:00Z`)))
    throw new AppError("REQUEST_INVALID", "the cursor is none of a rebuild", {
      problems: [{ pointer: "/cursor", message: "is not the `cursor` of an answer" }],
    })
  return { upTo, differing }
}

const salesOf = (storeId: string) => `${ref("sale", storeId)}/`

async function nextDay({ sql }: Parts, storeId: string, after: string): Promise<string | undefined> {
  const daysBegin = `${ref("storeDay", storeId)}:`
  const [row] = await storage(
    () => sql<{ day: string | null }[]>`
      select next_sales_day(${storeId}, ${salesOf(storeId)}, ${daysBegin}, ${after}::text::date)::text as day`,
  )
  return row?.day ?? undefined
}

/** Receipts are forgotten before this day. */
const keptSince = ({ clock }: Parts) =>
  dayAfter(businessDate(instant(clock.now()), { timeZone: "UTC" }), -receiptsKeptForDays)

function rebuildDay(parts: Parts, of: Rebuild, day: string): Promise<Row[]> {
  const isForgotten = day < keptSince(parts)
  const work = async (tx: SqlTransaction) => {
    await noteDay(tx, parts, { storeId: of.storeId, day })
    return tx<Row[]>`select * from rebuild_sales_day(${of.storeId}, ${day}::text::date, ${isForgotten}, ${of.isDryRun})`
  }
  return inPiece(parts, of, { piece: day, work })
}

function rebuildRuns(parts: Parts, of: Rebuild, differing: readonly string[]): Promise<Row[]> {
  const since = keptSince(parts)
  const days = differing.filter((day) => day >= since)
  const work = async (tx: SqlTransaction) => {
    for (const day of days) await noteDay(tx, parts, { storeId: of.storeId, day })
    return tx<Row[]>`
      select * from rebuild_till_runs(${of.storeId}, ${days}::text[]::date[], ${since}::text::date, ${of.isDryRun})`
  }
  return inPiece(parts, of, { piece: "numbers of tills", work })
}

/** A dry run reads log and views as they were at one moment; what mends them holds the store's receipts up. */
function inPiece(
  { sql }: Parts,
  { storeId, isDryRun, onMended }: Rebuild,
  { piece, work }: { piece: string; work: (tx: SqlTransaction) => Promise<Row[]> },
): Promise<Row[]> {
  return storage(() =>
    inTransaction(sql, async (tx) => {
      if (isDryRun) await tx`set transaction isolation level repeatable read`
      else await tx`select hold_sales(${storeId})`
      await tx`select begin_sales_rebuild()`
      const rows = await work(tx)
      if (!isDryRun && rows.length > 0) await onMended?.(tx, { piece, differences: rows.length })
      return rows
    }),
  )
}

async function noteDay(
  tx: SqlTransaction,
  { policies }: Parts,
  { storeId, day }: { storeId: string; day: string },
): Promise<void> {
  const tills = await tx<{ begins: string }[]>`select sale_keys_of_store(${salesOf(storeId)}) as begins`
  const keys = [...tills.map(({ begins }) => `${begins}${day}/`), storeDayRef({ storeId, businessDay: day })]
  for (const key of keys) for await (const events of pagesOf(tx, key)) await note(tx, events, policies)
}

async function* pagesOf(tx: SqlTransaction, keyBegins: string): AsyncGenerator<LoggedSale[]> {
  let last: Pick<LoggedSale, "xid" | "seq" | "key"> | undefined = { xid: "0", seq: 0, key: "" }
  while (last) {
    const events: LoggedSale[] = await tx<LoggedSale[]>`
      select * from sales_of_store(${keyBegins}, ${last.key}, ${last.xid}::text::xid8, ${last.seq}, ${eventsPerRead})`
    yield events
    last = events.length < eventsPerRead ? undefined : events.at(-1)
  }
}

const standings: Partial<Record<EventName, string>> = {
  "sale.recorded": "recorded",
  "till.recorded": "recorded",
  "sale.parked": "parked",
  "sale.conflicted": "conflicting",
}

async function note(tx: SqlTransaction, events: readonly LoggedSale[], policies: Selling["policies"]): Promise<void> {
  if (events.length === 0) return
  const rows = events.flatMap(({ type, data }) => {
    const standing = standings[type]
    if (standing === undefined) return []
    const { recordedAt, ...told } = data as EventData<"sale.recorded">
    const row = receiptRow({ ...told, isParked: standing !== "recorded" }, policies)
    return [{ ...row, standing, recorded_at: recordedAt }]
  })
  const of = (...types: EventName[]) => events.flatMap(({ type, data }) => (types.includes(type) ? [data] : []))
  const [closures, closings] = [of("storeDay.closed", "storeDay.corrected"), of("storeDay.closing")]
  await tx`
    select note_rebuilt(${JSON.stringify(rows)}::text::json, ${JSON.stringify(closures)}::text::json,
      ${JSON.stringify(closings)}::text::json)`
}
