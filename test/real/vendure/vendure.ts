import { createHash, randomBytes } from "node:crypto"
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { freePort, isSkip, runCommand, startService, waitForService, whyItFailed } from "../machine/processes.ts"
import type { Service, Skip } from "../machine/processes.ts"
import { openScratchPostgres, type ScratchPostgres } from "../machine/scratch-postgres.ts"
import { rememberProcess } from "../machine/scratch.ts"
import { adminClient, type GraphqlClient } from "./vendure-client.ts"
import { seedShop, setShopStock, VENDURE_PRODUCTS } from "./vendure-seed.ts"

const APP = fileURLToPath(new URL("app/", import.meta.url))
const APP_FILES = ["package.json", "package-lock.json", "server.mjs", "order-webhooks.mjs"]
const SERVER = fileURLToPath(new URL("./app/server.mjs", import.meta.url))
const SEED = fileURLToPath(new URL("vendure-seed.ts", import.meta.url))
// Not the documented superadmin/superadmin: in production mode 3.7.3 refuses to start with it.
const LOGIN = { user: "superadmin", password: "loopback-shop" } as const
const TEMPLATE_STOCK = 1_000

/** Vendure installed from its lock file, with a seeded database that runs are cloned from. */
export type VendureInstall = {
  start: (options?: VendureStartOptions) => Promise<VendureServer>
  /** Stops the database server once nothing else in this process uses it. */
  close: () => Promise<void>
}

export type VendureStartOptions = {
  /** Where order events are posted, signed with `secret` (`whsec_` and base64). Absent: no webhooks. */
  webhook?: {
    url: string
    secret: string
    timeoutMs?: number
    retries?: number
    /** The order's fields to send along, as a GraphQL selection; absent: the webhook only names the order. */
    fields?: string
  }
  /** Pieces on hand of every product. Default 1000. */
  stockOnHand?: number
  /** A fixed port, so that a chaos run can stop the server and start it again under the same address. */
  port?: number
}

/** A running shop with its own database. */
export type VendureServer = {
  url: string
  user: string
  password: string
  /** SKU-000 … in the order they were made. */
  skus: string[]
  currency: "USD"
  databaseUrl: string
  admin: GraphqlClient
  crash: () => Promise<void>
  restart: () => Promise<void>
  stop: () => Promise<void>
}

/** Installs Vendure from npm into the scratch folder and prepares the seeded database (once: about a minute). */
export async function prepareVendure(scratchDir: string): Promise<Skip | VendureInstall> {
  const postgres = await openScratchPostgres(scratchDir)
  if (isSkip(postgres)) return postgres
  const folder = await installApp(scratchDir)
  if (isSkip(folder)) {
    await postgres.close()
    return folder
  }
  const template = await seededTemplate({ scratchDir, folder, postgres })
  return {
    start: (options = {}) => startShop({ scratchDir, folder, postgres }, template, options),
    close: () => postgres.close(),
  }
}

type Place = { scratchDir: string; folder: string; postgres: ScratchPostgres }

/** `npm ci` without install scripts: the only native module, bcrypt, ships its binaries in the package. */
async function installApp(scratchDir: string): Promise<Skip | string> {
  const lock = createHash("sha256")
    .update(readFileSync(path.join(APP, "package-lock.json")))
    .digest("hex")
  const folder = path.join(scratchDir, `vendure-${lock.slice(0, 12)}`)
  mkdirSync(folder, { recursive: true })
  for (const file of APP_FILES) cpSync(path.join(APP, file), path.join(folder, file))
  const readyFile = path.join(folder, "ready")
  if (existsSync(readyFile)) return folder
  const flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
  const installed = await runCommand("npm", ["ci", ...flags], { cwd: folder, timeoutMs: 600_000 })
  if (installed.code !== 0) return { skipped: `npm could not install Vendure: ${whyItFailed(installed)}` }
  writeFileSync(readyFile, "")
  return folder
}

/** The template's name changes with the lock file and the seed, so a stale one is never used. */
async function seededTemplate(place: Place): Promise<string> {
  const { folder, postgres } = place
  const recipe = createHash("sha256").update(folder).update(readFileSync(SEED)).update(readFileSync(SERVER))
  const template = `vendure_seed_${recipe.digest("hex").slice(0, 12)}`
  if (await postgres.hasDatabase(template)) return template
  const building = `building_${template}`
  await postgres.createDatabase(building)
  const { service, url } = await launch(place, { database: building, port: await freePort(), options: {} })
  try {
    await seedShop(await adminClient(url, LOGIN), TEMPLATE_STOCK)
  } finally {
    await service.stop()
  }
  await postgres.renameDatabase(building, template)
  return template
}

async function startShop(place: Place, template: string, options: VendureStartOptions): Promise<VendureServer> {
  const { postgres } = place
  const database = `run_vendure_${randomBytes(4).toString("hex")}`
  await postgres.createDatabase(database, template)
  const run = { database, port: options.port ?? (await freePort()), options }
  let { service, url } = await launch(place, run)
  const admin = await adminClient(url, LOGIN)
  if (options.stockOnHand !== undefined) await setShopStock(admin, options.stockOnHand)
  return {
    url,
    ...LOGIN,
    skus: Array.from({ length: VENDURE_PRODUCTS }, (_, number) => `SKU-${String(number).padStart(3, "0")}`),
    currency: "USD",
    databaseUrl: postgres.url(database),
    admin,
    crash: () => service.kill(),
    restart: async () => {
      await service.kill()
      service = (await launch(place, run)).service
    },
    stop: async () => {
      await service.stop()
      await postgres.dropDatabase(database)
      for (const kind of ["json", "log"]) rmSync(path.join(place.folder, `${database}.${kind}`), { force: true })
    },
  }
}

type Launch = { database: string; port: number; options: VendureStartOptions }

async function launch(place: Place, run: Launch): Promise<{ service: Service; url: string }> {
  const { host, port, user, password } = place.postgres
  const settings = {
    port: run.port,
    credentials: LOGIN,
    cookieSecret: randomBytes(16).toString("hex"),
    database: { host, port, username: user, password, database: run.database },
    webhook: {
      ...(run.options.webhook ?? { url: "" }),
      adminApi: `http://127.0.0.1:${run.port}/admin-api`,
      ...LOGIN,
    },
  }
  const settingsFile = path.join(place.folder, `${run.database}.json`)
  writeFileSync(settingsFile, JSON.stringify(settings), { mode: 0o600 })
  // UTC on both sides: Vendure's timestamps carry no zone.
  const service = startService(process.execPath, [path.join(place.folder, "server.mjs"), settingsFile], {
    cwd: place.folder,
    env: { ...process.env, TZ: "UTC", NODE_ENV: "production" },
    logFile: path.join(place.folder, `${run.database}.log`),
  })
  rememberProcess(place.scratchDir, service.pid)
  const url = `http://127.0.0.1:${run.port}`
  const ask = async (): Promise<boolean> => (await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) })).ok
  await waitForService(service, { what: "Vendure answers", timeoutMs: 120_000, ask })
  return { service, url }
}
