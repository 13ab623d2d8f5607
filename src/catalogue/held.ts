import { storage, type Sql } from "../base/sql.ts"

/** Changes that nobody has decided, the oldest first. */
export async function heldChanges(sql: Sql, { limit }: { limit: number }): Promise<object[]> {
  const rows = await storage(
    () => sql<
      {
        exception_id: string
        sku: string | null
        change: object
        said_by: string
        rule: string
        why: string
        at: Date
      }[]
    >`
      select exception_id, sku, change, said_by, rule, why, at from held_changes where decided is null
      order by at, exception_id limit ${limit}`,
  )
  return rows.map(({ exception_id: exceptionId, sku, change, said_by: by, rule, why, at }) => ({
    exceptionId,
    ...(sku === null ? {} : { sku }),
    change,
    by,
    rule,
    why,
    at: at.toISOString(),
  }))
}
