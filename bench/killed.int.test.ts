import { spawn, type ChildProcess } from "node:child_process"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { childEnvironment } from "../src/base/config.ts"
import { identifyProcess, isSameProcessAlive, type ProcessIdentity } from "../src/engines/process-table.ts"
import { descendantsOf } from "./counters.ts"
import { sweepFolders } from "./folders.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
// Servers, peers and other programs on the machine start at the same time.
const startsWithinMs = 240_000
const endsWithinMs = 60_000

describe("a benchmark that is ended while engines and peers run", () => {
  let folder: string
  let run: ChildProcess

  beforeEach(() => {
    // Runs keep their folders in the temporary folder. With a temporary folder of its own the test finds only its own
    // runs.
    folder = mkdtempSync(join(tmpdir(), "bench-killed-"))
    const arguments_ = ["bench/run.ts", "--only", "peers", "--seconds", "60", "--rounds", "1"]
    run = spawn(process.execPath, arguments_, { cwd: root, env: childEnvironment({ TMPDIR: folder }), stdio: "ignore" })
  })

  afterEach(async () => {
    run.kill("SIGKILL")
    await sleep(200)
    await sweepFolders(folder)
    rmSync(folder, { recursive: true, force: true })
  })

  test.each(["SIGTERM", "SIGINT"] as const)(
    "by %s leaves no process and no folder",
    async (signal) => {
      const started = await untilStarted(run)
      run.kill(signal)
      await untilEnded(started)
      expect(leftBehind(folder)).toEqual([])
    },
    startsWithinMs + endsWithinMs,
  )

  test(
    "by kill -9 leaves no process, and the next run removes its folder",
    async () => {
      const started = await untilStarted(run)
      run.kill("SIGKILL")
      await untilEnded(started)
      expect(await sweepFolders(folder)).toHaveLength(1)
      expect(leftBehind(folder)).toEqual([])
    },
    startsWithinMs + endsWithinMs,
  )

  test(
    "by kill -9 together with all its Node processes leaves no process, and the next run removes its folder",
    async () => {
      const started = await untilStarted(run)
      for (const { pid } of started.filter(({ commandLine }) => commandLine.includes("node ")))
        process.kill(pid, "SIGKILL")
      await untilEnded(started)
      expect(await sweepFolders(folder)).toHaveLength(1)
      expect(leftBehind(folder)).toEqual([])
    },
    startsWithinMs + endsWithinMs,
  )
})

/** All processes of a run, itself included, once it has its servers. */
async function untilStarted(run: ChildProcess): Promise<ProcessIdentity[]> {
  for (;;) {
    const below = descendantsOf(run.pid ?? 0)
    const has = (pattern: RegExp) => below.some(({ commandLine }) => pattern.test(commandLine))
    if (has(/restate-server/) && has(/bin\/postgres -D/) && has(/dbos-floor/))
      return [run.pid ?? 0, ...below.map(({ pid }) => pid)].map(identifyProcess).filter((found) => found !== undefined)
    if (run.exitCode !== null) throw new Error(`the benchmark ended with code ${run.exitCode}`)
    await sleep(50)
  }
}

async function untilEnded(started: readonly ProcessIdentity[]): Promise<void> {
  const deadline = Date.now() + endsWithinMs
  for (;;) {
    const alive = started.filter(isSameProcessAlive)
    if (alive.length === 0) return
    if (Date.now() > deadline) throw new Error(`still there: ${alive.map(({ commandLine }) => commandLine).join("; ")}`)
    await sleep(50)
  }
}

/** Folders of runs, and data of their PostgreSQL elsewhere. */
function leftBehind(folder: string): string[] {
  const elsewhere = ["/var/lib", tmpdir()]
    .filter((parent) => existsSync(parent))
    .flatMap((parent) => readdirSync(parent).map((name) => join(parent, name)))
    .filter((path) => existsSync(join(path, "belongs-to")))
    .filter((path) => readFileSync(join(path, "belongs-to"), "utf8").startsWith(folder))
  return [...readdirSync(folder).filter((name) => name.startsWith("crossdock-bench-")), ...elsewhere]
}
