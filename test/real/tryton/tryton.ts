import { existsSync, mkdirSync, rmSync } from "node:fs"
import path from "node:path"
import { randomBytes } from "node:crypto"
import { freePort, isSkip, startService, waitForService, type Service, type Skip } from "../machine/processes.ts"
import { openScratchPostgres, type ScratchPostgres } from "../machine/scratch-postgres.ts"
import { rememberProcess } from "../machine/scratch.ts"
import {
  DEBIAN_PYTHON,
  installTrytonPackages,
  seededTemplate,
  TRYTON_LOGIN,
  writeTrytonSettings,
  type TrytonBooks,
} from "./tryton-install.ts"

const UWSGI = "/usr/bin/uwsgi"
const UWSGI_PYTHON = "/usr/lib/uwsgi/plugins/python3_plugin.so"

/** Tryton 6.0 installed, with a seeded database that runs are cloned from. */
export type TrytonInstall = {
  start: (options?: TrytonStartOptions) => Promise<TrytonServer>
  /** Stops the database server once nothing else in this process uses it. */
  close: () => Promise<void>
}

export type TrytonStartOptions = {
  /** More than one needs uwsgi; without it the threaded server is one process. Default 3. */
  processes?: number
  /** Idle time after which a session key is refused with 401; Tryton's own default is 300. */
  sessionTimeoutSeconds?: number
  /** A fixed port, so that a chaos run can stop the server and start it again under the same address. */
  port?: number
}

/** A running trytond with its own database. */
export type TrytonServer = {
  /** Base of the JSON-RPC endpoint; calls go to `${url}/${database}/`. */
  url: string
  database: string
  user: string
  password: string
  books: TrytonBooks
  /** For reading the books behind the application's back. */
  databaseUrl: string
  /** Kills the server's processes at once and keeps the database, as a crash would. */
  crash: () => Promise<void>
  /** Starts the server again on the same port and database after `crash`. */
  restart: () => Promise<void>
  /** Stops the server and drops this run's database. */
  stop: () => Promise<void>
}

/** Installs Tryton's Debian packages if this machine allows it and prepares the seeded database (once: about a minute). */
export async function prepareTryton(scratchDir: string): Promise<Skip | TrytonInstall> {
  const missing = await installTrytonPackages()
  if (missing !== undefined) return missing
  const postgres = await openScratchPostgres(scratchDir)
  if (isSkip(postgres)) return postgres
  const seeded = await seededTemplate(scratchDir, postgres)
  if (isSkip(seeded)) {
    await postgres.close()
    return seeded
  }
  return {
    start: (options = {}) => startTryton({ scratchDir, postgres, ...seeded, options }),
    close: () => postgres.close(),
  }
}

type Run = {
  scratchDir: string
  postgres: ScratchPostgres
  template: string
  books: TrytonBooks
  options: TrytonStartOptions
}

async function startTryton(run: Run): Promise<TrytonServer> {
  const { scratchDir, postgres, template, books, options } = run
  const database = `run_tryton_${randomBytes(4).toString("hex")}`
  await postgres.createDatabase(database, template)
  const folder = path.join(scratchDir, "tryton", database)
  mkdirSync(folder, { recursive: true })
  const port = options.port ?? (await freePort())
  const settings = writeTrytonSettings(path.join(folder, "trytond.conf"), { ...options, postgres, port })
  const launch = (): Promise<Service> => launchServer({ scratchDir, folder, settings, port, database, options })
  let service = await launch()
  return {
    url: `http://127.0.0.1:${port}`,
    database,
    ...TRYTON_LOGIN,
    books,
    databaseUrl: postgres.url(database),
    crash: () => service.kill(),
    restart: async () => {
      await service.kill()
      service = await launch()
    },
    stop: async () => {
      await service.stop(hasUwsgi() ? "SIGTERM" : "SIGINT")
      await postgres.dropDatabase(database)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

type Launch = {
  scratchDir: string
  folder: string
  settings: string
  port: number
  database: string
  options: TrytonStartOptions
}

async function launchServer(launch: Launch): Promise<Service> {
  const [command, args] = serverCommand(launch)
  const env = { ...process.env, TRYTOND_CONFIG: launch.settings, TRYTOND_DATABASE_NAMES: launch.database, TZ: "UTC" }
  const logFile = path.join(launch.folder, "trytond.log")
  const service = startService(command, args, { cwd: launch.folder, env, logFile })
  rememberProcess(launch.scratchDir, service.pid)
  await waitForService(service, {
    what: "Tryton answers",
    timeoutMs: 60_000,
    ask: () => answersRpc(launch.port, launch.database),
  })
  return service
}

/** Several pre-forked processes under uwsgi when Debian's plugin is there, else trytond's own threaded server. */
function serverCommand({ settings, port, database, options, folder }: Launch): [string, string[]] {
  if (!hasUwsgi()) return [DEBIAN_PYTHON, ["/usr/bin/trytond", "-c", settings, "-d", database]]
  // Without --die-on-term uwsgi takes SIGTERM as "reload".
  const flags = ["--master", "--lazy-apps", "--need-app", "--die-on-term", "--disable-logging"]
  const processes = String(options.processes ?? 3)
  const app = ["--plugin", "python3", "--module", "trytond.application", "--callable", "app"]
  const listen = ["--http-socket", `127.0.0.1:${port}`, "--buffer-size", "32768", "--processes", processes]
  return [UWSGI, [...listen, ...flags, ...app, "--chdir", folder]]
}

function hasUwsgi(): boolean {
  return existsSync(UWSGI) && existsSync(UWSGI_PYTHON)
}

async function answersRpc(port: number, database: string): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/`, {
    method: "POST",
    headers: { "content-type": "application/json", connection: "close" },
    body: JSON.stringify({ id: 1, method: "common.db.list", params: [] }),
    signal: AbortSignal.timeout(2_000),
  })
  return response.ok && (await response.text()).includes(database)
}
