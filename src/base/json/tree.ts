/** A value of a JSON text, as it stands there: numbers keep their digits. */
export interface JsonNode {
  /** Offsets of the value in the text. */
  start: number
  end: number
  /** Members of an object or items of an array, by key; undefined for a scalar. */
  children?: [key: string, node: JsonNode][]
  isArray?: boolean
}

const scalar = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|"(?:[^"\\]|\\.)*"/y
const blank = /[ \t\n\r]*/y
/** Deeper ones are no payload of a vendor, and no stack is endless. */
const depthMax = 200

/** Reads a text as JSON and keeps where each value stands; undefined when it is none. */
export function jsonTree(text: string): JsonNode | undefined {
  const reader = new Reader(text)
  const node = reader.value(0)
  return node && reader.isAtEnd() ? node : undefined
}

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  isAtEnd(): boolean {
    this.#skip()
    return this.#at === this.#text.length
  }

  value(depth: number): JsonNode | undefined {
    this.#skip()
    const start = this.#at
    const opening = this.#text[start]
    if (depth > depthMax) return undefined
    if (opening !== "{" && opening !== "[") {
      const end = this.#match(scalar)
      return end === undefined ? undefined : { start, end }
    }
    this.#at += 1
    const isArray = opening === "["
    const children = this.#children(isArray, depth)
    return children && { start, end: this.#at, children, ...(isArray ? { isArray } : {}) }
  }

  #children(isArray: boolean, depth: number): JsonNode["children"] {
    const closing = isArray ? "]" : "}"
    const children: NonNullable<JsonNode["children"]> = []
    if (this.#take(closing)) return children
    for (;;) {
      const key = isArray ? String(children.length) : this.#key()
      const node = key === undefined ? undefined : this.value(depth + 1)
      if (key === undefined || !node) return undefined
      children.push([key, node])
      if (this.#take(closing)) return children
      if (!this.#take(",")) return undefined
    }
  }

  #key(): string | undefined {
    this.#skip()
    const start = this.#at
    const end = this.#text[start] === '"' ? this.#match(scalar) : undefined
    return end !== undefined && this.#take(":") ? String(parsed(this.#text.slice(start, end))) : undefined
  }

  #take(character: string): boolean {
    this.#skip()
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #skip(): void {
    blank.lastIndex = this.#at
    this.#at += blank.exec(this.#text)?.[0].length ?? 0
  }

  #match(token: RegExp): number | undefined {
    token.lastIndex = this.#at
    const found = token.exec(this.#text)?.[0]
    if (found === undefined) return undefined
    this.#at += found.length
    return this.#at
  }
}

/** A scalar's value; the text itself where it holds a control character that JSON forbids. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The value at a JSON pointer; of several members of one name the last, as `JSON.parse` takes it. */
export function nodeAt(tree: JsonNode, pointer: string): JsonNode | undefined {
  const steps = pointer.split("/").slice(1)
  let node: JsonNode | undefined = tree
  for (const step of steps) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~")
    node = node?.children?.findLast(([name]) => name === key)?.[1]
  }
  return node
}

/** A text with one value replaced by another JSON text; everything else stands as it stood. Undefined when there is no such value. */
export function replacedAt(text: string, pointer: string, json: string): string | undefined {
  const tree = jsonTree(text)
  const node = tree && nodeAt(tree, pointer)
  return node && text.slice(0, node.start) + json + text.slice(node.end)
}
