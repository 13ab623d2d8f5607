import { AppError, asAppError, type Problem } from "../../../base/errors.ts"
import { moneyFromDecimal, type Money } from "../../../base/money.ts"
import { parseInstant } from "../../../base/time.ts"

/**
 * Reads one JSON object of a vendor's payload and collects every problem with its pointer, so that a parked delivery
 * lists all its problems at once. A wrong field is read as a harmless empty value, so call `settle` before using any
 * value.
 */
export class Reader {
  readonly pointer: string
  readonly #fields: Record<string, unknown>
  readonly #problems: Problem[]

  constructor(value: unknown, pointer = "", problems: Problem[] = []) {
    this.pointer = pointer
    this.#problems = problems
    this.#fields = isObject(value) ? value : {}
    if (!isObject(value)) this.problem("", "is not an object")
  }

  problem(key: string, message: string, code?: Problem["code"]): void {
    this.#problems.push({
      pointer: key === "" ? this.pointer : `${this.pointer}/${key}`,
      message,
      ...(code && { code }),
    })
  }

  /** Throws all problems found so far: VENDOR_VALUE_UNKNOWN when all of them are unknown values. */
  settle(what: string): void {
    if (this.#problems.length === 0) return
    const isOnlyUnknown = this.#problems.every((problem) => problem.code === "VENDOR_VALUE_UNKNOWN")
    throw new AppError(
      isOnlyUnknown ? "VENDOR_VALUE_UNKNOWN" : "TRANSLATION_FAILED",
      `${what}: ${this.#problems.length} problem(s), first at ${this.#problems[0]?.pointer}: ${this.#problems[0]?.message}`,
      { problems: this.#problems },
    )
  }

  /** Like `settle`, for the response to a call of ours: VENDOR_MISBEHAVED. */
  settleAnswer(what: string): void {
    const [first] = this.#problems
    if (first)
      throw new AppError("VENDOR_MISBEHAVED", `${what}: ${first.pointer} ${first.message}`, {
        problems: this.#problems,
      })
  }

  has(key: string): boolean {
    return this.#fields[key] !== undefined && this.#fields[key] !== null
  }

  text(key: string): string {
    const value = this.#fields[key]
    if (typeof value === "string" && value !== "") return value
    this.problem(key, "must be text")
    return ""
  }

  /** Text that may be absent, null or empty, which all mean the same in these payloads. */
  optionalText(key: string): string | undefined {
    const value = this.#fields[key]
    if (value === undefined || value === null || value === "") return undefined
    if (typeof value === "string") return value
    this.problem(key, "must be text")
    return undefined
  }

  flag(key: string): boolean {
    const value = this.#fields[key]
    if (typeof value !== "boolean") this.problem(key, "must be true or false")
    return value === true
  }

  count(key: string): number {
    const value = this.#fields[key]
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value
    this.problem(key, "must be a whole number that is not negative")
    return 0
  }

  /** A rate as percent text: 0.0625 → "6.25". The decimal point is moved in the text, so that there is no float rounding. */
  ratePercent(key: string): string | undefined {
    const value = this.#fields[key]
    if (value === undefined || value === null) return undefined
    if (typeof value !== "number" || !(value >= 0 && value < 10)) {
      this.problem(key, "must be a rate between 0 and 10")
      return undefined
    }
    const [whole = "0", fraction = ""] = value.toFixed(10).split(".")
    const digits = `${whole}${fraction.slice(0, 2)}`.replace(/^0+(?=\d)/, "")
    const rest = fraction.slice(2).replace(/0+$/, "")
    return rest === "" ? digits : `${digits}.${rest}`
  }

  /** An id in either form: the number of REST, or the end of a GraphQL gid. */
  id(key: string): string {
    const value = this.#fields[key]
    if (typeof value === "number" && Number.isSafeInteger(value)) return String(value)
    // A gid may have a query after its number, e.g. `gid://shopify/Duty/1?x=2`.
    const tail = typeof value === "string" ? /(?:^|\/)(\d+)(?:\?.*)?$/.exec(value)?.[1] : undefined
    if (tail !== undefined) return tail
    this.problem(key, "must be an id that JSON can hold exactly")
    return ""
  }

  /** A time with its offset, in UTC to the second: both forms have whole seconds. */
  moment(key: string): string {
    const value = this.text(key)
    const at = parseInstant(value)
    if (at === undefined && value !== "") this.problem(key, "must be a time with an offset")
    return at === undefined ? "" : `${at.slice(0, 19)}.000Z`
  }

  /** An enum value, compared without regard to case: REST writes `paid`, GraphQL `PAID`. */
  oneOf<Value extends string>(key: string, known: readonly Value[]): Value {
    const text = this.text(key)
    const found = known.find((value) => value === text.toLowerCase())
    if (found === undefined && text !== "")
      this.problem(key, `"${text}" is not one of ${known.join(", ")}`, "VENDOR_VALUE_UNKNOWN")
    // The first value stands in until `settle` throws.
    return found ?? (known[0] as Value)
  }

  amount(key: string, currency: string): Money {
    return this.moneyOf(key, this.text(key), currency)
  }

  moneyOf(key: string, text: string, currency: string): Money {
    if (text === "") return { amountMinor: 0, currency }
    try {
      return moneyFromDecimal(text, currency)
    } catch (thrown) {
      this.problem(key, asAppError(thrown).message, "VENDOR_VALUE_UNKNOWN")
      return { amountMinor: 0, currency }
    }
  }

  object(key: string): Reader {
    return new Reader(this.#fields[key], `${this.pointer}/${key}`, this.#problems)
  }

  optionalObject(key: string): Reader | undefined {
    return this.has(key) ? this.object(key) : undefined
  }

  list(key: string): Reader[] {
    const value = this.#fields[key]
    if (value === undefined || value === null) return []
    if (!Array.isArray(value)) {
      this.problem(key, "must be a list")
      return []
    }
    return value.map((item, index) => new Reader(item, `${this.pointer}/${key}/${index}`, this.#problems))
  }

  /** The nodes of a GraphQL connection. A second page is a problem, because its entries would be lost. */
  nodes(key: string): Reader[] {
    const connection = this.optionalObject(key)
    if (!connection) return []
    if (connection.optionalObject("pageInfo")?.flag("hasNextPage"))
      connection.problem("pageInfo/hasNextPage", "there are more entries than one page holds")
    return connection.list("nodes")
  }

  /** Values that may have any type. */
  rawNumber(key: string): number | undefined {
    const value = this.#fields[key]
    return typeof value === "number" ? value : undefined
  }

  rawList(key: string): unknown[] | undefined {
    const value = this.#fields[key]
    return Array.isArray(value) ? value : undefined
  }

  /** The whole object as JSON, to pass it on unchanged. */
  json(): string {
    return JSON.stringify(this.#fields)
  }

  rawText(key: string): string | undefined {
    const value = this.#fields[key]
    return typeof value === "string" ? value : undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
