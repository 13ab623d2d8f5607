#!/usr/bin/env node
// Starts Crossdock with the Node that package-lock.json pins. Plain JavaScript of an old dialect, because the Node that
// the machine has (Debian: 20) must be able to read this file.
import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import module, { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const majorNeeded = 24

if (Number(process.versions.node.split(".")[0]) >= majorNeeded) await run()
else runWith(pinnedNode())

async function run() {
  // Compiled code is kept from one start to the next, where only who installed Crossdock can write. A folder that cannot be written is no
  // error, and what changed is compiled again (Node documentation, module.enableCompileCache).
  module.enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/compiled", import.meta.url)))
  await import("../src/cli/main.ts")
}

function pinnedNode() {
  const require = createRequire(import.meta.url)
  try {
    const folder = dirname(require.resolve("node/package.json"))
    const program = join(folder, "bin", process.platform === "win32" ? "node.exe" : "node")
    if (existsSync(program)) return program
  } catch {
    // Not installed: the message below says what to do.
  }
  process.stderr.write(
    `Crossdock needs Node ${majorNeeded}; this is ${process.versions.node}, and the pinned one is not installed.\n` +
      "Run `npm ci` here, or `npm rebuild node` when install scripts were blocked, or install Node 24.\n",
  )
  process.exit(2)
}

function runWith(program) {
  const child = spawn(program, process.argv.slice(1), { stdio: "inherit" })
  const forward = (signal) => {
    // At a terminal Ctrl-C reaches every process of the group; passed on, it would arrive twice and look impatient.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal)
  }
  const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"]
  for (const signal of signals) process.on(signal, forward)
  child.once("error", (error) => {
    process.stderr.write(`${program} cannot be run: ${error.message}\n`)
    process.exit(1)
  })
  child.once("exit", (code, signal) => {
    for (const name of signals) process.removeListener(name, forward)
    if (signal === null) process.exit(code)
    process.kill(process.pid, signal)
  })
}
