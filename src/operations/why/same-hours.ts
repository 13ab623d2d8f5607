import { storage, type Sql } from "../../base/sql.ts"
import { epochMs, instant } from "../../base/time.ts"

export interface SameHoursOf {
  from: string
  to: string
  /** How many earlier weeks are looked at. */
  weeks: number
  /** Weeks are counted there: the same hour of the day is the same hour, also after the clock was changed. */
  timeZone: string
  channels?: readonly string[] | undefined
}

/** Counters of some hours and of the same hours of earlier weeks. Week 0 is now. */
export class SameHours {
  readonly #rows: readonly HourRow[]
  /** How much of each hour has passed. */
  readonly #weights: ReadonlyMap<number, number>
  readonly #firstMs: number
  /** Earlier weeks of which there are figures. */
  readonly weeks: readonly number[]

  constructor(
    rows: readonly HourRow[],
    { weights, weeks, firstMs }: { weights: ReadonlyMap<number, number>; weeks: readonly number[]; firstMs: number },
  ) {
    this.#firstMs = firstMs
    this.#rows = rows
    this.#weights = weights
    this.weeks = weeks
  }

  /** The sum of a counter now, and in each earlier week. */
  flow(name: string, fits: (row: HourRow) => boolean): { now: number; earlier: number[] } {
    const sums = new Map<number, number>()
    for (const row of this.#rows) {
      if (row.name !== name || !fits(row)) continue
      const weight = row.week === 0 ? 1 : (this.#weights.get(row.nth) ?? 1)
      sums.set(row.week, (sums.get(row.week) ?? 0) + row.value * weight)
    }
    return { now: sums.get(0) ?? 0, earlier: this.weeks.map((week) => sums.get(week) ?? 0) }
  }

  /** A counter hour by hour; of the last hour, earlier weeks count by the part that has passed. */
  byHour(name: string): { hour: string; now: number; earlier: number[] }[] {
    return [...this.#weights.keys()].map((nth) => ({
      hour: instant(this.#firstMs + nth * hourMs),
      ...this.flow(name, (row) => row.nth === nth),
    }))
  }

  /** Every channel that a counter has. */
  channelsOf(name: string): string[] {
    return [
      ...new Set(this.#rows.flatMap((row) => (row.name === name && row.channel !== "" ? [row.channel] : []))),
    ].sort()
  }

  labelsOf(name: string): string[] {
    return [...new Set(this.#rows.flatMap((row) => (row.name === name ? [row.label] : [])))].sort()
  }
}

export interface HourRow {
  name: string
  channel: string
  label: string
  /** How many weeks ago. */
  week: number
  /** Which hour of the time asked about. */
  nth: number
  value: number
}

const hourMs = 3_600_000

/**
 * Reads counters of some names by hour, for a time and the same hours of earlier weeks. Of the last hour a part may have passed: earlier
 * weeks count by that part.
 */
export async function readSameHours(sql: Sql, names: readonly string[], asked: SameHoursOf): Promise<SameHours> {
  const { from, to, weeks, timeZone, channels } = asked
  const first = Math.floor(epochMs(from) / hourMs) * hourMs
  const hours = Math.ceil((epochMs(to) - first) / hourMs)
  const rows = await storage(
    () => sql<HourRow[]>`
      select f.name, f.channel, f.label, h.week, h.nth, sum(f.value)::bigint as value
      from generate_series(0, ${hours - 1}) nth
      cross join generate_series(0, ${weeks}) week
      cross join lateral (select nth, week,
        date_trunc('hour', ((${instant(first)}::timestamptz + nth * interval '1 hour') at time zone ${timeZone}
          - week * interval '7 days') at time zone ${timeZone}) as hour) h
      join figures f on f.name = any(${[...names]}) and f.hour = h.hour
      where ${channels === undefined} or f.channel = any(${[...(channels ?? [])]})
      group by 1, 2, 3, 4, 5`,
  )
  const [known] = await storage(
    () => sql<{ since: Date | null }[]>`select min(hour) as since from figures where name = 'orders placed'`,
  )
  const sinceMs = known?.since?.getTime() ?? Number.POSITIVE_INFINITY
  const earlier = Array.from({ length: weeks }, (_, index) => index + 1).filter(
    (week) => first - week * 168 * hourMs >= sinceMs - hourMs,
  )
  return new SameHours(rows, { weights: weightsOf({ to, first, hours }), weeks: earlier, firstMs: first })
}

/** How much of each hour has passed. Counters know no minutes, so the first hour is taken whole. */
function weightsOf({ to, first, hours }: { to: string; first: number; hours: number }): Map<number, number> {
  return new Map(
    Array.from({ length: hours }, (_, nth) => {
      const start = first + nth * hourMs
      return [nth, (Math.min(start + hourMs, epochMs(to)) - start) / hourMs]
    }),
  )
}
