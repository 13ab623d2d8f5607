import { existsSync, readFileSync } from "node:fs"
import path from "node:path"
import { fileURLToPath } from "node:url"
import { startService, waitForService, type Service } from "./machine/processes.ts"
import { rememberProcess } from "./machine/scratch.ts"

const ROOT = fileURLToPath(new URL("../..", import.meta.url))

export type CrossdockOptions = {
  /** Engine data, keys and logs; kept between starts of one run. */
  dataFolder: string
  scratchDir: string
  port: number
  /** What the estate's configuration asks its deployment for. */
  values: Record<string, string>
}

/** Crossdock as an operator starts it: a process of its own, spoken to over HTTP. */
export class CrossdockProcess {
  readonly #options: CrossdockOptions
  #service: Service | undefined
  #starts = 0

  constructor(options: CrossdockOptions) {
    this.#options = options
  }

  get url(): string {
    return `http://127.0.0.1:${this.#options.port}`
  }

  /** Starts it and waits until it is ready; the time this took in milliseconds. */
  async start(): Promise<number> {
    const { dataFolder, scratchDir, port, values } = this.#options
    const startedMs = performance.now()
    this.#starts += 1
    // The folder stands in the process table too: by it a killed run's process is told from others.
    const command = [`--diagnostic-dir=${dataFolder}`, path.join(ROOT, "bin/crossdock.mjs"), "start"]
    const service = startService(process.execPath, command, {
      cwd: ROOT,
      env: {
        ...process.env,
        CROSSDOCK_CONFIG: "test/real/estate.config.ts",
        CROSSDOCK_DATA: dataFolder,
        CROSSDOCK_LOG: process.env["CROSSDOCK_LOG"] ?? "warn",
        PORT: String(port),
        ...Object.fromEntries(Object.entries(values).map(([name, value]) => [`CROSSDOCK_VALUE_${name}`, value])),
      },
      logFile: this.#logFile,
    })
    this.#service = service
    rememberProcess(scratchDir, service.pid)
    await waitForService(service, {
      what: "Crossdock is ready",
      timeoutMs: 120_000,
      // The key is written a moment after the gateway answers, and valid a moment after that.
      ask: async () => {
        if (!existsSync(this.#keyFile)) return false
        const authorization = `Bearer ${readFileSync(this.#keyFile, "utf8").trim()}`
        const signal = AbortSignal.timeout(2_000)
        return (await fetch(`${this.url}/v1/connections`, { headers: { authorization }, signal })).ok
      },
    })
    return performance.now() - startedMs
  }

  get #keyFile(): string {
    return path.join(this.#options.dataFolder, "operator.key")
  }

  get #logFile(): string {
    return path.join(this.#options.dataFolder, `crossdock-${this.#starts}.log`)
  }

  /** Kills this one process as the kernel would; its engines are left as they are. */
  async kill(): Promise<void> {
    await this.#service?.stop("SIGKILL")
  }

  async stop(): Promise<void> {
    await this.#service?.stop("SIGTERM", 30_000)
  }

  logTail(): string {
    return this.#service?.logTail() ?? ""
  }

  /** One call of Crossdock's own API with the operator's key. */
  async api<Answer>(method: "GET" | "POST", route: string, body?: unknown): Promise<Answer> {
    const key = readFileSync(this.#keyFile, "utf8").trim()
    const response = await fetch(`${this.url}${route}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(30_000),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${route} was answered with ${response.status}: ${text.slice(0, 500)}`)
    // The cast: the caller knows the route it names.
    return JSON.parse(text) as Answer
  }

  /** All pages of a list. */
  async list<Item>(route: string): Promise<Item[]> {
    const items: Item[] = []
    let cursor: string | undefined
    do {
      const from = cursor === undefined ? "" : `&cursor=${encodeURIComponent(cursor)}`
      const page = await this.api<{ items: Item[]; cursor?: string }>("GET", `${route}?limit=500${from}`)
      items.push(...page.items)
      cursor = page.cursor
    } while (cursor !== undefined)
    return items
  }
}
