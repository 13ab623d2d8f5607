import { AppError, asAppError, type ErrorCode, type Problem } from "../../../base/errors.ts"
import { isObject } from "../../../base/json/delivered.ts"
import { roundedMoney, type Money } from "../../../base/money.ts"
import { snakeCase } from "../../../base/text.ts"
import { parseInstant } from "../../../base/time.ts"
import type { MoneyPair } from "../../../canonical/parts.ts"
import type { Key, Reading } from "../payloads.ts"
import { percentText } from "./percent.ts"

type Shared = { reading?: Reading; isMissing?: boolean }

/**
 * Reads one JSON object of a vendor's payload and collects every problem with its pointer, so that a parked part lists all its
 * problems at once. A wrong field is read as a harmless empty value, so look at `problems` before using any value.
 */
export class Reader {
  readonly pointer: string
  readonly problems: Problem[]
  readonly #fields: Record<string, unknown>
  readonly #reading: Reading
  /** No object was there: that is one problem, and its fields are none. */
  readonly #isMissing: boolean

  constructor(value: unknown, from: Partial<Pick<Reader, "pointer" | "problems" | "isRest">> & Shared = {}) {
    this.pointer = from.pointer ?? ""
    this.problems = from.problems ?? []
    this.#reading = from.reading ?? { isRest: from.isRest ?? false, roundings: 0 }
    this.#isMissing = from.isMissing ?? false
    this.#fields = isObject(value) ? value : {}
    if (isObject(value)) return
    this.problem("", "is not an object")
    this.#isMissing = true
  }

  /** The same object with problems of its own: what is wrong with it does not count against the others. */
  apart(): Reader {
    return new Reader(this.#fields, { pointer: this.pointer, reading: this.#reading })
  }

  get isRest(): boolean {
    return this.#reading.isRest
  }

  get roundings(): number {
    return this.#reading.roundings
  }

  /** From here on amounts may lack their currency. With `isOnlyThese` an amount in another one is a problem. */
  knowCurrency(currency: { shop: string; presentment: string }, { isOnlyThese = false } = {}): void {
    Object.assign(this.#reading, { currency, isOnlyThese })
  }

  /** A currency that is not the order's: what is stated in it is not to be added to the rest. */
  checkCurrency(key: Key, view: "shop" | "presentment", stated: string): void {
    const { currency, isOnlyThese } = this.#reading
    if (isOnlyThese && currency && stated !== "" && stated !== currency[view])
      this.problem(
        key,
        `${stated}, but the order is in ${currency[view]} on the ${view === "shop" ? "shop" : "buyer"}'s side`,
      )
  }

  problem(key: Key, message: string, code?: Problem["code"]): void {
    if (this.#isMissing) return
    this.problems.push({ pointer: this.#at(key), message, ...(code && { code }) })
  }

  /** Throws all problems found so far: VENDOR_VALUE_UNKNOWN when all of them are unknown values. */
  settle(what: string): void {
    const isOnlyUnknown = this.problems.every((problem) => problem.code === "VENDOR_VALUE_UNKNOWN")
    this.#throw(what, isOnlyUnknown ? "VENDOR_VALUE_UNKNOWN" : "TRANSLATION_FAILED")
  }

  /** Like `settle`, for the response to a call of ours: VENDOR_MISBEHAVED. */
  settleAnswer(what: string): void {
    this.#throw(what, "VENDOR_MISBEHAVED")
  }

  #throw(what: string, code: ErrorCode): void {
    const [first, ...more] = this.problems
    if (!first) return
    const others = more.length === 0 ? "" : ` and ${more.length} more`
    throw new AppError(code, `${what}: ${first.pointer} ${first.message}${others}`, { problems: this.problems })
  }

  has(key: Key): boolean {
    return this.raw(key) !== undefined
  }

  /** The value as it is; undefined when it is absent or null, which mean the same in these payloads. */
  raw(key: Key): unknown {
    return this.#fields[this.#name(key)] ?? undefined
  }

  text(key: Key): string {
    const value = this.raw(key)
    if (typeof value === "string" && value !== "") return value
    this.problem(key, "must be text")
    return ""
  }

  /** Text that may be absent, null or empty, which all mean the same in these payloads. */
  optionalText(key: Key): string | undefined {
    const value = this.raw(key)
    if (value === undefined || value === "") return undefined
    if (typeof value === "string") return value
    this.problem(key, "must be text")
    return undefined
  }

  /** A value that apps write as they like: text as it is, anything else as JSON. */
  anyText(key: Key): string {
    const value = this.raw(key)
    if (value === undefined) return ""
    return typeof value === "string" ? value : JSON.stringify(value)
  }

  flag(key: Key): boolean {
    const value = this.raw(key)
    if (typeof value !== "boolean") this.problem(key, "must be true or false")
    return value === true
  }

  /** A flag that older payloads lack. One that is there and neither true nor false is a problem: it is not taken for false. */
  isTrue(key: Key): boolean {
    return this.has(key) && this.flag(key)
  }

  count(key: Key): number {
    const value = this.raw(key)
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value
    this.problem(key, "must be a whole number that is not negative")
    return 0
  }

  /** A rate as percent text: 0.0625 → "6.25". */
  ratePercent(key: Key): string | undefined {
    const value = this.raw(key)
    if (typeof value === "number" && value >= 0 && value < 10) return percentText(value)
    if (value !== undefined) this.problem(key, "must be a rate between 0 and 10")
    return undefined
  }

  /** An id in either form: the number of REST, or the end of a GraphQL gid. */
  id(key: Key): string {
    const found = this.optionalId(key)
    if (found === undefined) this.problem(key, "must be an id that JSON can hold exactly")
    return found ?? ""
  }

  optionalId(key: Key): string | undefined {
    const value = this.raw(key)
    if (typeof value === "number" && Number.isSafeInteger(value)) return String(value)
    // A gid may have a query after its number, e.g. `gid://shopify/Duty/1?x=2`.
    return typeof value === "string" ? /(?:^|\/)(\d+)(?:\?.*)?$/.exec(value)?.[1] : undefined
  }

  /** A time with its offset, in UTC to the second: both forms have whole seconds. */
  moment(key: Key): string {
    const value = this.text(key)
    const at = parseInstant(value)
    if (at !== undefined) return `${at.slice(0, 19)}.000Z`
    if (value !== "") this.problem(key, "must be a time with an offset, e.g. 2026-11-20T10:00:00+01:00")
    return ""
  }

  optionalMoment(key: Key): string | undefined {
    return this.has(key) ? this.moment(key) : undefined
  }

  /** An enum value, compared without regard to case: REST writes `paid`, GraphQL `PAID`. */
  oneOf<Value extends string>(key: Key, known: readonly Value[]): Value {
    const text = this.text(key)
    const found = known.find((value) => value === text.toLowerCase())
    if (found === undefined && text !== "")
      this.problem(key, `"${text}" is not one of ${known.join(", ")}`, "VENDOR_VALUE_UNKNOWN")
    // The first value stands in: a reader with problems is not used.
    return found ?? (known[0] as Value)
  }

  /** A decimal amount, as text or as a JSON number; finer than the minor unit it is rounded, which `roundings` counts. */
  amount(key: Key, currency: string, times = 1): Money {
    const text = this.decimal(key)
    if (text === undefined) {
      this.problem(key, "must be an amount")
      return { amountMinor: 0, currency }
    }
    // A currency that is not there is a problem of its own field.
    if (currency === "") return { amountMinor: 0, currency }
    try {
      const { amount, isRounded } = roundedMoney(text, { currency, times })
      if (isRounded) this.#reading.roundings += 1
      return amount
    } catch (thrown) {
      this.problem(key, asAppError(thrown).message, "VENDOR_VALUE_UNKNOWN")
      return { amountMinor: 0, currency }
    }
  }

  decimal(key: Key): string | undefined {
    const value = this.raw(key)
    return typeof value === "number" || (typeof value === "string" && value !== "") ? String(value) : undefined
  }

  /**
   * An amount in both currencies, times a quantity: `priceSet` of GraphQL, `price_set` of REST. Payloads of older API versions have
   * only a plain amount in the shop's currency, which serves where the buyer's is the same.
   */
  pair(key: Key, { plain, times = 1 }: { plain?: string; times?: number } = {}): MoneyPair {
    const { isRest, currency } = this.#reading
    const isPlain = isRest && plain !== undefined && !this.has(key) && this.has(plain)
    if (!isPlain || currency?.shop !== currency?.presentment) return this.object(key).sides(times)
    const amount = this.amount(plain, currency?.shop ?? "", times)
    return { shop: amount, presentment: amount }
  }

  /** This object is a set of two amounts itself. */
  sides(times = 1): MoneyPair {
    const read = (view: "shop" | "presentment") => {
      const side = this.object(`${view}Money`)
      const key = side.isRest && side.has("currency") ? "currency" : "currencyCode"
      const currency = side.text(key)
      side.checkCurrency(key, view, currency)
      return side.amount("amount", currency, times)
    }
    return { shop: read("shop"), presentment: read("presentment") }
  }

  object(key: Key): Reader {
    return this.#inner(this.raw(key), this.#at(key))
  }

  optionalObject(key: Key): Reader | undefined {
    return this.has(key) ? this.object(key) : undefined
  }

  list(key: Key): Reader[] {
    const value = this.raw(key)
    if (value === undefined) return []
    if (!Array.isArray(value)) {
      this.problem(key, "must be a list")
      return []
    }
    return value.map((item, index) => this.#inner(item, `${this.#at(key)}/${index}`))
  }

  /** Entries of a list that are read each for itself: what is wrong with one does not count against the others. */
  parts(key: Key): Reader[] {
    const values = this.rawList(key)
    if (!values && this.has(key)) this.problem(key, "must be a list")
    return (values ?? []).map(
      (value, index) => new Reader(value, { pointer: `${this.#at(key)}/${index}`, reading: this.#reading }),
    )
  }

  /** A list of REST, or the nodes of a GraphQL connection. A second page is a problem, because its entries would be lost. */
  nodes(key: Key): Reader[] {
    const connection = this.isRest ? undefined : this.optionalObject(key)
    if (!connection) return this.isRest ? this.list(key) : []
    if (connection.optionalObject("pageInfo")?.flag("hasNextPage"))
      connection.problem("pageInfo/hasNextPage", "there are more entries than one page holds")
    return connection.list("nodes")
  }

  /** Values that may have any type. */
  rawList(key: Key): unknown[] | undefined {
    const value = this.raw(key)
    return Array.isArray(value) ? value : undefined
  }

  rawText(key: Key): string | undefined {
    const value = this.raw(key)
    return typeof value === "string" ? value : undefined
  }

  /** The whole object, to pass it on unchanged. */
  json(): string {
    return JSON.stringify(this.#fields)
  }

  #name(key: Key): string {
    if (typeof key !== "string") return this.isRest ? key.rest : key.graph
    return this.isRest ? snakeCase(key) : key
  }

  #at(key: Key): string {
    return key === "" ? this.pointer : `${this.pointer}/${this.#name(key)}`
  }

  #inner(value: unknown, pointer: string): Reader {
    return new Reader(value, { pointer, problems: this.problems, reading: this.#reading, isMissing: this.#isMissing })
  }
}
