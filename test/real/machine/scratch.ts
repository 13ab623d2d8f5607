import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync, appendFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { waitUntil, type Skip } from "./processes.ts"

/** Where real systems are installed and kept between runs: outside the source tree, so it never mixes with it. */
export function scratchFolder(): string {
  const chosen = process.env["CROSSDOCK_REAL_DIR"]
  return chosen === undefined || chosen === "" ? path.join(tmpdir(), "crossdock-real") : path.resolve(chosen)
}

const heldByUs = new Map<string, number>()

/**
 * Takes the scratch folder for this process, because two runs would share one database cluster.
 *
 * Taking it again within the process is counted. A holder that died is cleaned up after: the servers it left are ended.
 */
export async function holdScratch(folder: string): Promise<Skip | { release: () => void }> {
  const held = heldByUs.get(folder) ?? 0
  if (held === 0) {
    // World-enterable: PostgreSQL runs below it as an unprivileged user.
    mkdirSync(folder, { recursive: true, mode: 0o755 })
    const holder = readHolder(folder)
    if (holder !== undefined && holder !== process.pid && isAlive(holder)) {
      return { skipped: `the folder ${folder} is in use by process ${holder}; set CROSSDOCK_REAL_DIR to another` }
    }
    writeFileSync(holderFile(folder), `${process.pid}\n`)
    await endLeftovers(folder)
  }
  heldByUs.set(folder, held + 1)
  return { release: () => release(folder) }
}

function release(folder: string): void {
  const held = (heldByUs.get(folder) ?? 1) - 1
  heldByUs.set(folder, held)
  if (held > 0) return
  rmSync(holderFile(folder), { force: true })
  rmSync(pidFile(folder), { force: true })
}

/** Remembers a server's process, so that the next run can end it if this one is killed. */
export function rememberProcess(folder: string, pid: number): void {
  appendFileSync(pidFile(folder), `${pid}\n`)
}

/**
 * Ends every process whose command line names `folder`: what a killed run left of a program that starts servers of its own, so
 * that their numbers are known to nobody.
 */
export async function endProcessesOf(folder: string): Promise<void> {
  const isLeft = (pid: number): boolean => pid !== process.pid && commandLine(pid).includes(folder)
  const left = readdirSync("/proc")
    .map(Number)
    .filter((pid) => Number.isSafeInteger(pid) && isLeft(pid))
  for (const pid of left) signalQuietly(pid, "SIGINT")
  const ended = waitUntil("leftover servers ended", 15_000, async () => !left.some(isLeft))
  await ended.catch(() => {
    for (const pid of left.filter(isLeft)) signalQuietly(pid, "SIGKILL")
  })
}

/** Ends what a killed run left running. A process counts only if its command line names this scratch folder. */
async function endLeftovers(folder: string): Promise<void> {
  const isLeftover = (pid: number): boolean => Number.isSafeInteger(pid) && pid > 1 && commandLine(pid).includes(folder)
  const leftovers = readLines(pidFile(folder)).map(Number).filter(isLeftover)
  // SIGINT stops each of them quickly and cleanly: PostgreSQL's "fast" shutdown, uwsgi's "now".
  for (const pid of leftovers) signalQuietly(pid, "SIGINT")
  const ended = waitUntil("leftover servers ended", 10_000, async () => !leftovers.some(isLeftover))
  await ended.catch(() => {
    for (const pid of leftovers.filter(isLeftover)) signalQuietly(-pid, "SIGKILL")
  })
  rmSync(pidFile(folder), { force: true })
}

function signalQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // ESRCH: it ended in between.
  }
}

function holderFile(folder: string): string {
  return path.join(folder, "holder.pid")
}

function pidFile(folder: string): string {
  return path.join(folder, "servers.pids")
}

function readHolder(folder: string): number | undefined {
  const [line] = readLines(holderFile(folder))
  return line === undefined ? undefined : Number(line)
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, "utf8").split("\n").filter(Boolean)
  } catch {
    return []
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8")
  } catch {
    return ""
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
