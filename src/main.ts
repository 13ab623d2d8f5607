import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL, fileURLToPath } from "node:url"
import { dataFolder, setting } from "./base/config.ts"
import { AppError } from "./base/errors.ts"
import { createLog, type Log } from "./base/log.ts"
import { openSql } from "./base/sql.ts"
import { freePort } from "./engines/free-port.ts"
import { migrate } from "./engines/migrations.ts"
import { startEngines, type Engines } from "./engines/start-engines.ts"
import type { Estate } from "./estate.ts"
import { newestVersion } from "./gateway/phases/versions.ts"
import { startCrossdock, type Crossdock } from "./wiring.ts"
import type { Role } from "./wiring/parts.ts"

const gatewayPort = 4400
const workerPort = 4480
const migrationsFolder = fileURLToPath(new URL("../sql", import.meta.url))

export interface ProgramOptions {
  estate: Estate
  onProgress?: (message: string) => void
  log?: Log
}

/** Crossdock with its engines, up and serving. */
export interface Program {
  engines: Engines
  crossdock: Crossdock
  gatewayUrl: string
  operatorKey: string
  notes: string[]
  stop(): Promise<void>
}

/** Starts engines (unless the environment names external ones), migrates, and starts the roles of this process. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const folder = dataFolder()
  mkdirSync(folder, { recursive: true })
  const log = options.log ?? createLog("crossdock")
  const onProgress = options.onProgress ?? (() => undefined)
  const engines = await startEngines({
    dataFolder: folder,
    log,
    databaseUrl: setting("DATABASE_URL"),
    restateIngressUrl: setting("RESTATE_INGRESS_URL"),
    restateAdminUrl: setting("RESTATE_ADMIN_URL"),
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
    const port = await chosenPort(Number(setting("PORT") ?? gatewayPort), { notes, what: "gateway" })
    const crossdock = await startCrossdock({
      estate: options.estate,
      log,
      host,
      port,
      databaseUrl: engines.databaseUrl,
      restateIngressUrl: engines.restateIngressUrl,
      restateAdminUrl: engines.restateAdminUrl,
      roles: rolesOf(setting("CROSSDOCK_ROLES")),
      ...(await workerAddress(folder)),
    })
    stops.push(() => crossdock.stop())
    const operatorKey = await ensureOperatorKey(crossdock, folder)
    if (crossdock.gatewayUrl !== undefined) writeFileSync(join(folder, "gateway.url"), crossdock.gatewayUrl)
    return { engines, crossdock, gatewayUrl: crossdock.gatewayUrl ?? "", operatorKey, notes, stop }
  } catch (thrown) {
    await stop()
    throw thrown
  }
}

/** Loads the estate an integration engineer wrote. */
export async function loadEstate(): Promise<Estate> {
  const file = setting("CROSSDOCK_CONFIG") ?? "crossdock.config.ts"
  const loaded = (await import(pathToFileURL(join(process.cwd(), file)).href)) as { default?: Estate }
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

function rolesOf(text: string | undefined): Role[] {
  if (text === undefined) return ["gateway", "worker"]
  return text.split(",").map((role) => {
    const name = role.trim()
    if (name === "gateway" || name === "worker") return name
    throw new AppError("CONFIG_INVALID", `CROSSDOCK_ROLES names "${name}"; roles are gateway and worker`)
  })
}

async function chosenPort(wanted: number, say: { notes: string[]; what: string }): Promise<number> {
  const port = await freePort(wanted)
  if (port !== wanted) say.notes.push(`port ${wanted} is taken, the ${say.what} listens on ${port}`)
  return port
}

/** The worker keeps its port over restarts, because Restate goes on with invocations at the address they began at. */
async function workerAddress(folder: string): Promise<{ workerHost: string; workerPort: number; workerUrl?: string }> {
  const workerUrl = setting("WORKER_URL")
  if (workerUrl !== undefined) return { workerHost: "0.0.0.0", workerPort: Number(new URL(workerUrl).port), workerUrl }
  const file = join(folder, "worker.port")
  const remembered = Number(readOrEmpty(file))
  const port = await freePort(Number.isInteger(remembered) && remembered > 0 ? remembered : workerPort)
  writeFileSync(file, String(port))
  return { workerHost: "127.0.0.1", workerPort: port }
}

/** The key the CLI uses on this machine; made once, readable by this user only. */
async function ensureOperatorKey(crossdock: Crossdock, folder: string): Promise<string> {
  const file = join(folder, "operator.key")
  const known = readOrEmpty(file).trim()
  await crossdock.consumers.put({
    id: "operator",
    name: "Operators on this machine",
    owner: "operations",
    scopes: ["*"],
    ratePerSecond: 5000,
    burst: 10_000,
    apiVersion: newestVersion,
  })
  if (known !== "" && (await isLive(crossdock, known))) return known
  const { key } = await crossdock.consumers.addKey("operator")
  await crossdock.access.refresh()
  writeFileSync(file, key, { mode: 0o600 })
  return key
}

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
