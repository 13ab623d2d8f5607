import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"

const root = join(import.meta.dirname, "../..")
const read = (path: string) => readFileSync(join(root, path), "utf8")

// A guide shows a file as a reader would have it in src; here it stands one folder elsewhere and is run by the test beside it.
const shown: { guide: string; file: string; at: number; rewrite: (text: string) => string }[] = [
  { guide: "docs/guides/first-connector.md", file: "test/guides/acme-text/connector.ts", at: 0, rewrite: toSrc },
  {
    guide: "docs/guides/first-workflow.md",
    file: "test/guides/collections/remind-to-collect.ts",
    at: 0,
    rewrite: toSrc,
  },
  {
    guide: "docs/guides/first-workflow.md",
    file: "test/guides/collections/collections-route.ts",
    at: 1,
    rewrite: routeInSrc,
  },
  { guide: "docs/guides/first-workflow.md", file: "test/guides/collections/collections.ts", at: 2, rewrite: areaInSrc },
]

/** `src/workflows/remind-to-collect/remind-to-collect.ts` */
function toSrc(text: string): string {
  return text.replaceAll(/"(?:\.\.\/)+src\//g, '"../../')
}

/** `src/gateway/routes/collections/collections.ts` */
function routeInSrc(text: string): string {
  return text.replaceAll(/"(?:\.\.\/)+src\/gateway\//g, '"../../').replaceAll(/"(?:\.\.\/)+src\//g, '"../../../')
}

/** `src/areas/collections.ts` */
function areaInSrc(text: string): string {
  return text
    .replaceAll(/"(?:\.\.\/)+src\/areas\//g, '"./')
    .replaceAll(/"(?:\.\.\/)+src\//g, '"../')
    .replace('"./collections-route.ts"', '"../gateway/routes/collections/collections.ts"')
    .replace('"./remind-to-collect.ts"', '"../workflows/remind-to-collect/remind-to-collect.ts"')
}

describe("guides", () => {
  it.each(shown)("the code in $guide is $file, which is run", ({ guide, file, at, rewrite }) => {
    const blocks = [...read(guide).matchAll(/```ts\n([\s\S]*?)```/g)].map(([, block = ""]) => block)
    expect(blocks[at]).toBe(rewrite(read(file)))
  })
})
