import type postgres from "postgres"
import { AppError } from "./errors.ts"
import { parseDatabaseUrl } from "./sql/database-url.ts"
import { statementsFor, type Lane, type Statements } from "./sql/lane.ts"
import { Pool } from "./sql/pool.ts"

/** A pool of pipelining PostgreSQL connections; queries are tagged templates, so values are always parameters. */
export type Sql = Statements & {
  /** Closes every connection, after what is under way or at the latest after `timeout` seconds (default 30). */
  end(how?: { timeout?: number }): Promise<void>
}

/** Runs one statement of a transaction; every statement fails once the transaction's connection is lost. */
export type SqlTransaction = <Rows extends readonly object[] = postgres.Row[]>(
  template: TemplateStringsArray,
  ...values: readonly postgres.ParameterOrFragment<number | string>[]
) => Promise<postgres.RowList<Rows>>

/** One connection for one user: what belongs to a session, such as advisory locks and LISTEN, lives as long as it does. */
export interface SqlSession {
  sql: Sql
  /** Resolves when the connection is lost or ended; whatever the session held is gone then. */
  lost: Promise<void>
}

interface SqlOptions {
  /** Connections at most. Few and busy beats many: batching shares them. */
  connectionsMax: number
  /** Shown in pg_stat_activity. */
  name: string
}

/**
 * Our statements name their rows by key. A plan that reads a whole table is the better one only while the table is small, and
 * the server keeps it when the table has grown: seen as batches whose cost rose with every row written before them.
 * A statement that really reads everything says so in its function (`stock_rebuild`).
 */
const findsByKey = { enable_seqscan: "off", enable_hashjoin: "off", enable_mergejoin: "off" }

const pools = new WeakMap<object, Pool>()

/**
 * Opens a pool. Connections are made on demand, so the server may still be starting. When the address names several servers
 * they go to the one that takes writes, and to the new one after a failover; statements under way meanwhile fail with
 * errors for which `isStorageAway` holds. 8-byte integers come back as numbers and must be safe; xid8 stays text because it
 * is only ever handed back. Errors: CONFIG_INVALID for an address that cannot be read.
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
 * Opens a connection beside those of the pool, for what lives in a session: advisory locks, LISTEN. It is never replaced:
 * after `lost` its statements fail, and the user opens another and looks at what it missed. A failover ends it like any other
 * loss, and locks are free again as soon as the server notices, which may be before we do.
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
  if (!pool) throw new AppError("INVARIANT_BROKEN", "this needs a pool made by openSql")
  return pool
}

/**
 * Runs statements in one transaction: committed when `work` resolves, rolled back when it throws.
 *
 * It has a connection to itself and never speaks on that again once it was lost.
 * Whether a commit under way happened when the connection was lost is unknown: repeat only what is safe to repeat.
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
    if (command !== "COMMIT") throw new AppError("INVARIANT_BROKEN", "a transaction whose statement failed went on")
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
// 25006: the server only reads, so it is no longer the primary; 25P03 and 25P04 end the session.
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
  // Ours, see sql/lane.ts: none of the servers takes writes at the moment.
  "READ_ONLY_SERVER",
])

/** Whether an error means the database is away (wait) rather than that the statement is wrong (do not repeat). */
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
 * Runs database work and turns a lost connection into STORAGE_UNAVAILABLE.
 * Whether a commit under way happened is then unknown: callers repeat only what is safe to repeat (unique facts and keys).
 */
export async function storage<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (thrown) {
    if (isStorageAway(thrown))
      throw new AppError("STORAGE_UNAVAILABLE", "the database cannot be reached", { cause: thrown, retryAfterMs: 1000 })
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
