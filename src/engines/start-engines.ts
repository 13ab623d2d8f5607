import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { AppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { sleep } from "../base/time.ts"
import { dataFolderLockName, tryLock, type ExclusiveLock } from "./exclusive-lock.ts"
import { startPostgres, type RunningPostgres } from "./postgres.ts"

interface EnginesOptions {
  /** Folder of data, logs, pid files and the generated password. */
  dataFolder: string
  log: Log
  /** Use this PostgreSQL instead of the embedded one. */
  databaseUrl?: string | undefined
  /** Receives progress messages for people. */
  onProgress?: ((message: string) => void) | undefined
  /** Cancels the start and stops what was started. */
  signal?: AbortSignal | undefined
}

/** The engine Crossdock needs, embedded or external. */
export interface Engines {
  databaseUrl: string
  isEmbedded: { postgres: boolean }
  /** Pid of the embedded one right now; it changes when it is restarted. */
  readonly pids: { postgres?: number }
  /** How often the embedded one was restarted after it died. */
  readonly restarts: { postgres: number }
  /** Messages for people: moved ports, another user, data kept elsewhere. */
  notes: string[]
  /** Stops the embedded engine without losing data. May be called twice. */
  stop(): Promise<void>
}

/**
 * Starts PostgreSQL unless an address is given, and keeps it running until `stop`.
 * It ends with this process, however that dies. If an earlier one is still stopping, the start waits for it.
 *
 * Errors: CONFIG_INVALID when another Crossdock uses the data folder, or PostgreSQL does not start.
 */
export async function startEngines(options: EnginesOptions): Promise<Engines> {
  const dataFolder = resolve(options.dataFolder)
  // Other users may pass through to PostgreSQL's own folder, but not list this one. Each secret in here is 0600.
  mkdirSync(dataFolder, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
  // Processes that share an external database may also share a folder: several workers on one machine.
  if (options.databaseUrl !== undefined) return describe(options.databaseUrl, undefined, undefined)
  const lock = await lockDataFolder(dataFolder)
  try {
    options.onProgress?.("starting PostgreSQL")
    const { log, signal } = options
    const postgres = await startPostgres({ dataFolder, log, ...(signal ? { signal } : {}) })
    options.onProgress?.("PostgreSQL is ready")
    return describe(postgres.url, postgres, lock)
  } catch (thrown) {
    lock.release()
    throw thrown
  }
}

function describe(
  databaseUrl: string,
  postgres: RunningPostgres | undefined,
  lock: ExclusiveLock | undefined,
): Engines {
  let stopping: Promise<void> | undefined
  return {
    databaseUrl,
    isEmbedded: { postgres: postgres !== undefined },
    get pids() {
      return postgres?.child.pid === undefined ? {} : { postgres: postgres.child.pid }
    },
    get restarts() {
      return { postgres: postgres?.child.restarts ?? 0 }
    },
    notes: postgres?.notes ?? [],
    stop: () => (stopping ??= stopEngine(postgres, lock)),
  }
}

async function stopEngine(postgres: RunningPostgres | undefined, lock: ExclusiveLock | undefined): Promise<void> {
  await postgres?.child.stop()
  lock?.release()
}

async function lockDataFolder(dataFolder: string): Promise<ExclusiveLock> {
  const path = join(dataFolder, dataFolderLockName)
  // Tried twice, because `crossdock doctor` takes the lock for a moment to check whether it is free.
  const lock = tryLock(path) ?? (await sleep(100).then(() => tryLock(path)))
  const holderFile = join(dataFolder, "crossdock.pid")
  if (lock) {
    writeFileSync(holderFile, String(process.pid))
    return lock
  }
  throw new AppError(
    "CONFIG_INVALID",
    `${dataFolder} is in use by another Crossdock (process ${readHolder(holderFile)}); stop that one, or set CROSSDOCK_DATA to another folder`,
  )
}

function readHolder(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return "unknown"
  }
}
