import postgres from "postgres"
import { AppError } from "./errors.ts"

/** A pool of pipelining PostgreSQL connections; queries are tagged templates, so values are always parameters. */
export type Sql = postgres.Sql<{ bigint: number; xid8: string }>

/** Runs one statement of a transaction; every statement fails once the transaction's connection is lost. */
export type SqlTransaction = <Rows extends readonly object[] = postgres.Row[]>(
  template: TemplateStringsArray,
  ...values: readonly postgres.ParameterOrFragment<number | string>[]
) => Promise<postgres.RowList<Rows>>

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
  const sql = openClient(databaseUrl, options)
  const clients: TransactionClients = {
    idle: [],
    isEnded: false,
    open: (onLost) => openClient(databaseUrl, { ...options, connectionsMax: 1, onLost }),
  }
  transactionClients.set(sql, clients)
  const endPool = sql.end.bind(sql)
  sql.end = async (how) => {
    clients.isEnded = true
    await Promise.all([endPool(how), ...clients.idle.splice(0).map((client) => client.sql.end(how))])
  }
  void learnTypesOnce(sql)
  return sql
}

/**
 * Our statements name their rows by key. A plan that reads a whole table is the better one only while the table is small, and
 * the server keeps it when the table has grown: seen as batches whose cost rose with every row written before them.
 * A statement that really reads everything says so in its function (`stock_rebuild`).
 */
const findsByKey = { enable_seqscan: "off", enable_hashjoin: "off", enable_mergejoin: "off" }

function openClient(databaseUrl: string, options: SqlOptions & { onLost?: () => void }): Sql {
  return postgres(databaseUrl, {
    max: options.connectionsMax,
    idle_timeout: 0,
    connect_timeout: 5,
    max_lifetime: null,
    onnotice: () => undefined,
    ...(options.onLost ? { onclose: options.onLost } : {}),
    connection: {
      application_name: options.name,
      statement_timeout: 30_000,
      idle_in_transaction_session_timeout: 30_000,
      ...findsByKey,
    },
    // After a lost server the driver waits this long before it connects again; the default grows to minutes.
    backoff: (attempt: number) => Math.min(0.05 * 2 ** attempt, 1),
    types: {
      bigint: { to: 20, from: [20], serialize: (value: number) => String(value), parse: parseSafeInteger },
      xid8: { to: 5069, from: [5069], serialize: (value: string) => value, parse: (value: string) => value },
    },
  })
}

/**
 * The driver asks for the array types on every new connection, and a connection cut during that question rejects a promise
 * nobody holds, which ends the process (seen in postgres 3.4.9, `fetchArrayTypes`). What one connection learnt serves the
 * whole pool, so the question is put once.
 */
async function learnTypesOnce(sql: Sql): Promise<void> {
  for (;;) {
    try {
      return await learnTypes(sql)
    } catch (thrown) {
      const code = sqlState(thrown)
      if (code === "CONNECTION_ENDED" || code === "CONNECTION_DESTROYED" || !isStorageAway(thrown)) return
      await new Promise((resolve) => setTimeout(resolve, 1000).unref())
    }
  }
}

async function learnTypes(sql: Sql): Promise<void> {
  await sql`select 1`
  sql.options.fetch_types = false
}

interface TransactionClient {
  sql: Sql
  isLost: boolean
}

interface TransactionClients {
  idle: TransactionClient[]
  isEnded: boolean
  open: (onLost: () => void) => Sql
}

const transactionClients = new WeakMap<Sql, TransactionClients>()

/**
 * Runs statements in one transaction: committed when `work` resolves, rolled back when it throws.
 *
 * It has a connection to itself and never speaks on that again once it was lost. The driver's own `begin` does: its rollback
 * on a connection that is gone throws where nobody can catch it and ends the process, and later statements of a dead
 * transaction may run on a new connection, outside of any (github.com/porsager/postgres issues 1208 and 1216, version 3.4.9).
 * Whether a commit under way happened when the connection was lost is unknown: repeat only what is safe to repeat.
 */
export async function inTransaction<Result>(
  pool: Sql,
  work: (transaction: SqlTransaction) => Promise<Result>,
): Promise<Result> {
  const clients = transactionClients.get(pool)
  if (!clients) throw new AppError("INVARIANT_BROKEN", "a transaction needs a pool made by openSql")
  if (clients.isEnded) throw lostConnection("CONNECTION_ENDED")
  const client = clients.idle.pop() ?? (await openTransactionClient(pool, clients.open))
  const run: SqlTransaction = (template, ...values) => {
    if (!client.isLost) return client.sql(template, ...values)
    return Promise.reject(lostConnection("CONNECTION_CLOSED"))
  }
  try {
    await run`begin`
    const result = await work(run)
    const { command } = await run`commit`
    if (command !== "COMMIT") throw new AppError("INVARIANT_BROKEN", "a transaction whose statement failed went on")
    return result
  } catch (thrown) {
    if (isStorageAway(thrown)) client.isLost = true
    else await run`rollback`.catch(() => (client.isLost = true))
    throw thrown
  } finally {
    if (client.isLost || clients.isEnded) void client.sql.end({ timeout: 0 })
    else clients.idle.push(client)
  }
}

function lostConnection(code: "CONNECTION_CLOSED" | "CONNECTION_ENDED"): Error {
  return Object.assign(new Error("the connection of this transaction was lost"), { code })
}

async function openTransactionClient(pool: Sql, open: (onLost: () => void) => Sql): Promise<TransactionClient> {
  if (pool.options.fetch_types) await learnTypes(pool)
  const sql = open(() => {
    client.isLost = true
    const idle = transactionClients.get(pool)?.idle ?? []
    if (idle.includes(client)) idle.splice(idle.indexOf(client), 1)
  })
  const client = { sql, isLost: false }
  // What the pool has learnt of types need not be asked again; see learnTypesOnce.
  Object.assign(sql.options.parsers, pool.options.parsers)
  Object.assign(sql.options.serializers, pool.options.serializers)
  sql.options.fetch_types = false
  return client
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
