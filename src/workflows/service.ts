import { createServer, type Http2Server } from "node:http2"
import { createEndpointHandler, service, type Context } from "@restatedev/restate-sdk"
import { AppError } from "../base/errors.ts"
import { answerJson, createHttpClient, type HttpClient } from "../base/http.ts"
import type { Log } from "../base/log.ts"
import { sleep } from "../base/time.ts"
import type { AnyWorkflow } from "./define-workflow.ts"
import type { Runner } from "./runner.ts"

interface ServiceOptions {
  runner: Runner
  workflows: readonly AnyWorkflow[]
  /** Takes the waves of what could not go on. */
  restate: Restate
  host: string
  port: number
  log: Log
  /** Put before service names, so that several estates can share one Restate. */
  namespace?: string
}

/**
 * Serves one Restate service per workflow, with one handler: `advance`, for a wave of instances at once. Restate keeps the
 * wave until it is done, tries it again with backoff, and moves it to another machine when this one dies. That one instance is
 * run once at a time the ledger sees to: an invocation takes its instances, and takes them over when it is tried again.
 * The handler keeps no Restate journal of its own: what was done is in the effect ledger.
 */
export async function serveWorkflows(options: ServiceOptions): Promise<{ port: number; stop(): Promise<void> }> {
  const services = options.workflows.map((workflow) =>
    service({
      name: serviceName(workflow.name, options.namespace),
      handlers: {
        advance: (context: Context, { keys, by = context.request().id }: Wave) =>
          advanceWave(options, { workflow: workflow.name, keys, by }),
      },
      options: {
        // Nothing here waits: an invocation that takes this long is stuck and may be taken over.
        inactivityTimeout: { minutes: 2 },
        abortTimeout: { minutes: 2 },
        // The ledger is the record; Restate need not keep finished invocations.
        journalRetention: { seconds: 0 },
        retryPolicy: { initialInterval: { milliseconds: 100 }, maxInterval: { seconds: 10 }, exponentiationFactor: 2 },
      },
    }),
  )
  const server = createServer(createEndpointHandler({ services, logger: restateLogger(options.log) }))
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject)
    server.listen(options.port, options.host, resolve)
  })
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : options.port
  return { port, stop: () => closeServer(server) }
}

/** Instances to advance; `by` when another invocation has begun with them and may still have them. */
interface Wave {
  keys: readonly string[]
  by?: string
}

/**
 * Runs every instance of a wave, side by side. One that cannot go on must not have the others run again with it, so it goes on
 * in a wave of its own, in the same name, because whether it was taken may be what went wrong. When that is all there is, the
 * wave fails and Restate tries it again.
 */
async function advanceWave(
  { runner, restate }: Pick<ServiceOptions, "runner" | "restate">,
  { workflow, keys, by }: Required<Wave> & { workflow: string },
): Promise<void> {
  const results = await Promise.allSettled(keys.map((key) => runner.advance(workflow, key, by)))
  const failures = results.flatMap((result, place) =>
    result.status === "rejected" ? [{ key: keys[place] ?? "", reason: result.reason as unknown }] : [],
  )
  if (failures.length === 0) return
  if (keys.length === 1) throw failures[0]?.reason
  await Promise.all(failures.map(({ key }) => restate.advance(workflow, [key], by)))
}

/** "fulfil order" → "fulfilOrder": Restate names have no spaces. */
export function serviceName(workflow: string, namespace = ""): string {
  return namespace + workflow.replaceAll(/[^A-Za-z0-9]+(.)/g, (_match, next: string) => next.toUpperCase())
}

function closeServer(server: Http2Server): Promise<void> {
  // Open sessions of Restate would keep the server from closing; work under way is safe in the ledger.
  return new Promise((resolve) => {
    server.close(() => resolve())
    setTimeout(resolve, 500).unref()
  })
}

type LoggerOptions = NonNullable<Parameters<typeof createEndpointHandler>[0]["logger"]>

function restateLogger(log: Log): LoggerOptions {
  return (meta, message, ...rest) => {
    const level = meta.level === "error" ? "debug" : meta.level === "warn" ? "debug" : "trace"
    // Every retry of an unreachable system is logged by the SDK as an error; the ledger and our own log tell that story once.
    log[level]({ restate: rest.map(String) }, String(message ?? ""))
  }
}

/** Speaks to Restate: registers this worker, and asks for instances to be advanced. */
export class Restate {
  readonly #ingress: HttpClient
  readonly #admin: HttpClient
  readonly #namespace: string

  constructor(ingressUrl: string, adminUrl: string, namespace = "") {
    this.#namespace = namespace
    // Restate is our own engine, usually on this machine or in this cluster.
    this.#ingress = createHttpClient({
      baseUrl: ingressUrl,
      timeoutMs: 10_000,
      socketsMax: 32,
      allowPrivateNetwork: true,
    })
    this.#admin = createHttpClient({ baseUrl: adminUrl, timeoutMs: 30_000, allowPrivateNetwork: true })
  }

  /** Makes the worker at this address known; repeats until Restate answers or a minute has passed. */
  async register(workerUrl: string): Promise<void> {
    const deadline = AbortSignal.timeout(60_000)
    for (;;) {
      try {
        const answer = await this.#admin.send({
          method: "POST",
          path: "/deployments",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ uri: workerUrl, force: true }),
        })
        if (answer.status < 300) return
        throw new AppError(
          "VENDOR_MISBEHAVED",
          `Restate refused the worker: ${answer.status} ${answer.text.slice(0, 500)}`,
        )
      } catch (thrown) {
        if (deadline.aborted) throw thrown
        await sleep(250)
      }
    }
  }

  /** Asks for instances to be advanced soon, in one wave. Repeats are harmless. STORAGE_UNAVAILABLE when Restate does not take it. */
  async advance(workflow: string, keys: readonly string[], by?: string): Promise<void> {
    if (keys.length === 0) return
    const wave: Wave = { keys, ...(by === undefined ? {} : { by }) }
    try {
      const answer = await this.#ingress.send({
        method: "POST",
        path: `/${serviceName(workflow, this.#namespace)}/advance/send`,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(wave),
      })
      if (answer.status < 300) return
      throw new AppError("STORAGE_UNAVAILABLE", `Restate answered ${answer.status}: ${answer.text.slice(0, 300)}`)
    } catch (thrown) {
      throw new AppError("STORAGE_UNAVAILABLE", "Restate does not take invocations", { cause: thrown })
    }
  }

  async health(): Promise<boolean> {
    const answer = await this.#admin.send({ method: "GET", path: "/health" }).catch(() => undefined)
    return answer?.status === 200
  }

  /** Version text of the server. */
  async version(): Promise<string> {
    const body = answerJson(await this.#admin.send({ method: "GET", path: "/version" }))
    return typeof body === "object" && body !== null && "version" in body ? String(body.version) : "unknown"
  }

  close(): void {
    this.#ingress.close()
    this.#admin.close()
  }
}
