import { spawn, type ChildProcess } from "node:child_process"
import { createWriteStream, readFileSync, type WriteStream } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"

interface ProcessPlan {
  name: string
  args: readonly string[]
  env: Record<string, string>
  cwd: string
  logFile: string
  readyTimeoutMs: number
}

/** The JSON line with which our programs report that they are ready. */
export type ReadyLine = Record<string, unknown>

const endsWithStarter = new URL("../test/fixtures/servers/ends-with-starter.ts", import.meta.url).href
const restartPauseMs = 200
const comesBackWithinMs = 90_000

/** A program that this run starts, kills, and restarts whenever it ends by itself. */
export class ManagedProcess {
  readonly #plan: ProcessPlan
  readonly #log: WriteStream
  #child: ChildProcess | undefined
  #isWanted = false
  #ready: Promise<ReadyLine> | undefined
  restarts = 0

  constructor(plan: ProcessPlan) {
    this.#plan = plan
    this.#log = createWriteStream(plan.logFile, { flags: "a" })
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Starts it and keeps it running; resolves with its ready line. */
  async start(): Promise<ReadyLine> {
    const { name, readyTimeoutMs } = this.#plan
    this.#isWanted = true
    const ready = (this.#ready = this.#launch())
    const isLate = await Promise.race([ready.then(() => false), sleep(readyTimeoutMs, true, { ref: false })])
    // It may still come, and is then waited for by `whenReady`.
    if (isLate) throw new Error(`${name} was not ready in ${readyTimeoutMs} ms`)
    return await ready
  }

  /** Resolves when it is ready, now or after a restart. */
  async whenReady(): Promise<void> {
    const deadline = Date.now() + comesBackWithinMs
    for (;;) {
      const current = this.#ready
      const isReady = await Promise.race([
        (current ?? Promise.reject(new Error("not started"))).then(
          () => true,
          () => false,
        ),
        sleep(Math.max(0, deadline - Date.now()), false, { ref: false }),
      ])
      if (isReady && current === this.#ready) return
      if (Date.now() >= deadline)
        throw new Error(`${this.#plan.name} did not come back; its log is ${this.#plan.logFile}`)
      await sleep(100)
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal)
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    this.#isWanted = false
    const child = this.#child
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
    child.kill(signal)
    const killer = setTimeout(() => child.kill("SIGKILL"), 20_000)
    await ended
    clearTimeout(killer)
  }

  #launch(): Promise<ReadyLine> {
    const { name, args, env, cwd } = this.#plan
    const child = spawn(process.execPath, ["--import", endsWithStarter, ...args], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["pipe", "pipe", "pipe"],
    })
    this.#child = child
    child.stderr.pipe(this.#log, { end: false })
    const ready = new Promise<ReadyLine>((resolve, reject) => {
      let text = ""
      child.stdout.on("data", (chunk: Buffer) => {
        this.#log.write(chunk)
        text += chunk.toString("utf8")
        for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n")) {
          const line = readyLine(text.slice(0, end))
          text = text.slice(end + 1)
          if (line) resolve(line)
        }
      })
      child.once("exit", (code, signal) =>
        reject(new Error(`${name} ended before it was ready (${signal ?? code}); its log is ${this.#plan.logFile}`)),
      )
    })
    ready.catch(() => undefined)
    child.once("exit", () => void this.#startAgain())
    return ready
  }

  async #startAgain(): Promise<void> {
    await sleep(restartPauseMs)
    if (!this.#isWanted) return
    this.restarts += 1
    this.#ready = this.#launch()
  }
}

function readyLine(line: string): ReadyLine | undefined {
  if (!line.startsWith("{")) return undefined
  try {
    const parsed: unknown = JSON.parse(line)
    if (typeof parsed !== "object" || parsed === null || !("ready" in parsed)) return undefined
    // An object with at least one named member.
    return parsed as ReadyLine
  } catch {
    return undefined
  }
}

/** The process of an engine's pid file and all its descendants; none during a restart. */
export function processFamily(pidFile: string): number[] {
  try {
    const { pid } = JSON.parse(readFileSync(pidFile, "utf8")) as { pid: number }
    return [pid, ...childrenOf(pid)]
  } catch {
    return []
  }
}

function childrenOf(pid: number): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    return text.trim().split(" ").filter(Boolean).map(Number)
  } catch {
    return []
  }
}
