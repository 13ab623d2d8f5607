import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { pathToFileURL, fileURLToPath } from "node:url"
import { dataFolder, setting } from "./base/config.ts"
import { AppError, asAppError } from "./base/errors.ts"
import { createLog, type Log } from "./base/log.ts"
import { openSession, openSql } from "./base/sql.ts"
import { systemClock } from "./base/time.ts"
import { freePort } from "./engines/free-port.ts"
import { migrate } from "./engines/migrations.ts"
import { startEngines, type Engines } from "./engines/start-engines.ts"
import type { Estate } from "./estate.ts"
import { newestVersion } from "./gateway/phases/versions.ts"
import { newKey } from "./governance/consumers.ts"
import { People } from "./governance/people/people.ts"
import { startCrossdock, type Crossdock } from "./wiring.ts"
import type { Role } from "./wiring/parts.ts"

export { findEstateProblems } from "./wiring/connect.ts"
export { tryConnection, type Trial, type TrialFact, type TrialObject } from "./wiring/try-connection.ts"

const gatewayPort = 4400
const migrationsFolder = fileURLToPath(new URL("../sql", import.meta.url))

export interface ProgramOptions {
  estate: Estate
  /** Absent: those of CROSSDOCK_ROLES, or all. */
  roles?: readonly Role[]
  onProgress?: (message: string) => void
  log?: Log
}

/** Crossdock with its engines, up and serving. */
export interface Program {
  engines: Engines
  crossdock: Crossdock
  /** Empty where no gateway runs. */
  gatewayUrl: string
  /** Empty where no gateway runs, and where this folder has no key and no more can be made. */
  operatorKey: string
  /** Signs the first person in to the console, once; undefined as soon as anybody has signed in. */
  signInUrl: string | undefined
  notes: string[]
  stop(): Promise<void>
}

/** Starts engines (unless the environment names external ones), migrates, and starts the roles of this process. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const roles = options.roles ?? readRoles()
  const folder = dataFolder()
  mkdirSync(folder, { recursive: true })
  const log = options.log ?? createLog("crossdock")
  const onProgress = options.onProgress ?? (() => undefined)
  const engines = await startEngines({
    dataFolder: folder,
    log,
    databaseUrl: setting("DATABASE_URL"),
    onProgress,
  })
  const notes = [...engines.notes]
  const stops = [() => engines.stop()]
  const stop = async () => {
    for (const end of stops.splice(0).reverse()) await end()
  }
  try {
    await migrateOnce(engines.databaseUrl)
    const host = setting("CROSSDOCK_HOST") ?? "127.0.0.1"
    const isGateway = roles.includes("gateway")
    const wanted = Number(setting("PORT") ?? gatewayPort)
    const port = isGateway ? await chosenPort(wanted, { notes, what: "gateway" }) : wanted
    const crossdock = await startCrossdock({
      estate: options.estate,
      log,
      host,
      port,
      databaseUrl: engines.databaseUrl,
      roles,
    })
    stops.push(() => crossdock.stop())
    const operatorKey = isGateway ? await ensureOperatorKey(crossdock, { folder, notes }) : ""
    const signInUrl = isGateway ? await firstSignIn(crossdock) : undefined
    if (crossdock.gatewayUrl !== undefined) writeFileSync(join(folder, "gateway.url"), crossdock.gatewayUrl)
    return { engines, crossdock, gatewayUrl: crossdock.gatewayUrl ?? "", operatorKey, signInUrl, notes, stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

/** The file with the estate: CROSSDOCK_CONFIG, or `crossdock.config.ts` in the folder where Crossdock was started. */
export function configurationFile(): string {
  return resolve(setting("CROSSDOCK_CONFIG") ?? "crossdock.config.ts")
}

/** Loads the estate an integration engineer wrote. Errors: CONFIG_INVALID when there is no such file, or no estate in it. */
export async function loadEstate(): Promise<Estate> {
  const file = configurationFile()
  if (!existsSync(file))
    throw new AppError(
      "CONFIG_INVALID",
      `there is no configuration file ${file}: make one, or name one in CROSSDOCK_CONFIG`,
    )
  const loaded = (await import(pathToFileURL(file).href)) as { default?: Estate }
  if (!loaded.default)
    throw new AppError("CONFIG_INVALID", `${file} has no default export; it should export defineEstate({ … })`)
  return loaded.default
}

async function migrateOnce(databaseUrl: string): Promise<void> {
  const sql = openSql(databaseUrl, { connectionsMax: 1, name: "crossdock-migrate" })
  try {
    await migrate(sql, migrationsFolder)
  } finally {
    await sql.end({ timeout: 2 })
  }
}

/** The roles a command line names, else those of CROSSDOCK_ROLES, else all. Errors: CONFIG_INVALID naming what is no role. */
export function readRoles(text: string | undefined = setting("CROSSDOCK_ROLES")): Role[] {
  if (text === undefined) return [...allRoles]
  const names = text.split(",").map((name) => name.trim())
  const unknown = names.filter((name) => !isRole(name))
  if (unknown.length > 0)
    throw new AppError(
      "CONFIG_INVALID",
      `there is no role ${unknown.map((name) => `"${name}"`).join(" or ")}; --roles and CROSSDOCK_ROLES take ${allRoles.join(", ")}, separated by commas`,
    )
  return allRoles.filter((role) => names.includes(role))
}

const allRoles: readonly Role[] = ["gateway", "worker"]

function isRole(name: string): name is Role {
  return allRoles.some((role) => role === name)
}

async function chosenPort(wanted: number, say: { notes: string[]; what: string }): Promise<number> {
  const port = await freePort(wanted)
  if (port !== wanted) say.notes.push(`port ${wanted} is taken, the ${say.what} listens on ${port}`)
  return port
}

/** The key the CLI uses on this machine; made once, readable by this user only. Every gateway does this at its start. */
async function ensureOperatorKey(
  crossdock: Crossdock,
  { folder, notes }: { folder: string; notes: string[] },
): Promise<string> {
  const file = join(folder, "operator.key")
  const { consumers, access } = crossdock
  await consumers.put({
    id: "operator",
    name: "Operators on this machine",
    owner: "operations",
    scopes: ["*"],
    ratePerSecond: 5000,
    burst: 10_000,
    apiVersion: newestVersion,
  })
  const session = await openSession(crossdock.sql)
  try {
    // Gateways that share a folder and start at once make one key.
    await session.sql`select pg_advisory_lock(${operatorKeyLock})`
    const known = readOrEmpty(file).trim()
    if (known !== "" && (await isLive(crossdock, known))) return known
    // Written before it is made: a process that dies in between would otherwise leave a live key that nobody has, and two
    // of those are all that a consumer may have.
    const key = newKey()
    writeFileSync(file, key, { mode: 0o600 })
    await consumers.addKey("operator", { key })
    await access.refresh()
    return key
  } catch (thrown) {
    if (asAppError(thrown).code !== "STATE_FORBIDS") throw thrown
    rmSync(file, { force: true })
    notes.push(
      `the operator has as many live keys as there may be, and none of them is in ${file}: ` +
        "copy the file from the machine that has it, or set CROSSDOCK_KEY where you use the command line",
    )
    return ""
  } finally {
    await session.sql.end()
  }
}

/** While nobody has signed in to the console yet: a link for its first administrator. */
async function firstSignIn({ sql, gatewayUrl }: Crossdock): Promise<string | undefined> {
  const people = new People(sql, systemClock)
  if (gatewayUrl === undefined || (await people.anybodySignedIn())) return undefined
  await people.put({ name: "admin", fullName: "First administrator", roles: ["admin"], apiVersion: newestVersion })
  const { token } = await people.makeLink("admin")
  return `${gatewayUrl}/console/sign-in#token=${token}`
}

/** Any number that only this uses. */
const operatorKeyLock = 4_400_002

async function isLive(crossdock: Crossdock, key: string): Promise<boolean> {
  await crossdock.access.refresh()
  return Promise.resolve(crossdock.access.authenticate(`Bearer ${key}`)).then(
    () => true,
    () => false,
  )
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return ""
  }
}
