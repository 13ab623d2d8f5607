import { posix } from "node:path"
import { connectorFiles } from "./rules.ts"
import type { SourceFile, Violation } from "./source.ts"

/**
 * Files directly in a connector's folder have the same names for every vendor, so that two folders side by side show how two
 * vendors differ: the names of `connectorFiles`, of capabilities, and of the areas of capabilities. Other parts go into a folder
 * below, named after its subject.
 */
export function connectorFolders(files: readonly SourceFile[]): Violation[] {
  const known = new Set([...connectorFiles, ...capabilityNames(files), ...areaNames(files)])
  const folders = new Map<string, string[]>()
  for (const { path } of files) {
    const [, folder, file] = /^src\/connectors\/([^/]+)\/([^/]+)\.ts$/.exec(path) ?? []
    if (folder && file) folders.set(folder, [...(folders.get(folder) ?? []), file])
  }
  return [...folders].flatMap(([folder, names]) => {
    const odd = names.filter((name) => !known.has(name.replace(/(\.int)?\.test$/, "").replace(/\.test$/, "")))
    const violations = odd.map((name) =>
      violation(`src/connectors/${folder}/${name}.ts`, `${name} is no name of a part`),
    )
    return names.includes("connector")
      ? violations
      : [...violations, violation(`src/connectors/${folder}/connector.ts`, "a connector begins in connector.ts")]
  })
}

function violation(path: string, message: string): Violation {
  const remedy = `name it ${connectorFiles.join(", ")}, or after its capability or the area of its capabilities, or put it into a folder below`
  return { rule: "connector file", path, line: 1, message, remedy }
}

/** `booksOrders` → `books-orders`, from the interface that lists all capabilities. */
function capabilityNames(files: readonly SourceFile[]): string[] {
  const text = files.find(({ path }) => path === "src/ports/capabilities.ts")?.text ?? ""
  return [...text.matchAll(/^ {2}(\w+): [A-Z]\w+$/gm)].map(([, name = ""]) =>
    name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
  )
}

function areaNames(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => posix.dirname(path) === "src/ports/capabilities")
    .map(({ path }) => posix.basename(path, ".ts"))
}
