import { own } from "../base/lookup.ts"
import { money, moneyText } from "../base/money.ts"
import type { SqlTransaction } from "../base/sql.ts"
import { carriedText, numberText } from "../canonical/sales/receipt-law.ts"
import type { Closure, TenderCount } from "../canonical/sales/store-day.ts"
import type { StoreAccount, StoreLine } from "../canonical/sales/store-entry.ts"
import { countSession } from "../rules/sales/close-day.ts"
import { keyOfLine } from "../rules/sales/post-receipt.ts"

/** Names a store's day. */
export interface DayName {
  storeId: string
  businessDay: string
}

/** Numbers that have not come. */
export interface Outstanding {
  tillId: string
  from: number
  to: number
}

/** Why a day is not whole, in words that name what is missing. */
export interface Standing {
  outstanding: Outstanding[]
  parked: { tillId: string; sequence: number; documentId?: string }[]
  carried: string[]
  counts: TenderCount[]
  /** Counts that are too far off and that nobody else accepted, and sessions that were not counted. */
  uncounted: string[]
  accountOf: (count: TenderCount) => StoreAccount
}

interface CalledRow {
  till_id: string
  sequence: number
  document_id: string | null
}

function calledIn({ till_id: tillId, sequence, document_id: documentId }: CalledRow) {
  return { tillId, sequence, ...(documentId === null ? {} : { documentId }) }
}

interface CountRow {
  session_id: string
  currency: string
  tender: string
  counted: number
  cashier: string | null
  approver: string | null
}

/** How a day stands: what it lacks, and what its sessions come to. The same for a look at it and for its closing. */
export async function standingOf(
  query: SqlTransaction,
  { storeId, businessDay }: DayName,
  { approveAboveMinor, approvals }: { approveAboveMinor: number; approvals: Readonly<Record<string, string>> },
): Promise<Standing> {
  const outstanding = await query<{ till_id: string; from_sequence: number; to_sequence: number }[]>`
    select * from outstanding_of_day(${storeId}, ${businessDay}::date)`
  const parked = await query<CalledRow[]>`
    select * from parked_of_day(${storeId}, ${businessDay}::date)`
  const carried = await query<CalledRow[]>`
    select * from carried_of_day(${storeId}, ${businessDay}::date)`
  const sums = await query<{ session_id: string; currency: string; account: string; amount: number }[]>`
    select * from session_sums(${storeId}, ${businessDay}::date)`
  const counted = await query<CountRow[]>`select * from last_counts(${storeId}, ${businessDay}::date)`
  const lines = sums.map(({ account, amount, ...of }) => ({
    ...of,
    line: { ...keyOfLine(account), amountMinor: amount } satisfies StoreLine,
  }))
  const counts = countsOf(lines, counted)
  return {
    outstanding: outstanding.map(({ till_id, from_sequence, to_sequence }) => {
      return { tillId: till_id, from: from_sequence, to: to_sequence }
    }),
    parked: parked.map(calledIn),
    carried: carried.map((row) => carriedText({ storeId, ...calledIn(row) })),
    counts,
    uncounted: uncounted(counts, { counted, approveAboveMinor, approvals }),
    accountOf: ({ tender }) => lines.find(({ line }) => line.tender === tender)?.line.account ?? "drawer",
  }
}

/** What a closing waits for, or was made without. */
export function missingOf(storeId: string, { outstanding, parked, uncounted: open }: Standing): string[] {
  return cutList([
    ...outstanding.map((gap) => outstandingText(storeId, gap)),
    ...parked.map((of) => `${numberText({ storeId, ...of })} does not add up`),
    ...open,
  ])
}

/** At most 200 lines; the last one says how many more there are. */
export function cutList(lines: readonly string[]): string[] {
  return lines.length <= 200 ? [...lines] : [...lines.slice(0, 199), `and ${lines.length - 199} more`]
}

/** As people say it: `store 117 till 3: 10442-10444 outstanding`. */
export function outstandingText(storeId: string, { tillId, from, to }: Outstanding): string {
  return `store ${storeId} till ${tillId}: ${from === to ? from : `${from}-${to}`} outstanding`
}

/** Closings and corrections of a day, from the first. */
export async function closuresOf(query: SqlTransaction, { storeId, businessDay }: DayName): Promise<Closure[]> {
  const rows = await query<{ closure: Closure }[]>`
    select closure from store_closures where store_id = ${storeId} and business_day = ${businessDay}::date order by n`
  return rows.map(({ closure }) => closure)
}

function countsOf(
  lines: readonly { session_id: string; currency: string; line: StoreLine }[],
  counted: readonly CountRow[],
): TenderCount[] {
  const sessions = new Map<string, { sessionId: string; currency: string }>()
  for (const { session_id: sessionId, currency } of [...lines, ...counted])
    if (sessionId !== "") sessions.set(JSON.stringify([sessionId, currency]), { sessionId, currency })
  const isOf = (of: { sessionId: string; currency: string }) => (row: { session_id: string; currency: string }) =>
    row.session_id === of.sessionId && row.currency === of.currency
  return [...sessions.values()].flatMap((of) =>
    countSession({
      ...of,
      lines: lines.filter(isOf(of)).map(({ line }) => line),
      counted: Object.fromEntries(counted.filter(isOf(of)).map((row) => [row.tender, row.counted])),
    }),
  )
}

interface Counting {
  counted: readonly CountRow[]
  approveAboveMinor: number
  approvals: Readonly<Record<string, string>>
}

function uncounted(counts: readonly TenderCount[], { counted, approveAboveMinor, approvals }: Counting): string[] {
  return counts.flatMap((count) => {
    const { sessionId, tender, currency, countedMinor, overShortMinor = 0, expectedMinor } = count
    if (countedMinor === undefined) {
      // Cards settle by themselves; cash that was in a drawer has to be counted.
      const isCash = tender === "cash" || tender.startsWith("cash ")
      return isCash && expectedMinor !== 0 ? [`session ${sessionId}: ${tender} is not counted`] : []
    }
    if (Math.abs(overShortMinor) <= approveAboveMinor) return []
    const row = counted.find((one) => one.session_id === sessionId && one.tender === tender)
    const by = own(approvals, sessionId) ?? row?.approver
    if (by && by !== row?.cashier) return []
    const off = moneyText(money(Math.abs(overShortMinor), currency))
    return [
      `session ${sessionId}: ${tender} is ${off} ${overShortMinor > 0 ? "over" : "short"} and needs a second person`,
    ]
  })
}
