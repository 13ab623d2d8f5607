import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase } from "../../test/fixtures/database.ts"
import { openSql } from "../base/sql.ts"
import { PublishedRows } from "./rows.ts"

let database: Awaited<ReturnType<typeof freshDatabase>>
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.drop())

test("a first load reads each row a few times, also before the database has statistics of it", async () => {
  const sql = openSql(database.url, { connectionsMax: 1, name: "first load" })
  await sql`alter table published_rows set (autovacuum_enabled = false)`
  const [scopes, items] = [20, 100].map((count) => Array.from({ length: count }, (_, n) => `n${n}`))
  await sql`select publish_load('shop', 'stock', ${scopes ?? []}::text[], ${items ?? []}::text[])`
  await sql`update published_rows set marks = 1`
  const entriesRead = async () => {
    const [row] = await sql<{ entries: number }[]>`
      select pg_stat_force_next_flush(), (select sum(idx_tup_read) from pg_stat_user_indexes where relname = 'published_rows')::int as entries`
    return row?.entries ?? 0
  }
  const rows = new PublishedRows(sql, "stock")
  const readBy = async (work: () => Promise<unknown>) => {
    await entriesRead()
    const before = await entriesRead()
    await work()
    await entriesRead()
    return (await entriesRead()) - before
  }
  const now = new Date(Date.now() + 60_000).toISOString()
  const candidates = () => rows.candidates("shop", { now, limit: 500, onlyMarked: false })
  expect((await candidates()).length).toBeGreaterThanOrEqual(500)
  expect(await readBy(candidates)).toBeLessThan(10_000)
  await sql.end()
})
