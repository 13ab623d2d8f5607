import { execFileSync } from "node:child_process"
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs"
import { createRequire } from "node:module"
import { availableParallelism, cpus, loadavg, totalmem } from "node:os"
import { join } from "node:path"

const require = createRequire(import.meta.url)

/** Where and with what this was measured. */
export interface Machine {
  cpu: string
  cores: number
  memoryGiB: number
  node: string
  postgres: string
  restate: string
  fastify: string
  commit: string
  fdatasyncPerSecond: number
  loadAtStart: number[]
  loadAtEnd?: number[]
}

export function describeMachine(folder: string, versions: { postgres: string; restate: string }): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    ...versions,
    fastify: (require("fastify/package.json") as { version: string }).version,
    commit: commit(),
    fdatasyncPerSecond: fdatasyncRate(folder),
    loadAtStart: load(),
  }
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

/** Rewrites one 8 KiB page and waits for the disk, over and over: what `pg_test_fsync` calls fdatasync, measured by ourselves. */
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
