import { fork, spawn, type ChildProcess } from "node:child_process"
import { fileURLToPath } from "node:url"
import { childEnvironment } from "../src/base/config.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
// Engines write a checkpoint before they end, which takes time on a busy machine; killing them would leave servers
// behind.
const stopWithinMs = 60_000
// In the order of starting: each uses only what was started before it.
const running = new Set<ChildProcess>()
const ending = new Map<ChildProcess, Promise<void>>()

// Loaded into each script before its own code. The channel to this run closes when the run ends, even when it is
// killed.
const endsWithParent = `data:text/javascript,${encodeURIComponent(`
  process.once("disconnect", () => {
    setTimeout(() => process.kill(process.pid, "SIGKILL"), ${stopWithinMs}).unref()
    process.kill(process.pid, "SIGTERM")
  })
  process.channel?.unref()
`)}`

/** Ends everything that was started, the latest first, and waits. Used when this run itself is ended. */
export async function endAll(): Promise<void> {
  for (const child of [...running].reverse()) await end(child)
}

function remember(child: ChildProcess): void {
  running.add(child)
  child.once("exit", () => running.delete(child))
}

/** A process this run started. */
export interface Child {
  name: string
  pid: number
  stop(): Promise<void>
}

/** A program of bench/programs; it takes one request at a time. */
export interface Program extends Child {
  ask<Answer>(request: object): Promise<Answer>
}

/** Starts a program of bench/programs in a process of its own. */
export function startProgram(name: string): Program {
  const file = fileURLToPath(new URL(`programs/${name}.ts`, import.meta.url))
  const child = fork(file, [], { cwd: root, env: childEnvironment({ CROSSDOCK_LOG: "error" }) })
  remember(child)
  const waiting: { resolve: (answer: unknown) => void; reject: (error: Error) => void }[] = []
  child.on("message", (message: { answer?: unknown; error?: string }) => {
    const asked = waiting.shift()
    if (message.error === undefined) asked?.resolve(message.answer)
    else asked?.reject(new Error(`${name}: ${message.error}`))
  })
  child.once("exit", (code) => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`${name} ended with code ${code ?? "none"}`))
  })
  return {
    name,
    pid: child.pid ?? 0,
    // The program's responses are trusted: both files are ours.
    ask: <Answer>(request: object) =>
      new Promise<Answer>((resolve, reject) => {
        waiting.push({ resolve: (answer) => resolve(answer as Answer), reject })
        child.send(request)
      }),
    stop: () => end(child),
  }
}

/** Starts a script and waits for the JSON line that says it is ready. The script ends when this run does. */
export async function startReady<Ready>(
  name: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Child & { ready: Ready }> {
  const child = startScript(args, environment)
  let said = ""
  const ready = await new Promise<Ready>((resolve, reject) => {
    let text = ""
    child.stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString("utf8")).slice(-4000)))
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8")
      const line = text.split("\n").find((one) => one.startsWith('{"ready":true'))
      if (line !== undefined && text.includes(`${line}\n`)) resolve(JSON.parse(line) as Ready)
    })
    child.once("error", reject)
    child.once("exit", (code) =>
      reject(new Error(`${name} ended with code ${code ?? "none"} before it was ready: ${said}`)),
    )
  })
  child.stderr?.on("data", (chunk: Buffer) => process.stderr.write(`[${name}] ${chunk.toString("utf8")}`))
  return { name, pid: child.pid ?? 0, ready, stop: () => end(child) }
}

/** Starts a script that does not report that it is ready; the caller reads its output. */
export function startScript(args: readonly string[], environment: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, ["--import", endsWithParent, ...args], {
    cwd: root,
    env: childEnvironment({ CROSSDOCK_LOG: "error", ...environment }),
    stdio: ["ignore", "pipe", "pipe", "ipc"],
    // Ctrl-C reaches every process of the terminal's group. Only this run then ends the others, one by one.
    detached: true,
  })
  remember(child)
  return child
}

/** Signals a process once to end, and waits; kills it when it does not. A second signal would end it before its servers. */
export function end(child: ChildProcess): Promise<void> {
  const known = ending.get(child)
  if (known) return known
  const ended = signalAndWait(child)
  ending.set(child, ended)
  return ended
}

async function signalAndWait(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  child.kill("SIGTERM")
  const timer = setTimeout(() => child.kill("SIGKILL"), stopWithinMs)
  await ended
  clearTimeout(timer)
}
