import { spawn } from "node:child_process"
import { createHash, randomBytes } from "node:crypto"
import { chownSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { childEnvironment } from "../base/config.ts"
import { AppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { openSql } from "../base/sql.ts"
import { SupervisedChild, endForgottenChild, isRunningByPidFile, stopByPidFile } from "./child.ts"
import { choosePorts, readPorts } from "./free-port.ts"
import { choosePlace, type PostgresPlace } from "./postgres-place.ts"
import { identifyProcess } from "./process-table.ts"

/** A running embedded PostgreSQL. */
export interface RunningPostgres {
  url: string
  child: SupervisedChild
  notes: string[]
}

interface PostgresOptions {
  dataFolder: string
  log: Log
  /** Overrides of server settings; tests turn fsync off, because they never cut the power. */
  settings?: Record<string, string>
  /** Port to try first; its free neighbours follow. Default 5432. */
  port?: number
  signal?: AbortSignal
}

export const defaultPort = 5432
const superuser = "crossdock"
const databaseName = "crossdock"

// For a machine with a few cores and one Crossdock on it. PostgreSQL 18 documentation, chapter 19.
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
  // The log file is for people who run Crossdock; statements carry customers' data.
  log_min_error_statement: "panic",
  log_parameter_max_length: "0",
  log_parameter_max_length_on_error: "0",
  TimeZone: "UTC",
  log_timezone: "UTC",
}

/** Starts the embedded PostgreSQL, creating its cluster on the first start. */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const place = choosePlace(options.dataFolder)
  const password = readPassword(join(options.dataFolder, "postgres.password"))
  const data = join(place.home, "data")
  if (!existsSync(data)) await createCluster(place, data, { password, isSynced: options.settings?.fsync !== "off" })
  const { child, port, notes } = await startServer({ options, place, data, password })
  const url = databaseUrl(port, password, databaseName)
  await createDatabase(databaseUrl(port, password, "postgres"))
  return { url, child, notes: [...place.notes, ...notes] }
}

/** Stops an embedded PostgreSQL that an earlier process started in this data folder. */
export function stopPostgres(dataFolder: string): Promise<boolean> {
  return stopByPidFile(pidFile(dataFolder), { signal: "SIGINT", timeoutMs: 10_000 })
}

/** Address of the embedded PostgreSQL of this data folder as last started, running or not; undefined before the first start. */
export function embeddedDatabaseUrl(dataFolder: string): string | undefined {
  const passwordFile = join(dataFolder, "postgres.password")
  if (!existsSync(passwordFile)) return undefined
  const { PostgreSQL } = readPorts(join(dataFolder, "postgres.ports.json"), { PostgreSQL: defaultPort })
  return databaseUrl(PostgreSQL, readFileSync(passwordFile, "utf8").trim(), databaseName)
}

interface ServerStart {
  options: PostgresOptions
  place: PostgresPlace
  data: string
  password: string
}

async function startServer(start: ServerStart): Promise<{ child: SupervisedChild; port: number; notes: string[] }> {
  const portFile = join(start.options.dataFolder, "postgres.ports.json")
  await endForgottenChild(pidFile(start.options.dataFolder), [start.place.postgres, "-D", start.data])
  for (let attempt = 0; ; attempt++) {
    const wished = { PostgreSQL: start.options.port ?? defaultPort }
    const { ports, moved } = await choosePorts(portFile, wished, isRunningByPidFile(pidFile(start.options.dataFolder)))
    const child = new SupervisedChild(childPlan(start, ports.PostgreSQL), start.options.log)
    try {
      await child.start(start.options.signal)
      return { child, port: ports.PostgreSQL, notes: moved }
    } catch (thrown) {
      // Someone may take the port between our look and the server's bind.
      if (attempt >= 2 || !String(thrown).includes("could not bind")) throw thrown
    }
  }
}

function childPlan(start: ServerStart, port: number): ConstructorParameters<typeof SupervisedChild>[0] {
  const { options, place, data, password } = start
  const settings = {
    ...serverSettings,
    ...options.settings,
    port: String(port),
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    password_encryption: "scram-sha-256",
  }
  const args = ["-D", data, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])]
  return {
    name: "PostgreSQL",
    command: place.postgres,
    args,
    cwd: place.home,
    env: postgresEnvironment(),
    ...(place.user ? { identity: { uid: place.user.uid, gid: place.user.gid } } : {}),
    logFile: join(options.dataFolder, "postgres.log"),
    pidFile: pidFile(options.dataFolder),
    fingerprint: createHash("sha256")
      .update([place.postgres, ...args].join("\0"))
      .digest("hex"),
    // SIGINT is the fast shutdown: sessions are ended, a checkpoint is written (PostgreSQL documentation, 18.5).
    stopSignal: "SIGINT",
    stopTimeoutMs: 15_000,
    readyTimeoutMs: 60_000,
    isReady: () => answers(databaseUrl(port, password, "postgres")),
    beforeStart: () => clearPostmasterPid(data),
  }
}

function pidFile(dataFolder: string): string {
  return join(dataFolder, "postgres.pid.json")
}

function postgresEnvironment(): Record<string, string | undefined> {
  // PG* variables of the caller would reach initdb and the server; the locale decides the language of messages.
  const inherited = Object.entries(childEnvironment()).filter(
    ([name]) => !name.startsWith("PG") && !name.startsWith("LC_"),
  )
  return { ...Object.fromEntries(inherited), LANG: "C", LC_ALL: "C" }
}

function databaseUrl(port: number, password: string, database: string): string {
  return `postgres://${superuser}:${password}@127.0.0.1:${port}/${database}`
}

function readPassword(file: string): string {
  if (!existsSync(file)) writeFileSync(file, randomBytes(24).toString("hex"), { mode: 0o600 })
  return readFileSync(file, "utf8").trim()
}

async function answers(url: string): Promise<boolean> {
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

async function createDatabase(url: string): Promise<void> {
  const sql = openSql(url, { connectionsMax: 1, name: "crossdock start" })
  try {
    const found = await sql`SELECT 1 FROM pg_database WHERE datname = ${databaseName}`
    if (found.length === 0) await sql`CREATE DATABASE ${sql(databaseName)}`
  } finally {
    await sql.end({ timeout: 5 })
  }
}

/** Makes the cluster beside its final place and moves it there when whole, so that a crash leaves nothing half-made. */
async function createCluster(
  place: PostgresPlace,
  data: string,
  options: { password: string; isSynced: boolean },
): Promise<void> {
  const unfinished = `${data}.new`
  const passwordFile = join(place.home, "initial-password")
  rmSync(unfinished, { recursive: true, force: true })
  writeFileSync(passwordFile, options.password, { mode: 0o600 })
  if (place.user) chownSync(passwordFile, place.user.uid, place.user.gid)
  try {
    await runInitdb(place, [
      `--pgdata=${unfinished}`,
      `--username=${superuser}`,
      `--pwfile=${passwordFile}`,
      "--auth=scram-sha-256",
      "--encoding=UTF8",
      // The built-in provider sorts the same on every operating system and survives its upgrades.
      "--locale=C",
      "--locale-provider=builtin",
      "--builtin-locale=C.UTF-8",
      "--data-checksums",
      ...(options.isSynced ? [] : ["--no-sync"]),
    ])
    renameSync(unfinished, data)
  } finally {
    rmSync(passwordFile, { force: true })
  }
}

function runInitdb(place: PostgresPlace, args: string[]): Promise<void> {
  const identity = place.user ? { uid: place.user.uid, gid: place.user.gid } : {}
  return new Promise((resolve, reject) => {
    const child = spawn(place.initdb, args, { cwd: place.home, env: postgresEnvironment(), stdio: "pipe", ...identity })
    let output = ""
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)))
    const fail = (reason: string) =>
      reject(new AppError("CONFIG_INVALID", `initdb failed (${reason}): ${output.slice(-1000)}`))
    child.once("error", (error) => fail(error.message))
    child.once("close", (code) => (code === 0 ? resolve() : fail(`exit code ${code}`)))
  })
}

/**
 * Removes a postmaster.pid whose pid now belongs to some other program; PostgreSQL would refuse to start.
 * One whose process is dead stays: PostgreSQL itself then checks that no backend still holds the shared memory.
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
