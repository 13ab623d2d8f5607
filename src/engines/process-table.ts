import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { sleep } from "../base/time.ts"

/** Distinguishes a process from a later one with the same pid. */
export interface ProcessIdentity {
  pid: number
  /** Start time in the system's own unit; only compared for equality. */
  startedAt: string
  commandLine: string
}

/** Identity of a live process, or undefined when there is none (a zombie counts as none). */
export function identifyProcess(pid: number): ProcessIdentity | undefined {
  if (!isSignalable(pid)) return undefined
  return process.platform === "linux" ? identifyFromProc(pid) : identifyFromPs(pid)
}

function isSignalable(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (thrown) {
    // EPERM: the process lives, but belongs to another user.
    return thrown instanceof Error && "code" in thrown && thrown.code === "EPERM"
  }
}

function identifyFromProc(pid: number): ProcessIdentity | undefined {
  try {
    // proc(5): the command name in parentheses may contain anything, so fields are counted after the last parenthesis.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8")
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    const [state] = fields
    const startedAt = fields[19]
    if (state === "Z" || state === "X" || startedAt === undefined) return undefined
    const commandLine = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ").trim()
    return { pid, startedAt, commandLine }
  } catch {
    return undefined
  }
}

function identifyFromPs(pid: number): ProcessIdentity | undefined {
  const result = spawnSync("ps", ["-ww", "-p", String(pid), "-o", "stat=,lstart=,command="], { encoding: "utf8" })
  const match = /^\s*(\S+)\s+(\S+ \S+\s+\d+ \d+:\d+:\d+ \d+)\s+(.*)$/.exec(result.stdout?.trim() ?? "")
  if (!match?.[2] || match[3] === undefined || match[1]?.startsWith("Z")) return undefined
  return { pid, startedAt: match[2], commandLine: match[3] }
}

/** Live processes whose command line starts with this text. */
export function findProcesses(commandStart: string): ProcessIdentity[] {
  return allPids()
    .map(identifyProcess)
    .filter((found) => found !== undefined)
    .filter((found) => found.commandLine.startsWith(commandStart))
}

function allPids(): number[] {
  if (process.platform === "linux")
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
  return (spawnSync("ps", ["-axo", "pid="], { encoding: "utf8" }).stdout ?? "").split("\n").filter(Boolean).map(Number)
}

/** Whether the process that was identified before still lives. */
export function isSameProcessAlive(known: { pid: number; startedAt: string }): boolean {
  return identifyProcess(known.pid)?.startedAt === known.startedAt
}

/** Sends a signal. A process that has already ended is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // The process ended between the check and the signal, which is what the signal was for.
  }
}

/** Signals a process to end and waits; sends stronger signals when it does not. */
export async function endProcess(
  known: { pid: number; startedAt: string },
  options: { signal: NodeJS.Signals; timeoutMs: number },
): Promise<void> {
  for (const signal of [options.signal, "SIGKILL"] as const) {
    if (!isSameProcessAlive(known)) return
    signalProcess(known.pid, signal)
    const waits = Math.ceil(options.timeoutMs / 20)
    for (let waited = 0; waited < waits && isSameProcessAlive(known); waited++) await sleep(20)
  }
}

/**
 * Memory of a process and its children in bytes. Pages that processes share are counted once (proportional set size). 0
 * where the system does not report it: only Linux does, to the process's own user and to root.
 */
export function residentBytes(pid: number): number {
  return [pid, ...childPids(pid)].reduce((sum, each) => sum + proportionalBytes(each), 0)
}

function childPids(pid: number): number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    return children.split(" ").filter(Boolean).map(Number)
  } catch {
    return []
  }
}

function proportionalBytes(pid: number): number {
  try {
    const match = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))
    return Number(match?.[1] ?? 0) * 1024
  } catch {
    return 0
  }
}
