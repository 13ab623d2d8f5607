import { isObject } from "../../../base/json/delivered.ts"
import type { Problem } from "../../../base/errors.ts"
import { own } from "../../../base/lookup.ts"
import { cut } from "../../../base/text.ts"
import { fieldOf, listOf, textOf } from "../payloads.ts"

/** What is wrong with an order, gathered while it is read. */
export interface Findings {
  problems: Problem[]
  /** Amounts in another currency are a problem. */
  currency: string
}

/** A place in a payload. Whatever cannot be read there is noted with its pointer, and reading goes on. */
export class Spot {
  readonly value: unknown
  readonly pointer: string
  readonly #findings: Findings

  constructor(value: unknown, pointer: string, findings: Findings) {
    this.value = value
    this.pointer = pointer
    this.#findings = findings
  }

  /** Notes what is wrong here, or in a field. */
  fail(message: string, field = "", code?: Problem["code"]): void {
    const pointer = field === "" ? this.pointer : `${this.pointer}/${field}`
    this.#findings.problems.push({ pointer, message, ...(code === undefined ? {} : { code }) })
  }

  has(field: string): boolean {
    const value = fieldOf(this.value, field)
    return value !== undefined && value !== null
  }

  text(field: string): string | undefined {
    return textOf(fieldOf(this.value, field))
  }

  child(field: string): Spot {
    return new Spot(fieldOf(this.value, field), `${this.pointer}/${field}`, this.#findings)
  }

  list(field: string): Spot[] {
    const value = fieldOf(this.value, field)
    if (value !== undefined && value !== null && !Array.isArray(value)) this.fail("must be a list", field)
    return listOf(value).map((one, n) => new Spot(one, `${this.pointer}/${field}/${n}`, this.#findings))
  }

  /** What a word of Square means; one that nobody explained is a problem and never a default. */
  word<Meaning>(field: string, meanings: Readonly<Record<string, Meaning>>): Meaning | undefined {
    const word = this.text(field)
    const meaning = word === undefined ? undefined : own(meanings, word)
    if (meaning !== undefined) return meaning
    const known = Object.keys(meanings).join(", ")
    const said = word === undefined ? "is missing" : `"${cut(word, 100)}" is not known`
    this.fail(`${said}; known are ${known}`, field, "VENDOR_VALUE_UNKNOWN")
    return undefined
  }

  /** An amount in minor units, as Square writes every currency; undefined where there is none. */
  minor(field: string): number | undefined {
    const money = fieldOf(this.value, field)
    if (money === undefined || money === null) return undefined
    const [amount, currency] = [fieldOf(money, "amount"), fieldOf(money, "currency")]
    if (!isObject(money) || typeof amount !== "number" || !Number.isSafeInteger(amount)) {
      this.fail("must be an amount in whole minor units", field)
      return undefined
    }
    if (currency !== this.#findings.currency)
      this.fail(`is in ${String(currency).slice(0, 20)}, and the order in ${this.#findings.currency}`, field)
    return amount
  }

  /** An amount that must be there, and not below zero: amounts are unsigned unless Square says otherwise (Money, its description). */
  amount(field: string): number {
    if (!this.has(field)) this.fail("is missing", field)
    const minor = this.minor(field) ?? 0
    if (minor < 0) this.fail("must not be negative", field)
    return minor
  }
}
