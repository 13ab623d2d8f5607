import { storage } from "../../base/sql.ts"
import { instant } from "../../base/time.ts"
import type { Money } from "../../base/money.ts"
import { dimensionNames, levelsOf, windowOf, type NamedPromise } from "../../rules/promises/definition.ts"
import { concentrationOf, type Concentration } from "../../rules/promises/judge.ts"
import { makeCursor, parseCursor } from "../cursor.ts"
import { lookedAtMost, windowDays, type PromiseReads, type Within } from "./read.ts"

/** An outcome that was missed, or is likely to be. */
export interface Member {
  subject: string
  orderId?: string
  channel?: string
  store?: string
  region?: string
  method?: string
  money?: Money
  startedAt: string
  dueAt: string
  /** When it came true after all. */
  endedAt?: string
}

interface MemberRow {
  subject: string
  order_id: string | null
  channel: string | null
  store: string | null
  region: string | null
  method: string | null
  minor: number | null
  currency: string | null
  started_at: Date
  due_at: Date
  ended_at: Date | null
  finished_at: Date | null
  state: string
}

/** Missed ones of a promise, the latest first. */
export async function listMissed(
  { sql, build }: PromiseReads,
  { name }: NamedPromise,
  { limit, cursor, channels }: Within & { limit: number; cursor?: string },
): Promise<{ items: Member[]; cursor?: string }> {
  const after = cursor === undefined ? { at: "9999-12-31T00:00:00.000Z", id: "" } : parseCursor(cursor)
  const rows = await storage(
    () => sql<MemberRow[]>`
      select subject, order_id, channel, store, region, method, minor, currency, started_at, due_at, ended_at, finished_at, state
      from promise_outcomes
      where build = ${build} and promise = ${name} and state = 'missed' and (finished_at, subject) < (${after.at}::timestamptz, ${after.id})
        and (${channels === undefined} or channel = any(${[...(channels ?? [])]}))
      order by finished_at desc, subject desc limit ${limit + 1}`,
  )
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const next =
    rows.length > limit && last?.finished_at ? { cursor: makeCursor(last.finished_at.toISOString(), last.subject) } : {}
  return { items: shown.map(memberOf), ...next }
}

function memberOf(row: MemberRow): Member {
  const text = (name: "channel" | "store" | "region" | "method") => (row[name] === null ? {} : { [name]: row[name] })
  return {
    subject: row.subject,
    ...(row.order_id === null ? {} : { orderId: row.order_id }),
    ...text("channel"),
    ...text("store"),
    ...text("region"),
    ...text("method"),
    ...(row.minor === null || row.currency === null
      ? {}
      : { money: { amountMinor: row.minor, currency: row.currency } }),
    startedAt: row.started_at.toISOString(),
    dueAt: row.due_at.toISOString(),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at.toISOString() }),
  }
}

/** What the misses of a scope have in common: the last finished outcomes of it, and the orders of the missed ones. */
export async function explainScope(
  { sql, clock, build }: PromiseReads,
  promise: NamedPromise,
  scope: readonly string[],
): Promise<{ concentration?: Concentration; orderIds: string[] }> {
  const since = instant(clock.now() - windowDays * 86_400_000)
  const cut = levelsOf(promise).length - scope.length
  const rows = await storage(
    () => sql<MemberRow[]>`
      select * from (
        select * from promise_outcomes
        where build = ${build} and promise = ${promise.name} and finished_at > ${since}::timestamptz
        order by finished_at desc limit ${lookedAtMost}
      ) recent where recent.scope[${cut + 1}::integer:] = ${[...scope]}::text[] limit ${windowOf(promise)}`,
  )
  const concentration = concentrationOf(
    rows.map((row) => ({
      isMissed: row.state === "missed",
      dimensions: Object.fromEntries(dimensionNames.map((name) => [name, row[name] ?? undefined])),
    })),
  )
  const missed = rows.filter(({ state }) => state === "missed")
  return { ...(concentration ? { concentration } : {}), orderIds: missed.flatMap(({ order_id }) => order_id ?? []) }
}
