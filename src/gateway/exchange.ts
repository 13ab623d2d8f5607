import type { FastifyRequest } from "fastify"
import type { Grant } from "../governance/access.ts"
import { AppError } from "../base/errors.ts"
import type { Act } from "./core.ts"
import type { Answer, Route } from "./route.ts"
import { newTraceparent } from "./traceparent.ts"

/** One request on its way through the phases; one object, filled in as it goes. */
export class Exchange<Body = unknown, Query = unknown> {
  readonly request: FastifyRequest
  readonly route: Route
  readonly startedMs: number
  /** Aborted when the gateway closes, so that what only waits for news stops waiting. */
  readonly closing: AbortSignal
  correlation = ""
  #traceparent: string | undefined
  #grant: Grant | undefined
  /** Date version the request is read as. */
  version = ""
  /** Extra headers that phases want on the answer, whatever it is. */
  rateLimit: string | undefined
  rateLimitPolicy: string | undefined
  deprecation: string | undefined
  sunset: string | undefined
  /** Exactly the bytes that came. */
  bytes: Buffer = noBytes
  // Set by the validate phase before any handler runs; routes without a schema have undefined.
  body = undefined as Body
  query = undefined as Query
  /** Set when a phase before `handle` already knows the answer. */
  answer: Answer | undefined
  /** What the signature check found; only on routes with signature credentials. */
  verified: { deliveryId: string; topic: string } | undefined
  /** What the replay guard remembers of it; stored with the delivery. */
  replayKey: string | undefined
  idempotencyKey: string | undefined
  /** Set when the route's time limit passed and the caller was told so. */
  isLate = false

  constructor(request: FastifyRequest, route: Route, begun: { startedMs: number; closing: AbortSignal }) {
    this.request = request
    this.route = route
    this.startedMs = begun.startedMs
    this.closing = begun.closing
  }

  /** Who calls. Only on routes with consumer credentials; elsewhere INVARIANT_BROKEN. */
  get grant(): Grant {
    if (!this.#grant)
      throw new AppError("INVARIANT_BROKEN", `${this.route.id} asked who calls, but takes no credentials`)
    return this.#grant
  }

  set grant(grant: Grant) {
    this.#grant = grant
  }

  get consumerId(): string {
    return this.#grant?.consumer.id ?? "anonymous"
  }

  /** Trace context to hand on; the caller's, or a new trace. */
  get traceparent(): string {
    this.#traceparent ??= newTraceparent()
    return this.#traceparent
  }

  set traceparent(traceparent: string) {
    this.#traceparent = traceparent
  }

  /** Whether a trace context came in or was made. */
  get isTraced(): boolean {
    return this.#traceparent !== undefined
  }

  header(name: string): string | undefined {
    const value = this.request.headers[name]
    return typeof value === "string" ? value : undefined
  }

  /** A path parameter the route declares. */
  parameter(name: string): string {
    const value = (this.request.params as Record<string, string | undefined>)[name]
    if (value === undefined) throw new AppError("INVARIANT_BROKEN", `${this.route.id} has no parameter ${name}`)
    return value
  }
}

const noBytes = Buffer.alloc(0)

/** Who acts, for the audit: the consumer and the key it used. */
export function act(exchange: Exchange<{ reason?: string } | undefined>): Act {
  const { grant } = exchange
  const by = grant.keyId === undefined ? grant.consumer.id : `${grant.consumer.id} (${grant.keyId})`
  return exchange.body?.reason === undefined ? { by } : { by, reason: exchange.body.reason }
}
