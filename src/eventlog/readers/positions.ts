import { storage, type Sql, type SqlTransaction } from "../../base/sql.ts"
import type { Instant } from "../../base/time.ts"

/** Sets where a durable reader stands, and forgets what waits: before all that the log took since a moment, or from now on. */
export async function setPosition(tx: SqlTransaction, name: string, since: Instant | undefined): Promise<void> {
  await tx`delete from subscription_backlog where name = ${name}`
  await tx`
    insert into subscriptions (name, xid, seq) select ${name}, p.xid, p.seq from position_since(${since ?? null}::timestamptz) p
    on conflict (name) do update set xid = excluded.xid, seq = excluded.seq, updated_at = now()`
}

export async function removePosition(tx: SqlTransaction, name: string): Promise<void> {
  await tx`delete from subscriptions where name = ${name}`
}

/** Has everything that waits for a reader tried again now. */
export async function releaseAll(tx: SqlTransaction, name: string): Promise<void> {
  await tx`update subscription_backlog set is_parked = false, attempts = 0, next_at = now() where name = ${name}`
}

/** How many keys wait for each of these readers. */
export async function waitingKeys(sql: Sql, names: readonly string[]): Promise<Map<string, number>> {
  const rows = await storage(
    () => sql<{ name: string; count: number }[]>`
      select name, count(distinct key) as count from subscription_backlog where name = any(${[...names]}) group by 1`,
  )
  return new Map(rows.map(({ name, count }) => [name, count]))
}

/**
 * Leaves out the parked event of a key that is the first of its reader, of the readers whose names begin so; returns how many later
 * ones are tried now.
 */
export async function leaveOutParked(sql: Sql, key: string, beginning: string): Promise<number> {
  const rows = await storage(
    () => sql`
      with first as (
        delete from subscription_backlog b where (b.name, b.xid, b.seq) in (
          select distinct on (name) name, xid, seq from subscription_backlog
          where key = ${key} and starts_with(name, ${beginning}) and is_parked order by name, xid, seq)
        returning b.name, b.xid, b.seq)
      update subscription_backlog b set is_parked = false, attempts = 0, next_at = now()
      from first where b.name = first.name and b.key = ${key} and (b.xid, b.seq) <> (first.xid, first.seq) returning b.seq`,
  )
  return rows.length
}
