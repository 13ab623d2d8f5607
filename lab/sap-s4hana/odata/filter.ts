import { ODataError } from "./error.ts"

export type Fields = Record<string, unknown>

export type Filter = {
  matches(fields: Fields): boolean
  /** Every field that a condition names. */
  names: readonly string[]
  /** Conditions that hold for every result; they let a store use an index. */
  equals: { field: string; value: string }[]
}

type Token = { kind: "word" | "text" | "open" | "close" | "comma"; value: string }

const tokenPattern =
  /\s*(?:((?:datetimeoffset|datetime|guid)?'(?:[^']|'')*')|([A-Za-z_][\w/]*|-?\d+(?:\.\d+)?[mMdDfFlL]?)|([(),]))/y

/** The part of OData V2 filters a connector needs: comparisons, and, or, not, startswith, substringof. */
export function parseFilter(text: string): Filter {
  return new Parser(text).parse()
}

export type Condition = Omit<Filter, "names">

class Parser {
  readonly #text: string
  readonly #tokens: Token[]
  readonly #names = new Set<string>()
  #position = 0

  constructor(text: string) {
    this.#text = text
    this.#tokens = tokenize(text)
  }

  parse(): Filter {
    const filter = this.#either()
    if (this.#position !== this.#tokens.length) throw invalid(this.#text)
    return { ...filter, names: [...this.#names] }
  }

  #either(): Condition {
    let left = this.#both()
    while (this.#accept("or")) {
      const before = left
      const right = this.#both()
      left = { matches: (fields) => before.matches(fields) || right.matches(fields), equals: [] }
    }
    return left
  }

  #both(): Condition {
    let left = this.#one()
    while (this.#accept("and")) {
      const before = left
      const right = this.#one()
      const equals = [...before.equals, ...right.equals]
      left = { matches: (fields) => before.matches(fields) && right.matches(fields), equals }
    }
    return left
  }

  #one(): Condition {
    if (this.#accept("not")) {
      const inner = this.#one()
      return { matches: (fields) => !inner.matches(fields), equals: [] }
    }
    if (this.#tokens[this.#position]?.kind === "open") {
      this.#position += 1
      const inner = this.#either()
      this.#expect("close")
      return inner
    }
    return this.#comparison()
  }

  #comparison(): Condition {
    const first = this.#take().value
    if (first === "startswith" || first === "substringof") return this.#textFunction(first)
    const operator = this.#take().value
    const value = literal(this.#take())
    const compare = comparators[operator]
    this.#names.add(first)
    if (compare === undefined) throw invalid(this.#text)
    return {
      matches: (fields) => compare(comparable(fields[first]), value),
      equals: operator === "eq" ? [{ field: first, value }] : [],
    }
  }

  /** `startswith(field,'x')` but `substringof('x',field)`; both may be followed by `eq true`. */
  #textFunction(name: "startswith" | "substringof"): Condition {
    this.#expect("open")
    const first = this.#take()
    this.#expect("comma")
    const second = this.#take()
    this.#expect("close")
    if (this.#tokens[this.#position]?.value === "eq") this.#position += 2
    const [field, part] = name === "startswith" ? [first.value, literal(second)] : [second.value, literal(first)]
    this.#names.add(field)
    const test = name === "startswith" ? "startsWith" : "includes"
    return { matches: (fields) => String(fields[field] ?? "")[test](part), equals: [] }
  }

  #take(): Token {
    const token = this.#tokens[this.#position++]
    if (token === undefined) throw invalid(this.#text)
    return token
  }

  #accept(word: string): boolean {
    const token = this.#tokens[this.#position]
    if (token?.kind !== "word" || token.value !== word) return false
    this.#position += 1
    return true
  }

  #expect(kind: Token["kind"]): void {
    if (this.#take().kind !== kind) throw invalid(this.#text)
  }
}

const comparators: Record<string, (left: string, right: string) => boolean> = {
  eq: (left, right) => left === right,
  ne: (left, right) => left !== right,
  gt: (left, right) => order(left, right) > 0,
  ge: (left, right) => order(left, right) >= 0,
  lt: (left, right) => order(left, right) < 0,
  le: (left, right) => order(left, right) <= 0,
}

/** Dates come as `/Date(ms)/` and are compared as padded milliseconds; numbers by size, everything else as text. */
function order(left: string, right: string): number {
  const isNumber = /^-?\d+(\.\d+)?$/
  if (isNumber.test(left) && isNumber.test(right)) return Number(left) - Number(right)
  return left < right ? -1 : left > right ? 1 : 0
}

function comparable(value: unknown): string {
  const text = String(value ?? "")
  return /^\/Date\((-?\d+)/.exec(text)?.[1] ?? text
}

function literal(token: Token): string {
  const match = /^(datetimeoffset|datetime|guid)?'(.*)'$/s.exec(token.value)
  if (match === null) return token.value.replace(/[mMdDfFlL]$/, "")
  const inner = (match[2] ?? "").replaceAll("''", "'")
  if (match[1]?.startsWith("datetime")) return String(Date.parse(/Z|[+-]\d\d:\d\d$/.test(inner) ? inner : `${inner}Z`))
  return inner
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  const trimmed = text.trim()
  tokenPattern.lastIndex = 0
  while (tokenPattern.lastIndex < trimmed.length) {
    const match = tokenPattern.exec(trimmed)
    if (match === null) throw invalid(text)
    if (match[1] !== undefined) tokens.push({ kind: "text", value: match[1] })
    else if (match[2] !== undefined) tokens.push({ kind: "word", value: match[2] })
    else tokens.push({ kind: match[3] === "(" ? "open" : match[3] === ")" ? "close" : "comma", value: match[3] ?? "" })
  }
  return tokens
}

function invalid(text: string): ODataError {
  return new ODataError(400, "/IWBEP/CM_MGW_EXPR_OSQL/001", `Invalid $filter expression: ${text.slice(0, 200)}`)
}
