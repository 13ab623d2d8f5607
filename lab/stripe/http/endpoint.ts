import type { FastifyReply, FastifyRequest } from "fastify"
import { InjectedFault } from "../../faults.ts"
import type { FaultName } from "../../faults.ts"
import type { FaultAnswer, SimulatorContext } from "../../simulator.ts"
import { rawBody } from "../../simulator.ts"
import type { EventLog } from "./events.ts"
import { oddObject, type Oddness } from "./odd-objects.ts"
import type { FormFields } from "./form.ts"
import { canonicalForm, parseForm } from "./form.ts"
import type { IdempotencyKeys, StoredAnswer } from "./idempotency.ts"
import { errorAnswer } from "./idempotency.ts"
import { defaultApiVersion } from "../payments/objects.ts"
import { errorBody, StripeError } from "./stripe-error.ts"

export type EndpointParts = {
  context: SimulatorContext
  secretKey: string
  keys: IdempotencyKeys
  events: EventLog
  odd: Oddness
  nextId(prefix: string): string
  /** True when a request is over the account's rate. */
  isTooFast(): boolean
}

export type Ask = { fields: FormFields; id: string }
type Incoming = FastifyRequest<{ Params: { id?: string } }>
type Handler = (request: Incoming, reply: FastifyReply) => Promise<FastifyReply>

/** A call that changes something: form in, object out, under an idempotency key if one is given. */
export function writing(parts: EndpointParts, operation: string, run: (ask: Ask) => unknown): Handler {
  return answered(parts, async (request, reply) => {
    const form = rawBody(request).toString("utf8")
    const key = header(request, "idempotency-key")
    const execute = (): Promise<StoredAnswer> => executeOnce(request, { parts, operation, form, key, run })
    if (key === undefined) return execute()
    void reply.header("idempotency-key", key)
    const path = request.url.split("?", 1)[0] ?? ""
    const start = parts.keys.start(key, { path, form: canonicalForm(form) })
    try {
      if (start.kind === "run") return await execute()
      await parts.context.begin(request, { operation })
      void reply.header("idempotent-replayed", "true")
      return start.answer
    } finally {
      parts.keys.finish(key)
    }
  })
}

/** A call that only reads. */
export function reading(parts: EndpointParts, operation: string, run: (ask: Ask) => unknown): Handler {
  return answered(parts, async (request) => {
    await parts.context.begin(request, { operation })
    const query = request.url.split("?", 2)[1] ?? ""
    return {
      status: 200,
      body: JSON.stringify(oddObject(run({ fields: parseForm(query), id: request.params.id ?? "" }), parts.odd)),
    }
  })
}

type Execution = {
  parts: EndpointParts
  operation: string
  form: string
  key: string | undefined
  run: (ask: Ask) => unknown
}

async function executeOnce(request: Incoming, execution: Execution): Promise<StoredAnswer> {
  const { parts, operation, form, key, run } = execution
  // With the path: the same note on two payments strikes each of them once.
  const sentinel = /lab(:|%3A)/i.test(form) ? `${request.url} ${[...new URLSearchParams(form).values()].join(" ")}` : ""
  const call = await parts.context.begin(request, { operation, sentinel })
  const cause = { requestId: requestIdOf(request), idempotencyKey: key ?? null }
  try {
    // The response is stored inside the commit, so it is stored even when the caller never gets it.
    return call.commit(() => {
      const { answer, isKept } = parts.events.during(cause, () =>
        outcomeOf(() => oddObject(run({ fields: parseForm(form), id: request.params.id ?? "" }), parts.odd)),
      )
      if (key !== undefined && isKept) parts.keys.store(key, answer)
      return answer
    })
  } catch (error) {
    if (error instanceof InjectedFault && error.fault === "commitThen5xx" && key !== undefined)
      parts.keys.store(key, { status: 500, body: JSON.stringify(brokenBody) })
    throw error
  }
}

function outcomeOf(run: () => unknown): { answer: StoredAnswer; isKept: boolean } {
  try {
    return { answer: { status: 200, body: JSON.stringify(run()) }, isKept: true }
  } catch (error) {
    if (!(error instanceof StripeError)) throw error
    return { answer: errorAnswer(error), isKept: !error.isValidation }
  }
}

function answered(
  parts: EndpointParts,
  handle: (request: Incoming, reply: FastifyReply) => Promise<StoredAnswer>,
): Handler {
  return async (request, reply) => {
    void reply.type("application/json").headers({
      "request-id": requestIdOf(request),
      "stripe-version": header(request, "stripe-version") ?? defaultApiVersion,
    })
    try {
      checkCaller(request, parts)
      const { status, body } = await handle(request, reply)
      return reply.code(status).send(body)
    } catch (error) {
      if (!(error instanceof StripeError)) throw error
      if (error.status === 429) void reply.headers(rateLimitHeaders)
      return reply.code(error.status).send(JSON.stringify(errorBody(error.fields)))
    }
  }
}

function checkCaller(request: Incoming, { secretKey, isTooFast }: EndpointParts): void {
  const given = keyOf(request.headers.authorization)
  if (given !== secretKey) {
    const message =
      given === undefined ? "You did not provide an API key." : `Invalid API Key provided: …${given.slice(-4)}`
    throw new StripeError(401, { message }, true)
  }
  const version = header(request, "stripe-version")
  // docs.stripe.com/api/versioning: a date, since 2024-09-30 followed by the name of the major release.
  if (version !== undefined && !/^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$/.test(version))
    throw new StripeError(400, { message: `Invalid Stripe API version: ${version}` }, true)
  if (isTooFast()) throw new StripeError(429, rateLimited, true)
}

/** docs.stripe.com/api/authentication: the secret key as Basic user name with an empty password, or as Bearer token. */
function keyOf(authorization: string | undefined): string | undefined {
  const [scheme, value = ""] = (authorization ?? "").split(" ")
  if (scheme === "Bearer") return value
  return scheme === "Basic" ? Buffer.from(value, "base64").toString("utf8").split(":", 1)[0] : undefined
}

// docs.stripe.com/rate-limits: status 429, the reason in a header; code rate_limit.
const rateLimited = { code: "rate_limit", message: "Request rate limit exceeded." }
const rateLimitHeaders = { "stripe-rate-limited-reason": "global-rate" }
const brokenBody = errorBody({ type: "api_error", message: "An unknown error occurred." })

/** 429 and 5xx as Stripe writes them. */
export function stripeFaultAnswer(fault: FaultName): FaultAnswer {
  if (fault === "rate429") return { status: 429, headers: rateLimitHeaders, body: errorBody(rateLimited) }
  return { status: fault === "commitThen5xx" ? 500 : 503, body: brokenBody }
}

function requestIdOf(request: FastifyRequest): string {
  return `req_${request.id.replace("req-", "").padStart(14, "0")}`
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name]
  return typeof value === "string" && value !== "" ? value : undefined
}
