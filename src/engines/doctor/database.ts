import { openSql, isStorageAway, type Sql } from "../../base/sql.ts"
import { describeError } from "../../base/errors.ts"
import { systemClock } from "../../base/time.ts"
import type { DoctorOptions, Finding } from "./finding.ts"
import { pendingMigrations } from "../migrations.ts"
import { embeddedDatabaseUrl } from "../postgres.ts"
import { checkServers } from "./servers.ts"

const versionNeeded = 18
// Our own transactions end within the statement time-out of 30 s.
const forgottenAfterSeconds = 60

/** Checks the database: reachability, version, durability, connections, schema and clock. */
export async function checkDatabase(options: DoctorOptions): Promise<Finding[]> {
  const url = options.databaseUrl ?? embeddedDatabaseUrl(options.dataFolder)
  const check = "PostgreSQL"
  const isEmbedded = options.databaseUrl === undefined
  if (url === undefined)
    return [
      {
        check,
        status: "warn",
        found: "was never started here",
        remedy: "Start Crossdock by `npm start`; it starts PostgreSQL too.",
      },
    ]
  const sql = openSql(url, { connectionsMax: 1, name: "crossdock doctor" })
  try {
    await sql`SELECT 1`
    return [
      await checkVersion(sql),
      ...(await checkServers(url)),
      await checkRole(sql),
      await checkDurability(sql),
      await checkRoom(sql),
      await checkSchema(sql, options.migrationsFolder),
      await checkClock(sql),
      await checkOpenTransactions(sql, forgottenAfterSeconds),
    ]
  } catch (thrown) {
    return [
      { check, status: isEmbedded && isStorageAway(thrown) ? "warn" : "fail", ...unreachable(thrown, isEmbedded) },
    ]
  } finally {
    await sql.end({ timeout: 1 })
  }
}

function unreachable(thrown: unknown, isEmbedded: boolean): { found: string; remedy: string } {
  const found = describeError(thrown).message
  if (!isEmbedded)
    return { found, remedy: "Check DATABASE_URL, that the server runs, and that it accepts this machine and user." }
  const remedy = isStorageAway(thrown)
    ? "Start Crossdock by `npm start`; it starts PostgreSQL too. If it runs, read postgres.log in the data folder."
    : "Another server may listen on its port, or postgres.password was changed: read postgres.log in the data folder."
  return { found, remedy }
}

async function checkVersion(sql: Sql): Promise<Finding> {
  const [row] = await sql<{ version: string; isReplica: boolean }[]>`
    SELECT current_setting('server_version') AS version, pg_is_in_recovery() AS "isReplica"`
  const version = row?.version ?? "unknown"
  const check = "PostgreSQL version"
  if (row?.isReplica)
    return {
      check,
      status: "fail",
      found: `${version}, a read-only replica`,
      remedy: "Point DATABASE_URL at the primary.",
    }
  if (Number.parseInt(version, 10) >= versionNeeded) return { check, status: "ok", found: version }
  return { check, status: "fail", found: version, remedy: `Use PostgreSQL ${versionNeeded} or newer.` }
}

/** Crossdock needs to own its database, and nothing more. */
async function checkRole(sql: Sql): Promise<Finding> {
  const [row] = await sql<{ name: string; isSuperuser: boolean }[]>`
    SELECT rolname AS name, rolsuper AS "isSuperuser" FROM pg_roles WHERE rolname = current_user`
  const check = "PostgreSQL role"
  if (row?.isSuperuser !== true) return { check, status: "ok", found: `${row?.name ?? "unknown"}, no superuser` }
  const remedy = "Create a role that owns the database and is not a superuser, and use it in DATABASE_URL."
  return { check, status: "warn", found: `${row.name} is a superuser of the whole server`, remedy }
}

/** "Accepted means durable" requires these settings. */
async function checkDurability(sql: Sql): Promise<Finding> {
  const rows = await sql<{ name: string; setting: string }[]>`
    SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')`
  const off = rows.filter((row) => row.setting === "off").map((row) => `${row.name} = off`)
  const check = "PostgreSQL durability"
  if (off.length === 0) return { check, status: "ok", found: "accepted data is on disk" }
  return {
    check,
    status: "fail",
    found: off.join(", "),
    remedy: "Turn these settings on: without them a power failure loses accepted orders.",
  }
}

async function checkRoom(sql: Sql): Promise<Finding> {
  const [row] = await sql<{ used: number; limit: number }[]>`
    SELECT count(*)::integer AS used, current_setting('max_connections')::integer AS limit
    FROM pg_stat_activity WHERE backend_type = 'client backend'`
  const { used, limit } = row ?? { used: 0, limit: 0 }
  const found = `${used} of ${limit} connections used`
  const check = "PostgreSQL connections"
  if (limit - used >= 20) return { check, status: "ok", found }
  return { check, status: "warn", found, remedy: "Raise max_connections, or stop programs that hold idle connections." }
}

async function checkSchema(sql: Sql, folder: string): Promise<Finding> {
  const check = "schema"
  try {
    const pending = await pendingMigrations(sql, folder)
    if (pending.length === 0) return { check, status: "ok", found: "every migration is applied" }
    const remedy = "Nothing to do: the next start applies them."
    return { check, status: "warn", found: `not yet applied: ${pending.join(", ")}`, remedy }
  } catch (thrown) {
    const remedy = "Run the version that has these migrations, or restore the edited files."
    return { check, status: "fail", found: describeError(thrown).message, remedy }
  }
}

/** Compares our clock with the database's, corrected by half the round trip. */
async function checkClock(sql: Sql): Promise<Finding> {
  const startedMs = systemClock.now()
  const [row] = await sql<{ databaseMs: number }[]>`
    SELECT (extract(epoch FROM clock_timestamp()) * 1000)::double precision AS "databaseMs"`
  const here = (startedMs + systemClock.now()) / 2
  const apartMs = Math.round(Math.abs((row?.databaseMs ?? 0) - here))
  const check = "clock of the database"
  const found = `${apartMs} ms from this machine's`
  if (apartMs <= 1000) return { check, status: "ok", found }
  const remedy = "Synchronise both machines with the same time service; deadlines and signatures depend on it."
  return { check, status: apartMs <= 30_000 ? "warn" : "fail", found, remedy }
}

/** Readers of the event log wait for the oldest open transaction of the server, whichever role owns it. */
export async function checkOpenTransactions(sql: Sql, forgottenAfterSeconds: number): Promise<Finding> {
  const [oldest] = await sql<{ pid: number; name: string; user: string; seconds: number }[]>`
    SELECT pid, coalesce(nullif(application_name, ''), 'unnamed') AS name, coalesce(usename, '') AS user,
      floor(extract(epoch FROM clock_timestamp() - xact_start))::integer AS seconds
    FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND backend_type = 'client backend' AND xact_start IS NOT NULL
    ORDER BY xact_start LIMIT 1`
  const check = "open transactions"
  if (!oldest || oldest.seconds < forgottenAfterSeconds) return { check, status: "ok", found: "none is old" }
  const { pid, name, user, seconds } = oldest
  return {
    check,
    status: "warn",
    found: `one has been open for ${seconds} s: process ${pid}, "${name}" of ${user}; orders wait for it`,
    remedy: `End it in its program, or run: SELECT pg_terminate_backend(${pid});`,
  }
}
