import type { FastifyReply, FastifyRequest } from "fastify"
import { AppError } from "../base/errors.ts"
import { randomId } from "../base/ids.ts"
import type { Log } from "../base/log.ts"
import { monotonicMs } from "../base/time.ts"
import { Deadlines } from "./deadlines.ts"
import { Exchange } from "./exchange.ts"
import type { Violations } from "./metrics.ts"
import { problemDetails, requestError, retryAfterSeconds } from "./phases/describe-errors.ts"
import type { Phase } from "./phases/phase.ts"
import type { Answer, Route } from "./route.ts"

type Step = NonNullable<Phase["beforeBody"]>

interface RunnerOptions {
  phases: readonly Phase[]
  violations: Violations
  measure: (exchange: Exchange, status: number, tookMs: number) => void
  log: Log
}

/** Runs requests through the phases. Makes a promise only where a step needs one, so that a common request takes few turns. */
export class RequestRunner {
  readonly #options: RunnerOptions
  readonly #beforeBody: readonly Step[]
  readonly #afterBody: readonly Step[]
  readonly #afterError: readonly Step[]
  readonly #deadlines = new Deadlines()
  readonly #closing = new AbortController()

  constructor(options: RunnerOptions) {
    const steps = (point: "beforeBody" | "afterBody" | "afterAnswer" | "afterError") =>
      options.phases.flatMap((phase) => phase[point] ?? [])
    this.#options = options
    this.#beforeBody = steps("beforeBody")
    // After the response the phases run in reverse order.
    this.#afterBody = [...steps("afterBody"), ...steps("afterAnswer").reverse()]
    this.#afterError = steps("afterError")
  }

  /** Fastify's `onRequest`: every phase that runs before the body is read. */
  begin(route: Route, request: FastifyRequest, done: (error?: Error) => void): void {
    const exchange = new Exchange(request, route, { startedMs: monotonicMs(), closing: this.#closing.signal })
    request.exchange = exchange
    let waiting: Promise<void> | undefined
    try {
      waiting = runSteps(this.#beforeBody, exchange, 0)
    } catch (thrown) {
      done(requestError(thrown))
      return
    }
    if (waiting) void callBack(this.#deadlines.within(waiting, exchange), done)
    else done()
  }

  /** Fastify's handler: the phases that need the body, the route's own work, and the response. */
  async finish(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { exchange } = request
    if (!exchange) throw new AppError("INVARIANT_BROKEN", "a request reached its handler without passing the phases")
    if (request.body instanceof Buffer) exchange.bytes = request.body
    const waiting = runSteps(this.#afterBody, exchange, 0)
    if (waiting) await this.#deadlines.within(waiting, exchange)
    const { answer } = exchange
    if (!answer) throw new AppError("INVARIANT_BROKEN", `${exchange.route.id} gave no answer`)
    this.#options.measure(exchange, answer.status, monotonicMs() - exchange.startedMs)
    return send(exchange, answer, reply)
  }

  /** Fastify's error handler: the phase "describe errors". */
  async fail(thrown: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { violations, measure, log } = this.#options
    const error = requestError(thrown)
    const { exchange } = request
    const correlation = exchange?.correlation ?? randomId("req")
    // A late request still runs and ends its own claims.
    if (exchange && !exchange.isLate) await this.#cleanUp(exchange)
    const problem = problemDetails(error, correlation)
    violations.count(exchange?.consumerId ?? "anonymous", error.code)
    if (error.kind === "defect")
      log.error({ err: error, correlation, route: exchange?.route.id }, "a request failed with a defect")
    if (exchange) measure(exchange, problem.status, monotonicMs() - exchange.startedMs)
    const retryAfter = retryAfterSeconds(error)
    const headers = {
      "x-correlation-id": correlation,
      ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
      // RFC 9110, 15.5.2: a 401 names the scheme that is accepted.
      ...(error.code === "AUTHENTICATION_FAILED" ? { "www-authenticate": "Bearer" } : {}),
    }
    const answer = { status: problem.status, body: problem, contentType: "application/problem+json", headers }
    return send(exchange, answer, reply)
  }

  /** Ends long polls; other requests run to their end. */
  beginClosing(): void {
    this.#closing.abort()
  }

  close(): void {
    this.#deadlines.close()
  }

  async #cleanUp(exchange: Exchange): Promise<void> {
    try {
      for (const step of this.#afterError) await step(exchange)
    } catch (thrown) {
      this.#options.log.warn({ err: thrown, correlation: exchange.correlation }, "cleaning up after an error failed")
    }
  }
}

function runSteps(steps: readonly Step[], exchange: Exchange, first: number): Promise<void> | undefined {
  for (let at = first; at < steps.length; at += 1) {
    const waiting = steps[at]?.(exchange)
    if (waiting) return waiting.then(() => runSteps(steps, exchange, at + 1))
  }
  return undefined
}

async function callBack(waiting: Promise<void>, done: (error?: Error) => void): Promise<void> {
  try {
    await waiting
  } catch (thrown) {
    done(requestError(thrown))
    return
  }
  done()
}

// Answers are data for programs: nothing of them is run, framed, cached by a proxy or taken for another type (OWASP, "REST
// Security Cheat Sheet"). The proxy that ends TLS adds Strict-Transport-Security.
const securityHeaders = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
}

function send(exchange: Exchange | undefined, answer: Answer, reply: FastifyReply): FastifyReply {
  reply.code(answer.status).headers(securityHeaders)
  if (exchange) {
    reply.header("x-correlation-id", exchange.correlation)
    if (exchange.traceparent !== undefined) reply.header("traceparent", exchange.traceparent)
    if (exchange.version !== "") reply.header("crossdock-version", exchange.version)
    if (exchange.rateLimit !== undefined) {
      reply.header("ratelimit", exchange.rateLimit)
      reply.header("ratelimit-policy", exchange.rateLimitPolicy)
    }
    if (exchange.deprecation !== undefined) reply.header("deprecation", exchange.deprecation)
    if (exchange.sunset !== undefined) reply.header("sunset", exchange.sunset)
  }
  if (answer.headers) reply.headers(answer.headers)
  if (answer.stream) return reply.type(answer.contentType ?? "application/octet-stream").send(answer.stream)
  if (answer.body === undefined) return reply.send()
  if (typeof answer.body === "string")
    return reply.type(answer.contentType ?? "text/plain; charset=utf-8").send(answer.body)
  if (answer.body instanceof Uint8Array)
    return reply.type(answer.contentType ?? "application/octet-stream").send(Buffer.from(answer.body))
  reply.header("content-type", answer.contentType ?? "application/json; charset=utf-8")
  return reply.send(JSON.stringify(answer.body))
}
