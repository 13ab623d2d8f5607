import type { FastifyRequest } from "fastify"
import type { Grant } from "../governance/access.ts"
import { AppError } from "../base/errors.ts"
import type { Act } from "./core.ts"
import type { Answer, Route } from "./route.ts"

/** One request and the data that the phases add to it. */
export class Exchange<Body = unknown, Query = unknown> {
  readonly request: FastifyRequest
  readonly route: Route
  readonly startedMs: number
  /** Aborted when the gateway closes, so that long polls end. */
  readonly closing: AbortSignal
  correlation = ""
  /** The caller's trace context, when it sent one. */
  traceparent: string | undefined
  #grant: Grant | undefined
  /** The API version the request is read as. */
  version = ""
  /** Rate-limit headers for every response. */
  rateLimit: string | undefined
  rateLimitPolicy: string | undefined
  deprecation: string | undefined
  sunset: string | undefined
  /** Exactly the bytes received. */
  bytes: Buffer = noBytes
  // Set by the validate phase before any handler runs; routes without a schema have undefined.
  body = undefined as Body
  query = undefined as Query
  /** Set when a phase before `handle` has the response. */
  answer: Answer | undefined
  /** Result of the signature check; only on routes with signature credentials. */
  verified: { deliveryId: string; topic: string } | undefined
  /** Key under which the replay guard remembers the delivery; stored with it. */
  replayKey: string | undefined
  idempotencyKey: string | undefined
  /** True once the time limit has passed and the caller has got its error. */
  isLate = false

  constructor(request: FastifyRequest, route: Route, begun: { startedMs: number; closing: AbortSignal }) {
    this.request = request
    this.route = route
    this.startedMs = begun.startedMs
    this.closing = begun.closing
  }

  /** The caller's rights. Throws INVARIANT_BROKEN on routes without consumer credentials. */
  get grant(): Grant {
    if (!this.#grant)
      throw new AppError("INVARIANT_BROKEN", `${this.route.id} reads the caller's rights, but takes no credentials`)
    return this.#grant
  }

  set grant(grant: Grant) {
    this.#grant = grant
  }

  get consumerId(): string {
    return this.#grant?.consumer.id ?? "anonymous"
  }

  /** The channels the caller is limited to; undefined = all. */
  get channels(): readonly string[] | undefined {
    return this.grant.consumer.channels
  }

  /** The places the caller is limited to; undefined = all. */
  get stores(): readonly string[] | undefined {
    return this.grant.consumer.stores
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

/** The caller as the audit names it: a person, or a program and its key. */
export function callerOf({ grant: { consumer, keyId } }: Pick<Exchange, "grant">): string {
  return keyId === undefined || consumer.roles ? consumer.id : `${consumer.id} (${keyId})`
}

/** The caller, and the reason it gave. */
export function act(exchange: Exchange<{ reason?: string } | undefined>): Act {
  const by = callerOf(exchange)
  return exchange.body?.reason === undefined ? { by } : { by, reason: exchange.body.reason }
}
