import { AppError } from "../errors.ts"
import type { XmlAttribute, XmlElement } from "./element.ts"
import { attributesOf, nameIn, plainText, xmlLimits } from "./xml-text.ts"

interface Open {
  element: XmlElement
  /** As it was written, for its end tag. */
  name: string
  spaces: ReadonlyMap<string, string>
}

/** What a reader tells of. */
export interface XmlListener {
  /** The outermost element, with its attributes and nothing in it yet. */
  onRoot(root: XmlElement): void
  /** A child of it, whole; or `undefined` in place of one that is longer than the limit, with the line it began at. */
  onChild(child: XmlElement | undefined, line: number): void
}

const xmlSpaces: ReadonlyMap<string, string> = new Map([["xml", "http://www.w3.org/XML/1998/namespace"]])

/**
 * Reads XML 1.0 with namespaces, in parts of any length, and tells of the root's children one by one: memory is bounded by the longest
 * child. Strict: what is not well-formed is REQUEST_MALFORMED with its line and column.
 *
 * Document types and entities of one's own are refused, whatever they hold: nothing is fetched, and nothing grows when it is read. Deeper than 64
 * levels, more than 64 namespaces at a place, or a tag longer than a mebibyte, is REQUEST_TOO_LARGE; more than 100 attributes is REQUEST_MALFORMED.
 */
export class XmlReader {
  readonly #listener: XmlListener
  readonly #childLengthMax: number
  readonly #open: Open[] = []
  #buffer = ""
  #line = 1
  #column = 1
  #isBegun = false
  #hasRoot = false
  #childLength = 0

  constructor(listener: XmlListener, { childLengthMax }: { childLengthMax: number }) {
    this.#listener = listener
    this.#childLengthMax = childLengthMax
  }

  write(text: string): void {
    this.#buffer += text
    this.#consume(false)
  }

  /** Says that nothing more comes. */
  end(): void {
    this.#consume(true)
    const last = this.#open.at(-1)
    if (last) throw this.malformed(`the end of ${last.name}, which began at line ${last.element.line}`)
    if (!this.#hasRoot) throw this.malformed("an element")
  }

  /** An error at the place that is being read. */
  malformed(expected: string, code: "REQUEST_MALFORMED" | "REQUEST_TOO_LARGE" = "REQUEST_MALFORMED"): AppError {
    const message = code === "REQUEST_MALFORMED" ? "the XML is not well-formed" : "the XML is larger than what is read"
    return new AppError(code, message, {
      problems: [{ pointer: `line ${this.#line}, column ${this.#column}`, message: `expected ${expected}` }],
    })
  }

  #consume(isEnd: boolean): void {
    const buffer = this.#buffer
    let at = 0
    while (at < buffer.length) {
      const end = buffer[at] === "<" ? this.#markup(buffer, at) : this.#characters(buffer, at, isEnd)
      if (end < 0) {
        if (isEnd) throw this.malformed("the end of what begins here")
        this.#checkLength(buffer.length - at)
        break
      }
      this.#advance(buffer, at, end)
      at = end
    }
    this.#buffer = buffer.slice(at)
  }

  #checkLength(length: number): void {
    if (length > xmlLimits.tokenLength)
      throw this.malformed("a tag or a comment of at most a mebibyte", "REQUEST_TOO_LARGE")
  }

  #advance(buffer: string, from: number, to: number): void {
    this.#isBegun = true
    // Of what was read only: a file without line ends would be searched to its end for each tag.
    const lines = buffer.slice(from, to).split("\n")
    this.#line += lines.length - 1
    this.#column = (lines.length > 1 ? 1 : this.#column) + (lines.at(-1)?.length ?? 0)
    if (this.#open.length >= 2) this.#childLength += to - from
  }

  /** Text up to the next tag; -1 when it may go on. What could be half a reference or half a line end waits for more. */
  #characters(buffer: string, from: number, isEnd: boolean): number {
    const next = buffer.indexOf("<", from)
    let end = next < 0 ? buffer.length : next
    if (next < 0 && !isEnd) {
      const half = buffer.lastIndexOf("&")
      end = Math.min(half >= from && !buffer.includes(";", half) ? half : end, buffer.length - 2)
      // Never between the halves of a pair.
      if (/[\uD800-\uDBFF]/.test(buffer[end - 1] ?? "")) end -= 1
      if (end <= from) return -1
    }
    const text = buffer.slice(from, end)
    if (text.includes("]]>")) throw this.malformed("no ]]> in text")
    this.#text(plainText(text, this))
    return end
  }

  #text(text: string): void {
    const open = this.#open.at(-1)
    if (!open) {
      if (/[^\s]/.test(text)) throw this.malformed("an element, not text")
    } else if (!this.#isTooLong) open.element.text += text
  }

  /** The place after what begins at `from`; -1 when its end has not come. */
  #markup(buffer: string, from: number): number {
    if (buffer.startsWith("<!--", from)) return this.#comment(buffer, from)
    if (buffer.startsWith("<![CDATA[", from)) return this.#cdata(buffer, from)
    if (buffer.startsWith("<?", from)) return this.#instruction(buffer, from)
    if (buffer.startsWith("<!", from)) {
      if (buffer.length - from < 9) return -1
      const what = "no document type: DTDs and entities are refused"
      throw this.malformed(buffer.startsWith("<!DOCTYPE", from) ? what : "an element")
    }
    const end = tagEnd(buffer, from)
    if (end === -1) return -1
    if (end < -1) throw this.malformed("a tag without < in it")
    this.#checkLength(end - from)
    if (buffer[from + 1] === "/") this.#close(buffer.slice(from + 2, end))
    else if (buffer[end - 1] === "/") {
      this.#begin(buffer.slice(from + 1, end - 1))
      this.#finish()
    } else this.#begin(buffer.slice(from + 1, end))
    return end + 1
  }

  #comment(buffer: string, from: number): number {
    const end = buffer.indexOf("--", from + 4)
    if (end < 0 || end + 2 >= buffer.length) return -1
    if (buffer[end + 2] !== ">") throw this.malformed("no -- within a comment")
    plainText("", this, buffer.slice(from + 4, end))
    return end + 3
  }

  #cdata(buffer: string, from: number): number {
    const end = buffer.indexOf("]]>", from + 9)
    if (end < 0) return -1
    if (this.#open.length === 0) throw this.malformed("an element, not text")
    this.#text(plainText("", this, buffer.slice(from + 9, end)))
    return end + 3
  }

  #instruction(buffer: string, from: number): number {
    const end = buffer.indexOf("?>", from + 2)
    if (end < 0) return -1
    const isDeclaration = /^xml\s/i.test(buffer.slice(from + 2, end))
    if (isDeclaration && this.#isBegun) throw this.malformed("the XML declaration only at the very beginning")
    if (isDeclaration && !/^xml\s+version\s*=\s*["']1\.\d+["']/.test(buffer.slice(from + 2, end)))
      throw this.malformed("XML 1.0")
    return end + 2
  }

  get #isTooLong(): boolean {
    return this.#open.length >= 2 && this.#childLength > this.#childLengthMax
  }

  #begin(tag: string): void {
    if (this.#open.length === 0 && this.#hasRoot) throw this.malformed("nothing after the outermost element")
    if (this.#open.length >= xmlLimits.depth)
      throw this.malformed(`at most ${xmlLimits.depth} levels of elements`, "REQUEST_TOO_LARGE")
    const name = nameIn(tag, 0)
    if (name === "") throw this.malformed("the name of an element")
    const parent = this.#open.at(-1)
    const written = attributesOf(tag.slice(name.length), this)
    const spaces = spacesWith(parent?.spaces ?? xmlSpaces, written)
    if (spaces.size > xmlLimits.namespaces)
      throw this.malformed(`at most ${xmlLimits.namespaces} namespaces`, "REQUEST_TOO_LARGE")
    const attributes: XmlAttribute[] = written
      .filter(([key]) => key !== "xmlns" && !key.startsWith("xmlns:"))
      .map(([key, value]) => ({ ...this.#resolved(key, spaces, ""), value }))
    const distinct = new Set(attributes.map(({ local, uri }) => `${uri} ${local}`))
    if (distinct.size < attributes.length) throw this.malformed("each attribute once")
    const element = {
      ...this.#resolved(name, spaces, spaces.get("") ?? ""),
      attributes,
      children: [],
      text: "",
      line: this.#line,
    }
    if (this.#open.length === 1) this.#childLength = 0
    else if (parent && !this.#isTooLong) parent.element.children.push(element)
    this.#open.push({ element, name, spaces })
    if (this.#hasRoot) return
    this.#hasRoot = true
    this.#listener.onRoot(element)
  }

  #resolved(name: string, spaces: ReadonlyMap<string, string>, byDefault: string): { local: string; uri: string } {
    const [prefix, local, more] = name.split(":")
    if (local === undefined) return { local: name, uri: byDefault }
    const uri = spaces.get(prefix ?? "")
    if (uri === undefined || local === "" || more !== undefined)
      throw this.malformed(`a namespace for the prefix of ${name}`)
    return { local, uri }
  }

  #close(text: string): void {
    const name = text.trimEnd()
    const last = this.#open.at(-1)
    if (!last || last.name !== name) throw this.malformed(last ? `</${last.name}>` : "an element")
    this.#finish()
  }

  #finish(): void {
    const isTooLong = this.#isTooLong
    const done = this.#open.pop()
    if (done && this.#open.length === 1) this.#listener.onChild(isTooLong ? undefined : done.element, done.element.line)
  }
}

/** Where a tag ends; -1 when that has not come, -2 when another begins in it. Values in quotes may have `>` in them. */
function tagEnd(buffer: string, from: number): number {
  for (let at = from + 1; at < buffer.length; at += 1) {
    const one = buffer[at]
    if (one === ">") return at
    if (one === "<") return -2
    if (one !== '"' && one !== "'") continue
    at = buffer.indexOf(one, at + 1)
    if (at < 0) return -1
  }
  return -1
}

function spacesWith(
  outer: ReadonlyMap<string, string>,
  written: readonly (readonly [string, string])[],
): ReadonlyMap<string, string> {
  const own = written.filter(([key]) => key === "xmlns" || key.startsWith("xmlns:"))
  if (own.length === 0) return outer
  return new Map([...outer, ...own.map(([key, uri]) => [key === "xmlns" ? "" : key.slice(6), uri] as const)])
}
