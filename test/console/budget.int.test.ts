import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { expect, test } from "vitest"

const dist = join(import.meta.dirname, "../../console/dist")
const kilobytes = (name: string) => gzipSync(readFileSync(join(dist, "assets", name))).length / 1000

test("the built console stays within its budgets: 240 kB of scripts to begin with, 45 of styles, 40 for any screen", () => {
  const page = readFileSync(join(dist, "index.html"), "utf8")
  const names = readdirSync(join(dist, "assets")).filter((name) => /\.(?:js|css)$/.test(name))
  const isFirst = (name: string) => page.includes(name)
  const sum = (some: readonly string[]) => some.reduce((total, name) => total + kilobytes(name), 0)
  const scripts = names.filter((name) => name.endsWith(".js"))
  expect(scripts.filter(isFirst).length).toBeGreaterThan(0)
  expect(sum(scripts.filter(isFirst))).toBeLessThan(240)
  expect(sum(names.filter((name) => name.endsWith(".css")))).toBeLessThan(45)
  expect(scripts.filter((name) => !isFirst(name) && kilobytes(name) > 40)).toEqual([])
})
