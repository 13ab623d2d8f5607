import { isObject } from "../../base/json/delivered.ts"
import { AppError } from "../../base/errors.ts"

// Fields that are read, as the OpenAPI description names them (github.com/square/connect-api-specification, 2025-08-20) and the wire
// types of npm square 46.0.0 have them. What may be personal (buyers, addresses, cards, notes) is left out of what is kept.

/** A value that must be a JSON object. VENDOR_MISBEHAVED otherwise. */
export function objectOf(value: unknown): Record<string, unknown> {
  if (isObject(value)) return value
  throw new AppError("VENDOR_MISBEHAVED", `expected a JSON object, not ${JSON.stringify(value)?.slice(0, 100)}`)
}

/** A list, where Square leaves empty ones out. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined
}

/** A field of an object that may be none. */
export function fieldOf(value: unknown, ...path: readonly string[]): unknown {
  let at = value
  for (const name of path) at = isObject(at) && Object.hasOwn(at, name) ? at[name] : undefined
  return at
}

/** Fields that are never kept: people, addresses, accounts, and words that somebody wrote about them (CashAppDetails, ACHDetails, Refund). */
const personal = new Set([
  "customer_id",
  "fulfillments",
  "metadata",
  "note",
  "ticket_name",
  "buyer_email_address",
  "billing_address",
  "shipping_address",
  "cardholder_name",
  "fingerprint",
  "bin",
  "last_4",
  "exp_month",
  "exp_year",
  "additional_recipients",
  "cash_app_details",
  "bank_account_details",
  "receipt_url",
  "reason",
  "risk_evaluation",
])

/** An object of Square without what may be personal. */
export function withoutPersonal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPersonal)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, one]) => (personal.has(name) ? [] : [[name, withoutPersonal(one)]])),
  )
}

/** What a receipt is made of: an order, and what it names. `type` tells it from notifications. */
export interface ReadOrder {
  type: typeof readOrderType
  order: unknown
  payments: readonly unknown[]
  /** PaymentRefunds whose order this is. */
  refunds: readonly unknown[]
  /** The SKU of each variation; null where Square has none, absent where it does not know the variation. */
  skus: Readonly<Record<string, string | null>>
  /** Location of each order that goods come back of; null where Square does not have it. */
  sources: Readonly<Record<string, string | null>>
  /** When each of these orders was completed. */
  soldAt?: Readonly<Record<string, string | null>>
}

export const readOrderType = "crossdock.order.read"
