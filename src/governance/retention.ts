import type { Problem } from "../base/errors.ts"
import { sqlState, storage, type Sql } from "../base/sql.ts"
import { durationMs, instant, sleep, type Clock, type Instant } from "../base/time.ts"

/** How long an estate keeps what it no longer works on; what is left out has a default. Whole days. */
export interface RetentionPolicy {
  /** Raw bytes and headers of what came in. Default 60, at least 14. */
  deliveries?: { days: number }
  /** The log of business events. Default 400, at least 30 and as long as finished work. */
  events?: { days: number }
  /** Workflows that ended, with their journal, and exceptions that were decided. Default 400, at least 30. */
  finishedWork?: { days: number }
}

/** Ages in days. */
type RetentionDays = Readonly<Record<keyof RetentionPolicy, number>>

const defaults: RetentionDays = { deliveries: 60, events: 400, finishedWork: 400 }
// A sender may repeat a delivery for ten days (src/governance/replay-guard.ts); people need time to look into what is new.
const least: RetentionDays = { deliveries: 14, events: 30, finishedWork: 30 }
const mostDays = 36_500
const kinds = ["deliveries", "events", "finishedWork"] as const

/** Ages by which an estate's retention goes. */
function retentionDays(policy: RetentionPolicy = {}): RetentionDays {
  const days = (kind: keyof RetentionPolicy) => policy[kind]?.days ?? defaults[kind]
  // Work that is kept can still be woken, and reads the event that started it.
  const events = policy.events?.days ?? Math.max(defaults.events, days("finishedWork"))
  return { deliveries: days("deliveries"), events, finishedWork: days("finishedWork") }
}

/** What is wrong with a retention policy. */
export function retentionProblems(policy: RetentionPolicy = {}): Problem[] {
  const problems: Problem[] = []
  for (const [kind, value] of Object.entries(policy)) {
    const known = kinds.find((one) => one === kind)
    if (!known) problems.push({ pointer: `/retention/${kind}`, message: `there are only ${kinds.join(", ")}` })
    else if (!isAge(value, known))
      problems.push({
        pointer: `/retention/${kind}/days`,
        message: `takes a whole number of days from ${least[known]} to ${mostDays}`,
      })
  }
  const { events, finishedWork } = retentionDays(policy)
  if (problems.length === 0 && events < finishedWork)
    problems.push({
      pointer: "/retention/events/days",
      message: `finished work is kept for ${finishedWork} days and may read its events: keep them as long`,
    })
  return problems
}

function isAge(value: unknown, kind: keyof RetentionPolicy): boolean {
  const days = (value as { days?: unknown } | null)?.days
  return typeof days === "number" && Number.isInteger(days) && days >= least[kind] && days <= mostDays
}

/** Something that retention removes, what went last and what goes next. */
export interface RetentionOutlook {
  what: "deliveries" | "events" | "finished work"
  days: number
  /** Everything older is gone, except what is open; absent while nothing went. */
  removedBefore?: Instant
  /** What goes next, and when it may. */
  next?: { what: string; at: Instant; bytes?: number }
  /** Why what is due does not go. */
  heldBackBy?: string
}

/** The outlook of an estate, and what its tables take. */
export interface RetentionReport {
  outlook: RetentionOutlook[]
  tables: { name: string; bytes: number; rows: number }[]
}

// Finished work goes in so many instances a transaction: some ten milliseconds.
const instancesAtOnce = 200
const pauseMs = 50
const lockNotAvailable = "55P03"

/**
 * Removes what is older than the estate's policy, step by step, each a small transaction that is safe to repeat
 * (sql/0600-retention.sql). Any worker may run it at any time; only one is at work.
 */
export class Retention {
  readonly #sql: Sql
  readonly #clock: Clock
  readonly #days: RetentionDays

  constructor(sql: Sql, clock: Clock, policy: RetentionPolicy | undefined) {
    this.#sql = sql
    this.#clock = clock
    this.#days = retentionDays(policy)
  }

  /** Goes on until nothing is due any more, or `signal`; returns what was done, in words. */
  async run(signal?: AbortSignal): Promise<string[]> {
    const done: string[] = []
    for (const step of [() => this.#deliveries(), () => this.#finishedWork(), () => this.#events()])
      while (!signal?.aborted) {
        const said = await withFreeLock(step)
        if (said === undefined) break
        done.push(said)
        await sleep(pauseMs)
      }
    await storage(() => this.#sql`select retain_figures(${this.#cutoff("events")}::timestamptz)`)
    return done
  }

  /** What went, what goes next, and how big things are; changes nothing. */
  async report(): Promise<RetentionReport> {
    const { deliveries, events, finishedWork } = this.#days
    const [outlook, tables] = await Promise.all([
      storage(
        () => this.#sql<OutlookRow[]>`
          select * from retention_outlook(${deliveries}, ${events}, ${finishedWork}, ${instant(this.#clock.now())}::timestamptz)`,
      ),
      storage(
        () => this.#sql<RetentionReport["tables"]>`
          select name, bytes, row_estimate as rows from table_sizes() where bytes > 1000000`,
      ),
    ])
    return { outlook: outlook.map(outlookOf), tables: [...tables] }
  }

  async #deliveries(): Promise<string | undefined> {
    const days = this.#days.deliveries
    return said(await this.#sql`select retain_deliveries(${this.#cutoff("deliveries")}::timestamptz, ${days}) as said`)
  }

  async #events(): Promise<string | undefined> {
    return said(
      await this.#sql`select retain_events(${this.#cutoff("events")}::timestamptz, ${this.#days.events}) as said`,
    )
  }

  async #finishedWork(): Promise<string | undefined> {
    const days = this.#days.finishedWork
    return said(
      await this.#sql`select retain_finished_work(${this.#cutoff("finishedWork")}::timestamptz, ${days}, ${instancesAtOnce}) as said`,
    )
  }

  #cutoff(kind: keyof RetentionPolicy): Instant {
    return instant(this.#clock.now() - durationMs({ days: this.#days[kind] }))
  }
}

function said([row]: readonly object[]): string | undefined {
  return (row as { said: string | null } | undefined)?.said ?? undefined
}

/** A lock that is not free soon is tried for again in a later run: nobody may wait behind retention. */
async function withFreeLock(step: () => Promise<string | undefined>): Promise<string | undefined> {
  try {
    return await storage(step)
  } catch (thrown) {
    if (sqlState(thrown) === lockNotAvailable) return undefined
    throw thrown
  }
}

interface OutlookRow {
  what: RetentionOutlook["what"]
  days: number
  removed_before: Date | null
  next_what: string | null
  next_at: Date | null
  next_bytes: number | null
  held_back_by: string | null
}

function outlookOf(row: OutlookRow): RetentionOutlook {
  const { what, days, removed_before, next_what, next_at, next_bytes, held_back_by } = row
  return {
    what,
    days,
    ...(removed_before === null ? {} : { removedBefore: removed_before.toISOString() }),
    ...(next_what === null || next_at === null
      ? {}
      : {
          next: { what: next_what, at: next_at.toISOString(), ...(next_bytes === null ? {} : { bytes: next_bytes }) },
        }),
    ...(held_back_by === null ? {} : { heldBackBy: held_back_by }),
  }
}
