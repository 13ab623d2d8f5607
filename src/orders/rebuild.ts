import { AppError } from "../base/errors.ts"
import { canonicalJson } from "../base/ids.ts"
import { storage, type Sql } from "../base/sql.ts"
import type { NewEvent } from "../canonical/events.ts"
import { OrderAccounts, type AccountRows } from "./accounts.ts"
import { noted } from "./entries.ts"

/** An account that was not what the log says. */
export interface AccountDifference {
  orderId: string
  was: AccountRows
  is: AccountRows
}

const attemptsMax = 5

/**
 * Makes the account of an order anew from its events and returns what was different (I-10). Claims are promises and no view: they
 * stay, and what the events tell of them is told again. It may run beside the trade of the day; when the order is never quiet
 * for as long as it takes, STATE_FORBIDS, and it is safe to ask again.
 */
export async function rebuildAccount(sql: Sql, orderId: string): Promise<AccountDifference | undefined> {
  const accounts = new OrderAccounts(sql)
  for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
    const was = await accounts.read(orderId)
    const events = await storage(
      () => sql<(NewEvent & { recordedAt: Date })[]>`
        select * from events_of_account(${orderId})`,
    )
    if (!(await replaceAccount(sql, orderId, events))) continue
    const is = await accounts.read(orderId)
    return contentOf(was) === contentOf(is) ? undefined : { orderId, was, is }
  }
  throw new AppError("STATE_FORBIDS", `order ${orderId} changes faster than its account can be made anew`)
}

/** What an account says. Facts that came at one moment may stand in either order, and of two reports either may be the first. */
function contentOf({ taken, entries, claims }: AccountRows): string {
  const said = claims.map(({ key, by, kind, part, amount, unit, state, isClaimed, reference, toldBy }) => ({
    kind,
    part,
    amount,
    unit,
    state,
    isClaimed,
    reference,
    toldBy: toldBy.toSorted(),
    ...(isClaimed ? { key, by } : {}),
  }))
  return canonicalJson([taken, ...[entries, said].map((rows) => rows.map((row) => canonicalJson(row)).sort())])
}

async function replaceAccount(
  sql: Sql,
  orderId: string,
  events: readonly (NewEvent & { recordedAt: Date })[],
): Promise<boolean> {
  const notes = events.map((event, n) => ({ n, recordedAt: event.recordedAt, ...noted(event) }))
  const entries = notes.flatMap(({ n, entries: own = [] }) => own.map((entry) => ({ n, ...entry })))
  const reports = notes.flatMap(({ n, recordedAt, reports: own = [] }) => own.map((one) => ({ n, recordedAt, ...one })))
  const [row] = await storage(
    () => sql<{ is_done: boolean }[]>`
      select rebuild_account(${orderId}, ${JSON.stringify(entries)}::text::json, ${JSON.stringify(reports)}::text::json,
        ${events.length}) as is_done`,
  )
  return row?.is_done ?? false
}
