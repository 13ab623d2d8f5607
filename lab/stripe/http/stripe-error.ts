// Types and codes: docs.stripe.com/api/errors and docs.stripe.com/error-codes.

export type StripeErrorType = "invalid_request_error" | "card_error" | "idempotency_error" | "api_error"

export type StripeErrorFields = {
  type?: StripeErrorType
  code?: string
  message: string
  param?: string
  decline_code?: string
  charge?: string
  payment_intent?: unknown
}

/** An answer from 400 up, in Stripe's envelope. */
export class StripeError extends Error {
  readonly status: number
  readonly fields: StripeErrorFields
  /**
   * Found before the endpoint began to execute: such results are not kept under the idempotency key
   * (docs.stripe.com/api/idempotent_requests).
   */
  readonly isValidation: boolean
  constructor(status: number, fields: StripeErrorFields, isValidation = false) {
    super(fields.message)
    this.status = status
    this.fields = fields
    this.isValidation = isValidation
  }
}

export function errorBody(error: StripeErrorFields): { error: StripeErrorFields & { doc_url?: string } } {
  const docUrl =
    error.code === undefined
      ? {}
      : { doc_url: `https://stripe.com/docs/error-codes/${error.code.replaceAll("_", "-")}` }
  return { error: { type: "invalid_request_error", ...error, ...docUrl } }
}

export function invalidParameter(param: string, message: string, code?: string): StripeError {
  return new StripeError(400, { message, param, ...(code === undefined ? {} : { code }) }, true)
}

export function missingResource(kind: string, id: string, param: string): StripeError {
  return new StripeError(404, { code: "resource_missing", message: `No such ${kind}: '${id}'`, param }, true)
}
