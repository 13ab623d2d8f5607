import { Type, type Static } from "typebox"
import { AppError } from "../base/errors.ts"
import { answerJson, createHttpClient, retryAfterMs, type HttpAnswer } from "../base/http.ts"
import type { Clock } from "../base/time.ts"
import { lacksAddress, type Order } from "../canonical/order.ts"
import { cut } from "../base/text.ts"
import { textMax, type Address } from "../canonical/parts.ts"
import type { Call } from "../ports/write.ts"

/*
 * The client side of docs/reference/http-json-systems.md, "Rules for all". The connectors for warehouse, tax and
 * fraud share this protocol and its error mapping. The numbers and codes below are from that page.
 */

/** Settings every connection to a house system has. */
export const HouseSettings = {
  baseUrl: Type.String({
    format: "uri",
    description: "where the service answers, e.g. https://wms.example.com/crossdock",
  }),
  token: Type.String({ minLength: 1, description: "sent as `Authorization: Bearer`" }),
  allowPrivateNetwork: Type.Optional(
    Type.Boolean({ description: "whether the address may be in a private network; off by default" }),
  ),
  timeoutMs: Type.Optional(Type.Integer({ minimum: 100, description: "longest time for one call; default 10,000" })),
}

/** The secrets of a house system that sends events. */
export const webhookSecrets = Type.Array(Type.String({ pattern: "^whsec_[A-Za-z0-9+/=]+$" }), {
  minItems: 1,
  description: "every live signing secret, `whsec_` + base64; two while a secret is being changed",
})

const HouseSettingsObject = Type.Object(HouseSettings)
type HouseSettingsValues = Static<typeof HouseSettingsObject>

/** One call of the protocol. */
export interface HouseCall {
  method: "GET" | "POST"
  path: string
  body?: unknown
  /** A POST that changes nothing. */
  isRead?: boolean
  call: Omit<Call, "key">
  /** Statuses that are results of this call, not errors, e.g. 404 for a look-up. */
  allow?: readonly number[]
}

/** Calls a house system and converts every refusal into an AppError with the correct kind. */
export interface HouseClient {
  send(call: HouseCall): Promise<{ status: number; body: unknown }>
  close(): void
}

/** Default of `timeoutMs`. */
export const houseTimeoutMs = 10_000

/** Makes the client. `clock` is needed for a Retry-After that is a date. */
export function createHouseClient(settings: HouseSettingsValues, clock: Clock): HouseClient {
  const http = createHttpClient({
    baseUrl: settings.baseUrl,
    timeoutMs: settings.timeoutMs ?? houseTimeoutMs,
    headers: { authorization: `Bearer ${settings.token}`, accept: "application/json" },
    ...(settings.allowPrivateNetwork === undefined ? {} : { allowPrivateNetwork: settings.allowPrivateNetwork }),
  })
  return {
    async send({ method, path, body, call, isRead = method === "GET", allow = [] }) {
      const answer = await http.send({
        method,
        path,
        isRead,
        signal: call.signal,
        headers: {
          "x-correlation-id": call.correlation,
          ...(call.traceparent === undefined ? {} : { traceparent: call.traceparent }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const isAnswer = (answer.status >= 200 && answer.status < 300) || allow.includes(answer.status)
      if (!isAnswer) throw houseError(answer, { isRead, nowMs: clock.now() })
      return { status: answer.status, body: houseBody(answer, isRead) }
    },
    close: http.close,
  }
}

// A 2xx whose body cannot be read still means that the write happened, so it is looked up and is not a defect.
function houseBody(answer: HttpAnswer, isRead: boolean): unknown {
  try {
    return answerJson(answer)
  } catch (error) {
    if (isRead) throw error
    throw new AppError("VENDOR_UNCERTAIN", `status ${answer.status} with a body that cannot be read`, { cause: error })
  }
}

function houseError(answer: HttpAnswer, { isRead, nowMs }: { isRead: boolean; nowMs: number }): AppError {
  const { status } = answer
  const message = `${status} ${wordsOf(answer)}`
  const data = { status }
  if (status === 401 || status === 403)
    return new AppError("VENDOR_KEY_REFUSED", `the system refused the credentials and did nothing: ${message}`, {
      data,
    })
  if (status === 429 || status === 503) {
    const waitMs = retryAfterMs(answer, nowMs)
    return new AppError("VENDOR_UNAVAILABLE", message, {
      data,
      ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    })
  }
  if (status >= 500 || status < 400)
    return new AppError(isRead ? "VENDOR_UNAVAILABLE" : "VENDOR_UNCERTAIN", message, { data })
  if (status === 409) return new AppError("VENDOR_CONFLICT", message, { data })
  if (errorOf(answer).code === "PERIOD_CLOSED") return new AppError("PERIOD_CLOSED", message, { data })
  if (errorOf(answer).code === "UNKNOWN_SKU") return new AppError("ARTICLE_UNKNOWN", message, { data })
  return new AppError("VENDOR_REJECTED", message, { data })
}

/** The system's message: `code: message`, or the beginning of the body. */
function wordsOf(answer: HttpAnswer): string {
  const { code, message } = errorOf(answer)
  // Not the protocol's error body: show it unchanged.
  return code === undefined ? answer.text.slice(0, 200) : `${code}: ${message}`
}

function errorOf(answer: HttpAnswer): { code?: string; message?: string } {
  try {
    const body: unknown = JSON.parse(answer.text)
    if (typeof body === "object" && body !== null && "code" in body && "message" in body)
      return { code: String(body.code), message: String(body.message) }
  } catch {
    // It is not JSON either.
  }
  return {}
}

/**
 * The address of an order for a house system: the shipping address, else the billing address, else the address of the
 * business. An order for pickup may have neither, and the protocol requires one. Where goods are sent to is not to be guessed: an
 * order that lacks it has REQUEST_INVALID.
 */
export function houseAddress(order: Order, home: Address | undefined): Address {
  const isSentNowhere = lacksAddress(order)
  const found = isSentNowhere ? undefined : (order.shippingAddress ?? order.billingAddress ?? home)
  if (found === undefined) {
    const why = isSentNowhere
      ? "goods to be sent and no delivery address"
      : "no address and the connection no homeAddress"
    const message = isSentNowhere ? "add a delivery address" : "add an address, or set homeAddress in the connection"
    const problems = [{ pointer: "/shippingAddress", message }]
    throw new AppError("REQUEST_INVALID", `order ${order.number} has ${why}`, { problems })
  }
  // The protocol requires names of at least one character.
  return { ...found, name: found.name || cut(order.customer.name ?? "", textMax) || order.number }
}
