import type { Log } from "../../base/log.ts"
import type { KeepingSubscriber } from "../../eventlog/subscriber.ts"
import { storage, type Sql, type SqlTransaction } from "../../base/sql.ts"
import { instant } from "../../base/time.ts"
import { countedTypes, countEvent, sheetsOf, type CountRules } from "./count-event.ts"
import type { Sheet } from "./sheet.ts"
import { Tally } from "./tally.ts"

/** The name of the reader that counts the log. */
const figuresReader = "figures"

/**
 * Counts the business's events. Counters and position are one transaction, so each event counts once. An event that cannot be counted is
 * left out, told in the log of the process, and counted as such: it must not hold up the figures of all others.
 */
export function figuresSubscriber(rules: CountRules, log: Log): KeepingSubscriber {
  return {
    name: figuresReader,
    types: countedTypes,
    // Counters of an hour are written once a second, not once an event.
    gathersMs: 1000,
    async keep(transaction, events) {
      const refs = [...new Set(events.flatMap(sheetsOf))]
      const tally = new Tally(await readSheets(transaction, refs))
      for (const event of events)
        try {
          countEvent(tally, event, rules)
        } catch (thrown) {
          log.error({ err: thrown, fact: event.fact }, "an event could not be counted")
          tally.count("events not counted", { at: event.time, of: undefined, label: event.type })
        }
      await transaction`
        select keep_figures(${JSON.stringify(tally.sheets)}::text::json, ${JSON.stringify(tally.counts)}::text::json,
          ${JSON.stringify(tally.moves)}::text::json)`
    },
  }
}

interface SheetRow {
  ref: string
  kind: string
  state: string | null
  is_final: boolean
  channel: string
  place: string
  sold_at: string
  payment: string
  currency: string
  value_minor: number
  opened_at: Date
  since: Date
  version: string | null
  left_at: Date | null
  asked_at: Date | null
  counted: string[]
}

async function readSheets(transaction: SqlTransaction, refs: readonly string[]): Promise<Sheet[]> {
  if (refs.length === 0) return []
  const rows = await transaction<SheetRow[]>`select * from figure_objects where ref = any(${[...refs]})`
  return rows.map((row) => ({
    ref: row.ref,
    kind: row.kind,
    channel: row.channel,
    place: row.place,
    soldAt: row.sold_at,
    payment: row.payment,
    currency: row.currency,
    valueMinor: row.value_minor,
    openedAt: row.opened_at.toISOString(),
    since: row.since.toISOString(),
    state: row.state,
    isFinal: row.is_final,
    version: row.version,
    leftAt: row.left_at?.toISOString() ?? null,
    askedAt: row.asked_at?.toISOString() ?? null,
    counted: row.counted,
  }))
}

/** Forgets all that was counted from the log; its reader counts it again within seconds to minutes. */
export async function rebuildFigures(sql: Sql): Promise<void> {
  await storage(() => sql`select rebuild_figures(${figuresReader})`)
}

/** Up to when the log is counted: now, unless its reader is behind. */
export async function countedUntil(sql: Sql, nowMs: number): Promise<string> {
  const [row] = await storage(() => sql<{ at: Date | null }[]>`select counted_until(${figuresReader}) as at`)
  return row?.at?.toISOString() ?? instant(nowMs)
}
