import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { AppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { sleep } from "../base/time.ts"
import { dataFolderLockName, tryLock, type ExclusiveLock } from "./exclusive-lock.ts"
import { startPostgres, type RunningPostgres } from "./postgres.ts"
import { startRestate, type RunningRestate } from "./restate.ts"

interface EnginesOptions {
  /** Where data, logs, pid files and the generated password live. */
  dataFolder: string
  log: Log
  /** Use this PostgreSQL instead of the embedded one. */
  databaseUrl?: string | undefined
  /** Use this Restate instead of the embedded one; both addresses or neither. */
  restateIngressUrl?: string | undefined
  restateAdminUrl?: string | undefined
  /** Told in words what is happening. */
  onProgress?: ((message: string) => void) | undefined
  /** Breaks the start off; what was started is stopped again. */
  signal?: AbortSignal | undefined
}

/** The engines Crossdock stands on, embedded or external. */
export interface Engines {
  databaseUrl: string
  restateIngressUrl: string
  restateAdminUrl: string
  isEmbedded: { postgres: boolean; restate: boolean }
  /** Pids of the embedded ones right now; they change when one is restarted. */
  readonly pids: { postgres?: number; restate?: number }
  /** How often each embedded engine was started again after it died. */
  readonly restarts: { postgres: number; restate: number }
  /** What a person should know: moved ports, another user, data kept elsewhere. */
  notes: string[]
  /** Stops the embedded engines; data is safe. May be called twice. */
  stop(): Promise<void>
}

/**
 * Starts what is needed, both engines at the same time, and keeps it running until `stop`.
 * An engine that a killed Crossdock left running is adopted when it has the same settings, else stopped and started.
 *
 * Errors: CONFIG_INVALID when another Crossdock uses the data folder, or an engine does not start.
 */
export async function startEngines(options: EnginesOptions): Promise<Engines> {
  const dataFolder = resolve(options.dataFolder)
  if ((options.restateIngressUrl === undefined) !== (options.restateAdminUrl === undefined))
    throw new AppError("CONFIG_INVALID", "set both RESTATE_INGRESS_URL and RESTATE_ADMIN_URL, or neither")
  // Others may pass through to PostgreSQL's own folder, but not look around; each secret in here is 0600.
  mkdirSync(dataFolder, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
  const lock = await lockDataFolder(dataFolder)
  const shared = { dataFolder, log: options.log, ...(options.signal ? { signal: options.signal } : {}) }
  const [postgres, restate] = await Promise.allSettled([
    options.databaseUrl === undefined ? told(options, "PostgreSQL", startPostgres(shared)) : undefined,
    options.restateIngressUrl === undefined ? told(options, "Restate", startRestate(shared)) : undefined,
  ])
  if (postgres.status === "rejected" || restate.status === "rejected") {
    await stopAll([settledValue(postgres)?.child, settledValue(restate)?.child], lock)
    throw postgres.status === "rejected" ? postgres.reason : restate.status === "rejected" ? restate.reason : undefined
  }
  return describe({ options, lock, postgres: postgres.value, restate: restate.value })
}

interface Started {
  options: EnginesOptions
  lock: ExclusiveLock
  postgres: RunningPostgres | undefined
  restate: RunningRestate | undefined
}

function describe({ options, lock, postgres, restate }: Started): Engines {
  let stopping: Promise<void> | undefined
  return {
    databaseUrl: postgres?.url ?? options.databaseUrl ?? "",
    restateIngressUrl: restate?.ingressUrl ?? options.restateIngressUrl ?? "",
    restateAdminUrl: restate?.adminUrl ?? options.restateAdminUrl ?? "",
    isEmbedded: { postgres: postgres !== undefined, restate: restate !== undefined },
    get pids() {
      return {
        ...(postgres?.child.pid === undefined ? {} : { postgres: postgres.child.pid }),
        ...(restate?.child.pid === undefined ? {} : { restate: restate.child.pid }),
      }
    },
    get restarts() {
      return { postgres: postgres?.child.restarts ?? 0, restate: restate?.child.restarts ?? 0 }
    },
    notes: [...(postgres?.notes ?? []), ...(restate?.notes ?? [])],
    stop: () => (stopping ??= stopAll([restate?.child, postgres?.child], lock)),
  }
}

async function stopAll(
  children: readonly ({ stop(): Promise<void> } | undefined)[],
  lock: ExclusiveLock,
): Promise<void> {
  await Promise.all(children.map((child) => child?.stop()))
  lock.release()
}

async function told<Value>(options: EnginesOptions, name: string, work: Promise<Value>): Promise<Value> {
  options.onProgress?.(`starting ${name}`)
  const value = await work
  options.onProgress?.(`${name} is ready`)
  return value
}

function settledValue<Value>(result: PromiseSettledResult<Value>): Value | undefined {
  return result.status === "fulfilled" ? result.value : undefined
}

async function lockDataFolder(dataFolder: string): Promise<ExclusiveLock> {
  const path = join(dataFolder, dataFolderLockName)
  // Tried twice, because `crossdock doctor` holds it for a moment to see whether anyone does.
  const lock = tryLock(path) ?? (await sleep(100).then(() => tryLock(path)))
  const holderFile = join(dataFolder, "crossdock.pid")
  if (lock) {
    writeFileSync(holderFile, String(process.pid))
    return lock
  }
  throw new AppError(
    "CONFIG_INVALID",
    `${dataFolder} is in use by another Crossdock (process ${readHolder(holderFile)}); stop it, or set CROSSDOCK_DATA to another folder`,
  )
}

function readHolder(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return "unknown"
  }
}
