import type { Log } from "../../base/log.ts"
import { isStorageAway, storage, type Sql } from "../../base/sql.ts"
import { repeated, type Repeated } from "../../base/time.ts"
import type { Reader } from "../../eventlog/readers/readers.ts"
import { profileOf, type WeekProfile } from "./profile.ts"

const everyMs = 30_000
/** No transaction that books stock takes so long: what it books has a moment before this. */
const settledMs = 15_000

/** Learns demand from the ledger as it grows. Several processes count each booking once. */
export function learnDemand({ sql, log, reader }: { sql: Sql; log: Log; reader: Reader }): Repeated {
  return repeated(() => reader.pass(() => foldDemand(sql)), {
    everyMs,
    waitsFirst: true,
    onError: (thrown) =>
      isStorageAway(thrown) || log.error({ err: thrown }, "demand could not be learnt; it is tried again"),
  })
}

/** Counts what the ledger took in since the last time; returns the number of sales. */
export async function foldDemand(sql: Sql, olderThanMs: number = settledMs): Promise<number> {
  const [row] = await storage(
    () => sql<{ counted: number }[]>`
      select stock_fold_demand(clock_timestamp() - ${olderThanMs} * interval '1 ms')::float8 as counted`,
  )
  return row?.counted ?? 0
}

const keptMs = 10 * 60_000

/** The profiles of places, each read once in ten minutes: they change over weeks. */
export class WeekProfiles {
  readonly #sql: Sql
  #profiles: ReadonlyMap<string, WeekProfile> = new Map()
  #readAt = Number.NEGATIVE_INFINITY

  constructor(sql: Sql) {
    this.#sql = sql
  }

  async all(nowMs: number): Promise<ReadonlyMap<string, WeekProfile>> {
    if (nowMs - this.#readAt < keptMs) return this.#profiles
    const rows = await storage(
      () => this.#sql<{ location: string; hour: number; units: number }[]>`
        select location_id as location, hour_of_week as hour, units from stock_hours`,
    )
    const byPlace = Map.groupBy(rows, ({ location }) => location)
    this.#profiles = new Map(
      [...byPlace].map(([place, hours]) => [place, profileOf(new Map(hours.map(({ hour, units }) => [hour, units])))]),
    )
    this.#readAt = nowMs
    return this.#profiles
  }
}
