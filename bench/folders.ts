import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { stopPostgres } from "../src/engines/postgres.ts"
import { removeDataFolder } from "../src/engines/postgres-place.ts"
import { identifyProcess, isSameProcessAlive } from "../src/engines/process-table.ts"

// Everything a run makes is below one folder in the temporary directory. Only PostgreSQL's data may be elsewhere: a server that
// root starts runs as another user, who may not enter that folder (src/engines/postgres-place.ts).

const prefix = "crossdock-bench-"
const ownerFile = "owner.json"
// A run records the owner of its folder right after it has made the folder.
const unownedForMs = 60_000
const made = new Set<string>()

interface Owner {
  pid: number
  startedAt: string
}

/** Makes the folder of an engine set, marked with the process that owns it. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), prefix))
  made.add(folder)
  writeOwner(join(folder, ownerFile), process.pid)
  return folder
}

function writeOwner(file: string, pid: number): void {
  const found = identifyProcess(pid)
  if (found) writeFileSync(file, JSON.stringify({ pid, startedAt: found.startedAt }))
}

/** Removes a folder and PostgreSQL's data outside of it. Only for stopped engines. */
export function removeFolder(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) removeDataFolder(join(folder, entry.name))
  // A server that has just been killed may still be writing a file.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  made.delete(folder)
}

/** Removes every remaining folder of this run, when the run is ended early. */
export function removeAllFolders(): void {
  for (const folder of made) removeFolder(folder)
}

/** Ends PostgreSQL and removes the folders of runs that were killed. Returns the folders it removed. */
export async function sweepFolders(parent = tmpdir()): Promise<string[]> {
  const removed: string[] = []
  for (const name of readdirSync(parent)) {
    const folder = join(parent, name)
    if (!name.startsWith(prefix) || !isAbandoned(folder)) continue
    await sweep(folder)
    removed.push(folder)
  }
  return removed
}

function isAbandoned(folder: string): boolean {
  const found = statSync(folder, { throwIfNoEntry: false })
  if (!found?.isDirectory() || found.uid !== process.getuid?.()) return false
  const owner = readOwner(join(folder, ownerFile))
  return owner ? !isSameProcessAlive(owner) : Date.now() - found.mtimeMs > unownedForMs
}

async function sweep(folder: string): Promise<void> {
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) await stopPostgres(join(folder, entry.name))
  removeFolder(folder)
}

function readOwner(file: string): Owner | undefined {
  if (!existsSync(file)) return undefined
  try {
    const { pid, startedAt } = JSON.parse(readFileSync(file, "utf8")) as Partial<Owner>
    return typeof pid === "number" && typeof startedAt === "string" ? { pid, startedAt } : undefined
  } catch {
    // Its run was killed while it wrote the file.
    return undefined
  }
}
