import type { Readable } from "node:stream"
import type { Static, TObject, TSchema } from "typebox"
import { validator, type Validator } from "../canonical/validate.ts"
import type { Exchange } from "./exchange.ts"

/** A handler's response. Text and bytes are sent unchanged, everything else as JSON. */
export interface Answer {
  status: number
  body?: unknown
  /** Sent instead of a body, as it comes, for as long as it comes. */
  stream?: Readable
  contentType?: string
  headers?: Readonly<Record<string, string>>
}

export interface ResponseDeclaration {
  description: string
  schema?: TSchema
}

/**
 * What a route lets consumers reach:
 * - `all channels`: it tells or changes something that is of no single channel, so only a consumer of all channels may use it;
 * - `own channels`: objects have a channel; the handler shows and changes only those of `exchange.channels`, and answers
 *   NOT_FOUND for the others;
 * - `own`: only what the consumer itself made.
 */
export type Reach = "all channels" | "own channels" | "own"

/**
 * The declaration of a route.
 *
 * `system` routes belong to one kind of system, `process` routes run a business process over several systems,
 * `experience` routes serve people and their screens.
 */
interface Declaration<Body extends TSchema, Query extends TObject> {
  method: "GET" | "POST" | "PUT" | "DELETE"
  /** With OpenAPI placeholders: `/v1/orders/{id}`. */
  path: string
  summary: string
  tier: "system" | "process" | "experience"
  /** The team responsible for the route. */
  owner: string
  criticality: "critical" | "high" | "normal" | "low"
  serviceLevel: { p99Ms: number; availabilityPercent: number }
  /** The caller's credentials: a consumer's key or token, a webhook's signature, or none. */
  credentials: "consumer" | "signature" | "none"
  /** Required with `consumer` credentials. */
  scope?: string
  /** Whose objects it shows and changes, for consumers that are limited to channels. Default `all channels`, the strictest. */
  reach?: Reach
  /**
   * Why a repeat does no harm: the route only reads, its fact has a natural key, or it honours the caller's
   * Idempotency-Key.
   */
  repeats: "safe" | "natural key" | "idempotency key"
  bodySchema?: Body
  /** Replaces the schema's own validator, e.g. to choose between two shapes and list only the problems of the intended one. */
  bodyValidator?: Validator<Static<Body>>
  /** Whether the body may be empty although there is a schema. */
  isBodyOptional?: boolean
  /** The list whose rows are judged each for itself. One that no system can store is an `UnreadRow` in it, and costs no other. */
  rows?: string
  /** The body may come as NDJSON, too: its lines are the list of this name. A line that is no JSON is an `UnreadRow` in it. */
  ndjson?: string
  /** The body may come as XML, too: the handler gets its bytes, and `body` is undefined. Says what XML it is. */
  xml?: string
  querySchema?: Query
  responses: Readonly<Record<number, ResponseDeclaration>>
  bodyLimitBytes?: number
  /** After this time the caller gets a retryable error, although the work may still succeed. Default 5,000. */
  timeLimitMs?: number
  /** Tokens of the consumer's rate that one request takes, once its body is known. Default 1. */
  cost?: (body: Static<Body>) => number
  handle: (exchange: Exchange<Static<Body>, Static<Query>>) => Answer | Promise<Answer>
}

/** A declared route with its validators compiled. */
export interface Route {
  id: string
  method: Declaration<TSchema, TObject>["method"]
  path: string
  summary: string
  tier: Declaration<TSchema, TObject>["tier"]
  owner: string
  criticality: Declaration<TSchema, TObject>["criticality"]
  serviceLevel: { p99Ms: number; availabilityPercent: number }
  credentials: "consumer" | "signature" | "none"
  scope: string | undefined
  reach: Reach
  repeats: "safe" | "natural key" | "idempotency key"
  bodySchema: TSchema | undefined
  body: Validator<unknown> | undefined
  isBodyOptional: boolean
  rows: string | undefined
  ndjson: string | undefined
  xml: string | undefined
  querySchema: TObject | undefined
  query: Validator<unknown> | undefined
  responses: Readonly<Record<number, ResponseDeclaration>>
  bodyLimitBytes: number
  timeLimitMs: number
  cost: ((body: unknown) => number) | undefined
  handle: (exchange: Exchange) => Answer | Promise<Answer>
}

const bodyLimitBytesDefault = 1024 * 1024
const timeLimitMsDefault = 5_000

/** Declares a route and compiles its schemas. */
export function route<Body extends TSchema, Query extends TObject>(declaration: Declaration<Body, Query>): Route {
  const { method, path, bodySchema, bodyValidator, querySchema, scope, cost, handle, ...rest } = declaration
  return {
    ...rest,
    id: `${method} ${path}`,
    method,
    path,
    scope,
    reach: declaration.reach ?? "all channels",
    bodySchema,
    body: bodyValidator ?? (bodySchema && validator(bodySchema, "body")),
    isBodyOptional: declaration.isBodyOptional ?? false,
    rows: declaration.rows,
    ndjson: declaration.ndjson,
    xml: declaration.xml,
    querySchema,
    query: querySchema && validator(querySchema, "query"),
    bodyLimitBytes: declaration.bodyLimitBytes ?? bodyLimitBytesDefault,
    timeLimitMs: declaration.timeLimitMs ?? timeLimitMsDefault,
    // The validate phase runs the validators above before either is called, so the erased types are correct.
    cost: cost as ((body: unknown) => number) | undefined,
    handle: handle as Route["handle"],
  }
}
