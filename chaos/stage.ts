import { randomInt } from "node:crypto"
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { setTimeout as sleep } from "node:timers/promises"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { embeddedSuperuserUrl } from "../src/engines/postgres.ts"
import { freePort } from "../src/engines/free-port.ts"
import { removeDataFolder } from "../src/engines/postgres-place.ts"
import { startFailoverPair, type FailoverPair } from "../test/fixtures/servers/failover-pair.ts"
import { call, callUntilAnswered } from "./http.ts"
import { ManagedProcess, processFamily } from "./process.ts"
import { Agent } from "./stores/agent.ts"
import { oddShapeShares, type ChaosSettings, type Victim } from "./settings.ts"

const root = fileURLToPath(new URL("..", import.meta.url))
const aliveLooksMax = 300
/** What the channel shows is read back within this time: what its lost webhooks would have told is found by then. */
const auditSeconds = 30
const aliveLookMs = 100
const command = join(root, "bin/crossdock.mjs")

/** Names of the lab's simulators that have books, faults and webhooks. */
export const vendors = ["shopify", "sap-s4hana", "stripe", "warehouse", "tax", "fraud", "mail", "books"] as const
export type Vendor = (typeof vendors)[number]

type LabUrls = Record<string, { url: string; smtpUrl?: string }>

type StageSettings = Pick<ChaosSettings, "seed" | "workers" | "gateways" | "isFailover" | "oddShapes">

interface StartOptions {
  settings: StageSettings
  skuCount: number
  onProgress: (text: string) => void
}

/** Everything that runs: a lab of vendors, the database, gateways and workers, each a process of its own. */
export class Stage {
  readonly folder: string
  databaseUrl = ""
  gatewayUrls: readonly string[] = []
  readonly #processes = new Map<string, ManagedProcess>()
  #pair: FailoverPair | undefined
  #labUrls: LabUrls = {}
  #key = ""
  #requests = 0
  // Another run on this machine must not take the port of a gateway that is down, and get its webhooks.
  readonly #portsFrom = randomInt(20_000, 25_000)

  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "crossdock-chaos-"))
    // PostgreSQL runs as its own user when we are root, and must be able to pass through.
    chmodSync(this.folder, 0o711)
  }

  async start({ settings, skuCount, onProgress }: StartOptions): Promise<void> {
    onProgress("starting the lab and the database")
    const [lab, databaseUrl] = await Promise.all([
      this.#startLab(settings, skuCount),
      settings.isFailover ? this.#startPair() : this.#startEngines(),
    ])
    // What lab/main.ts prints, see there.
    this.#labUrls = lab["simulators"] as LabUrls
    this.databaseUrl = databaseUrl
    onProgress(`starting gateways (${settings.gateways}) and workers (${settings.workers})`)
    for (let n = 1; n <= settings.gateways; n += 1) await this.#startGateway(n)
    for (let n = 1; n <= settings.workers; n += 1) await this.#crossdock(`worker ${n}`, { CROSSDOCK_ROLES: "worker" })
    this.#key = readFileSync(join(this.folder, "crossdock", "operator.key"), "utf8").trim()
    for (const [n, name] of (["shopify", "warehouse", "fraud", "stripe"] as const).entries()) {
      const url = this.gatewayUrls[n % this.gatewayUrls.length]
      await this.lab(name, "webhook-target", { method: "PUT", body: { url: `${url}/hooks/${name}` } })
    }
  }

  /** For reading beside everything that runs: the processes of the run may have every connection that others are given. */
  get readerUrl(): string {
    return embeddedSuperuserUrl(join(this.folder, "engines")) ?? this.databaseUrl
  }

  /** A request to the lab's own endpoints of a vendor. */
  lab(vendor: Vendor | "estate", path: string, request: { method?: string; body?: unknown } = {}): Promise<unknown> {
    const url = this.#labUrls[vendor]?.url
    if (url === undefined) throw new Error(`the lab has no ${vendor}`)
    return callUntilAnswered(`${url}/__lab/${path}`, request)
  }

  /** Repeats a request to Crossdock's public API until it succeeds. */
  api(
    path: string,
    request: { method?: string; body?: unknown; headers?: Record<string, string> } = {},
  ): Promise<unknown> {
    return callUntilAnswered(() => this.#nextGateway() + path, this.#signed(request))
  }

  /** Sends one request to Crossdock's public API, whatever its result. */
  async tryApi(path: string, request: { method?: string; body?: unknown } = {}): Promise<unknown> {
    return (await call(this.#nextGateway() + path, this.#signed(request))).body
  }

  /** Starts the agent of a store, with its journal in a folder of the run. Whoever keeps it running starts it again when it is killed. */
  async startAgent(of: { storeId: string; timeZone: string; key: string; centreUrl: string }): Promise<Agent> {
    const { storeId, timeZone, key, centreUrl } = of
    const port = await freePort(this.#portsFrom + 1000)
    const folder = join(this.folder, `agent-${storeId}`)
    const where = ["--store", storeId, "--time-zone", timeZone, "--port", String(port), "--data", folder]
    const process = this.#add(`agent ${storeId}`, {
      args: [command, "edge", ...where, "--reserve-mb", "1"],
      env: { CROSSDOCK_URL: centreUrl, CROSSDOCK_EDGE_KEY: key, CROSSDOCK_LOG: "warn" },
    })
    await process.start()
    return new Agent(process, { port, folder })
  }

  /** Kills with SIGKILL, once there is something to kill. Whoever keeps it running starts it again. */
  async kill(victim: Victim, number: number): Promise<void> {
    for (let attempt = 0; attempt < aliveLooksMax; attempt++) {
      if (signalAll(this.#pids(victim, number).slice(0, 1), "SIGKILL") > 0) return
      await sleep(aliveLookMs)
    }
    throw new Error(`${victim} never came back, so that it could not be killed`)
  }

  /** Stops a process for a while, as a stalled machine would; it wakes up believing that no time has passed. */
  async pause(victim: Victim, number: number, ms: number): Promise<void> {
    const pids = this.#pids(victim, number)
    signalAll(pids, "SIGSTOP")
    await sleep(ms)
    signalAll(pids, "SIGCONT")
  }

  /** Ends the primary database for good, and promotes its standby. */
  async failOver(): Promise<void> {
    if (!this.#pair) throw new Error("this database has no standby")
    await this.#pair.killPrimary()
    await this.#pair.promote()
  }

  /** Resolves when all processes are up, and each gateway says that it is ready for requests. */
  async whenUp(): Promise<void> {
    for (const process of this.#processes.values()) await process.whenReady()
    for (const url of this.gatewayUrls) await callUntilAnswered(`${url}/readyz`)
  }

  async stop(isKept: boolean): Promise<void> {
    const products = [...this.#processes.keys()].filter((name) => name !== "engines" && name !== "lab")
    await Promise.all(products.map((name) => this.#processes.get(name)?.stop()))
    for (const name of ["engines", "lab"]) await this.#processes.get(name)?.stop()
    await this.#pair?.stop()
    if (isKept) return
    // A cluster may lie outside, see choosePlace.
    for (const name of ["primary", "standby"]) if (this.#pair) removeDataFolder(join(this.folder, "engines", name))
    rmSync(this.folder, { recursive: true, force: true })
  }

  #nextGateway(): string {
    this.#requests += 1
    return this.gatewayUrls[this.#requests % this.gatewayUrls.length] ?? ""
  }

  #pids(victim: Victim, number: number): number[] {
    if (victim === "postgres") return processFamily(join(this.folder, "engines", "postgres.pid.json"))
    const pid = this.#processes.get(`${victim} ${number}`)?.pid
    return pid === undefined ? [] : [pid]
  }

  #signed(request: { method?: string; body?: unknown; headers?: Record<string, string> }) {
    return { ...request, headers: { authorization: `Bearer ${this.#key}`, ...request.headers } }
  }

  #startLab({ seed, oddShapes }: StageSettings, skuCount: number) {
    const configFile = join(this.folder, "lab.json")
    // Hours of retries in a minute, so that no webhook is lost while a gateway is down.
    const retries = { shopify: 0.002, stripe: 0.001, warehouse: 0.001, fraud: 0.001 }
    const scaled = Object.entries(retries).map(([vendor, retryScale]) => [vendor, { retryScale }])
    const options = Object.fromEntries(scaled) as Record<string, object>
    const oddShare = oddShapeShares[oddShapes]
    for (const vendor of ["shopify", "sap", "stripe"]) options[vendor] = { ...options[vendor], oddShare }
    writeFileSync(configFile, JSON.stringify({ skuCount, ...options }))
    const args = ["lab/main.ts", "--seed", String(seed), "--config", configFile, "--die-with-parent"]
    return this.#add("lab", { args, env: {} }).start()
  }

  async #startEngines(): Promise<string> {
    mkdirSync(join(this.folder, "engines"), { mode: 0o711 })
    const env = { CROSSDOCK_DATA: join(this.folder, "engines"), CROSSDOCK_LOG: "info" }
    const ready = await this.#add("engines", { args: [command, "engines"], env }).start()
    return String(ready["databaseUrl"])
  }

  async #startPair(): Promise<string> {
    const folder = join(this.folder, "engines")
    mkdirSync(folder, { mode: 0o711 })
    const primary = await freePort(25_400)
    const standby = await freePort(25_500)
    this.#pair = await startFailoverPair({ folder, ports: { primary, standby } })
    return this.#pair.url
  }

  async #startGateway(n: number): Promise<void> {
    const port = await freePort(this.#portsFrom + n * 20)
    this.gatewayUrls = [...this.gatewayUrls, `http://127.0.0.1:${port}`]
    await this.#crossdock(`gateway ${n}`, { CROSSDOCK_ROLES: "gateway", PORT: String(port) })
  }

  /** All share one data folder, as processes of one machine may; what they know is in the database. */
  #crossdock(name: string, env: Record<string, string>) {
    const shared = {
      CROSSDOCK_DATA: join(this.folder, "crossdock"),
      DATABASE_URL: this.databaseUrl,
      CROSSDOCK_VALUE_LAB_ADDRESSES: JSON.stringify(this.#labAddresses()),
      CROSSDOCK_VALUE_AUDIT_SECONDS: String(auditSeconds),
      CROSSDOCK_LOG: "warn",
    }
    return this.#add(name, { args: [command, "start"], env: { ...shared, ...env } }).start()
  }

  #add(name: string, plan: { args: readonly string[]; env: Record<string, string> }): ManagedProcess {
    const process = new ManagedProcess({
      name,
      cwd: root,
      logFile: join(this.folder, `${name.replace(" ", "-")}.log`),
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
      books: url("books"),
      estate: url("estate"),
    }
  }
}

/** Returns how many of the processes existed. */
function signalAll(pids: readonly number[], signal: NodeJS.Signals): number {
  let told = 0
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
      told += 1
    } catch {
      // The process ended in the meantime.
    }
  }
  return told
}
