import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { childEnvironment } from "../../src/base/config.ts"
import { freePort } from "../../src/engines/free-port.ts"
import { identifyProcess } from "../../src/engines/process-table.ts"
import { startTiedProcess } from "../../src/engines/tied-process.ts"

/** A running Restate server. */
export interface RestateServer {
  ingressUrl: string
  adminUrl: string
  pid: number
}

const readyWithinMs = 60_000

/**
 * Starts a Restate server with its data below `folder`. It is killed when this process ends, however that ends:
 * nobody needs its data then.
 */
export async function startRestate(folder: string): Promise<RestateServer> {
  const place = join(folder, "restate")
  mkdirSync(place, { recursive: true })
  const ingress = await freePort(18_080)
  const admin = await freePort(19_070, new Set([ingress]))
  const node = await freePort(15_122, new Set([ingress, admin]))
  const configFile = join(folder, "restate.toml")
  writeFileSync(configFile, restateConfig(place, { ingress, admin, node }))
  const logFile = join(folder, "restate.log")
  const pid = await startTiedProcess({
    command: restateProgram(),
    args: ["--config-file", configFile, "--no-logo"],
    cwd: place,
    env: restateEnvironment(),
    logFile,
    stopSignal: "SIGKILL",
  })
  const server = { ingressUrl: `http://127.0.0.1:${ingress}`, adminUrl: `http://127.0.0.1:${admin}`, pid }
  await untilHealthy([`${server.adminUrl}/health`, `${server.ingressUrl}/restate/health`], pid, logFile)
  return server
}

/** Starts the server binary: the package's launcher would stay as a second Node process. */
function restateProgram(): string {
  const require = createRequire(createRequire(import.meta.url).resolve("@restatedev/restate-server/package.json"))
  return require.resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`)
}

// Variables named RESTATE_* override the file (docs.restate.dev, server configuration), so the caller's are removed.
function restateEnvironment(): Record<string, string | undefined> {
  const inherited = Object.entries(childEnvironment()).filter(([name]) => !/^(RESTATE_|RUST_LOG$)/.test(name))
  return { ...Object.fromEntries(inherited), DO_NOT_TRACK: "1" }
}

// Keys as printed by `restate-server --dump-config`, version 1.7. Eight partitions did 30 % more workflows a second on two
// cores than the default 24.
function restateConfig(baseDir: string, ports: { ingress: number; admin: number; node: number }): string {
  return `cluster-name = "bench"
node-name = "bench"
base-dir = ${JSON.stringify(baseDir)}
listen-mode = "tcp"
bind-ip = "127.0.0.1"
bind-port = ${ports.node}
advertised-host = "127.0.0.1"
default-num-partitions = 8
disable-telemetry = true
rocksdb-total-memory-size = "256MB"
log-format = "compact"
log-disable-ansi-codes = true
log-filter = "warn,octocrab=off"

[admin]
bind-port = ${ports.admin}

[admin.query-engine]
memory-size = "128MB"

[ingress]
bind-port = ${ports.ingress}

[bifrost]
record-cache-memory-size = "32MB"

[worker]
data-service-memory-limit = "128MB"

[worker.invoker]
memory-limit = "512MB"
`
}

async function untilHealthy(urls: readonly string[], pid: number, logFile: string): Promise<void> {
  const deadline = Date.now() + readyWithinMs
  for (const url of urls)
    while (!(await isHealthy(url))) {
      if (!identifyProcess(pid))
        throw new Error(`Restate ended before it was ready: ${readFileSync(logFile, "utf8").slice(-2000)}`)
      if (Date.now() > deadline) throw new Error(`${url} was not healthy after ${readyWithinMs} ms`)
      await sleep(50)
    }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).status === 200
  } catch {
    return false
  }
}
