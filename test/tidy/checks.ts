import { posix } from "node:path"
import { circles, typeCircles } from "./circles.ts"
import { connectorFolders } from "./connector-folders.ts"
import { deadExports, deadFiles } from "./dead.ts"
import {
  bans,
  documentedPlaces,
  forbiddenNames,
  importTable,
  limits,
  outsideAreas,
  rootAreas,
  sqlStart,
} from "./rules.ts"
import {
  isInSrc,
  isTest,
  lineAt,
  readSource,
  resolved,
  type Source,
  type SourceFile,
  type Violation,
} from "./source.ts"
import { tables } from "./tables.ts"

/** Every violation in a list of files, sorted by path. */
export function violationsOf(files: readonly SourceFile[]): Violation[] {
  const sources = files.filter((file) => isProgram(file.path)).map(readSource)
  const found = [
    ...sources.flatMap((source) => [
      ...directions(source),
      ...length(source),
      ...banned(source),
      ...interpolatedSql(source),
      ...inheritedNames(source),
      ...names(source.path),
      ...docstrings(source),
      ...packages(source, files),
    ]),
    ...files.flatMap((file) => leftovers(file)),
    ...circles(sources),
    ...typeCircles(sources),
    ...deadFiles(sources, files),
    ...deadExports(sources),
    ...folders(sources),
    ...connectorFolders(files),
    ...tables(sources, files),
    ...readme(files),
  ]
  return found.sort((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1))
}

const isProgram = (path: string) => /\.(ts|tsx|mjs)$/.test(path)

/** The area a path belongs to: a folder of `src`, a folder beside it, or one of the two files that know everything. */
function areaOf(path: string): string {
  const [top = "", second = "", third] = path.split("/")
  if (second === "") return "settings"
  if (top !== "src") return top
  return third === undefined ? second.replace(/\.ts$/, "") : second
}

function directions(source: Source): Violation[] {
  const from = areaOf(source.path)
  return source.imports.flatMap(({ specifier, line }) => {
    const target = resolved(source, specifier)
    if (target === undefined) return []
    const to = areaOf(target)
    const why = forbidden(source.path, target)
    if (why === undefined) return []
    const remedy = `move the code to where both may see it, pass it in from src/wiring.ts, or (if the design changed) edit test/tidy/rules.ts and ARCHITECTURE.md`
    return [{ rule: "import direction", path: source.path, line, message: `${from} imports ${to}: ${why}`, remedy }]
  })
}

function forbidden(path: string, target: string): string | undefined {
  const [from, to] = [areaOf(path), areaOf(target)]
  if (from === "connectors" && to === "connectors") {
    const [mine, other] = [path.split("/")[2], target.split("/")[2]]
    return mine === other || isTest(path) ? undefined : "a connector never knows another connector"
  }
  if (from === to) return undefined
  if (isTest(path))
    return from === "lab" && isInSrc(target) ? "the lab knows nothing of src, not even in tests" : undefined
  if (isInSrc(path) && outsideAreas.includes(to)) return `nothing below src may depend on ${to}`
  if (rootAreas.includes(from)) return undefined
  const allowed = importTable[from]
  if (allowed === undefined) return `the area ${from} is not in the import table`
  return allowed.includes(to) ? undefined : `it may import ${allowed.join(", ") || "nothing else of the project"}`
}

function packages(source: Source, files: readonly SourceFile[]): Violation[] {
  const manifest = files.find((file) => file.path === "package.json")
  if (!manifest || !isInSrc(source.path) || isTest(source.path)) return []
  const { dependencies = {} } = JSON.parse(manifest.text) as { dependencies?: Record<string, string> }
  return source.imports.flatMap(({ specifier, line }) => {
    if (specifier.startsWith(".") || specifier.startsWith("node:")) return []
    const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/")
    if (name in dependencies) return []
    const remedy = "add it to dependencies with a line in docs/decisions/dependencies.md, or do without"
    return [
      { rule: "runtime dependency", path: source.path, line, message: `${name} is no runtime dependency`, remedy },
    ]
  })
}

function length({ path, text }: Source): Violation[] {
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0)
  const max = isTest(path) ? limits.testLines : path.startsWith("console/") ? limits.pageLines : limits.fileLines
  if (lines <= max) return []
  return [
    {
      rule: "file length",
      path,
      line: max,
      message: `${lines} lines, at most ${max}`,
      remedy: "split it by what it does",
    },
  ]
}

function banned({ path, bare }: Source): Violation[] {
  if (isTest(path)) return []
  return bans.flatMap(({ name, pattern, areas, homes, remedy }) => {
    const isConcerned = isInSrc(path) || (areas === "src and lab" && path.startsWith("lab/"))
    if (!isConcerned || homes.some((home) => path === home || (home.endsWith("/") && path.startsWith(home)))) return []
    return [...bare.matchAll(new RegExp(pattern, "g"))].map((match) => ({
      rule: `banned: ${name}`,
      path,
      line: lineAt(bare, match.index),
      message: match[0],
      remedy,
    }))
  })
}

function interpolatedSql({ path, literals }: Source): Violation[] {
  if (!isInSrc(path) || isTest(path)) return []
  return literals
    .filter(({ text, hasValues, isTagged, isJoined }) => sqlStart.test(text) && ((hasValues && !isTagged) || isJoined))
    .map(({ text, line }) => ({
      rule: "banned: SQL by interpolation",
      path,
      line,
      message: text.trim().slice(0, 60),
      remedy: "write it as a tagged template (sql`… ${value} …`), so that values are parameters",
    }))
}

const lookupHome = "src/base/lookup.ts"
// Tables: what is declared at the top of a file, or as not to be changed. Their values are known; those of parsed JSON are not.
const tableDeclaration =
  /^(?:export )?const (\w+): (?:Readonly<)?Record<string,|\b(\w+)\??: Readonly<Record<string,(?! unknown)/gm

/** Tables that are indexed by name where they are declared: a name from outside also finds what every object inherits. */
function inheritedNames({ path, bare }: Source): Violation[] {
  if (!isInSrc(path) || isTest(path) || path === lookupHome) return []
  const tables = new Set([...bare.matchAll(tableDeclaration)].map(([, top, inner]) => top ?? inner))
  return [...bare.matchAll(/\b(\w+)(?:\?\.)?\[\w[\w.]*\](?! =[^=])/g)]
    .filter(([, name]) => tables.has(name))
    .map((match) => ({
      rule: "inherited names",
      path,
      line: lineAt(bare, match.index),
      message: match[0],
      remedy: `look it up with \`own(table, name)\` of ${lookupHome}, or keep a Map`,
    }))
}

function leftovers({ path, text }: SourceFile): Violation[] {
  // Assembled, so that this file does not find itself.
  const mark = new RegExp(`\\b(${["TO", "FIX"].map((start) => start + (start === "TO" ? "DO" : "ME")).join("|")})\\b`)
  if (path.endsWith(".json")) return []
  return text.split("\n").flatMap((words, index) => {
    const match = mark.exec(words)
    if (!match) return []
    const remedy = "do it now, or open an issue and say nothing here"
    return [{ rule: "leftover", path, line: index + 1, message: match[0], remedy }]
  })
}

function names(path: string): Violation[] {
  const file = posix.basename(path)
  const stem = file.replace(/(\.int|\.e2e)?(\.test|\.config|\.d)?\.(ts|tsx|mjs)$/, "")
  const problem = forbiddenNames.includes(stem)
    ? `"${stem}" says nothing`
    : posix
          .dirname(path)
          .split("/")
          .some((folder) => forbiddenNames.includes(folder))
      ? "a folder's name says nothing"
      : /^[a-z0-9]+(-[a-z0-9]+)*(\.config)?$/.test(stem)
        ? undefined
        : `${file} is not kebab-case`
  if (problem === undefined) return []
  return [
    { rule: "file name", path, line: 1, message: problem, remedy: "name it after its main export, in kebab-case" },
  ]
}

function docstrings({ path, text, code }: Source): Violation[] {
  if (isTest(path) || !documentedPlaces.some((place) => path.startsWith(place))) return []
  const lines = text.split("\n")
  const exported = /^export (?:async |declare |abstract )*(function\*?|const|let|class|interface|type|enum) (\w+)/gm
  const found = [...code.matchAll(exported)].map((match) => ({
    kind: match[1],
    name: match[2] ?? "",
    line: lineAt(code, match.index),
  }))
  return found.flatMap(({ kind, name, line }) => {
    // The type of a schema of the same name is told by the schema.
    const isTwin = kind === "type" && found.some((other) => other.name === name && other.kind === "const")
    if (isTwin || (lines[line - 2] ?? "").trimEnd().endsWith("*/")) return []
    const remedy = "say in one sentence what it is or does, then only what the type cannot say"
    return [{ rule: "docstring", path, line, message: `${name} has no docstring`, remedy }]
  })
}

function folders(sources: readonly Source[]): Violation[] {
  const counts = new Map<string, number>()
  for (const { path } of sources)
    if (!isTest(path)) counts.set(posix.dirname(path), (counts.get(posix.dirname(path)) ?? 0) + 1)
  return [...counts]
    .filter(([folder, count]) => folder !== "." && count > limits.folderFiles)
    .map(([folder, count]) => ({
      rule: "folder size",
      path: `${folder}/`,
      line: 1,
      message: `${count} source files, at most ${limits.folderFiles}`,
      remedy: "gather files that belong together in a folder named after what they do",
    }))
}

function readme(files: readonly SourceFile[]): Violation[] {
  const file = files.find(({ path }) => path === "README.md")
  const lines = file ? file.text.trimEnd().split("\n").length : 0
  if (lines <= limits.readmeLines) return []
  const message = `${lines} lines, at most ${limits.readmeLines}`
  return [{ rule: "readme length", path: "README.md", line: limits.readmeLines, message, remedy: "move it to docs/" }]
}
