import { inTransaction, storage, type SqlTransaction } from "../base/sql.ts"
import { businessDate, dayAfter, instant } from "../base/time.ts"
import type { EventData, EventName } from "../canonical/events.ts"
import { ref } from "../canonical/refs.ts"
import { receiptsKeptForDays } from "../canonical/sales/receipt-law.ts"
import { receiptRow } from "./receipt-row.ts"
import type { Selling } from "./selling.ts"

/** A row of a view of sales that was not what the log says; without `was` it was missing, without `is` it should not be there. */
export interface SalesDifference {
  view: string
  key: string
  was: object | null
  is: object | null
}

/** What a rebuild of a store found: so many rows, and the first of them. */
export interface SalesRebuild {
  storeId: string
  differences: number
  items: SalesDifference[]
}

const eventsPerRead = 2000
const shownMax = 200

interface LoggedSale {
  xid: string
  seq: number
  key: string
  type: EventName
  data: object
}

/**
 * Makes the views of a store's sales anew from the log and returns what was different (I-10): receipts, numbers of tills, days, closings.
 * A dry run only looks. The log is read while the store trades; then, for as long as rows are compared, its receipts wait. Repeated, it finds
 * nothing. Facts that no event says stay: the last numbers that were announced, since when a gap is there and who was told, approvals.
 */
export async function rebuildSales(
  { sql, clock, policies }: Pick<Selling, "sql" | "clock" | "policies">,
  { storeId, isDryRun }: { storeId: string; isDryRun: boolean },
): Promise<SalesRebuild> {
  // As refs of sales and of days begin, see canonical/sales/events.ts.
  const keysBegin = [`${ref("sale", storeId)}/`, `${ref("storeDay", storeId)}:`]
  const since = dayAfter(businessDate(instant(clock.now()), { timeZone: "UTC" }), -receiptsKeptForDays)
  return storage(() =>
    inTransaction(sql, async (tx) => {
      await tx`select begin_sales_rebuild()`
      for (const keyBegins of keysBegin)
        for await (const events of pagesOf(tx, keyBegins)) await note(tx, events, policies)
      await note(tx, await tx<LoggedSale[]>`select * from hold_sales(${storeId}, ${keysBegin}::text[])`, policies)
      const rows = await tx<{ view: string; key: string; was: object | null; became: object | null }[]>`
        select * from rebuild_sales(${storeId}, ${since}::date, ${isDryRun})`
      const items = rows.slice(0, shownMax).map(({ became, ...row }) => ({ ...row, is: became }))
      return { storeId, differences: rows.length, items }
    }),
  )
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
  const positions = events.map(({ xid, seq }) => ({ xid, seq }))
  const [closures, closings] = [of("storeDay.closed", "storeDay.corrected"), of("storeDay.closing")]
  await tx`
    select note_rebuilt(${JSON.stringify(positions)}::text::json, ${JSON.stringify(rows)}::text::json,
      ${JSON.stringify(closures)}::text::json, ${JSON.stringify(closings)}::text::json)`
}
