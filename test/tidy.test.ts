import { readdirSync, readFileSync } from "node:fs"
import { join, relative, sep } from "node:path"
import { describe, expect, it } from "vitest"
import { violationsOf } from "./tidy/checks.ts"
import { tableOwners } from "./tidy/tables.ts"
import { readSource, type SourceFile } from "./tidy/source.ts"

const root = join(import.meta.dirname, "..")
const skipped = new Set(["node_modules", "dist", "coverage", "vendure-app", "fixtures-raw"])

function filesBelow(folder: string): SourceFile[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name.startsWith(".") || skipped.has(entry.name) ? [] : filesBelow(path)
    if (!/\.(ts|tsx|mjs|sql)$/.test(entry.name)) return []
    return [
      { path: relative(root, join(root, path)).split(sep).join("/"), text: readFileSync(join(root, path), "utf8") },
    ]
  })
}

function project(): SourceFile[] {
  const above = readdirSync(root).filter((name) => ["README.md", "package.json"].includes(name))
  return [...above.map((path) => ({ path, text: readFileSync(join(root, path), "utf8") })), ...filesBelow(".")]
}

const file = (path: string, text: string): SourceFile => ({ path, text })
const lines = (count: number) => "export {}\n".repeat(count)
const rulesFound = (files: SourceFile[]) => [...new Set(violationsOf(files).map(({ rule }) => rule))]

describe("tidy", () => {
  it("the project keeps its shape", () => {
    const found = violationsOf(project())
    const report = found.map(
      ({ rule, path, line, message, remedy }) => `${path}:${line} ${rule}: ${message} → ${remedy}`,
    )
    expect(report, `\n${report.join("\n")}\n`).toEqual([])
  })

  // A clean little project; each case below breaks it in one place, and exactly that rule must say so.
  const clean = [
    file("src/main.ts", `import { gather } from "./eventlog/gather.ts"\ngather()\n`),
    file(
      "src/eventlog/gather.ts",
      `import { one } from "../base/one.ts"\nimport { acme } from "../ports/acme.ts"\nexport function gather() {\n  return one + acme\n}\n`,
    ),
    file("src/base/one.ts", "/** One. */\nexport const one = 1\n"),
    file("src/ports/acme.ts", "/** A number. */\nexport const acme = 2\n"),
    file("lab/main.ts", "export const lab = 3\n"),
    file("README.md", "# Crossdock\n"),
  ]
  const main = (text: string) =>
    file("src/main.ts", `import { gather } from "./eventlog/gather.ts"\ngather()\n${text}\n`)
  const base = (text: string) => file("src/base/one.ts", `/** One. */\nexport const one = 1\n${text}\n`)
  const usesTwo = file("src/eventlog/two.test.ts", `import { two, Two } from "../base/one.ts"\nvoid [two, Two]\n`)
  const wired = (path: string, text: string) => [main(`import "./${path.slice(4)}"`), file(path, text)]

  const allTables = (more: string) =>
    Object.keys(tableOwners)
      .map((name) => `create table ${name} (id integer);\n`)
      .join("") + more

  const planted: [what: string, rule: string, files: SourceFile[]][] = [
    ["base importing the ports", "import direction", [base(`import "../ports/acme.ts"`)]],
    ["a type imported against the table", "import direction", [base(`import type { a } from "../ports/acme.ts"`)]],
    ["a re-export against the table", "import direction", [base(`export { acme } from "../ports/acme.ts"`)]],
    ["a dynamic import against the table", "import direction", [base(`void import("../ports/acme.ts")`)]],
    ["src importing the lab", "import direction", [main(`import "../lab/main.ts"`)]],
    ["the lab importing src", "import direction", [file("lab/main.ts", `import "../src/base/one.ts"\n`)]],
    ["a test of the lab importing src", "import direction", [file("lab/x.test.ts", `import "../src/base/one.ts"\n`)]],
    ["the CLI reaching past HTTP", "import direction", [file("src/cli/main.ts", `import "../eventlog/gather.ts"\n`)]],
    ["an area nobody listed", "import direction", [...wired("src/attic/a.ts", `import "../base/one.ts"\n`)]],
    [
      "a connector importing another",
      "import direction",
      [
        main(`import "./connectors/a/connector.ts"\nimport "./connectors/b/connector.ts"`),
        file("src/connectors/a/connector.ts", `import "../b/connector.ts"\n`),
        file("src/connectors/b/connector.ts", lines(1)),
      ],
    ],
    [
      "a connector's file with a name of its own",
      "connector file",
      [
        main(`import "./connectors/a/connector.ts"`),
        file("src/connectors/a/connector.ts", `import "./magic.ts"\n`),
        file("src/connectors/a/magic.ts", lines(1)),
      ],
    ],
    ["a connector without connector.ts", "connector file", wired("src/connectors/a/client.ts", lines(1))],
    ["the worker importing a protocol", "import direction", wired("src/effects/a.ts", `import "../protocols/p.ts"\n`)],
    [
      "two files importing each other",
      "import cycle",
      [
        main(`import "./eventlog/a.ts"`),
        file("src/eventlog/a.ts", `import { b } from "./b.ts"\nexport const a = () => b\n`),
        file("src/eventlog/b.ts", `import { a } from "./a.ts"\nexport const b = () => a\n`),
      ],
    ],
    [
      "SQL that names a table of another module",
      "foreign table",
      wired("src/eventlog/a.ts", "void sql`select count(*) from exceptions`\n"),
    ],
    [
      "a write to another module's table where a read is allowed",
      "foreign table",
      wired("src/operations/search.ts", "void sql`delete from events where key = ${1}`\n"),
    ],
    ["a table nobody owns", "table owner", [file("sql/0001-a.sql", allTables("create table attic (id integer);\n"))]],
    ["an owner of a table that is gone", "table owner", [file("sql/0001-a.sql", "create table inbox (id integer);\n")]],
    ["SQL in the wiring", "SQL where none belongs", wired("src/wiring/a.ts", "void sql`select 1`\n")],
    [
      "a metric in the wiring",
      "metrics where none belong",
      wired("src/wiring/a.ts", `import { Gauge } from "prom-client"\nvoid Gauge\n`),
    ],
    ["a file of 301 lines", "file length", wired("src/eventlog/long.ts", lines(301))],
    ["a test of 601 lines", "file length", [file("src/eventlog/long.test.ts", lines(601))]],
    ["the environment read in src", "banned: process.env", [base("export default process.env.HOME")]],
    ["the environment read in the lab", "banned: process.env", [file("lab/main.ts", "void process.env\n")]],
    ["Date.now()", "banned: wall clock", [main("void Date.now()")]],
    ["new Date()", "banned: wall clock", [main("void new Date()")]],
    ["new Date(x) to format", "banned: wall clock", [main("void new Date(5).toISOString()")]],
    ["a clock inside a template's values", "banned: wall clock", [main("void `at ${Date.now()}`")]],
    ["the UTC day of a moment", "banned: day of a moment", [main("void order.placedAt.slice(0, 10)")]],
    ["parseFloat", "banned: parseFloat", [main(`void parseFloat("1.5")`)]],
    ["console.log outside the CLI", "banned: console", [main(`console.log("here")`)]],
    [
      "a table indexed by a name from outside",
      "inherited names",
      [main("const byName: Record<string, number> = {}\nexport const two = (name: string) => byName[name]")],
    ],
    ["fetch", "banned: fetch", [main(`void fetch("http://127.0.0.1")`)]],
    ["sql.unsafe", "banned: sql.unsafe", [main("void sql.unsafe(text)")]],
    ["SQL with values put in", "banned: SQL by interpolation", [main("run(`select a from b where c = ${d}`)")]],
    ["SQL joined from pieces", "banned: SQL by interpolation", [main(`run("delete from b where c = " + d)`)]],
    ["a leftover note", "leftover", [main(`// ${"TO"}DO mend this`)]],
    ["a leftover note in SQL", "leftover", [file("sql/0001-a.sql", `-- ${"FIX"}ME\n`)]],
    ["a file nobody imports", "dead file", [file("src/eventlog/alone.ts", lines(1))]],
    [
      "a file only a test imports",
      "dead file",
      [file("src/eventlog/alone.ts", lines(1)), file("src/eventlog/alone.test.ts", `import "./alone.ts"\n`)],
    ],
    [
      "thirteen files in a folder",
      "folder size",
      [
        main(Array.from({ length: 13 }, (_, n) => `import "./stock/s${n}.ts"`).join("\n")),
        ...Array.from({ length: 13 }, (_, n) => file(`src/stock/s${n}.ts`, lines(1))),
      ],
    ],
    ["an export without a docstring", "docstring", [base("export function two() {}"), usesTwo]],
    ["a type without a docstring", "docstring", [base("export interface Two {}"), usesTwo]],
    ["an export that nothing else names", "dead export", [base("/** Two. */\nexport const two = 2")]],
    ["a type that nothing names", "dead export", [base("/** Two. */\nexport interface Two {}")]],
    [
      "a fourth circle of types",
      "type circle",
      [
        main([1, 2, 3, 4].map((n) => `import "./stock/a${n}.ts"`).join("\n")),
        ...[1, 2, 3, 4].flatMap((n) => [
          file(`src/stock/a${n}.ts`, `import type { B } from "./b${n}.ts"\nexport type A = B\n`),
          file(`src/stock/b${n}.ts`, `import type { A } from "./a${n}.ts"\nexport type B = A\n`),
        ]),
      ],
    ],
    ["a README of 121 lines", "readme length", [file("README.md", "x\n".repeat(121))]],
    ["a file called utils", "file name", wired("src/eventlog/utils.ts", lines(1))],
    ["an index file", "file name", wired("src/eventlog/index.ts", lines(1))],
    ["a folder called common", "file name", wired("src/eventlog/common/a.ts", lines(1))],
    ["a file in camel case", "file name", wired("src/eventlog/gatherAll.ts", lines(1))],
    [
      "a package that is not a runtime dependency",
      "runtime dependency",
      [
        main(`import fc from "fast-check"`),
        file("package.json", `{ "dependencies": {}, "devDependencies": { "fast-check": "1" } }`),
      ],
    ],
  ]

  it("a clean project has no violations", () => expect(violationsOf(clean)).toEqual([]))

  it.each(planted)("%s is found as %s", (_what, rule, files) => {
    const paths = files.map(({ path }) => path)
    expect(rulesFound([...clean.filter(({ path }) => !paths.includes(path)), ...files])).toEqual([rule])
  })

  const allowed: [what: string, files: SourceFile[]][] = [
    ["a banned word in a comment", [main("// console.log(new Date(), process.env)")]],
    ["a banned word in a string", [main(`export const hint = "do not call Date.now() or fetch()"`)]],
    ["a banned word in a template's text", [main("export const hint = `process.env ${1} is banned`")]],
    ["a banned call in a test", [file("src/main.test.ts", "console.log(Date.now())\n")]],
    ["a read across owners that is named", wired("src/operations/order-book.ts", "void sql`select 1 from events`\n")],
    ["SQL in a tagged template", [main("void sql`select a from b where c = ${d}`")]],
    ["SQL without values", [main(`export const text = "delete from b where c = 1"`)]],
    ["quotes inside a pattern", [main("export const quote = /[\"'`/]/\nexport const half = 4 / 2 / 1")]],
    [
      "types that import each other in one area",
      [
        main(`import "./eventlog/a.ts"`),
        file("src/eventlog/a.ts", `import { b } from "./b.ts"\nexport const a = () => b\n`),
        file("src/eventlog/b.ts", `import type { a } from "./a.ts"\nexport const b: typeof a = () => b\n`),
      ],
    ],
    ["the type of a documented schema", [base("/** Two. */\nexport const Two = 2\nexport type Two = 2"), usesTwo]],
    [
      "a type in the signature of an export",
      [base("/** A. */\nexport interface A {}\n/** Two. */\nexport const two = (a: A) => a"), usesTwo],
    ],
    [
      "a file that is started by its path",
      [main(`export const child = new URL("./child.ts", import.meta.url)`), file("src/child.ts", lines(1))],
    ],
  ]

  it.each(allowed)("%s is no violation", (_what, files) => {
    const paths = files.map(({ path }) => path)
    expect(violationsOf([...clean.filter(({ path }) => !paths.includes(path)), ...files])).toEqual([])
  })

  it("the scanner keeps every line where it is", () => {
    for (const { path, text } of project().filter((one) => one.path.endsWith(".ts"))) {
      const { code, bare } = readSource({ path, text })
      const shape = (one: string) => [path, one.length, one.split("\n").length]
      expect([shape(code), shape(bare)]).toEqual([shape(text), shape(text)])
    }
  })
})
