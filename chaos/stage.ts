import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { setTimeout as sleep } from "node:timers/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { call, callUntilAnswered } from "./http.ts"
import { ManagedProcess, processFamily } from "./process.ts"
import type { Victim } from "./settings.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const aliveLooksMax = 300
const aliveLookMs = 100
const command = join(root, "bin/crossdock.mjs")

/** Names of the lab's simulators that have books, faults and webhooks. */
export const vendors = ["shopify", "sap-s4hana", "stripe", "warehouse", "tax", "fraud", "mail"] as const
export type Vendor = (typeof vendors)[number]

type LabUrls = Record<string, { url: string; smtpUrl?: string }>

/** Everything that runs: a lab of vendors, the engines, a gateway and a worker, each a process of its own. */
export class Stage {
  readonly folder: string
  gatewayUrl = ""
  readonly #processes = new Map<string, ManagedProcess>()
  #labUrls: LabUrls = {}
  #key = ""

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "crossdock-chaos-"))
    // PostgreSQL runs as a user of its own where we are root, and has to pass through.
    chmodSync(this.folder, 0o711)
  }

  async start(options: { seed: number; skuCount: number; onProgress: (text: string) => void }): Promise<void> {
    const { onProgress } = options
    onProgress("starting the lab and the engines")
    const [lab, engines, port] = await Promise.all([this.#startLab(options), this.#startEngines(), freePort()])
    // What lab/main.ts prints, see there.
    this.#labUrls = lab["simulators"] as LabUrls
    const shared = {
      DATABASE_URL: String(engines["databaseUrl"]),
      RESTATE_INGRESS_URL: String(engines["restateIngressUrl"]),
      RESTATE_ADMIN_URL: String(engines["restateAdminUrl"]),
      CROSSDOCK_VALUE_LAB_ADDRESSES: JSON.stringify(this.#labAddresses()),
      CROSSDOCK_LOG: "warn",
    }
    this.gatewayUrl = `http://127.0.0.1:${port}`
    onProgress("starting gateway and worker")
    await this.#crossdock("gateway", { ...shared, PORT: String(port) }).start()
    await this.#crossdock("worker", shared).start()
    this.#key = readFileSync(join(this.folder, "gateway", "operator.key"), "utf8").trim()
    for (const name of ["shopify", "warehouse", "fraud", "stripe"] as const)
      await this.lab(name, "webhook-target", { method: "PUT", body: { url: `${this.gatewayUrl}/hooks/${name}` } })
  }

  /** A request to the lab's own endpoints of a vendor. */
  lab(vendor: Vendor | "estate", path: string, request: { method?: string; body?: unknown } = {}): Promise<unknown> {
    const url = this.#labUrls[vendor]?.url
    if (url === undefined) throw new Error(`the lab has no ${vendor}`)
    return callUntilAnswered(`${url}/__lab/${path}`, request)
  }

  /** A request to Crossdock's public API that may be repeated, until it is answered. */
  api(
    path: string,
    request: { method?: string; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<unknown> {
    return callUntilAnswered(this.gatewayUrl + path, this.#signed(request))
  }

  /** One request to Crossdock's public API, whatever comes of it. */
  async tryApi(path: string, request: { method?: string; body?: unknown } = {}): Promise<unknown> {
    return (await call(this.gatewayUrl + path, this.#signed(request))).body
  }

  /** Kills with SIGKILL, once there is something to kill. Whoever keeps it running starts it again. */
  async kill(victim: Victim): Promise<void> {
    for (let attempt = 0; attempt < aliveLooksMax; attempt++) {
      if (signalAll(this.#pids(victim).slice(0, 1), "SIGKILL") > 0) return
      await sleep(aliveLookMs)
    }
    throw new Error(`${victim} never came back, so that it could not be killed`)
  }

  /** Stops a process for a while, as a stalled machine would; it wakes up believing that no time has passed. */
  async pause(victim: Victim, ms: number): Promise<void> {
    const pids = this.#pids(victim)
    signalAll(pids, "SIGSTOP")
    await sleep(ms)
    signalAll(pids, "SIGCONT")
  }

  /** Resolves when all processes are up, and the gateway says that it is ready for requests. */
  async whenUp(): Promise<void> {
    for (const process of this.#processes.values()) await process.whenReady()
    await callUntilAnswered(`${this.gatewayUrl}/readyz`)
  }

  restartCounts(): Record<string, number> {
    return Object.fromEntries([...this.#processes].map(([name, { restarts }]) => [name, restarts]))
  }

  async stop(isKept: boolean): Promise<void> {
    for (const name of ["worker", "gateway", "engines", "lab"]) await this.#processes.get(name)?.stop()
    if (!isKept) rmSync(this.folder, { recursive: true, force: true })
  }

  #pids(victim: Victim): number[] {
    if (victim === "gateway" || victim === "worker") {
      const pid = this.#processes.get(victim)?.pid
      return pid === undefined ? [] : [pid]
    }
    return processFamily(join(this.folder, "engines", `${victim}.pid.json`))
  }

  #signed(request: { method?: string; body?: unknown; headers?: Record<string, string> }) {
    return { ...request, headers: { authorization: `Bearer ${this.#key}`, ...request.headers } }
  }

  #startLab({ seed, skuCount }: { seed: number; skuCount: number }) {
    const configFile = join(this.folder, "lab.json")
    // Hours of retries in a minute, so that a gateway that is away loses nothing the run could not wait for.
    const retries = { shopify: 0.002, stripe: 0.001, warehouse: 0.001, fraud: 0.001 }
    const scaled = Object.entries(retries).map(([vendor, retryScale]) => [vendor, { retryScale }])
    writeFileSync(configFile, JSON.stringify({ skuCount, ...Object.fromEntries(scaled) }))
    const args = ["lab/main.ts", "--seed", String(seed), "--config", configFile, "--die-with-parent"]
    return this.#add("lab", { args, env: {} }).start()
  }

  #startEngines() {
    mkdirSync(join(this.folder, "engines"), { mode: 0o711 })
    const env = { CROSSDOCK_DATA: join(this.folder, "engines"), CROSSDOCK_LOG: "info" }
    return this.#add("engines", { args: [command, "engines"], env }).start()
  }

  #crossdock(role: "gateway" | "worker", env: Record<string, string>): ManagedProcess {
    const folder = join(this.folder, role)
    mkdirSync(folder, { recursive: true })
    return this.#add(role, {
      args: [command, "start"],
      env: { ...env, CROSSDOCK_ROLES: role, CROSSDOCK_DATA: folder },
    })
  }

  #add(name: string, plan: { args: readonly string[]; env: Record<string, string> }): ManagedProcess {
    const process = new ManagedProcess({
      name,
      cwd: root,
      logFile: join(this.folder, `${name}.log`),
      readyTimeoutMs: 90_000,
      ...plan,
    })
    this.#processes.set(name, process)
    return process
  }

  #labAddresses() {
    const url = (name: string) => this.#labUrls[name]?.url ?? ""
    return {
      shopify: url("shopify"),
      sap: url("sap-s4hana"),
      stripe: url("stripe"),
      warehouse: url("warehouse"),
      tax: url("tax"),
      fraud: url("fraud"),
      smtp: this.#labUrls["mail"]?.smtpUrl ?? "",
      estate: url("estate"),
    }
  }
}

/** Answers how many of them were there to be told. */
function signalAll(pids: readonly number[], signal: NodeJS.Signals): number {
  let told = 0
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
      told += 1
    } catch {
      // It ended in the meantime.
    }
  }
  return told
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })
}
