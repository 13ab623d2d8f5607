import type postgres from "postgres"
import { AppError } from "./errors.ts"
import { parseDatabaseUrl } from "./sql/database-url.ts"
import { statementsFor, type Lane, type Statements } from "./sql/lane.ts"
import { Pool } from "./sql/pool.ts"

/** A pool of pipelining PostgreSQL connections; queries are tagged templates, so values are always parameters. */
export type Sql = Statements & {
  /** Closes every connection once running statements have ended, or after `timeout` seconds (default 30). */
  end(how?: { timeout?: number }): Promise<void>
}

/** Runs one statement of a transaction; every statement fails once the transaction's connection is lost. */
export type SqlTransaction = <Rows extends readonly object[] = postgres.Row[]>(
  template: TemplateStringsArray,
  ...values: readonly postgres.ParameterOrFragment<number | string>[]
) => Promise<postgres.RowList<Rows>>

/** One connection for a single user. Advisory locks and LISTEN last as long as the connection. */
export interface SqlSession {
  sql: Sql
  /** Resolves when the connection is lost or ended; the session's locks are then gone. */
  lost: Promise<void>
}

interface SqlOptions {
  /** Most connections. Few busy connections are faster than many, because batches share them. */
  connectionsMax: number
  /** Shown in pg_stat_activity. */
  name: string
}

/**
 * Our statements look rows up by key. While a table is small, PostgreSQL prefers a plan that reads it whole, and keeps
 * that plan when the table has grown: every batch then cost more than the one before. A statement that needs to read
 * everything allows it in its own function (`stock_rebuild`).
 */
const findsByKey = { enable_seqscan: "off", enable_hashjoin: "off", enable_mergejoin: "off" }

const pools = new WeakMap<object, Pool>()

/**
 * Opens a pool. Connections are made on demand, so the server may still be starting. When the address names several
 * servers, connections go to the one that takes writes, and after a failover to the new one. Statements that run during
 * a failover fail with errors for which `isStorageAway` holds. 8-byte integers are returned as numbers and must be safe
 * integers. xid8 stays text, because it is only passed back. Errors: CONFIG_INVALID for an address that cannot be
 * parsed.
 */
export function openSql(databaseUrl: string, options: SqlOptions): Sql {
  const pool = new Pool({
    address: parseDatabaseUrl(databaseUrl),
    connectionsMax: options.connectionsMax,
    session: {
      application_name: options.name,
      statement_timeout: 30_000,
      idle_in_transaction_session_timeout: 30_000,
      ...findsByKey,
    },
  })
  const end = (how: { timeout?: number } = {}) => pool.end((how.timeout ?? 30) * 1000)
  const sql: Sql = Object.assign(pool.statements, { end })
  pools.set(sql, pool)
  return sql
}

/**
 * Opens a connection beside the pool's, for session state: advisory locks, LISTEN. It is never replaced: after `lost`
 * its statements fail, and the user opens another one and catches up. A failover ends it like any other loss. The
 * server frees its locks when it notices the loss, which may be before this process does.
 */
export async function openSession(
  pool: Sql,
  onNotify?: (channel: string, payload: string) => void,
): Promise<SqlSession> {
  let tell: () => void = () => undefined
  const lost = new Promise<void>((resolve) => (tell = resolve))
  const lane = await poolOf(pool).openSession({ onLost: () => tell(), ...(onNotify ? { onNotify } : {}) })
  if (lane.isLost) tell()
  return { sql: sqlOn(lane), lost }
}

function sqlOn(lane: Lane): Sql {
  return Object.assign(
    statementsFor((statement) => lane.run(statement)),
    { end: () => lane.end() },
  )
}

function poolOf(sql: Sql): Pool {
  const pool = pools.get(sql)
  if (!pool) throw new AppError("INVARIANT_BROKEN", "the Sql given was not made by openSql")
  return pool
}

/**
 * Runs statements in one transaction: committed when `work` resolves, rolled back when it throws.
 *
 * The transaction has a connection of its own and never uses it again after a loss. If the connection is lost during
 * COMMIT, the outcome is unknown: repeat only what is safe to repeat.
 */
export async function inTransaction<Result>(
  sql: Sql,
  work: (transaction: SqlTransaction) => Promise<Result>,
): Promise<Result> {
  const pool = poolOf(sql)
  const lane = await pool.take()
  const statements = statementsFor((statement) => lane.run(statement))
  const run: SqlTransaction = (template, ...values) => statements(template, ...values)
  let isUsable = true
  try {
    await run`begin`
    const result = await work(run)
    const { command } = await run`commit`
    if (command !== "COMMIT")
      throw new AppError("INVARIANT_BROKEN", "a transaction continued after one of its statements failed")
    return result
  } catch (thrown) {
    if (isStorageAway(thrown)) isUsable = false
    else await run`rollback`.catch(() => (isUsable = false))
    throw thrown
  } finally {
    if (isUsable) pool.giveBack(lane)
    else void lane.end()
  }
}

// Classes of SQLSTATE after PostgreSQL 18, appendix A: 08 connection, 53 resources, 57P operator intervention.
// 25006: the server is read-only, so it is no longer the primary; 25P03 and 25P04 end the session.
const storageStates = /^(08|53|57P|58|25006|25P03|25P04)/
const driverCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOENT",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ECONNABORTED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "CONNECT_TIMEOUT",
  // Our own code, see sql/lane.ts: no server takes writes at the moment.
  "READ_ONLY_SERVER",
])

/** Whether an error means that the database is unavailable (wait), not that the statement is wrong (do not repeat). */
export function isStorageAway(thrown: unknown): boolean {
  const code = sqlState(thrown)
  return code !== undefined && (driverCodes.has(code) || storageStates.test(code))
}

/** SQLSTATE or driver code of a thrown value. */
export function sqlState(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined
  return typeof thrown.code === "string" ? thrown.code : undefined
}

/**
 * Runs database work and converts a lost connection into STORAGE_UNAVAILABLE.
 * A commit in progress may or may not have happened, so callers repeat only what is safe to repeat (unique facts and
 * keys).
 */
export async function storage<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (thrown) {
    if (isStorageAway(thrown))
      throw new AppError("STORAGE_UNAVAILABLE", "the database is unavailable", { cause: thrown, retryAfterMs: 1000 })
    throw thrown
  }
}

/** Whether the database answers. */
export async function answers(sql: Sql): Promise<boolean> {
  return sql`select 1`.then(
    () => true,
    () => false,
  )
}
