import { createHash } from "node:crypto"
import { mkdirSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { childEnvironment } from "../base/config.ts"
import { AppError } from "../base/errors.ts"
import { createHttpClient } from "../base/http.ts"
import type { Log } from "../base/log.ts"
import { SupervisedChild, endForgottenChild, isRunningByPidFile, stopByPidFile, type ChildPlan } from "./child.ts"
import { choosePorts, readPorts, type Ports } from "./free-port.ts"

/** A running embedded Restate. */
export interface RunningRestate {
  ingressUrl: string
  adminUrl: string
  child: SupervisedChild
  notes: string[]
}

type PortName = "Restate ingress" | "Restate admin" | "Restate node"

interface RestateOptions {
  dataFolder: string
  log: Log
  /** Ports to try first; their free neighbours follow. Default 8080, 9070, 5122. */
  ports?: Ports<PortName>
  signal?: AbortSignal
}

export const defaultPorts: Ports<PortName> = { "Restate ingress": 8080, "Restate admin": 9070, "Restate node": 5122 }

/** Starts the embedded Restate. */
export async function startRestate(options: RestateOptions): Promise<RunningRestate> {
  mkdirSync(join(options.dataFolder, "restate"), { recursive: true, mode: 0o700 })
  await endForgottenChild(pidFile(options.dataFolder), [
    restateProgram(),
    "--config-file",
    configFile(options.dataFolder),
  ])
  for (let attempt = 0; ; attempt++) {
    const portFile = join(options.dataFolder, "restate.ports.json")
    const { ports, moved } = await choosePorts(
      portFile,
      options.ports ?? defaultPorts,
      isRunningByPidFile(pidFile(options.dataFolder)),
    )
    const child = new SupervisedChild(childPlan(options, ports), options.log)
    try {
      await child.start(options.signal)
      return {
        ingressUrl: local(ports["Restate ingress"]),
        adminUrl: local(ports["Restate admin"]),
        child,
        notes: moved,
      }
    } catch (thrown) {
      // Someone may take a port between our look and the server's bind.
      if (attempt >= 2 || !/[Aa]ddress.*in use|bind/.test(String(thrown))) throw thrown
    }
  }
}

/** Stops an embedded Restate that an earlier process started in this data folder. */
export function stopRestate(dataFolder: string): Promise<boolean> {
  return stopByPidFile(pidFile(dataFolder), { signal: "SIGTERM", timeoutMs: 10_000 })
}

/** Addresses of the embedded Restate of this data folder as last started, running or not. */
export function embeddedRestateUrls(dataFolder: string): { ingressUrl: string; adminUrl: string } {
  const ports = readPorts(join(dataFolder, "restate.ports.json"), defaultPorts)
  return { ingressUrl: local(ports["Restate ingress"]), adminUrl: local(ports["Restate admin"]) }
}

function pidFile(dataFolder: string): string {
  return join(dataFolder, "restate.pid.json")
}

function configFile(dataFolder: string): string {
  return join(dataFolder, "restate.toml")
}

function local(port: number): string {
  return `http://127.0.0.1:${port}`
}

function childPlan(options: RestateOptions, ports: Ports<PortName>): ChildPlan {
  const config = restateConfig(join(options.dataFolder, "restate"), ports)
  const command = restateProgram()
  const args = ["--config-file", configFile(options.dataFolder), "--no-logo"]
  return {
    name: "Restate",
    command,
    args,
    cwd: join(options.dataFolder, "restate"),
    env: restateEnvironment(),
    logFile: join(options.dataFolder, "restate.log"),
    pidFile: pidFile(options.dataFolder),
    fingerprint: createHash("sha256")
      .update([command, ...args, config].join("\0"))
      .digest("hex"),
    stopSignal: "SIGTERM",
    stopTimeoutMs: 15_000,
    readyTimeoutMs: 60_000,
    isReady: () => isHealthy(ports),
    beforeStart: async () => writeFileSync(configFile(options.dataFolder), config, { mode: 0o600 }),
  }
}

/** The server itself: the package's own launcher would stay resident as a second Node process. */
export function restateProgram(): string {
  const name = `@restatedev/restate-server-${process.platform}-${process.arch}`
  try {
    const require = createRequire(createRequire(import.meta.url).resolve("@restatedev/restate-server/package.json"))
    return require.resolve(`${name}/bin/restate-server`)
  } catch (cause) {
    throw new AppError("CONFIG_INVALID", `${name} is not installed; install it or set RESTATE_INGRESS_URL`, { cause })
  }
}

// Variables named RESTATE_* override the file (docs.restate.dev, server configuration), also the caller's by accident.
function restateEnvironment(): Record<string, string | undefined> {
  const inherited = Object.entries(childEnvironment()).filter(([name]) => !/^(RESTATE_|RUST_LOG$)/.test(name))
  return { ...Object.fromEntries(inherited), DO_NOT_TRACK: "1" }
}

// Nothing turns off the one request for the latest release that every start of 1.7 sends to api.github.com
// (server/src/main.rs, "check-latest-release"); it waits for no answer, so a machine without internet starts as fast.
// Keys as printed by `restate-server --dump-config`, version 1.7. Eight partitions did 30 % more workflows a second on
// two cores than the default 24.
function restateConfig(baseDir: string, ports: Ports<PortName>): string {
  return `cluster-name = "crossdock"
node-name = "crossdock"
base-dir = ${JSON.stringify(baseDir)}
listen-mode = "tcp"
bind-ip = "127.0.0.1"
bind-port = ${ports["Restate node"]}
advertised-host = "127.0.0.1"
default-num-partitions = 8
disable-telemetry = true
rocksdb-total-memory-size = "256MB"
shutdown-timeout = "10s"
log-format = "compact"
log-disable-ansi-codes = true
log-filter = "warn,octocrab=off"

[admin]
bind-port = ${ports["Restate admin"]}

[admin.query-engine]
memory-size = "128MB"

[ingress]
bind-port = ${ports["Restate ingress"]}

[bifrost]
record-cache-memory-size = "32MB"

[worker]
data-service-memory-limit = "128MB"

[worker.invoker]
memory-limit = "512MB"
`
}

async function isHealthy(ports: Ports<PortName>): Promise<boolean> {
  const paths = { "Restate admin": "/health", "Restate ingress": "/restate/health" } as const
  for (const name of ["Restate admin", "Restate ingress"] as const) {
    const client = createHttpClient({
      baseUrl: local(ports[name]),
      timeoutMs: 2000,
      keepAlive: false,
      allowPrivateNetwork: true,
    })
    try {
      const answer = await client.send({ method: "GET", path: paths[name] })
      if (answer.status !== 200) return false
    } catch {
      return false
    } finally {
      client.close()
    }
  }
  return true
}
