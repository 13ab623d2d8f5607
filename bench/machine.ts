import { execFileSync } from "node:child_process"
import { closeSync, fdatasyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs"
import { availableParallelism, cpus, loadavg, totalmem } from "node:os"
import { join } from "node:path"

/** The machine and the versions of a measurement. */
export interface Machine {
  cpu: string
  cores: number
  memoryGiB: number
  node: string
  postgres: string
  restate: string
  dbos: string
  fastify: string
  commit: string
  fdatasyncPerSecond: number
  loadAtStart: number[]
  loadAtEnd?: number[]
}

export function describeMachine(folder: string, postgres: string): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    postgres,
    restate: versionOf("@restatedev/restate-server"),
    dbos: versionOf("@dbos-inc/dbos-sdk"),
    fastify: versionOf("fastify"),
    commit: commit(),
    fdatasyncPerSecond: fdatasyncRate(folder),
    loadAtStart: load(),
  }
}

/** Read from its folder, because a package may not export its package.json. */
function versionOf(name: string): string {
  const file = join(import.meta.dirname, "..", "node_modules", name, "package.json")
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version
}

export function load(): number[] {
  return loadavg().map((value) => Math.round(value * 100) / 100)
}

function commit(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim()
    return (
      git("rev-parse", "--short", "HEAD") +
      (git("status", "--porcelain", "--", "src", "sql") === "" ? "" : " with changes")
    )
  } catch {
    return "no git"
  }
}

const probeMs = 1500

/** Rewrites one 8 KiB page and waits for the disk, repeatedly: the same as fdatasync in `pg_test_fsync`. */
function fdatasyncRate(folder: string): number {
  const place = mkdtempSync(join(folder, "fdatasync-"))
  const file = openSync(join(place, "page"), "w")
  const page = Buffer.alloc(8192, 1)
  try {
    let count = 0
    const started = performance.now()
    while (performance.now() - started < probeMs) {
      writeSync(file, page, 0, page.length, 0)
      fdatasyncSync(file)
      count += 1
    }
    return Math.round(count / ((performance.now() - started) / 1000))
  } finally {
    closeSync(file)
    rmSync(place, { recursive: true, force: true })
  }
}
