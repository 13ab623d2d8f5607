/** A version of a document. */
export interface Version {
  document: unknown
}

/** A value of the newest version, and the first version from which on it was so. */
export interface OriginatedValue {
  /** JSON pointer in the newest document. */
  pointer: string
  value: string | number | boolean | null
  /** Place of the version in the list. */
  since: number
  /** What stood there before; missing when nothing did. */
  before?: string | number | boolean | null
}

type Leaf = OriginatedValue["value"]

/**
 * Which version set each value of the newest one; versions oldest first. Members of lists are the same when they have the same `id`,
 * wherever they stand, so a line that moves up keeps its history; those without an id are the same when they stand at the same place.
 */
export function originsOf(versions: readonly Version[]): OriginatedValue[] {
  const leaves = versions.map(({ document }) => leavesOf(document))
  const newest = leaves.at(-1)
  if (!newest) return []
  return [...newest].map(([identity, { pointer, value }]) => {
    let since = versions.length - 1
    while (since > 0 && leaves[since - 1]?.get(identity)?.value === value) since -= 1
    const before = since === 0 ? undefined : leaves[since - 1]?.get(identity)?.value
    return { pointer, value, since, ...(before === undefined ? {} : { before }) }
  })
}

function leavesOf(document: unknown): Map<string, { pointer: string; value: Leaf }> {
  const leaves = new Map<string, { pointer: string; value: Leaf }>()
  const walk = (node: unknown, at: { pointer: string; identity: string }) => {
    if (typeof node !== "object" || node === null)
      return void leaves.set(at.identity, { pointer: at.pointer, value: node as Leaf })
    for (const [key, child] of Object.entries(node)) {
      const name = Array.isArray(node) ? (idOf(child) ?? `#${key}`) : key
      const escaped = key.replaceAll("~", "~0").replaceAll("/", "~1")
      walk(child, { pointer: `${at.pointer}/${escaped}`, identity: `${at.identity}\n${name}` })
    }
  }
  walk(document, { pointer: "", identity: "" })
  return leaves
}

function idOf(member: unknown): string | undefined {
  const id = typeof member === "object" && member !== null && "id" in member ? member.id : undefined
  return typeof id === "string" ? `=${id}` : undefined
}
