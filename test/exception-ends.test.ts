import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"

// Every exception that code opens has somebody who closes it, or a reason why a person must. The guide has the table.
const root = join(import.meta.dirname, "..")
const guide = readFileSync(join(root, "docs/guides/operate-exceptions.md"), "utf8")
const ends = new Map(
  [...(guide.split("## How each ends")[1]?.split("\n## ")[0] ?? "").matchAll(/^\| ([^|]+?) +\| ([^|]+?) +\|$/gm)]
    .map(([, cause = "", end = ""]) => [cause, end] as const)
    .filter(([cause]) => cause !== "cause" && !cause.startsWith("---")),
)

function sourcesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sourcesBelow(path)
    return entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts") ? [path] : []
  })
}

const all = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = ""]) => found)

/** A name, or the text of the constant of this name. */
function named(text: string, name: string): string[] {
  if (name.startsWith('"')) return [name.slice(1, -1)]
  return all(text, new RegExp(`const ${name}(?:: \\w+)? = (?:part\\()?"([^"]+)"`, "g"))
}

/** The causes under which a file opens exceptions. */
function opened(path: string, text: string): string[] {
  const calls = all(text, /\bstep\s*\.(?:raise|ask)\((?:part\()?("[^"]+"|[A-Za-z]+)[,)]/g).flatMap((name) =>
    named(text, name),
  )
  const causes = text.includes("ifNobodyActs") ? all(text, /\bcause(?:: |\b = )"([^"]+)"(?! \|)/g) : []
  const templates = text.includes('"exception.opened"') ? all(text, /cause: `\$\{\w+\} ([^`]+)`/g) : []
  const engine = path.startsWith("src/durable/")
    ? all(
        text,
        /step: "((?:cannot go on|nothing to wake|deadline passed|linked document is another|linked document is not used))"/g,
      )
    : []
  const isRules = path.startsWith("src/rules/fulfilment/texts/")
  const names = isRules
    ? [...all(text, /\bstep: "([^"]+)"/g), ...all(text, /Name = "([^"]+)"/g), ...all(text, /name: "([^"]+)"/g)]
    : []
  const troubles = path === "src/rules/delivery/parcel.ts" ? all(text, /^ {2}\| "([^"]+)"$/gm) : []
  return [...calls, ...causes, ...templates, ...engine, ...names, ...troubles]
}

const found = sourcesBelow("src").flatMap((path) =>
  opened(path, readFileSync(join(root, path), "utf8")).map((cause) => ({ path, cause })),
)

describe("how exceptions end", () => {
  it("stands in the guide for every cause that code opens", () => {
    expect(found.filter(({ cause }) => !ends.has(cause))).toEqual([])
  })

  it("stands there for no cause that no code opens", () => {
    const general = [...ends.keys()].filter((cause) => !cause.startsWith("("))
    expect(general.filter((cause) => !found.some((one) => one.cause === cause))).toEqual([])
  })

  it("is by itself, by a decision, or by a person for a reason", () => {
    const vague = [...ends].filter(([, end]) => !/^by itself when |^by the decision|^by a person: /.test(end))
    expect(vague).toEqual([])
  })
})
