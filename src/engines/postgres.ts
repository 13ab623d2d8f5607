import { randomBytes } from "node:crypto"
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { AppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { openSql } from "../base/sql.ts"
import { withDatabase } from "../base/sql/database-url.ts"
import { SupervisedChild, endForgottenChild, isRunningByPidFile, stopByPidFile } from "./child.ts"
import { choosePorts, readPorts } from "./free-port.ts"
import { choosePlace, type PostgresPlace } from "./postgres-place.ts"
import { createCluster, postgresEnvironment } from "./postgres/cluster.ts"
import { databaseName, prepareDatabase, superuser } from "./postgres/roles.ts"
import { identifyProcess } from "./process-table.ts"

/** A running embedded PostgreSQL. */
export interface RunningPostgres {
  /** Address for Crossdock: the role that owns its database, without other rights. */
  url: string
  /** Address for maintaining the server: backups, standbys, databases of tests. */
  superuserUrl: string
  /** Folder of the database cluster. */
  cluster: string
  child: SupervisedChild
  notes: string[]
}

interface PostgresOptions {
  dataFolder: string
  log: Log
  /** Overrides of server settings. Tests turn fsync off, because they never cut the power. */
  settings?: Record<string, string>
  /** Port to try first, then its neighbours. Default 5432. */
  port?: number
  signal?: AbortSignal
  /** A named pipe whose writers are the owner, when that is another process. */
  lifeline?: string
}

export const defaultPort = 5432
const owner = "crossdock_app"

// For a machine with a few cores and one Crossdock. PostgreSQL 18 documentation, chapter 19.
const serverSettings = {
  fsync: "on",
  synchronous_commit: "on",
  full_page_writes: "on",
  shared_buffers: "256MB",
  max_wal_size: "2GB",
  min_wal_size: "256MB",
  wal_compression: "on",
  max_connections: "60",
  checkpoint_timeout: "10min",
  random_page_cost: "1.1",
  io_method: "worker",
  io_workers: "2",
  log_checkpoints: "off",
  log_min_messages: "warning",
  // Keep statements out of the log file: operators read it, and statements contain customers' data.
  log_min_error_statement: "panic",
  log_parameter_max_length: "0",
  log_parameter_max_length_on_error: "0",
  TimeZone: "UTC",
  log_timezone: "UTC",
}

/**
 * Starts the embedded PostgreSQL, creating its cluster on the first start.
 * Errors: CONFIG_INVALID when it does not start, or when an earlier version of Crossdock made the data.
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const place = choosePlace(options.dataFolder)
  const cluster = join(place.home, "data")
  refuseOldData(options.dataFolder, cluster)
  const passwords = readPasswords(options.dataFolder)
  if (!existsSync(cluster))
    await createCluster(place, cluster, {
      password: passwords.superuser,
      isSynced: options.settings?.fsync !== "off",
    })
  const { child, port, notes } = await startServer({ options, place, cluster, password: passwords.superuser })
  const superuserUrl = databaseUrl(port, superuser, passwords.superuser)
  await prepareDatabase(withDatabase(superuserUrl, "postgres"), { owner, password: passwords.owner })
  const url = databaseUrl(port, owner, passwords.owner)
  return { url, superuserUrl, cluster, child, notes: [...place.notes, ...notes] }
}

/** Stops an embedded PostgreSQL that an earlier process started in this data folder. */
export function stopPostgres(dataFolder: string): Promise<boolean> {
  return stopByPidFile(pidFile(dataFolder), { signal: "SIGINT", timeoutMs: 10_000 })
}

/** Address of this data folder's embedded PostgreSQL as last started, running or not. Undefined before the first start. */
export function embeddedDatabaseUrl(dataFolder: string): string | undefined {
  return embeddedUrl(dataFolder, { user: owner, passwordFile: "postgres.password" })
}

/** The superuser's address, for maintaining the server. Crossdock never uses it. */
export function embeddedSuperuserUrl(dataFolder: string): string | undefined {
  return embeddedUrl(dataFolder, { user: superuser, passwordFile: superuserPasswordFile })
}

function embeddedUrl(dataFolder: string, as: { user: string; passwordFile: string }): string | undefined {
  const passwordFile = join(dataFolder, as.passwordFile)
  if (!existsSync(passwordFile)) return undefined
  const { PostgreSQL } = readPorts(join(dataFolder, "postgres.ports.json"), { PostgreSQL: defaultPort })
  return databaseUrl(PostgreSQL, as.user, readFileSync(passwordFile, "utf8").trim())
}

const superuserPasswordFile = "postgres.superuser.password"

/** Older versions of Crossdock worked as the superuser, so their objects belong to the superuser. */
function refuseOldData(dataFolder: string, cluster: string): void {
  if (!existsSync(cluster) || existsSync(join(dataFolder, superuserPasswordFile))) return
  throw new AppError(
    "CONFIG_INVALID",
    `the database in ${cluster} was made by an earlier version of Crossdock and cannot be used; ` +
      `remove ${dataFolder} and start again, or set CROSSDOCK_DATA to another folder`,
  )
}

function readPasswords(dataFolder: string): { owner: string; superuser: string } {
  return {
    // The superuser's file comes first: a cluster without it counts as one of an earlier version.
    superuser: readPassword(join(dataFolder, superuserPasswordFile)),
    owner: readPassword(join(dataFolder, "postgres.password")),
  }
}

interface ServerStart {
  options: PostgresOptions
  place: PostgresPlace
  cluster: string
  /** Of the superuser. */
  password: string
}

async function startServer(start: ServerStart): Promise<{ child: SupervisedChild; port: number; notes: string[] }> {
  const portFile = join(start.options.dataFolder, "postgres.ports.json")
  await endForgottenChild(pidFile(start.options.dataFolder), [start.place.postgres, "-D", start.cluster])
  for (let attempt = 0; ; attempt++) {
    const wished = { PostgreSQL: start.options.port ?? defaultPort }
    const { ports, moved } = await choosePorts(portFile, wished, isRunningByPidFile(pidFile(start.options.dataFolder)))
    const child = new SupervisedChild(childPlan(start, ports.PostgreSQL), start.options.log)
    try {
      await child.start(start.options.signal)
      return { child, port: ports.PostgreSQL, notes: moved }
    } catch (thrown) {
      // Another program may take the port between our check and the server's bind.
      if (attempt >= 2 || !String(thrown).includes("could not bind")) throw thrown
    }
  }
}

function childPlan(start: ServerStart, port: number): ConstructorParameters<typeof SupervisedChild>[0] {
  const { options, place, cluster, password } = start
  const settings = {
    ...serverSettings,
    ...options.settings,
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    password_encryption: "scram-sha-256",
  }
  const args = ["-D", cluster, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])]
  return {
    name: "PostgreSQL",
    command: place.postgres,
    args,
    cwd: place.home,
    env: postgresEnvironment(),
    ...(place.user ? { identity: { uid: place.user.uid, gid: place.user.gid } } : {}),
    logFile: join(options.dataFolder, "postgres.log"),
    pidFile: pidFile(options.dataFolder),
    ...(options.lifeline === undefined ? {} : { lifeline: options.lifeline }),
    // SIGINT is the fast shutdown: sessions are ended, a checkpoint is written (PostgreSQL documentation, 18.5).
    stopSignal: "SIGINT",
    stopTimeoutMs: 15_000,
    readyTimeoutMs: 60_000,
    isReady: () => isAnswering(withDatabase(databaseUrl(port, superuser, password), "postgres")),
    beforeStart: () => clearPostmasterPid(cluster),
  }
}

function pidFile(dataFolder: string): string {
  return join(dataFolder, "postgres.pid.json")
}

function databaseUrl(port: number, user: string, password: string): string {
  return `postgres://${user}:${password}@127.0.0.1:${port}/${databaseName}`
}

function readPassword(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString("hex"), { mode: 0o600 })
  return readFileSync(file, "utf8").trim()
}

async function isAnswering(url: string): Promise<boolean> {
  const sql = openSql(url, { connectionsMax: 1, name: "crossdock health" })
  try {
    await sql`SELECT 1`
    return true
  } catch {
    return false
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/**
 * Removes a postmaster.pid whose pid now belongs to another program; PostgreSQL would refuse to start. A file whose
 * process is dead stays: PostgreSQL then checks itself that no backend still uses the shared memory.
 */
async function clearPostmasterPid(data: string): Promise<void> {
  const owner = postmaster(data)
  if (owner && !owner.isOurs) rmSync(join(data, "postmaster.pid"), { force: true })
}

function postmaster(data: string) {
  try {
    const pid = Number(readFileSync(join(data, "postmaster.pid"), "utf8").split("\n")[0])
    const process = identifyProcess(pid)
    return process && { process, isOurs: process.commandLine.includes(`-D ${data} `) }
  } catch {
    return undefined
  }
}
