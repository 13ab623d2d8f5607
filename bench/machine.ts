import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { availableParallelism, cpus, loadavg, totalmem } from "node:os"
import { join } from "node:path"
import { fdatasyncRate } from "./floors/fdatasync.ts"

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
    fdatasyncPerSecond: fdatasyncRate(folder, probeMs),
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
