import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { areas } from "../src/areas.ts"
import type { Area } from "../src/areas/define-area.ts"

const root = join(import.meta.dirname, "..")
const all: readonly Area[] = areas
const declared = all.flatMap(({ actions = [] }) => actions.map(({ name }) => name))

function sourcesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sourcesBelow(path)
    return entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts") ? [path] : []
  })
}

/** Every action that a file offers: what is in quotes behind `allowedActions:`, also under a name the file gave a list. */
function offered(text: string): string[] {
  const quoted = (part: string) => [...part.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name)
  return [...text.matchAll(/allowedActions: ((?:[^\n[]|\[[^\]]*\])*)/g)].flatMap(([, value = ""]) => {
    const names = [...value.matchAll(/\b[a-z][A-Za-z]+\b/g)].map(([name]) => name)
    const lists = names.flatMap((name) => new RegExp(`const ${name} = \\[([^\\]]*)\\]`).exec(text)?.[1] ?? [])
    return [...quoted(value), ...lists.flatMap(quoted)]
  })
}

describe("actions on exceptions", () => {
  it("an exception offers only actions that an area declares, and every declared one is offered", () => {
    const found = sourcesBelow("src").flatMap((path) =>
      offered(readFileSync(join(root, path), "utf8")).map((action) => ({ path, action })),
    )
    expect(found.filter(({ action }) => !declared.includes(action))).toEqual([])
    expect(declared.filter((name) => !found.some(({ action }) => action === name))).toEqual([])
  })

  it("no two areas declare an action of one name", () => {
    expect(new Set(declared).size).toBe(declared.length)
  })

  it("lists under a name and over several lines are read", () => {
    expect(offered(`const both = ["open", "close"] as const\n  allowedActions: both,`)).toEqual(["open", "close"])
    expect(offered(`allowedActions: isAsked ? ["apply"] : ["note"],`)).toEqual(["apply", "note"])
    expect(offered(`allowedActions: [\n  "one",\n  "two",\n],`)).toEqual(["one", "two"])
  })
})
