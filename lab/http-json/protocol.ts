import { hash } from "node:crypto"
import type { FastifyReply, FastifyRequest } from "fastify"
import type { Static, TSchema } from "typebox"
import { Type } from "typebox"
import { Compile } from "typebox/compile"
import type { FaultName } from "../faults.ts"
import type { FaultAnswer } from "../simulator.ts"
import { rawBody } from "../simulator.ts"

// The rules and every code of this file are docs/reference/http-json-systems.md, "Rules for all".

const bodyBytesMax = 4 * 1024 * 1024

/** A refusal in the protocol's own words: status and `{ code, message }`. */
export class Refusal extends Error {
  readonly status: number
  readonly code: string
  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }
}

export type ProtocolAnswer = { status: number; body: unknown }

export const linesMax = 2000
export const Id = Type.String({ pattern: "^[A-Za-z0-9._:-]{1,64}$" })
/** An id that somebody else gave: a line of an order, a place. */
export const Name = Type.String({ minLength: 1, maxLength: 64 })
export const Text = Type.String({ minLength: 1, maxLength: 500 })
export const Milli = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
export const AmountMinor = Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })
export const Unit = Type.String({ minLength: 1, maxLength: 8 })
export const Currency = Type.String({ pattern: "^[A-Z]{3}$" })
export const CountryCode = Type.String({ pattern: "^[A-Z]{2}$" })
const AddressText = Type.String({ maxLength: 500 })
export const Address = Type.Object({
  name: Text,
  company: Type.Optional(AddressText),
  line1: AddressText,
  line2: Type.Optional(AddressText),
  postalCode: AddressText,
  city: AddressText,
  region: Type.Optional(AddressText),
  countryCode: Type.Optional(CountryCode),
  phone: Type.Optional(AddressText),
})

/** Wraps a handler: checks the token first and converts a `Refusal` into its response. Faults pass through to the kit. */
export function answering<R extends FastifyRequest>(
  token: string,
  handle: (request: R) => Promise<ProtocolAnswer>,
): (request: R, reply: FastifyReply) => Promise<FastifyReply> {
  const expected = `Bearer ${token}`
  return async (request, reply) => {
    try {
      if (request.headers.authorization !== expected) throw new Refusal(401, "UNAUTHORIZED", "the token is not known")
      const { status, body } = await handle(request)
      return reply.code(status).send(body)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return reply.code(error.status).send({ code: error.code, message: error.message })
    }
  }
}

/** Makes a reader that returns the typed body, or refuses it with the name of the first wrong field. */
export function bodyReader<S extends TSchema>(schema: S): (request: FastifyRequest) => Static<S> {
  const validator = Compile(schema)
  return (request) => {
    const bytes = rawBody(request)
    if (bytes.length > bodyBytesMax) throw new Refusal(413, "TOO_LARGE", `the body has more than ${bodyBytesMax} bytes`)
    const body = parsed(bytes)
    if (validator.Check(body)) return body
    const [first] = validator.Errors(body)
    throw new Refusal(400, "INVALID_REQUEST", `${first?.instancePath || "/"} ${first?.message ?? "is not valid"}`)
  }
}

/** Refuses a list in which two lines have the same `lineId`. */
export function refuseRepeatedLines(lines: readonly { lineId: string }[]): void {
  const seen = new Set<string>()
  for (const { lineId } of lines) {
    if (seen.has(lineId)) throw new Refusal(400, "INVALID_REQUEST", `lineId ${lineId} stands there twice`)
    seen.add(lineId)
  }
}

/** 429 and 5xx as the protocol writes them. */
export function protocolFaultAnswer(fault: FaultName): FaultAnswer {
  if (fault === "rate429")
    return { status: 429, headers: { "retry-after": "1" }, body: { code: "RATE_LIMITED", message: "slow down" } }
  if (fault === "commitThen5xx")
    return { status: 500, body: { code: "INTERNAL", message: "something broke on our side" } }
  return { status: 503, headers: { "retry-after": "1" }, body: { code: "UNAVAILABLE", message: "not now" } }
}

/**
 * An id derived from the caller's own id. The same request gets the same reference in every run, and two runs of the
 * lab against one database never give the same id to different objects, as counters would.
 */
export function derivedId(prefix: string, source: string): string {
  return `${prefix}${hash("sha1", source, "hex").slice(0, 16)}`
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"))
  } catch {
    throw new Refusal(400, "INVALID_REQUEST", "the body is not JSON")
  }
}
