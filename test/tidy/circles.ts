import { limits } from "./rules.ts"
import { resolved, type Source, type Violation } from "./source.ts"

/** Circles of imports that exist at run time. Types are erased. */
export function circles(sources: readonly Source[]): Violation[] {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const state = new Map<string, "open" | "done">()
  const found: Violation[] = []
  const visit = (path: string, trail: string[]): void => {
    const source = byPath.get(path)
    if (!source || state.get(path) === "done") return
    if (state.get(path) === "open") {
      const circle = [...trail.slice(trail.indexOf(path)), path]
      const remedy = "move what both need into a file of its own, or pass it in"
      found.push({ rule: "import cycle", path, line: 1, message: circle.join(" → "), remedy })
      return
    }
    state.set(path, "open")
    for (const { specifier, isType } of source.imports) {
      const target = isType ? undefined : resolved(source, specifier)
      if (target !== undefined) visit(target, [...trail, path])
    }
    state.set(path, "done")
  }
  for (const { path } of sources) visit(path, [])
  return found
}

/** Groups of files that need each other's types. A few are natural: a thing and what is done with it. */
export function typeCircles(sources: readonly Source[]): Violation[] {
  const groups = groupsOf(sources)
  if (groups.length <= limits.typeCircles) return []
  const remedy = "move a type that both sides need into a file of its own"
  return groups.map((paths) => ({
    rule: "type circle",
    path: paths[0] ?? "",
    line: 1,
    message: `one of ${groups.length} circles, at most ${limits.typeCircles}: ${paths.join(", ")}`,
    remedy,
  }))
}

/** Files that reach each other through imports, types included, as sorted groups of at least two (Tarjan's components). */
function groupsOf(sources: readonly Source[]): string[][] {
  const byPath = new Map(sources.map((source) => [source.path, source]))
  const order = new Map<string, number>()
  const stack: string[] = []
  const groups: string[][] = []
  /** Returns the earliest file on the stack that this one reaches. */
  const visit = (source: Source): number => {
    const at = order.size
    let lowest = at
    order.set(source.path, at)
    stack.push(source.path)
    for (const { specifier } of source.imports) {
      const target = byPath.get(resolved(source, specifier) ?? "")
      if (!target) continue
      const seen = order.get(target.path)
      if (seen === undefined) lowest = Math.min(lowest, visit(target))
      else if (stack.includes(target.path)) lowest = Math.min(lowest, seen)
    }
    if (lowest === at) {
      const group = stack.splice(stack.indexOf(source.path))
      if (group.length > 1) groups.push(group.sort())
    }
    return lowest
  }
  for (const source of sources) if (!order.has(source.path)) visit(source)
  return groups
}
