import { posix } from "node:path"
import { entryPoints } from "./rules.ts"
import { isInSrc, isTest, lineAt, resolved, type Source, type SourceFile, type Violation } from "./source.ts"

/** Files nobody needs. What is below `src` must be needed by more than tests. A path in a string counts: it is started. */
export function deadFiles(sources: readonly Source[], files: readonly SourceFile[]): Violation[] {
  const needed = new Set<string>()
  for (const source of sources) {
    const mentioned = source.literals.flatMap(({ text }) => (/\.(ts|tsx|mjs)$/.test(text) ? [text] : []))
    for (const specifier of [...source.imports.map((one) => one.specifier), ...mentioned])
      for (const target of [resolved(source, specifier), posix.normalize(specifier)])
        if (target !== undefined && target !== source.path && !(isTest(source.path) && isInSrc(target)))
          needed.add(target)
  }
  const manifest = files.find((file) => file.path === "package.json")?.text ?? ""
  return sources
    .filter(({ path }) => !isTest(path) && !needed.has(path) && !manifest.includes(path))
    .filter(({ path }) => !entryPoints.some((entry) => entry.test(path)))
    .map(({ path }) => ({
      rule: "dead file",
      path,
      line: 1,
      message: isInSrc(path) ? "nothing but tests needs it" : "nothing needs it",
      remedy: "delete it, wire it up, or name it as an entry point in test/tidy/rules.ts",
    }))
}

/**
 * Exports that no other file names. A type may be there for the signature of something else in its file; a value may not.
 * Tests count: some parts are published for them.
 */
export function deadExports(sources: readonly Source[]): Violation[] {
  const importers = new Map<string, Source[]>()
  for (const source of sources)
    for (const { specifier } of source.imports) {
      const target = resolved(source, specifier)
      if (target !== undefined) importers.set(target, [...(importers.get(target) ?? []), source])
    }
  return sources
    .filter(({ path }) => !isTest(path) && !entryPoints.some((entry) => entry.test(path)))
    .flatMap((source) => {
      const others = importers.get(source.path) ?? []
      return exportsOf(source)
        .filter(({ name }) => !others.some(({ bare }) => mentions(bare, name)))
        .filter(({ name, isType }) => !isType || source.bare.match(word(name))?.length === 1)
        .map(({ name, line }) => ({
          rule: "dead export",
          path: source.path,
          line,
          message: `nothing else names ${name}`,
          remedy: "delete it, or keep it to its file",
        }))
    })
}

const word = (name: string) => new RegExp(`\\b${name}\\b`, "g")
const mentions = (text: string, name: string) => text.includes(name) && word(name).test(text)

function exportsOf({ code }: Source): { name: string; isType: boolean; line: number }[] {
  const exported = /^export (?:async |declare |abstract )*(function\*?|const|let|class|interface|type|enum) (\w+)/gm
  return [...code.matchAll(exported)].map((match) => ({
    name: match[2] ?? "",
    isType: match[1] === "interface" || match[1] === "type",
    line: lineAt(code, match.index),
  }))
}
