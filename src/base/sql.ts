import postgres from "postgres"
import { AppError } from "./errors.ts"

/** A pool of pipelining PostgreSQL connections; queries are tagged templates, so values are always parameters. */
export type Sql = postgres.Sql<{ bigint: number; xid8: string }>

/** What runs inside one transaction. */
export type SqlTransaction = postgres.TransactionSql<{ bigint: number; xid8: string }>

interface SqlOptions {
  /** Connections at most. Few and busy beats many: batching shares them. */
  connectionsMax: number
  /** Shown in pg_stat_activity. */
  name: string
}

/**
 * Opens a pool. Connections are made on demand, so the server may still be starting.
 * 8-byte integers come back as numbers and must be safe; xid8 stays text because it is only ever handed back.
 */
export function openSql(databaseUrl: string, options: SqlOptions): Sql {
  return postgres(databaseUrl, {
    max: options.connectionsMax,
    idle_timeout: 0,
    connect_timeout: 5,
    max_lifetime: null,
    onnotice: () => undefined,
    connection: {
      application_name: options.name,
      statement_timeout: 30_000,
      idle_in_transaction_session_timeout: 30_000,
    },
    // After a lost server the driver waits this long before it connects again; the default grows to minutes.
    backoff: (attempt: number) => Math.min(0.05 * 2 ** attempt, 1),
    types: {
      bigint: { to: 20, from: [20], serialize: (value: number) => String(value), parse: parseSafeInteger },
      xid8: { to: 5069, from: [5069], serialize: (value: string) => value, parse: (value: string) => value },
    },
  })
}

function parseSafeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new AppError("INVARIANT_BROKEN", `${text} does not fit a safe integer`)
  return value
}

// Classes of SQLSTATE after PostgreSQL 18, appendix A: 08 connection, 53 resources, 57P operator intervention.
const storageStates = /^(08|53|57P|58)/
const driverCodes = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ENOENT",
  "ETIMEDOUT",
  "CONNECTION_CLOSED",
  "CONNECTION_ENDED",
  "CONNECTION_DESTROYED",
  "CONNECT_TIMEOUT",
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
