import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs"
import { AppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { monotonicMs, sleep } from "../base/time.ts"
import { endProcess, findProcesses, identifyProcess, isSameProcessAlive, signalProcess } from "./process-table.ts"
import { startTiedProcess, type TiedProcess } from "./tied-process.ts"

/** A server process to run, and how to check that it is ready. */
export interface ChildPlan extends TiedProcess {
  name: string
  pidFile: string
  stopTimeoutMs: number
  readyTimeoutMs: number
  isReady(): Promise<boolean>
  /** Removes leftovers of a crash. Runs before every start, also before restarts. */
  beforeStart?(): Promise<void>
}

interface PidRecord {
  pid: number
  startedAt: string
}

const logBytesMax = 20 * 1024 * 1024
const backoffMs = [50, 100, 200, 400, 800, 1600, 3000]

/** Result of a start: ready, or ended before it was ready. */
type StartOutcome = { isReady: true; record: PidRecord } | { isReady: false; reason: string }

/**
 * Keeps one server process running: starts it, restarts it with backoff when it dies, and stops it cleanly. The process
 * ends with its owner, however the owner dies (see tied-process.ts). If an earlier one is still stopping, the next
 * start waits for it. The process is outside our process group, so Ctrl-C reaches Crossdock first and the engines end
 * after the work that needs them.
 */
export class SupervisedChild {
  readonly #plan: ChildPlan
  readonly #log: Log
  readonly #endOnExit = () => this.#current && signalProcess(this.#current.pid, this.#plan.stopSignal)
  #current: PidRecord | undefined
  #isStopping = false
  #watch: Promise<void> = Promise.resolve()
  restarts = 0

  constructor(plan: ChildPlan, log: Log) {
    this.#plan = plan
    this.#log = log
  }

  get pid(): number | undefined {
    return this.#current?.pid
  }

  /** Starts the server and resolves when it is ready. Errors: CONFIG_INVALID with the end of the server's log. */
  async start(signal?: AbortSignal): Promise<void> {
    await this.#endEarlier()
    this.#current = await this.#startRepeatedly(signal)
    process.on("exit", this.#endOnExit)
    this.#watch = this.#superviseForever()
  }

  async stop(): Promise<void> {
    this.release()
    await this.#watch
    if (this.#current) await endProcess(this.#current, stopOptions(this.#plan))
    rmSync(this.#plan.pidFile, { force: true })
    this.#current = undefined
  }

  /** Gives the process up without ending it. It can still be stopped by its pid file, and still ends with its owner. */
  release(): void {
    this.#isStopping = true
    process.off("exit", this.#endOnExit)
  }

  async #endEarlier(): Promise<void> {
    const record = readPidFile(this.#plan.pidFile)
    const found = record && identifyProcess(record.pid)
    if (!record || found?.startedAt !== record.startedAt || !found.commandLine.startsWith(this.#plan.command)) return
    this.#log.info({ pid: record.pid }, `${this.#plan.name} of an earlier start is being stopped`)
    await endProcess(record, stopOptions(this.#plan))
  }

  async #startRepeatedly(signal?: AbortSignal): Promise<PidRecord> {
    const startedMs = monotonicMs()
    for (let attempt = 0; ; attempt++) {
      signal?.throwIfAborted()
      const outcome = await this.#startOnce(signal)
      if (outcome.isReady) return outcome.record
      const isHopeless = attempt >= 4 || monotonicMs() - startedMs > this.#plan.readyTimeoutMs
      if (isHopeless)
        throw new AppError(
          "CONFIG_INVALID",
          `${this.#plan.name} does not start (${outcome.reason}); last lines of ${this.#plan.logFile}:\n${logTail(this.#plan.logFile)}`,
        )
      await sleep(backoffMs[attempt] ?? 3000)
    }
  }

  async #startOnce(signal?: AbortSignal): Promise<StartOutcome> {
    const plan = this.#plan
    await plan.beforeStart?.()
    rotateLog(plan.logFile)
    const found = identifyProcess(await startTiedProcess(plan))
    if (!found) return { isReady: false, reason: "it ended at once" }
    const record = { pid: found.pid, startedAt: found.startedAt }
    writeFileSync(plan.pidFile, JSON.stringify(record), { mode: 0o600 })
    const outcome = await this.#becomesReady(record, plan.readyTimeoutMs, signal)
    if (!outcome.isReady) await endProcess(record, stopOptions(plan))
    return outcome
  }

  async #becomesReady(record: PidRecord, timeoutMs: number, signal?: AbortSignal): Promise<StartOutcome> {
    const startedMs = monotonicMs()
    while (monotonicMs() - startedMs < timeoutMs) {
      if (!isSameProcessAlive(record)) return { isReady: false, reason: "it ended before it was ready" }
      if (signal?.aborted || this.#isStopping) return { isReady: false, reason: "the start was cancelled" }
      if (await this.#plan.isReady()) return { isReady: true, record }
      await sleep(25)
    }
    return { isReady: false, reason: `it was not ready after ${timeoutMs} ms` }
  }

  // Polls instead of listening for the exit event, because the process is the child of a shell.
  async #superviseForever(): Promise<void> {
    while (!this.#isStopping) {
      await sleep(100)
      if (this.#isStopping || (this.#current && isSameProcessAlive(this.#current))) continue
      await this.#restart()
    }
  }

  async #restart(): Promise<void> {
    this.#log.warn({ pid: this.#current?.pid }, `${this.#plan.name} died and is being restarted`)
    this.#current = undefined
    for (let attempt = 0; !this.#isStopping; attempt++) {
      const outcome = await this.#startOnce().catch((thrown: unknown) => ({
        isReady: false as const,
        reason: String(thrown),
      }))
      if (outcome.isReady) {
        this.#current = outcome.record
        this.restarts++
        this.#log.info({ pid: outcome.record.pid }, `${this.#plan.name} runs again`)
        return
      }
      this.#log.error({ reason: outcome.reason, attempt }, `${this.#plan.name} does not start`)
      await sleep(backoffMs[attempt] ?? 3000)
    }
  }
}

/** Stops the process that a pid file names, if it still is the same process. Returns whether there was one. */
export async function stopByPidFile(
  pidFile: string,
  options: { signal: NodeJS.Signals; timeoutMs: number },
): Promise<boolean> {
  const record = readPidFile(pidFile)
  const isAlive = record !== undefined && isSameProcessAlive(record)
  if (isAlive) await endProcess(record, options)
  rmSync(pidFile, { force: true })
  return isAlive
}

/** Whether the process a pid file names still runs. */
export function isRunningByPidFile(pidFile: string): boolean {
  const record = readPidFile(pidFile)
  return record !== undefined && isSameProcessAlive(record)
}

/**
 * Ends a process that runs the same program on the same data without a pid file. Its Crossdock died before it could
 * write the file, or the data folder was deleted while it ran.
 */
export async function endForgottenChild(pidFile: string, commandStart: readonly string[]): Promise<void> {
  if (isRunningByPidFile(pidFile)) return
  for (const found of findProcesses(`${commandStart.join(" ")} `))
    await endProcess(found, { signal: "SIGINT", timeoutMs: 15_000 })
}

function stopOptions(plan: ChildPlan): { signal: NodeJS.Signals; timeoutMs: number } {
  return { signal: plan.stopSignal, timeoutMs: plan.stopTimeoutMs }
}

function readPidFile(path: string): PidRecord | undefined {
  try {
    const stored: unknown = JSON.parse(readFileSync(path, "utf8"))
    if (typeof stored !== "object" || stored === null) return undefined
    const { pid, startedAt } = stored as Partial<Record<keyof PidRecord, unknown>>
    if (!Number.isInteger(pid) || typeof startedAt !== "string") return undefined
    return { pid: Number(pid), startedAt }
  } catch {
    return undefined
  }
}

function rotateLog(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > logBytesMax) renameSync(path, `${path}.1`)
}

function logTail(path: string): string {
  try {
    return readFileSync(path, "utf8").trimEnd().split("\n").slice(-8).join("\n")
  } catch {
    return "(no log)"
  }
}
