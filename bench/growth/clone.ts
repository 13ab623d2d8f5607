import { statfsSync } from "node:fs"
import { openSession, type Sql } from "../../src/base/sql.ts"
import {
  afterwards,
  beforehand,
  growingTables,
  hourlyTables,
  oldestCloneHours,
  orderIdPattern,
  type Change,
  type GrowingTable,
} from "./tables.ts"

// Clones orders by SQL: copies the rows of the growing tables once and inserts them repeatedly, each time with other
// keys. Only for a database without other work.

interface Copy {
  /** 1 for the first copy. */
  n: number
  copies: number
  /** Distance of the row numbers of a copy from those of the copy before it. */
  stride: number
  /** Time between a copy and the next. */
  secondsApart: number
}

const secondsPerOrder = 1
const copiesPerLine = 10

/** Number of rows of every table; those of partitions count for their parent. */
export async function countRows(sql: Sql): Promise<Map<string, number>> {
  const tables = await sql<{ name: string }[]>`
    select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = current_schema() and c.relkind in ('r', 'p') and not c.relispartition order by 1`
  const counts = new Map<string, number>()
  for (const { name } of tables) {
    const [row] = await sql<{ rows: number }[]>`select count(*) as rows from ${sql(name)}`
    counts.set(name, row?.rows ?? 0)
  }
  return counts
}

/** Problems of the list of growing tables: names that do not exist, and growing tables that are not listed. */
export async function findMistakes(
  sql: Sql,
  growth: { before: Map<string, number>; orders: number },
): Promise<string[]> {
  const after = await countRows(sql)
  const mistakes: string[] = []
  for (const { table, columns } of growingTables) {
    if (!after.has(table)) {
      mistakes.push(`bench/growth/tables.ts names the table ${table}, which does not exist`)
      continue
    }
    const known = new Set(await columnsOf(sql, table))
    for (const column of Object.keys(columns))
      if (!known.has(column)) mistakes.push(`bench/growth/tables.ts names ${table}.${column}, which does not exist`)
  }
  const named = new Set([...growingTables.map(({ table }) => table), ...hourlyTables])
  for (const [table, rows] of after) {
    const grewBy = rows - (growth.before.get(table) ?? 0)
    if (!named.has(table) && grewBy >= growth.orders / 2)
      mistakes.push(`${table} grew by ${grewBy} rows with ${growth.orders} orders; name it in bench/growth/tables.ts`)
  }
  return mistakes
}

/** Inserts copies of all orders until the wanted number is nearly reached. Returns the number of copies. */
export async function cloneOrders(
  sql: Sql,
  wish: { orders: number; wanted: number; dataFolder: string; onProgress(text: string): void },
): Promise<number> {
  const copies = Math.max(0, Math.round(wish.wanted / wish.orders) - 1)
  await assertRoom(sql, { copies, folder: wish.dataFolder })
  const stride = await setAside(sql)
  for (const statement of beforehand) await sql.unsafe(statement)
  const secondsApart = Math.min(secondsPerOrder * wish.orders, (oldestCloneHours * 3600) / Math.max(1, copies))
  const { sql: session } = await openSession(sql)
  // This is not measured, so it need not be flushed, and it may read whole tables, which the product never does.
  await session`set synchronous_commit = off`
  await session`set statement_timeout = 0`
  await session`set enable_seqscan = on`
  for (let n = 1; n <= copies; n += 1) {
    await insertCopy(session, { n, copies, stride, secondsApart })
    if (n % copiesPerLine === 0 || n === copies) wish.onProgress(`${n * wish.orders + wish.orders} orders`)
  }
  await finish(session)
  await session.end()
  return copies
}

async function assertRoom(sql: Sql, { copies, folder }: { copies: number; folder: string }): Promise<void> {
  const [row] = await sql<{ bytes: number }[]>`select pg_database_size(current_database()) as bytes`
  const { bavail, bsize } = statfsSync(folder)
  const [needed, free] = [(row?.bytes ?? 0) * copies, bavail * bsize].map((bytes) => Math.ceil(bytes / 2 ** 30))
  if (needed !== undefined && free !== undefined && needed > free)
    throw new Error(
      `so many clones need up to ${needed} GiB, ${folder} has ${free} GiB left; take fewer (--growth-orders)`,
    )
}

/**
 * Copies the originals into tables of their own, and returns a distance greater than that between any two of their row
 * numbers.
 */
async function setAside(sql: Sql): Promise<number> {
  await sql`drop schema if exists bench_growth cascade`
  await sql`create schema bench_growth`
  let stride = 1
  for (const { table, where, columns } of growingTables) {
    const aside = asideOf(sql, table)
    await sql`create unlogged table ${aside} as select * from ${sql(table)} where ${sql.unsafe(where ?? "true")}`
    for (const [column, change] of Object.entries(columns)) {
      if (change !== "row number") continue
      const [row] = await sql<{ width: number }[]>`
        select coalesce(max(${sql(column)}) - min(${sql(column)}), 0) as width from ${aside}`
      stride = Math.max(stride, (row?.width ?? 0) + 1)
    }
  }
  return stride
}

function asideOf(sql: Sql, table: string) {
  return sql`${sql("bench_growth")}.${sql(table)}`
}

async function insertCopy(session: Sql, copy: Copy): Promise<void> {
  for (const growing of growingTables) {
    const columns = (await columnsOf(session, growing.table)).filter((column) => growing.columns[column] !== "default")
    const values = columns.map((column) => valueOf(column, growing.columns[column], copy))
    const names = columns.map((column) => `"${column}"`)
    await session.unsafe(
      `insert into "${growing.table}" (${names.join(", ")}) overriding system value
       select ${values.join(", ")} from bench_growth."${growing.table}"`,
    )
  }
}

/** The SQL that computes a clone's value from its original's. */
function valueOf(column: string, change: Change | undefined, { n, copies, stride, secondsApart }: Copy): string {
  const name = `"${column}"`
  const tag = n.toString(36).padStart(4, "0")
  switch (change) {
    case "order id":
      return `regexp_replace(${name}, '${orderIdPattern}', 'ord_${tag}\\1', 'g')`
    case "row number":
      return `${name} + ${n * stride}`
    case "distinct text":
      return `${name} || '-${n}'`
    case "hash":
      return `('${n.toString(16).padStart(5, "0")}' || substr(md5(${name}::text || '-${n}'), 6))::uuid`
    case "time":
      return `${name} - interval '${(copies - n + 1) * secondsApart} seconds'`
    default:
      return name
  }
}

/** Moves sequences past the clones and updates statistics, as autovacuum would have done. */
async function finish(sql: Sql): Promise<void> {
  await sql`drop schema bench_growth cascade`
  for (const { table, columns } of growingTables)
    for (const [column, change] of Object.entries(columns)) {
      if (change !== "row number") continue
      await sql`
        select setval(sequence, (select max(${sql(column)}) from ${sql(table)}))
        from pg_get_serial_sequence(${table}, ${column}) as sequence where sequence is not null`
    }
  for (const statement of afterwards) await sql.unsafe(statement)
  await sql`vacuum (analyze)`
}

async function columnsOf(sql: Sql, table: GrowingTable["table"]): Promise<string[]> {
  const rows = await sql<{ name: string }[]>`
    select attname as name from pg_attribute
    where attrelid = ${table}::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`
  return rows.map(({ name }) => name)
}
