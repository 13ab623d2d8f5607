import { storage, type Sql } from "../../base/sql.ts"
import { instant, type Clock } from "../../base/time.ts"
import { parseCursor } from "../cursor.ts"
import { operationOf, type BulkOperation, type OperationRow } from "./operation-row.ts"

interface Reading {
  sql: Sql
  clock: Clock
}

interface Wanted {
  id?: string
  cursor?: string
  state?: string | undefined
  channels?: readonly string[] | undefined
  limit: number
}

/** Operations with the counts of their members, newest first. With `channels` those whose channels are all among them. */
export async function readOperations(
  { sql, clock }: Reading,
  { id, cursor, state, channels, limit }: Wanted,
): Promise<BulkOperation[]> {
  const after = cursor === undefined ? undefined : parseCursor(cursor)
  const rows = await storage(
    () => sql<OperationRow[]>`
      select o.*, m.* from (
        select * from bulk_operations o
        where (${id ?? null}::text is null or o.id = ${id ?? null}) and (${state ?? null}::text is null or o.state = ${state ?? null})
          and (${channels === undefined} or o.channels <@ ${[...(channels ?? [])]})
          and (${after?.at ?? null}::timestamptz is null or (o.requested_at, o.id) < (${after?.at ?? null}::timestamptz, ${after?.id ?? null}))
        order by o.requested_at desc, o.id desc limit ${limit}
      ) o cross join lateral (
        select count(*) filter (where outcome = 'done') as done, count(*) filter (where outcome = 'skipped') as skipped,
          count(*) filter (where outcome = 'failed') as failed
        from bulk_members where operation = o.id
      ) m order by o.requested_at desc, o.id desc`,
  )
  return rows.map((row) => operationOf(row, clock.now()))
}

/** A member of an operation, and what became of it. */
export interface MemberRow {
  n: number
  member: string
  about: string
  outcome: "done" | "skipped" | "failed" | null
  reason: string | null
  at: string | null
}

/** Members in their order, from the one after `after`. */
export async function readMembers(
  sql: Sql,
  id: string,
  { after = -1, limit = 100 }: { after?: number | undefined; limit?: number | undefined },
): Promise<MemberRow[]> {
  const rows = await storage(
    () => sql<(Omit<MemberRow, "at"> & { at: Date | null })[]>`
      select n, member, about, outcome, reason, at from bulk_members where operation = ${id} and n > ${after} order by n limit ${limit}`,
  )
  return rows.map(({ at, ...row }) => ({ ...row, at: at === null ? null : at.toISOString() }))
}

const previewsKeptMs = 7 * 86_400_000
const endedKeptMs = 400 * 86_400_000

/** Forgets previews that nobody ran within a week, and operations that ended long ago; the audit keeps what was done. */
export async function forgetOperations({ sql, clock }: Reading): Promise<number> {
  const before = (ms: number) => instant(clock.now() - ms)
  const [row] = await storage(
    () => sql<{ count: number }[]>`
      select forget_operations(${before(previewsKeptMs)}, ${before(endedKeptMs)}) as count`,
  )
  return row?.count ?? 0
}
