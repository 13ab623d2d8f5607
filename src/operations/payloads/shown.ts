import { jsonTree, type JsonNode } from "../../base/json/tree.ts"

/** A payload for people: one value a line, and on which line each value stands. */
export interface ShownPayload {
  lines: string[]
  /** By JSON pointer, counted from 1. */
  lineOf: ReadonlyMap<string, number>
  /** Whether something was left out because it is personal. */
  isRedacted: boolean
}

const hidden = '"[personal]"'
/** Objects that are about a person: of these everything but ids, codes and times is personal. */
const aboutPersons =
  /address|customer|contact|recipient|consignee|buyer|ship_?to|bill_?to|receiver|payer|partner|person|client_?details/i
/** Names of values that are personal wherever they stand. */
const personal =
  /^(?:.*_?e?-?mail.*|.*phone.*|.*mobile.*|.*first_?name|.*last_?name|.*full_?name|.*sur_?name|street.*|.*line_?[12]|address_?[12]|zip.*|.*post(?:al)?_?code|.*birth.*|.*note.*|.*comment.*|browser_?ip|ip|iban|.*card_?holder.*|.*account_?holder.*|latitude|longitude|.*vat_?(?:id|number)|tax_?id|signature)$/i
/** What may be shown of a person: it names nobody. */
const harmless =
  /^(?:id|.*_id|.*[a-z]Id|.*_?code|country.*|currency|locale|type|state|status|.*_at|.*[a-z]At|kind|method|version|created|updated)$/
const looksPersonal = /[\w.+-]+@[\w-]+\.\w+|^\+\d[\d ()/-]{6,}\d$/

/** A JSON text for people; undefined when it is none. With `hides` personal values are left out. */
export function showJson(text: string, { hides }: { hides: boolean }): ShownPayload | undefined {
  const tree = jsonTree(text)
  if (!tree) return undefined
  const shown = { lines: [] as string[], lineOf: new Map<string, number>(), isRedacted: false }
  write({ text, hides, shown }, tree, { pointer: "", key: "", head: "", tail: "", depth: 0, isPersonal: false })
  return shown
}

/** A value without what is personal in it. */
export function withoutPersonal(value: unknown): unknown {
  const shown = showJson(JSON.stringify(value), { hides: true })
  return shown ? JSON.parse(shown.lines.join("\n")) : value
}

interface Writing {
  text: string
  hides: boolean
  shown: { lines: string[]; lineOf: Map<string, number>; isRedacted: boolean }
}

interface Place {
  pointer: string
  key: string
  /** Before the value on its line, and after it. */
  head: string
  tail: string
  depth: number
  isPersonal: boolean
}

function write(writing: Writing, node: JsonNode, place: Place): void {
  const { text, shown } = writing
  const { pointer, head, tail, depth } = place
  const indent = "  ".repeat(depth)
  shown.lineOf.set(pointer, shown.lines.length + 1)
  if (!node.children || node.children.length === 0) {
    const raw = text.slice(node.start, node.end)
    const isHidden = writing.hides && isPersonalScalar(raw, place)
    if (isHidden) shown.isRedacted = true
    shown.lines.push(`${indent}${head}${isHidden ? hidden : node.children ? (node.isArray ? "[]" : "{}") : raw}${tail}`)
    return
  }
  shown.lines.push(`${indent}${head}${node.isArray ? "[" : "{"}`)
  const last = node.children.length - 1
  for (const [n, [key, child]] of node.children.entries())
    write(writing, child, {
      pointer: `${pointer}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`,
      // An item of a list is called what the list is called.
      key: node.isArray ? place.key : key,
      head: node.isArray ? "" : `${JSON.stringify(key)}: `,
      tail: n === last ? "" : ",",
      depth: depth + 1,
      isPersonal: place.isPersonal || (!node.isArray && aboutPersons.test(key)),
    })
  shown.lines.push(`${indent}${node.isArray ? "]" : "}"}${tail}`)
}

function isPersonalScalar(raw: string, { key, isPersonal }: Place): boolean {
  if (raw === "null" || raw === "true" || raw === "false" || raw === '""') return false
  if (personal.test(key)) return true
  if (isPersonal && !harmless.test(key)) return true
  return raw.startsWith('"') && looksPersonal.test(raw.slice(1, -1))
}

/** Whether a value is personal: by its name, by that of what it belongs to, or because it looks like an address or a number of a person. */
export function isPersonalAt(pointer: string, value: string): boolean {
  if (looksPersonal.test(value.replaceAll('"', ""))) return true
  const keys = pointer.split("/").filter((key) => !/^\d*$/.test(key))
  const key = keys.at(-1) ?? ""
  return personal.test(key) || (keys.some((one) => aboutPersons.test(one)) && !harmless.test(key))
}
