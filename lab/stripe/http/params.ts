import type { FormFields } from "./form.ts"
import type { Metadata } from "../payments/records.ts"
import { invalidParameter } from "./stripe-error.ts"

/** Refuses fields the endpoint does not have, as Stripe does (docs.stripe.com/error-codes, parameter_unknown). */
export function allowOnly(fields: FormFields, allowed: readonly string[]): void {
  for (const name of Object.keys(fields))
    if (!allowed.includes(name))
      throw invalidParameter(name, `Received unknown parameter: ${name}`, "parameter_unknown")
}

export function text(fields: FormFields, name: string): string | undefined {
  const value = fields[name]
  if (value === undefined || value === "") return undefined
  if (typeof value !== "string") throw invalidParameter(name, `Invalid string: ${name}`)
  return value
}

export function requiredText(fields: FormFields, name: string): string {
  const value = text(fields, name)
  if (value === undefined) throw invalidParameter(name, `Missing required param: ${name}.`, "parameter_missing")
  return value
}

export function integer(fields: FormFields, name: string): number | undefined {
  const value = text(fields, name)
  if (value === undefined) return undefined
  if (!/^-?\d{1,15}$/.test(value))
    throw invalidParameter(name, `Invalid integer: ${value}`, "parameter_invalid_integer")
  return Number(value)
}

export function flag(fields: FormFields, name: string): boolean | undefined {
  const value = text(fields, name)
  if (value === undefined) return undefined
  if (value !== "true" && value !== "false") throw invalidParameter(name, `Invalid boolean: ${value}`)
  return value === "true"
}

export function oneOf<T extends string>(fields: FormFields, name: string, allowed: readonly T[]): T | undefined {
  const value = text(fields, name)
  if (value === undefined) return undefined
  const found = allowed.find((candidate) => candidate === value)
  if (found === undefined) throw invalidParameter(name, `Invalid ${name}: must be one of ${allowed.join(", ")}`)
  return found
}

export function nested(fields: FormFields, name: string): FormFields {
  const value = fields[name]
  return typeof value === "object" && !Array.isArray(value) ? value : {}
}

export function textList(fields: FormFields, name: string): string[] {
  const value = fields[name]
  return Array.isArray(value) ? value.filter((item) => typeof item === "string") : []
}

/** At most 50 keys of 40 characters with values of 500 (docs.stripe.com/api/metadata); an empty value removes its key. */
export function mergedMetadata(before: Metadata, fields: FormFields): Metadata {
  const given = fields["metadata"]
  if (given === undefined) return before
  if (given === "") return {}
  if (typeof given === "string" || Array.isArray(given)) throw invalidParameter("metadata", "Invalid hash")
  const merged: Metadata = { ...before }
  for (const [key, value] of Object.entries(given)) {
    if (typeof value !== "string") throw invalidParameter(`metadata[${key}]`, "Metadata values must be strings")
    if (key.length > 40) throw invalidParameter("metadata", `Metadata keys can have up to 40 characters: ${key}`)
    if (value.length > 500) throw invalidParameter(`metadata[${key}]`, "Metadata values can have up to 500 characters")
    if (value === "") delete merged[key]
    else merged[key] = value
  }
  if (Object.keys(merged).length > 50) throw invalidParameter("metadata", "Metadata can have up to 50 keys")
  return merged
}

// docs.stripe.com/currencies: three-decimal currencies; the last digit of their amounts must be 0.
const threeDecimalCurrencies = new Set(["bhd", "jod", "kwd", "omr", "tnd"])
// docs.stripe.com/currencies, minimum charge amounts, in the minor unit.
const minimumAmounts: Record<string, number> = {
  eur: 50,
  usd: 50,
  gbp: 30,
  jpy: 50,
  chf: 50,
  cad: 50,
  sek: 300,
  nok: 300,
}
// docs.stripe.com/currencies: eight digits.
const amountMax = 99_999_999

/** An amount Stripe would charge in that currency. */
export function chargeableAmount(
  amount: number | undefined,
  { currency, param }: { currency: string; param: string },
): number {
  if (amount === undefined) throw invalidParameter(param, `Missing required param: ${param}.`, "parameter_missing")
  if (amount < 1)
    throw invalidParameter(param, `This value must be greater than or equal to 1.`, "parameter_invalid_integer")
  if (amount > amountMax) throw invalidParameter(param, `Amount must be no more than ${amountMax}`, "amount_too_large")
  if (amount < (minimumAmounts[currency] ?? 1))
    throw invalidParameter(param, `Amount must be at least ${minimumAmounts[currency]} ${currency}`, "amount_too_small")
  demandWholeUnits(amount, currency, param)
  return amount
}

/** The last digit of an amount of a three-decimal currency must be 0. */
export function demandWholeUnits(amount: number, currency: string, param: string): void {
  if (threeDecimalCurrencies.has(currency) && amount % 10 !== 0)
    throw invalidParameter(param, `The last digit of an amount in ${currency} must be 0`, "parameter_invalid_integer")
}

/** The smallest amount from `amount` up that `chargeableAmount` takes. */
export function holdableAmount(amount: number, currency: string): number {
  const enough = Math.max(amount, minimumAmounts[currency] ?? 1)
  return threeDecimalCurrencies.has(currency) ? Math.ceil(enough / 10) * 10 : enough
}
