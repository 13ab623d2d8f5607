import { constants } from "node:fs"
import { lstat, mkdir, open, readdir, rename, rm, writeFile, type FileHandle } from "node:fs/promises"
import { join } from "node:path"
import { endingOf, type DropFolder } from "./policy.ts"

/** A file that its sender has finished. */
export interface WholeFile {
  name: string
  changedMs: number
}

/** How files looked before, and since when they look so. By our own clock: that of a share may be another. */
export type Looks = Map<string, { size: number; changedMs: number; sinceMs: number }>

const quietForMs = 30_000
const markEnding = ".done"
/** What clients of SFTP and rsync, and careful programs, call a file while they write it. */
const unfinished = [".tmp", ".part", ".partial", ".filepart", ".writing"]

/** Files of a folder that are whole, the oldest first. Links and folders are none: what they lead to may lie anywhere. */
export async function wholeFiles(
  folder: DropFolder,
  { looks, nowMs }: { looks: Looks; nowMs: number },
): Promise<WholeFile[]> {
  const entries = await readdir(folder.path, { withFileTypes: true })
  const names = new Set(entries.filter((entry) => entry.isFile()).map(({ name }) => name))
  for (const name of looks.keys()) if (!names.has(name)) looks.delete(name)
  const found: WholeFile[] = []
  for (const name of names) {
    if (name.startsWith(".") || !name.endsWith(endingOf(folder)) || unfinished.some((end) => name.endsWith(end)))
      continue
    const stat = await lstat(join(folder.path, name)).catch(goneIsFine)
    if (!stat?.isFile()) continue
    const [changedMs, { size }] = [Math.floor(stat.mtimeMs), stat]
    const before = looks.get(name)
    const isSame = before?.size === size && before.changedMs === changedMs
    const sinceMs = isSame ? before.sinceMs : nowMs
    looks.set(name, { size, changedMs, sinceMs })
    if (isWhole(folder, { quietMs: nowMs - sinceMs, isMarked: names.has(name + markEnding) }))
      found.push({ name, changedMs })
  }
  return found.toSorted((one, other) => one.changedMs - other.changedMs || (one.name < other.name ? -1 : 1))
}

function isWhole(
  { wholeWhen = "quiet" }: DropFolder,
  { quietMs, isMarked }: { quietMs: number; isMarked: boolean },
): boolean {
  if (wholeWhen === "quiet") return quietMs >= quietForMs
  return wholeWhen === "renamed" || isMarked
}

/** Opens a file to read it; undefined when it is gone or is a link by now. */
export async function openFile(folder: DropFolder, { name }: WholeFile): Promise<FileHandle | undefined> {
  try {
    return await open(join(folder.path, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (thrown) {
    if (codeOf(thrown) === "ELOOP") return undefined
    return goneIsFine(thrown)
  }
}

/**
 * Moves a file to `taken` or `refused`, below a folder of the day, with eight letters of its digest in its name: another file of this name is
 * never written over. A refused one gets its report beside it, first. A file that is gone was moved before.
 */
export async function archive(
  folder: DropFolder,
  file: WholeFile,
  how: { state: "taken" | "refused"; day: string; digest: string; report: object | undefined },
): Promise<void> {
  const into = join(folder.path, how.state, how.day)
  await mkdir(into, { recursive: true })
  const ending = endingOf(folder)
  const base = `${file.name.slice(0, -ending.length)}.${how.digest.slice(0, 8)}`
  if (how.report) {
    const path = join(into, `${base}.report.json`)
    await writeFile(`${path}.tmp`, `${JSON.stringify(how.report, undefined, 2)}\n`)
    await rename(`${path}.tmp`, path)
  }
  await rename(join(folder.path, file.name), join(into, base + ending)).catch(goneIsFine)
  if (folder.wholeWhen === "marked") await rm(join(folder.path, file.name + markEnding), { force: true })
}

const codeOf = (thrown: unknown) => (thrown as NodeJS.ErrnoException | undefined)?.code

function goneIsFine(thrown: unknown): undefined {
  if (codeOf(thrown) !== "ENOENT") throw thrown
}
