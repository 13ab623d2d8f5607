import type { Books, VendorState } from "./books.ts"
import Fastify from "fastify"
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify"
import { setTimeout as sleep } from "node:timers/promises"
import { addControlRoutes } from "./control.ts"
import { createFaults, InjectedFault } from "./faults.ts"
import type { FaultName, FaultPlan, Faults, FaultSettings } from "./faults.ts"
import { createRequestLog } from "./request-log.ts"
import type { RequestEntry } from "./request-log.ts"
import type { Keeping } from "./keep/keeping.ts"
import { keepingOf } from "./keep/keeping.ts"
import type { LabState } from "./keep/state.ts"
import { createWebhookSender } from "./webhooks/sender.ts"
import type { PendingWebhook, WebhookOptions, WebhookSender } from "./webhooks/sender.ts"

/** One call to the vendor with its faults already decided. */
export type Call = {
  readonly operation: string
  /** True when a bulk operation should do only part of its work. */
  readonly isPartial: boolean
  /** Set once a fault struck inside `commit`; engines that swallow exceptions (graphql-js) must rethrow it. */
  failure: InjectedFault | undefined
  /** Makes the change. The one place where a call can fail just before or just after it took effect. */
  commit<T>(mutate: () => T): T
  /** Like `commit`, for a change of state whose response does not show it: it may return success without being made. */
  transition(mutate: () => void): void
}

export type FaultAnswer = { status: number; headers?: Record<string, string>; body: unknown }

export type SimulatorContext = Pick<Keeping, "random" | "keep" | "keepList" | "saved"> & {
  readonly name: string
  readonly seed: number
  readonly faults: Faults
  /** First thing in every handler once the operation is known: waits the latency, may refuse. */
  begin(request: FastifyRequest, call: { operation: string; sentinel?: string }): Promise<Call>
  /** Creates the outgoing webhooks of this simulator (once). */
  webhooks(options: WebhookOptions): WebhookSender
}

/** Options of every simulator. */
export type VendorOptions = {
  seed: number
  port?: number
  faults?: FaultSettings
  webhookTarget?: string
  /** Storage of its records; absent: they end with the process. */
  state?: LabState
}

export type SimulatorOptions = VendorOptions & {
  name: string
  /** Writes the vendor's own bodies of 429 and 5xx; `fault` says which. */
  faultAnswer?: (fault: FaultName, request: FastifyRequest) => FaultAnswer
  routes(app: FastifyInstance, context: SimulatorContext): VendorState | Promise<VendorState>
}

export type Simulator = {
  readonly name: string
  readonly url: string
  books(): Books
  faults(): ReturnType<Faults["report"]>
  setFaults(settings: FaultSettings): void
  setWebhookTarget(url: string | undefined): void
  webhooks(): WebhookSender | undefined
  reset(): void
  stop(): Promise<void>
}

declare module "fastify" {
  interface FastifyRequest {
    labEntry: RequestEntry | undefined
    labHangMs: number
  }
}

/** Starts one vendor simulator on 127.0.0.1. Bodies reach handlers as raw bytes (`rawBody`, `jsonBody`). */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const app = Fastify({ bodyLimit: 64 * 1024 * 1024, routerOptions: { maxParamLength: 500 } })
  const faults = createFaults({
    seed: options.seed,
    name: options.name,
    ...(options.faults ? { settings: options.faults } : {}),
  })
  const log = createRequestLog()
  const keeping = keepingOf(options)
  const settings = keeping.keep<"webhookTarget", string>("settings")
  let target = options.webhookTarget
  let sender: WebhookSender | undefined

  const context: SimulatorContext = {
    ...keeping,
    name: options.name,
    seed: options.seed,
    faults,
    begin: (request, call) => beginCall(request, { ...call, faults }),
    webhooks: (webhookOptions) => {
      const random = keeping.random("webhooks")
      const isTargetAwaited = settings.has("webhookTarget")
      const pending = { ...keeping, pending: keeping.keep<string, PendingWebhook>("webhooks"), isTargetAwaited }
      sender = createWebhookSender({
        ...webhookOptions,
        faults,
        target: () => target,
        random,
        ...(options.state === undefined ? {} : { keeping: pending }),
      })
      return sender
    },
  }
  takeRawBodies(app)
  addFaultHooks(app, { faults, log, answer: options.faultAnswer ?? plainFaultAnswer })
  if (options.state !== undefined) app.addHook("onSend", keeping.saved)
  const state = await options.routes(app, context)
  const reset = (): void => {
    state.reset()
    faults.reset()
    log.clear()
    sender?.reset()
  }
  const setWebhookTarget = (url: string | undefined): void => {
    target = url
    if (url === undefined) settings.delete("webhookTarget")
    else settings.set("webhookTarget", url)
    sender?.release()
  }
  addControlRoutes(app, { state, faults, log, sender: () => sender, reset, setWebhookTarget })
  const url = await app.listen({ host: "127.0.0.1", port: options.port ?? 0 })
  return {
    name: options.name,
    url,
    books: () => state.books(),
    faults: () => faults.report(),
    setFaults: (settings) => faults.set(settings),
    setWebhookTarget,
    webhooks: () => sender,
    reset,
    stop: async () => {
      state.stop?.()
      sender?.stop()
      app.server.closeAllConnections()
      await app.close()
    },
  }
}

/** The bytes as they arrived; empty when there was no body. */
export function rawBody(request: FastifyRequest): Buffer {
  return Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0)
}

/** The body as JSON; undefined when empty or not JSON. */
export function jsonBody(request: FastifyRequest): unknown {
  try {
    return JSON.parse(rawBody(request).toString("utf8"))
  } catch {
    return undefined
  }
}

function takeRawBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body))
}

async function beginCall(
  request: FastifyRequest,
  options: { operation: string; sentinel?: string; faults: Faults },
): Promise<Call> {
  const { operation, faults } = options
  const plan = faults.plan(operation, options.sentinel)
  if (request.labEntry) request.labEntry.operation = operation
  if (plan.latencyMs > 0) {
    faults.record("latencyMs", operation)
    await sleep(plan.latencyMs)
  }
  if (plan.hangMs > 0) {
    faults.record("hangRate", operation, plan.bySentinel)
    request.labHangMs = plan.hangMs
  }
  if (plan.refusal) {
    faults.record(plan.refusal, operation, plan.bySentinel)
    throw new InjectedFault(plan.refusal)
  }
  if (plan.isPartial) faults.record("partialSuccess", operation, plan.bySentinel)
  return createCall(operation, plan, faults)
}

function createCall(operation: string, plan: FaultPlan, faults: Faults): Call {
  // A call with several commits fails at the first one only.
  let pending = plan.atCommit
  const call: Call = {
    operation,
    isPartial: plan.isPartial,
    failure: undefined,
    commit: (mutate) => {
      const fault = pending
      pending = undefined
      if (fault === undefined) return mutate()
      if (fault !== "resetBeforeCommit") mutate()
      faults.record(fault, operation, plan.bySentinel)
      call.failure = new InjectedFault(fault)
      throw call.failure
    },
    transition: (mutate) => {
      if (!plan.isIgnored) return call.commit(mutate)
      faults.record("ignoredTransition", operation, plan.bySentinel)
    },
  }
  return call
}

type FaultHooks = {
  faults: Faults
  log: ReturnType<typeof createRequestLog>
  answer: NonNullable<SimulatorOptions["faultAnswer"]>
}

function addFaultHooks(app: FastifyInstance, { faults, log, answer }: FaultHooks): void {
  app.decorateRequest("labEntry", undefined)
  app.decorateRequest("labHangMs", 0)
  app.addHook("onRequest", (request, reply, done) => {
    if (faults.settings().outage === true && !isControl(request)) {
      faults.record("outage", "connection")
      reply.hijack()
      request.raw.socket.destroy()
      return
    }
    done()
  })
  app.addHook("preHandler", (request, _reply, done) => {
    if (!isControl(request)) request.labEntry = log.add(request, rawBody(request))
    done()
  })
  app.addHook("onSend", async (request) => {
    if (request.labHangMs > 0) await sleep(request.labHangMs)
  })
  app.addHook("onResponse", (request, reply, done) => {
    if (request.labEntry) request.labEntry.status = reply.statusCode
    done()
  })
  app.setErrorHandler((error, request, reply) => {
    if (!(error instanceof InjectedFault)) return reply.send(error)
    if (request.labEntry) request.labEntry.fault = error.fault
    if (error.fault === "commitThenReset" || error.fault === "resetBeforeCommit") return destroy(request, reply)
    const { status, headers, body } = answer(error.fault, request)
    return reply
      .code(status)
      .headers(headers ?? {})
      .send(body)
  })
}

function destroy(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  reply.hijack()
  request.raw.socket.destroy()
  return reply
}

function isControl(request: FastifyRequest): boolean {
  return request.url.startsWith("/__lab")
}

function plainFaultAnswer(fault: FaultName): FaultAnswer {
  if (fault === "rate429") return { status: 429, headers: { "retry-after": "1" }, body: { error: "too many requests" } }
  return { status: 503, body: { error: "service unavailable" } }
}
