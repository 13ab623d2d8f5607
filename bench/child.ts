import { fork, spawn, type ChildProcess } from "node:child_process"
import { fileURLToPath } from "node:url"
import { childEnvironment } from "../src/base/config.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const stopWithinMs = 20_000
const running = new Set<ChildProcess>()

/** Tells everything that was started to end; for when this run itself is told to. */
export function endAll(): void {
  for (const child of running) child.kill("SIGTERM")
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

/** A program of bench/programs, asked one thing at a time. */
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
    // The program's answers are as trustworthy as this file: both are ours.
    ask: <Answer>(request: object) =>
      new Promise<Answer>((resolve, reject) => {
        waiting.push({ resolve: (answer) => resolve(answer as Answer), reject })
        child.send(request)
      }),
    stop: () => end(child),
  }
}

/** Starts a script and waits for the JSON line in which it says that it is ready. */
export async function startReady<Ready>(
  name: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Child & { ready: Ready }> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: childEnvironment({ CROSSDOCK_LOG: "error", ...environment }),
    stdio: ["ignore", "pipe", "pipe"],
  })
  remember(child)
  let said = ""
  const ready = await new Promise<Ready>((resolve, reject) => {
    let text = ""
    child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString("utf8")).slice(-4000)))
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8")
      const line = text.split("\n").find((one) => one.startsWith('{"ready":true'))
      if (line !== undefined && text.includes(`${line}\n`)) resolve(JSON.parse(line) as Ready)
    })
    child.once("error", reject)
    child.once("exit", (code) =>
      reject(new Error(`${name} ended with code ${code ?? "none"} before it was ready: ${said}`)),
    )
  })
  child.stderr.on("data", (chunk: Buffer) => process.stderr.write(`[${name}] ${chunk.toString("utf8")}`))
  return { name, pid: child.pid ?? 0, ready, stop: () => end(child) }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
  child.kill("SIGTERM")
  const timer = setTimeout(() => child.kill("SIGKILL"), stopWithinMs)
  await ended
  clearTimeout(timer)
}
