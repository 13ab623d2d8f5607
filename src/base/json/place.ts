/** Where a text stops being JSON. */
export interface JsonPlace {
  /** JSON pointer of the value that cannot be read. */
  pointer: string
  /** Both count from 1. */
  line: number
  column: number
  expected: string
}

interface Level {
  isObject: boolean
  /** The member or item that is being read; undefined before a member's name. */
  key: string | number | undefined
}

const blank = /[ \t\n\r]*/y
const scalar = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
// eslint-disable-next-line no-control-regex -- JSON forbids control characters in strings
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y

/**
 * The first place at which a text is no JSON (RFC 8259); undefined when it is JSON. `JSON.parse` names no place in most of its
 * errors and quotes the text, which may hold personal data. Linear in the length of the text; nesting costs memory only.
 */
export function brokenPlace(text: string): JsonPlace | undefined {
  const scanner = new Scanner(text)
  return scanner.run() ? undefined : scanner.place()
}

class Scanner {
  readonly #text: string
  #at = 0
  #expected = "a value"
  readonly #levels: Level[] = []

  constructor(text: string) {
    this.#text = text
  }

  /** Reads the whole text; false when it stopped before its end. */
  run(): boolean {
    for (;;) {
      const isOpened = this.#open()
      if (isOpened === undefined) return false
      // A level that was opened and not closed at once begins with its first item.
      if (isOpened) continue
      for (;;) {
        const level = this.#levels.at(-1)
        if (!level) return this.#take(/$/y, "the end of the body")
        if (this.#takeIf(",")) {
          if (level.isObject && !this.#member(level)) return false
          if (!level.isObject) level.key = Number(level.key) + 1
          break
        }
        if (!this.#take(level.isObject ? /\}/y : /\]/y, level.isObject ? "a comma or }" : "a comma or ]")) return false
        this.#levels.pop()
      }
    }
  }

  place(): JsonPlace {
    const before = this.#text.slice(0, this.#at)
    const lineStart = before.lastIndexOf("\n") + 1
    const steps = this.#levels.flatMap(({ key }) => (key === undefined ? [] : [String(key)]))
    const pointer = steps.map((step) => `/${step.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")
    return { pointer, line: before.split("\n").length, column: this.#at - lineStart + 1, expected: this.#expected }
  }

  /** Reads a scalar (false), or opens a level and comes before its first item (true). */
  #open(): boolean | undefined {
    if (this.#takeIf("{")) {
      if (this.#takeIf("}")) return false
      const level = { isObject: true, key: undefined }
      this.#levels.push(level)
      return this.#member(level) ? true : undefined
    }
    if (this.#takeIf("[")) {
      if (this.#takeIf("]")) return false
      this.#levels.push({ isObject: false, key: 0 })
      return true
    }
    if (this.#match(scalar) ?? this.#match(string)) return false
    this.#expected = this.#text[this.#at] === '"' ? "a string that ends, without control characters" : "a value"
    return undefined
  }

  #member(level: Level): boolean {
    level.key = undefined
    const name = this.#match(string)
    if (name === undefined) {
      this.#expected = "the name of a member in double quotes"
      return false
    }
    level.key = String(JSON.parse(name))
    return this.#take(/:/y, "a colon")
  }

  #take(token: RegExp, expected: string): boolean {
    this.#expected = expected
    return this.#match(token) !== undefined
  }

  #takeIf(character: string): boolean {
    this.#match(blank)
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #match(token: RegExp): string | undefined {
    blank.lastIndex = this.#at
    if (token !== blank) this.#at += blank.exec(this.#text)?.[0].length ?? 0
    token.lastIndex = this.#at
    const found = token.exec(this.#text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }
}
