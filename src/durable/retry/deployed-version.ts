import { hash } from "node:crypto"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

let known: string | undefined

/**
 * The version of the code that is deployed, as twelve hexadecimal digits of all its sources. Nothing has to be counted up, and two
 * processes with the same code have the same version. Read once in a process.
 */
export function deployedVersion(): string {
  known ??= digestOf(join(import.meta.dirname, "../.."))
  return known
}

function digestOf(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter(
    (name) => name.endsWith(".ts") && !name.endsWith(".test.ts"),
  )
  const parts = files.sort().map((name) => `${name}\n${readFileSync(join(folder, name), "utf8")}`)
  return hash("sha256", parts.join("\n")).slice(0, 12)
}
