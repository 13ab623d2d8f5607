import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"

const root = join(import.meta.dirname, "../..")
const read = (path: string) => readFileSync(join(root, path), "utf8")

// A guide shows a file as a reader would have it in src; here it stands one folder elsewhere and is run by the test beside it.
const shown: [guide: string, file: string, place: string][] = [
  ["docs/guides/first-connector.md", "test/guides/acme-text/connector.ts", "../../"],
  ["docs/guides/first-workflow.md", "test/guides/watch-delivery.ts", "../"],
]

describe("guides", () => {
  it.each(shown)("the code in %s is %s, which is run", (guide, file, place) => {
    const own = read(file)
      .replaceAll(/"(?:\.\.\/)+src\/workflows\//g, '"./')
      .replaceAll(/"(?:\.\.\/)+src\//g, `"${place}`)
    const blocks = [...read(guide).matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block = ""]) => block)
    expect(blocks[0]).toBe(own)
  })
})
