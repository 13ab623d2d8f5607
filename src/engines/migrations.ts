import { createHash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { AppError, type Problem } from "../base/errors.ts"
import { openSession, type Sql } from "../base/sql.ts"
import { sleep } from "../base/time.ts"

/** One numbered SQL file. */
interface Migration {
  number: number
  name: string
  checksum: string
  text: string
}

type Applied = Omit<Migration, "text">

/** An arbitrary number that only migrations use. Two Crossdocks that start on one database wait for each other here. */
const advisoryLockKey = 4_400_001

/**
 * Applies the numbered SQL files of a folder (`0001-name.sql`) that this database has not seen, in order of number.
 * Each runs in a transaction of its own together with its record. Returns the names applied now; a repeat applies nothing.
 *
 * Errors: CONFIG_INVALID when an applied file was edited or removed, when the database is ahead of this program, or
 * when two files share a number; the message names the files. Nothing is applied then.
 */
export async function migrate(sql: Sql, folder: string): Promise<string[]> {
  const migrations = readMigrations(folder)
  const { sql: connection } = await openSession(sql)
  try {
    await takeAdvisoryLock(connection)
    await connection`
      CREATE TABLE IF NOT EXISTS schema_migration (
        number integer PRIMARY KEY,
        name text NOT NULL,
        checksum text NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
      )`
    const applied = await readApplied(connection)
    refuseDifferences(migrations, applied)
    const pending = notIn(applied, migrations)
    for (const migration of pending) await applyOne(connection, migration)
    return pending.map((migration) => migration.name)
  } finally {
    // Ending the session releases the lock, also when the connection was lost.
    await connection.end()
  }
}

/** Names of the files that `migrate` would apply now. Same errors as `migrate`; changes nothing. */
export async function pendingMigrations(sql: Sql, folder: string): Promise<string[]> {
  const migrations = readMigrations(folder)
  const [table] = await sql<{ exists: boolean }[]>`SELECT to_regclass('schema_migration') IS NOT NULL AS exists`
  const applied = table?.exists ? await readApplied(sql) : []
  refuseDifferences(migrations, applied)
  return notIn(applied, migrations).map((migration) => migration.name)
}

/** Digest of all files. It identifies a database that has exactly this schema. */
export function migrationsDigest(folder: string): string {
  const all = readMigrations(folder).map((migration) => `${migration.name}:${migration.checksum}`)
  return createHash("sha256").update(all.join("\n")).digest("hex").slice(0, 12)
}

function readMigrations(folder: string): Migration[] {
  const migrations = readdirSync(folder)
    .filter((name) => /^\d{4}-.+\.sql$/.test(name))
    .sort()
    .map((name) => {
      // The checksum must not change on a system that checks text files out with CRLF.
      const text = readFileSync(join(folder, name), "utf8").replaceAll("\r\n", "\n")
      return { number: Number(name.slice(0, 4)), name, checksum: createHash("sha256").update(text).digest("hex"), text }
    })
  const twins = migrations.filter((migration, index) => migrations[index - 1]?.number === migration.number)
  if (twins.length > 0)
    throw new AppError("CONFIG_INVALID", `two migrations share a number: ${twins.map((twin) => twin.name).join(", ")}`)
  return migrations
}

function readApplied(sql: Sql): Promise<Applied[]> {
  return sql<Applied[]>`SELECT number, name, checksum FROM schema_migration ORDER BY number`
}

function notIn(applied: readonly Applied[], migrations: readonly Migration[]): Migration[] {
  const known = new Set(applied.map((row) => row.number))
  return migrations.filter((migration) => !known.has(migration.number))
}

function refuseDifferences(migrations: readonly Migration[], applied: readonly Applied[]): void {
  const byNumber = new Map(migrations.map((migration) => [migration.number, migration]))
  const problems: Problem[] = []
  for (const row of applied) {
    const file = byNumber.get(row.number)
    const pointer = `/migrations/${row.name}`
    if (!file)
      problems.push({
        pointer,
        message: `the database has ${row.name}, which this version does not know: run the newer version`,
      })
    else if (file.checksum !== row.checksum)
      problems.push({
        pointer,
        message: `${file.name} was edited after it was applied: restore it and add a new migration`,
      })
  }
  if (problems.length > 0)
    throw new AppError("CONFIG_INVALID", problems.map((problem) => problem.message).join("; "), { problems })
}

/** Polls for the lock instead of waiting in the server, because the statement time-out would end that wait. */
async function takeAdvisoryLock(connection: Sql): Promise<void> {
  for (;;) {
    const [row] = await connection<{ taken: boolean }[]>`SELECT pg_try_advisory_lock(${advisoryLockKey}) AS taken`
    if (row?.taken) return
    await sleep(50)
  }
}

// Not by `begin`: it would take a second connection, and a pool of one would wait for ever. This connection holds the
// lock.
async function applyOne(connection: Sql, migration: Migration): Promise<void> {
  await connection`BEGIN`
  try {
    await connection`SET LOCAL statement_timeout = 0`
    await connection.unsafe(migration.text).simple()
    await connection`
      INSERT INTO schema_migration (number, name, checksum)
      VALUES (${migration.number}, ${migration.name}, ${migration.checksum})`
    await connection`COMMIT`
  } catch (cause) {
    await connection`ROLLBACK`.catch(() => undefined)
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new AppError("CONFIG_INVALID", `migration ${migration.name} failed and was rolled back: ${reason}`, { cause })
  }
}
