import { AppError } from "../../base/errors.ts"
import { answerJson, createHttpClient, headerText, retryAfterMs, type HttpAnswer } from "../../base/http.ts"
import type { Clock } from "../../base/time.ts"
import { validator } from "../../canonical/validate.ts"
import type { Call } from "../../ports/write.ts"
import { ErrorEnvelope, type FormFields } from "./payloads.ts"

/** The API version of every call, so that the account's default never applies. npm stripe 23.1.0 pins the same. */
export const stripeVersion = "2026-10-28.endive"

export interface StripeSettings {
  baseUrl?: string
  secretKey: string
  timeoutMs?: number
  allowPrivateNetwork?: boolean
}

type CallContext = Omit<Call, "key">

export interface StripeClient {
  get(path: string, call: CallContext): Promise<unknown>
  /**
   * Posts under the call's key. Stripe stores the response to a key for a day or more, even a 500, and replays it. Then
   * `find` checks whether the call had taken effect, and only if not, the next key of the same series is used.
   */
  post<Result>(write: StripePost<Result>): Promise<Result>
  close(): void
}

export interface StripePost<Result> {
  path: string
  fields: FormFields
  call: Call
  read(body: unknown): Result
  find(): Promise<Result | undefined>
}

// After this many stored failures of one series of keys a person must investigate.
const keysMax = 4

const envelopes = validator(ErrorEnvelope, "Stripe error")

/** Errors: see `stripeError`; the HTTP client reports a broken connection. */
export function createStripeClient(settings: StripeSettings, clock: Clock): StripeClient {
  const http = createHttpClient({
    baseUrl: settings.baseUrl ?? "https://api.stripe.com",
    timeoutMs: settings.timeoutMs ?? 20_000,
    headers: { authorization: `Bearer ${settings.secretKey}`, "stripe-version": stripeVersion },
    ...(settings.allowPrivateNetwork === undefined ? {} : { allowPrivateNetwork: settings.allowPrivateNetwork }),
  })
  const postOnce = (path: string, fields: FormFields, { key, call }: { key: string; call: Call }) =>
    http.send({
      method: "POST",
      path,
      signal: call.signal,
      headers: { "idempotency-key": key, "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(fields).toString(),
    })
  return {
    async get(path, call) {
      const answer = await http.send({ method: "GET", path, signal: call.signal })
      if (answer.status !== 200) throw stripeError(answer, { isRead: true, nowMs: clock.now() })
      return answerJson(answer)
    },
    async post({ path, fields, call, read, find }) {
      // A refusal is stored as well, so a person's retry would only hear it again.
      const series = call.refusals === undefined ? call.key : `${call.key}-r${call.refusals}`
      for (let attempt = 1; attempt <= keysMax; attempt++) {
        const key = attempt === 1 ? series : `${series}-${attempt}`
        const answer = await postOnce(path, fields, { key, call })
        if (answer.status === 200) return readWritten(answer, read)
        if (!isStoredFailure(answer)) throw stripeError(answer, { isRead: false, nowMs: clock.now() })
        const found = await find()
        if (found !== undefined) return found
      }
      throw new AppError("VENDOR_MISBEHAVED", `Stripe replays a failure for ${keysMax} keys of ${series}`)
    },
    close: http.close,
  }
}

// A 200 that cannot be read was still a success, so it is looked up.
function readWritten<Result>(answer: HttpAnswer, read: (body: unknown) => Result): Result {
  try {
    return read(answerJson(answer))
  } catch (error) {
    if (error instanceof AppError && error.code !== "VENDOR_MISBEHAVED") throw error
    throw new AppError("VENDOR_UNCERTAIN", "Stripe returned 200 with a body that cannot be read", { cause: error })
  }
}

// docs.stripe.com/api/idempotent_requests, read 2026-11: the first response is kept "including 500 errors"; a replay has this header.
function isStoredFailure(answer: HttpAnswer): boolean {
  return answer.status >= 500 && headerText(answer, "idempotent-replayed") === "true"
}

/** Converts an unsuccessful response into an error with the correct kind. Source: docs.stripe.com/api/errors, /error-codes. */
function stripeError(answer: HttpAnswer, { isRead, nowMs }: { isRead: boolean; nowMs: number }): AppError {
  const { status } = answer
  const error = envelopeOf(answer)
  const words =
    [error?.code, error?.decline_code, error?.message].filter(Boolean).join(": ") || answer.text.slice(0, 200)
  const message = `${status} ${words}`
  const data = {
    status,
    ...(error?.code ? { code: error.code } : {}),
    ...(error?.decline_code ? { declineCode: error.decline_code } : {}),
  }
  const waitMs = retryAfterMs(answer, nowMs)
  const wait = waitMs === undefined ? {} : { retryAfterMs: waitMs }
  if (status === 401 || status === 403)
    return new AppError("VENDOR_KEY_REFUSED", `Stripe refused the secret key and did nothing: ${message}`, { data })
  if (status === 429) return new AppError("VENDOR_UNAVAILABLE", message, { data, retryAfterMs: waitMs ?? 1_000 })
  // A 409 means that another request with the same key is still running, so its effect is not known yet.
  if (status >= 500 || status === 409)
    return new AppError(isRead ? "VENDOR_UNAVAILABLE" : "VENDOR_UNCERTAIN", message, { data, ...wait })
  if (error?.type === "idempotency_error" || error?.code === "payment_intent_unexpected_state")
    return new AppError("VENDOR_CONFLICT", message, { data })
  if (status >= 400) return new AppError("VENDOR_REJECTED", message, { data })
  return new AppError(isRead ? "VENDOR_MISBEHAVED" : "VENDOR_UNCERTAIN", message, { data })
}

function envelopeOf(answer: HttpAnswer) {
  try {
    const body: unknown = JSON.parse(answer.text)
    return envelopes.problems(body).length === 0 ? envelopes.parse(body).error : undefined
  } catch {
    return undefined
  }
}
