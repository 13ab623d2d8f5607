import { openSession, openSql, type Sql } from "../../../src/base/sql.ts"
import { sendCopy } from "../../floors/copy.ts"
import { answerParent } from "../answer-parent.ts"

// COPY of rows that the product wrote, into tables of the same shape with the same indexes. Each round adds its rows to both, so that
// neither side has the smaller indexes.

const schema = "bench_copy"

let sql: Sql
let tables: readonly string[] = []
/** Texts of COPY, by part and table. */
let parts: Buffer[][] = []

answerParent({
  connect: async (request: { databaseUrl: string; tables: string[] }) => {
    sql = openSql(request.databaseUrl, { connectionsMax: 4, name: "bench copy" })
    tables = request.tables
    await sql`create schema ${sql(schema)}`
    for (const table of tables) await makeTwin(table)
  },

  /** Reads the rows that transactions wrote from this one on, in so many parts. */
  prepare: async ({ fromXid, count }: { fromXid: number; count: number }) => {
    const { sql: session } = await openSession(sql)
    // This is not measured, and reads whole tables, which the product never does.
    await session`set enable_seqscan = on`
    await session`set statement_timeout = 0`
    parts = Array.from({ length: count }, () => [])
    for (const table of tables) {
      // A database of this run has far fewer transactions than xmin can count.
      const stream = await session`
        copy (select * from ${session(table)} where xmin::text::bigint >= ${session.unsafe(String(fromXid))}) to stdout`.readable()
      const pieces: Buffer[] = []
      for await (const piece of stream) pieces.push(piece as Buffer)
      const lines = Buffer.concat(pieces).toString("utf8").split("\n")
      lines.pop()
      const each = Math.ceil(lines.length / count)
      for (const [n, part] of parts.entries())
        part.push(
          Buffer.from(
            lines
              .slice(n * each, (n + 1) * each)
              .map((line) => `${line}\n`)
              .join(""),
          ),
        )
    }
    await session.end()
  },

  /** Writes them; returns how long that took. */
  run: async () => {
    const sessions = await Promise.all(parts.map(() => openSession(sql)))
    const started = performance.now()
    await Promise.all(
      sessions.map(async ({ sql: session }, part) => {
        await session`begin`
        for (const [n, table] of tables.entries())
          await sendCopy(
            await session`copy ${session(schema)}.${session(table)} from stdin`.writable(),
            parts[part]?.[n] ?? Buffer.alloc(0),
          )
        await session`commit`
      }),
    )
    const tookMs = performance.now() - started
    await Promise.all(sessions.map(({ sql: session }) => session.end()))
    return tookMs
  },
})

/** A table of the same shape; of one in partitions, as one partition of it. */
async function makeTwin(table: string): Promise<void> {
  const [row] = await sql<{ options: string[] | null }[]>`
    select coalesce(p.reloptions, c.reloptions) as options from pg_class c
    left join pg_class p on c.relkind = 'p' and p.relname = c.relname || '_default'
    where c.oid = ${table}::regclass`
  const options = row?.options?.length ? `with (${row.options.join(", ")})` : ""
  await sql.unsafe(`create table ${schema}."${table}" (like "${table}" including all) ${options}`)
}
