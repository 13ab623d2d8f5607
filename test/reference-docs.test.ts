import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, normalize, relative } from "node:path"
import { describe, expect, it } from "vitest"
import { anchorOf } from "../docs/markdown.ts"
import { referencePages } from "../docs/reference-pages.ts"
import { AppError, errorCatalogue, type ErrorCode } from "../src/base/errors.ts"
import { eventTypes, type EventName } from "../src/canonical/events.ts"
import { validator } from "../src/canonical/validate.ts"
import { problemDetails } from "../src/gateway/phases/describe-errors.ts"
import { importTable } from "./tidy/rules.ts"
import { creditRefund } from "../src/workflows/credit-refund/credit-refund.ts"
import { fulfilOrder } from "../src/workflows/fulfil-order/fulfil-order.ts"

const root = join(import.meta.dirname, "..")
const read = (path: string) => readFileSync(join(root, path), "utf8")

function pagesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return pagesBelow(path)
    return entry.name.endsWith(".md") ? [path] : []
  })
}

const pages = [
  ...["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "lab/README.md"].filter((path) =>
    existsSync(join(root, path)),
  ),
  ...pagesBelow("docs"),
]

/** A page without its fenced blocks: what stands in them is no link and no heading. */
const prose = (path: string) => read(path).replaceAll(/^```[\s\S]*?^```/gm, "")

function anchorsOf(path: string): Set<string> {
  const headings = [...prose(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => anchorOf(heading))
  const named = [...prose(path).matchAll(/<a id="([^"]+)">/g)].map(([, anchor = ""]) => anchor)
  return new Set([...headings, ...named])
}

describe("reference documentation", () => {
  it("every generated page is what docs/generate.ts makes of the code now", async () => {
    const generated = await referencePages(root)
    for (const [path, text] of generated) {
      const isFresh = existsSync(join(root, path)) && read(path) === text
      expect(isFresh ? path : `${path} is not fresh: run "node_modules/.bin/node docs/generate.ts"`).toBe(path)
    }
    const marked = pages.filter((path) => read(path).startsWith("<!-- Made by docs/generate.ts"))
    expect(marked.filter((path) => !generated.has(path))).toEqual([])
  })

  it("every error code has the anchor its problem type points to", () => {
    const anchors = anchorsOf("docs/reference/errors.md")
    const codes = Object.keys(errorCatalogue) as ErrorCode[]
    const pointedTo = codes.map((code) => problemDetails(new AppError(code, "x"), "c").docs)
    expect(pointedTo.filter((link) => !anchors.has(link.replace("docs/reference/errors.md#", "")))).toEqual([])
  })

  it("every event shows a valid example", () => {
    const text = read("docs/reference/events.md")
    for (const name of Object.keys(eventTypes) as EventName[]) {
      const section = text.slice(text.indexOf(`\n## ${name}\n`))
      const example: unknown = JSON.parse(/```json\n([\s\S]*?)\n```/.exec(section)?.[1] ?? "null")
      expect(validator(eventTypes[name].schema, name).problems(example)).toEqual([])
    }
  })

  it.each([
    ["fulfil-order", fulfilOrder],
    ["credit-refund", creditRefund],
  ])("the workflow %s lists each step once and declares no step its code never begins", (own, { steps }) => {
    expect(new Set(steps).size).toBe(steps.length)
    const files = [own, "posting"].flatMap((folder) =>
      readdirSync(join(root, "src/workflows", folder), { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
        .map((name) => join("src/workflows", folder, name)),
    )
    const texts = files.map((path) => (path.endsWith(`/${own}.ts`) ? read(path).split("async run(")[1] : read(path)))
    const code = texts.join("\n")
    const isBegun = (step: string) => code.includes(`"${step}"`)
    expect(steps.filter((step) => !isBegun(step))).toEqual([])
  })
})

describe("pages written by hand", () => {
  it.each(pages)("every link of %s leads somewhere", (path) => {
    const links = [...prose(path).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => target)
    const dead = links.filter((link) => {
      if (/^[a-z]+:/.test(link)) return false
      const [file = "", anchor] = link.split("#")
      const target = file === "" ? path : relative(root, normalize(join(root, dirname(path), file)))
      if (!existsSync(join(root, target))) return true
      return anchor !== undefined && target.endsWith(".md") && !anchorsOf(target).has(anchor)
    })
    expect(dead).toEqual([])
  })

  it.each(pages)("every file that %s names is there", (path) => {
    const named = [...prose(path).matchAll(/`((?:src|test|lab|docs|sql|bin|demo|bench|chaos)\/[\w./-]*[\w/])`/g)]
    const missing = named.map(([, file = ""]) => file).filter((file) => !existsSync(join(root, file)))
    // Places that a recipe tells to make are named with a placeholder: acme.
    expect(missing.filter((file) => !file.includes("acme"))).toEqual([])
  })

  it("ARCHITECTURE.md shows the import table as the tidy test holds it", () => {
    const rows = Object.entries(importTable).map(([area, may]) => `| ${area} | ${may.join(", ") || "nothing"} |`)
    const page = read("ARCHITECTURE.md").replaceAll(/ +/g, " ")
    expect(rows.filter((row) => !page.includes(row))).toEqual([])
  })

  it("the decision on dependencies names every dependency and nothing that is gone", () => {
    const manifest = JSON.parse(read("package.json")) as Record<
      "dependencies" | "devDependencies",
      Record<string, string>
    >
    const [runtime = "", development = ""] = read("docs/decisions/dependencies.md").split("## Development")
    const namedIn = (text: string) => [...text.matchAll(/^- `([^`]+)`/gm)].map(([, name]) => name).sort()
    expect(namedIn(runtime)).toEqual(Object.keys(manifest.dependencies).sort())
    expect(namedIn(development)).toEqual(Object.keys(manifest.devDependencies).sort())
  })
})
