import { existsSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { monotonicMs, sleep } from "../base/time.ts"

/** A lock that the operating system releases when its holder dies, however it dies. */
export interface ExclusiveLock {
  release(): void
}

/**
 * Takes the lock of a file; undefined when another process holds it. SQLite's exclusive transaction is a POSIX record
 * lock, so `kill -9` leaves no stale lock.
 */
export function tryLock(path: string): ExclusiveLock | undefined {
  const database = new DatabaseSync(path)
  try {
    database.exec("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE")
    return { release: () => database.close() }
  } catch (thrown) {
    database.close()
    // SQLITE_BUSY: https://sqlite.org/rescode.html#busy
    if (thrown instanceof Error && "errcode" in thrown && thrown.errcode === 5) return undefined
    throw thrown
  }
}

/** Waits for the lock of a file. Throws after `timeoutMs`. */
export async function waitForLock(path: string, timeoutMs: number): Promise<ExclusiveLock> {
  const startedMs = monotonicMs()
  for (;;) {
    const lock = tryLock(path)
    if (lock) return lock
    if (monotonicMs() - startedMs > timeoutMs) throw new Error(`${path} is still locked after ${timeoutMs} ms`)
    await sleep(25)
  }
}

/** The lock file in a data folder; a running Crossdock holds its lock. */
export const dataFolderLockName = "crossdock.lock"

/** Whether a Crossdock runs on this data folder now. */
export function isDataFolderInUse(dataFolder: string): boolean {
  const path = join(dataFolder, dataFolderLockName)
  if (!existsSync(path)) return false
  const lock = tryLock(path)
  lock?.release()
  return lock === undefined
}
