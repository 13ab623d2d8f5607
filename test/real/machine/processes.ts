import { spawn, type ChildProcess, type SpawnOptions } from "node:child_process"
import { createServer } from "node:net"
import { openSync, closeSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"

/** Why a real system cannot be used on this machine: a reason for a person, not a failure of the code under test. */
export type Skip = { skipped: string }

/** Tells a reason not to run from an installed system. */
export function isSkip<Installed>(answer: Skip | Installed): answer is Skip {
  return typeof answer === "object" && answer !== null && "skipped" in answer
}

/** What a finished command left behind; `code` is null when it was killed, for instance at its time limit. */
export type Finished = { code: number | null; output: string; timedOut: boolean }

export type CommandOptions = { timeoutMs: number } & Pick<SpawnOptions, "cwd" | "env" | "uid" | "gid">

/** Runs one command to its end, killed with its children at the time limit. Never throws for a failing command. */
export function runCommand(command: string, args: string[], options: CommandOptions): Promise<Finished> {
  const { timeoutMs, ...spawnOptions } = options
  return new Promise((resolve) => {
    const child = spawn(command, args, { ...spawnOptions, stdio: ["ignore", "pipe", "pipe"], detached: true })
    let output = ""
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      signalGroup(child, "SIGKILL")
    }, timeoutMs)
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()))
    child.on("error", (error) => {
      clearTimeout(timer)
      resolve({ code: null, output: output + error.message, timedOut })
    })
    child.on("close", (code) => {
      clearTimeout(timer)
      resolve({ code, output, timedOut })
    })
  })
}

/** One line that explains a failed command: the limit it hit, or the last words it said. */
export function whyItFailed(finished: Finished): string {
  if (finished.timedOut) return "it hit its time limit"
  const lastWords = finished.output.trim().split("\n").slice(-3).join(" | ")
  return `it ended with ${finished.code ?? "a signal"}: ${lastWords.slice(-400)}`
}

/** A long-running server that this process started. */
export type Service = {
  pid: number
  isRunning: () => boolean
  logTail: () => string
  /** Ends the server with `signal` and waits; after `timeoutMs` it is killed. Safe to call twice. */
  stop: (signal?: NodeJS.Signals, timeoutMs?: number) => Promise<void>
  /** Kills the whole process group at once, as a power cut would. */
  kill: () => Promise<void>
}

export type ServiceOptions = { logFile: string } & Pick<SpawnOptions, "cwd" | "env" | "uid" | "gid">

/** Starts a server in its own process group with its output in `logFile`. */
export function startService(command: string, args: string[], options: ServiceOptions): Service {
  const { logFile, ...spawnOptions } = options
  const log = openSync(logFile, "w")
  const child = spawn(command, args, { ...spawnOptions, stdio: ["ignore", log, log], detached: true })
  closeSync(log)
  let ended = false
  const end = new Promise<void>((resolve) => {
    const done = (): void => {
      ended = true
      resolve()
    }
    child.on("exit", done)
    child.on("error", done)
  })
  const stop = async (signal: NodeJS.Signals = "SIGTERM", timeoutMs = 15_000): Promise<void> => {
    if (ended) return
    child.kill(signal)
    const inTime = await Promise.race([end.then(() => true), sleep(timeoutMs, false, { ref: false })])
    if (!inTime) signalGroup(child, "SIGKILL")
    await end
  }
  return {
    pid: child.pid ?? -1,
    isRunning: () => !ended,
    logTail: () => readFileSync(logFile, "utf8").slice(-1_500),
    stop,
    kill: async () => {
      signalGroup(child, "SIGKILL")
      await end
      // Forked workers may outlive the first process by a moment and still hold its port.
      await waitUntil("the process group has ended", 5_000, async () => !groupExists(child)).catch(() => undefined)
    },
  }
}

function groupExists(child: ChildProcess): boolean {
  if (child.pid === undefined) return false
  try {
    return process.kill(-child.pid, 0)
  } catch {
    return false
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // ESRCH: the group has already ended, which is what was wanted.
  }
}

/** Asks until the answer is true; a thrown error counts as "not yet" and is reported if the time runs out. */
export async function waitUntil(what: string, timeoutMs: number, ask: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + timeoutMs
  let lastError: unknown
  while (performance.now() < end) {
    try {
      if (await ask()) return
      lastError = undefined
    } catch (error) {
      lastError = error
    }
    await sleep(50)
  }
  throw new Error(`gave up after ${timeoutMs} ms waiting until ${what}`, { cause: lastError })
}

/** Waits for a server to answer; fails at once, with its log, when the server has ended instead. */
export async function waitForService(
  service: Service,
  options: { what: string; timeoutMs: number; ask: () => Promise<boolean> },
): Promise<void> {
  try {
    await waitUntil(options.what, options.timeoutMs, async () => !service.isRunning() || (await options.ask()))
  } catch (error) {
    await service.stop("SIGKILL")
    throw new Error(`${options.what}: ${service.logTail()}`, { cause: error })
  }
  if (!service.isRunning()) throw new Error(`the server ended before ${options.what}: ${service.logTail()}`)
}

/** A loopback port that nothing listened on a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() =>
        address !== null && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      )
    })
  })
}
