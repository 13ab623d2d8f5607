import { posix } from "node:path"

/** A file as the shape rules see it; a path is relative to the project's root, with `/`. */
export interface SourceFile {
  path: string
  text: string
}

export interface Violation {
  rule: string
  path: string
  line: number
  message: string
  remedy: string
}

export interface Literal {
  text: string
  line: number
  /** A template with a tag (`sql`…) hands its values over as parameters. */
  isTagged: boolean
  /** A template with values in it. */
  hasValues: boolean
  /** Joined to something by `+` on its right. */
  isJoined: boolean
}

export interface Import {
  specifier: string
  line: number
  /** Erased at run time. */
  isType: boolean
}

export interface Source extends SourceFile {
  /** The text without comments. Lines stay where they are. */
  code: string
  /** The text without comments and without what stands inside quotes, templates and patterns. */
  bare: string
  literals: Literal[]
  imports: Import[]
}

/** Whether it is a test. */
export const isTest = (path: string) => /\.(test|e2e)\.tsx?$/.test(path)

/** Whether it is part of the product. */
export const isInSrc = (path: string) => path.startsWith("src/")

/** The file an import names; undefined for a package. */
export function resolved(source: Source, specifier: string): string | undefined {
  return specifier.startsWith(".") ? posix.normalize(posix.join(posix.dirname(source.path), specifier)) : undefined
}

/** Reads what the rules need out of one file: a scanner, no parser, because it runs over everything within a second. */
export function readSource(file: SourceFile): Source {
  const scanned = new Scanner(file.text).scan()
  return { ...file, ...scanned, imports: readImports(scanned.code) }
}

export function lineAt(text: string, index: number): number {
  let line = 1
  for (let at = text.indexOf("\n"); at !== -1 && at < index; at = text.indexOf("\n", at + 1)) line += 1
  return line
}

function readImports(code: string): Import[] {
  const imports: Import[] = []
  const statement =
    /(?:^|\n)[ \t]*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]*?\sfrom\s*)?"([^"\n]+)"|\bimport\(\s*"([^"\n]+)"/g
  for (const match of code.matchAll(statement)) {
    const specifier = match[2] ?? match[3]
    // `import type` is erased as a whole; `import { type A }` still loads the file.
    if (specifier !== undefined)
      imports.push({ specifier, line: lineAt(code, match.index + match[0].length), isType: match[1] !== undefined })
  }
  return imports
}

const blank = (text: string) => text.replaceAll(/[^\n]/g, " ")

// Runs of characters that mean nothing to the scanner, in code and in a template.
const plain = /[^"'`/{}]+|./sy
const plainInTemplate = /[^`$\\]+|\\.|./sy

class Scanner {
  readonly literals: Literal[] = []
  readonly #text: string
  readonly #code: string[] = []
  readonly #bare: string[] = []
  /** The end of `bare`: tells a pattern from a division, a tagged template from a plain one. */
  #recent = ""
  #at = 0
  #line = 1

  constructor(text: string) {
    this.#text = text
  }

  scan(): { code: string; bare: string; literals: Literal[] } {
    while (this.#at < this.#text.length) this.#step()
    return { code: this.#code.join(""), bare: this.#bare.join(""), literals: this.literals }
  }

  #step(): void {
    const two = this.#text.slice(this.#at, this.#at + 2)
    if (two === "//") return this.#comment(this.#indexOf("\n"))
    if (two === "/*") return this.#comment(this.#indexOf("*/") + 2)
    const character = two[0] ?? ""
    if (character === '"' || character === "'") return this.#string(character)
    if (character === "`") return this.#template()
    if (character === "/" && this.#isPatternStart()) return this.#pattern()
    plain.lastIndex = this.#at
    const run = plain.exec(this.#text)?.[0] ?? character
    this.#put(run, run)
  }

  #indexOf(text: string): number {
    const at = this.#text.indexOf(text, this.#at + (text.length > 1 ? 2 : 0))
    return at === -1 ? this.#text.length : at
  }

  #put(code: string, bare: string): void {
    this.#code.push(code)
    this.#bare.push(bare)
    this.#recent = (this.#recent + bare.slice(-40)).slice(-40)
    this.#at += code.length
    for (let at = code.indexOf("\n"); at !== -1; at = code.indexOf("\n", at + 1)) this.#line += 1
  }

  #comment(end: number): void {
    const space = blank(this.#text.slice(this.#at, end))
    this.#put(space, space)
  }

  /** Something between two marks, which stay to be seen in `bare`. */
  #quoted(end: number): void {
    const part = this.#text.slice(this.#at, end)
    this.#put(part, `${part.slice(0, 1)}${blank(part.slice(1, -1))}${part.length > 1 ? part.slice(-1) : ""}`)
  }

  #string(quote: string): void {
    const start = this.#at
    const line = this.#line
    let end = start + 1
    while (end < this.#text.length && this.#text[end] !== quote) end += this.#text[end] === "\\" ? 2 : 1
    this.#quoted(end + 1)
    this.#note(this.#text.slice(start + 1, end), { line, isTagged: false, hasValues: false })
  }

  #template(): void {
    const line = this.#line
    const isTagged = /[\w)\]>]$/.test(this.#recent)
    let text = ""
    let hasValues = false
    this.#put("`", "`")
    while (this.#at < this.#text.length && this.#text[this.#at] !== "`") {
      if (this.#text.startsWith("${", this.#at)) {
        hasValues = true
        this.#values()
        continue
      }
      plainInTemplate.lastIndex = this.#at
      const part = plainInTemplate.exec(this.#text)?.[0] ?? ""
      text += part
      this.#put(part, blank(part))
    }
    this.#put("`", "`")
    this.#note(text, { line, isTagged, hasValues })
  }

  /** Code inside a template, up to its own closing brace. */
  #values(): void {
    this.#put("${", "${")
    for (let depth = 1; this.#at < this.#text.length;) {
      const character = this.#text[this.#at]
      if (character === "{") depth += 1
      if (character === "}") depth -= 1
      if (depth === 0) break
      this.#step()
    }
    this.#put("}", "}")
  }

  #isPatternStart(): boolean {
    return /(^|[(,=:[!&|?{};+\n]|\breturn|=>)\s*$/.test(this.#recent)
  }

  #pattern(): void {
    let end = this.#at + 1
    let isInClass = false
    while (end < this.#text.length && this.#text[end] !== "\n" && (isInClass || this.#text[end] !== "/")) {
      if (this.#text[end] === "[") isInClass = true
      if (this.#text[end] === "]") isInClass = false
      end += this.#text[end] === "\\" ? 2 : 1
    }
    this.#quoted(end + 1)
  }

  #note(text: string, found: Pick<Literal, "line" | "isTagged" | "hasValues">): void {
    const isJoined = /^\s*\+/.test(this.#text.slice(this.#at, this.#at + 40))
    this.literals.push({ text, ...found, isJoined })
  }
}
