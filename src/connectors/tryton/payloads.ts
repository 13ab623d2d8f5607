import { AppError } from "../../base/errors.ts"
import { moneyFromDecimal, type Money } from "../../base/money.ts"
import { objectOf } from "./client.ts"

// Tryton's JSON, seen on 6.0.29: decimals and dates are objects; an amount of a float is taken without a word, so none is sent.

/** A decimal as Tryton's JSON wants it. */
export function decimal(text: string): object {
  return { __class__: "Decimal", decimal: text }
}

/** A calendar day as Tryton's JSON wants it, from `YYYY-MM-DD`. */
export function day(date: string): object {
  const [year, month, dayOfMonth] = date.split("-").map(Number)
  return { __class__: "date", year, month, day: dayOfMonth }
}

/** Rows of `read` and `search_read`. */
export function rowsOf(answer: unknown): Record<string, unknown>[] {
  if (!Array.isArray(answer)) throw new AppError("VENDOR_MISBEHAVED", "an answer without rows")
  return answer.map(objectOf)
}

/** A field that must be text. */
export function textOf(row: Record<string, unknown>, name: string): string {
  const value = row[name]
  if (typeof value === "string") return value
  throw new AppError("VENDOR_MISBEHAVED", `field ${name} is not text`)
}

/** A field that must be the id of a record. */
export function idOf(row: Record<string, unknown>, name = "id"): number {
  const value = row[name]
  if (typeof value === "number" && Number.isSafeInteger(value)) return value
  throw new AppError("VENDOR_MISBEHAVED", `field ${name} is no id`)
}

/** A field that must be a list of ids. */
export function idsOf(row: Record<string, unknown>, name: string): number[] {
  const value = row[name]
  if (Array.isArray(value) && value.every((id) => Number.isSafeInteger(id))) return value
  throw new AppError("VENDOR_MISBEHAVED", `field ${name} is no list of ids`)
}

/** A decimal field as money: "10" and "20.00" are both seen. */
export function moneyOf(row: Record<string, unknown>, name: string, currency: string): Money {
  const text = objectOf(row[name])["decimal"]
  if (typeof text !== "string") throw new AppError("VENDOR_MISBEHAVED", `field ${name} is no decimal`)
  return moneyFromDecimal(text, currency)
}

/** Tryton's moment as an instant; its clock is UTC. `fraction` has the microseconds, which an instant cuts. */
export function momentOf(value: unknown): string | undefined {
  const { __class__: kind, ...part } = objectOf(value)
  if (kind !== "datetime") return undefined
  const [year, month, day, hour, minute, second, micro] = [
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "microsecond",
  ].map((name) => String(Number(part[name] ?? 0)))
  const two = (text = "") => text.padStart(2, "0")
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}.${(micro ?? "").padStart(6, "0")}Z`
}

/** An instant, with up to six digits of a second, as Tryton's JSON wants it. */
export function datetime(moment: string): object {
  const [, year, month, day, hour, minute, second, fraction = ""] =
    /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)(?:\.(\d+))?Z$/.exec(moment) ?? []
  const numbers = { year, month, day, hour, minute, second, microsecond: fraction.padEnd(6, "0") }
  return {
    __class__: "datetime",
    ...Object.fromEntries(Object.entries(numbers).map(([name, text]) => [name, Number(text)])),
  }
}
