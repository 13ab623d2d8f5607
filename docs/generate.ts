import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { referencePages } from "./reference-pages.ts"

// Writes the reference pages that are made from code; test/reference-docs.test.ts holds them fresh.
const root = join(import.meta.dirname, "..")
for (const [path, text] of await referencePages(root)) {
  writeFileSync(join(root, path), text)
  process.stdout.write(`${path}\n`)
}
