import { parseArgs } from "node:util"
import { mkdirSync } from "node:fs"
import { dataFolder, setting } from "../base/config.ts"
import { createLog } from "../base/log.ts"
import { startEngines } from "../engines/start-engines.ts"
import { loadEstate, readRoles, startProgram } from "../main.ts"

/** `crossdock start`: engines (unless external ones are named) and the roles of this process, until told to stop. */
export async function runStart(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { roles: { type: "string" } } })
  // Before the estate is loaded: a wrong word is said at once.
  const roles = readRoles(values.roles)
  const program = await startProgram({ estate: await loadEstate(), roles, onProgress: say })
  for (const note of program.notes) say(note)
  if (program.signInUrl !== undefined) say(`console: ${program.signInUrl} (works once, for the first administrator)`)
  const { gatewayUrl, process: name } = program.crossdock
  process.stdout.write(`${JSON.stringify({ ready: true, gatewayUrl, process: name, pid: process.pid })}\n`)
  await untilToldToStop()
  await program.stop()
  return 0
}

/** `crossdock engines`: only the engines, for several Crossdock processes to share. */
export async function runEngines(): Promise<number> {
  const folder = dataFolder()
  mkdirSync(folder, { recursive: true })
  const engines = await startEngines({
    dataFolder: folder,
    log: createLog("engines"),
    databaseUrl: setting("DATABASE_URL"),
    onProgress: say,
  })
  const { databaseUrl, pids, notes } = engines
  process.stdout.write(`${JSON.stringify({ ready: true, databaseUrl, pids, notes })}\n`)
  await untilToldToStop()
  await engines.stop()
  return 0
}

// SIGHUP: the terminal was closed.
const stopSignals = ["SIGINT", "SIGTERM", "SIGHUP"] as const

/** Resolves at the first signal to stop; a second one ends the process at once. */
export function untilToldToStop(): Promise<void> {
  return new Promise((resolve) => {
    const stop = () => {
      for (const signal of stopSignals) process.once(signal, () => process.exit(1))
      resolve()
    }
    for (const signal of stopSignals) process.once(signal, stop)
  })
}

export function say(message: string): void {
  process.stderr.write(`${message}\n`)
}
