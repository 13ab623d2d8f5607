import { AppError } from "../../base/errors.ts"
import { answerJson, createHttpClient, retryAfterMs, type HttpAnswer } from "../../base/http.ts"
import type { Clock } from "../../base/time.ts"
import type { Call } from "../../ports/write.ts"
import { listOf, objectOf } from "./payloads.ts"
import type { SquareSettings } from "./settings.ts"

/** Sent with each call, so that the application's default version never applies. npm square 46.0.0 pins the same. */
export const squareVersion = "2026-09-16"

export const timeoutMsDefault = 20_000

export type CallContext = Omit<Call, "key">

/** Reads of Square's API. None of them changes anything there. */
export interface SquareClient {
  /** Undefined when Square does not have it. */
  get(path: string, call: CallContext): Promise<Record<string, unknown> | undefined>
  /** A POST that only reads: a search, a batch of ids. */
  ask(path: string, body: object, call: CallContext): Promise<Record<string, unknown>>
  close(): void
}

/** Errors: see `squareError`; the HTTP client reports a broken connection. */
export function createSquareClient(settings: SquareSettings, clock: Clock): SquareClient {
  const http = createHttpClient({
    baseUrl: settings.baseUrl ?? "https://connect.squareup.com",
    timeoutMs: settings.timeoutMs ?? timeoutMsDefault,
    headers: { authorization: `Bearer ${settings.accessToken}`, "square-version": squareVersion },
    ...(settings.allowPrivateNetwork === undefined ? {} : { allowPrivateNetwork: settings.allowPrivateNetwork }),
  })
  return {
    async get(path, call) {
      const answer = await http.send({ method: "GET", path, signal: call.signal })
      if (answer.status === 404) return undefined
      return bodyOf(answer, clock.now())
    },
    async ask(path, body, call) {
      const answer = await http.send({
        method: "POST",
        path,
        signal: call.signal,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
        isRead: true,
      })
      return bodyOf(answer, clock.now())
    },
    close: http.close,
  }
}

function bodyOf(answer: HttpAnswer, nowMs: number): Record<string, unknown> {
  if (answer.status !== 200) throw squareError(answer, nowMs)
  return objectOf(answerJson(answer))
}

const refusal = "Square refused the access token"

/** What to do about a refusal (ErrorCode of category AUTHENTICATION_ERROR). */
const refusals: Readonly<Record<string, string>> = {
  ACCESS_TOKEN_EXPIRED: "the access token has expired: obtain a new one, 30 days at most after the last",
  ACCESS_TOKEN_REVOKED: "the seller has taken the access token back: let the seller authorise the application again",
  INSUFFICIENT_SCOPES: "the access token lacks a permission: let the seller grant it",
  FORBIDDEN: "the access token may not do this, or not at this location: let the seller give it the location",
}

/**
 * Converts an unsuccessful answer to an error of the right kind. The body is `{ errors: [{ category, code, detail, field }] }`.
 * Source: developer.squareup.com/docs/build-basics/general-considerations/handling-errors; limits are not published, a 429 is
 * RATE_LIMITED, to be repeated with growing pauses.
 */
function squareError(answer: HttpAnswer, nowMs: number): AppError {
  const { status } = answer
  const errors = errorsOf(answer)
  const words = errors.map(({ code, detail }) => [code, detail].filter(Boolean).join(": ")).join("; ")
  const message = `${status} ${words || answer.text.slice(0, 200)}`
  const data = { status, ...(errors[0]?.code ? { code: errors[0].code } : {}) }
  const waitMs = retryAfterMs(answer, nowMs)
  if (status === 401 || status === 403)
    return new AppError("VENDOR_KEY_REFUSED", `${refusals[errors[0]?.code ?? ""] ?? refusal}: ${message}`, { data })
  if (status === 429) return new AppError("VENDOR_UNAVAILABLE", message, { data, retryAfterMs: waitMs ?? 1000 })
  // 408 is REQUEST_TIMEOUT and says nothing about the request.
  if (status >= 500 || status === 408)
    return new AppError("VENDOR_UNAVAILABLE", message, {
      data,
      ...(waitMs === undefined ? {} : { retryAfterMs: waitMs }),
    })
  if (status >= 400) return new AppError("VENDOR_REJECTED", message, { data })
  return new AppError("VENDOR_MISBEHAVED", message, { data })
}

function errorsOf(answer: HttpAnswer): { code: string; detail: string }[] {
  try {
    return listOf(objectOf(JSON.parse(answer.text))["errors"]).map((error) => {
      const { code, detail } = objectOf(error)
      return { code: String(code ?? ""), detail: String(detail ?? "") }
    })
  } catch {
    return []
  }
}
