import { constants, type Stats } from "node:fs"
import { lstat, mkdir, open, readdir, rename, rm, writeFile, type FileHandle } from "node:fs/promises"
import { join } from "node:path"
import { AppError } from "../../base/errors.ts"
import { endingOf, type DropFolder } from "./policy.ts"

/** A file that its sender has finished. */
export interface WholeFile {
  /** As people read it; a name that is no UTF-8 has marks in it. */
  name: string
  /** The bytes of the name, a character each (latin1): old systems write names in encodings of their own. */
  bytes: string
  /** When it was last written, or put into the folder. */
  changedMs: number
}

/** How files looked before, and since when they look so. By our own clock: that of a share may be another. */
export type Looks = Map<string, { size: number; changedMs: number; sinceMs: number }>

const quietForMs = 30_000
const markEnding = ".done"
/** What clients of SFTP and rsync, and careful programs, call a file while they write it. */
const unfinished = [".tmp", ".part", ".partial", ".filepart", ".writing"]
/** File systems take 255 bytes; the digest and the ending of a report come on top. */
const nameBytesMax = 200

/** Files of a folder that are whole, the oldest first. Links and folders are none: what they lead to may lie anywhere. */
export async function wholeFiles(
  folder: DropFolder,
  { looks, nowMs }: { looks: Looks; nowMs: number },
): Promise<WholeFile[]> {
  const entries = await readdir(folder.path, { withFileTypes: true, encoding: "buffer" })
  const all = new Set(entries.filter((entry) => entry.isFile()).map(({ name }) => name.toString("latin1")))
  for (const bytes of looks.keys()) if (!all.has(bytes)) looks.delete(bytes)
  const found: WholeFile[] = []
  for (const bytes of all) {
    if (bytes.startsWith(".") || !bytes.endsWith(endingOf(folder)) || unfinished.some((end) => bytes.endsWith(end)))
      continue
    const stat = await lstat(pathOf(folder, bytes)).catch(goneIsFine)
    if (!stat?.isFile()) continue
    const [changedMs, { size }] = [changedMsOf(stat), stat]
    const before = looks.get(bytes)
    const isSame = before?.size === size && before.changedMs === changedMs
    const sinceMs = isSame ? before.sinceMs : nowMs
    looks.set(bytes, { size, changedMs, sinceMs })
    const name = Buffer.from(bytes, "latin1").toString("utf8")
    if (isWhole(folder, { quietMs: nowMs - sinceMs, isMarked: all.has(bytes + markEnding) }))
      found.push({ name, bytes, changedMs })
  }
  return found.toSorted((one, other) => one.changedMs - other.changedMs || (one.bytes < other.bytes ? -1 : 1))
}

function isWhole(
  { wholeWhen = "quiet" }: DropFolder,
  { quietMs, isMarked }: { quietMs: number; isMarked: boolean },
): boolean {
  if (wholeWhen === "quiet") return quietMs >= quietForMs
  return wholeWhen === "renamed" || isMarked
}

/** A file that is moved into the folder keeps the time of its content (mtime) and gets another of its name (ctime). */
const changedMsOf = ({ mtimeMs, ctimeMs }: Stats) => Math.floor(Math.max(mtimeMs, ctimeMs))

const pathOf = (folder: DropFolder, bytes: string) =>
  Buffer.concat([Buffer.from(`${folder.path}/`), Buffer.from(bytes, "latin1")])

/** Opens a file to read it; undefined when it is gone or is a link by now. */
export async function openFile(folder: DropFolder, { bytes }: WholeFile): Promise<FileHandle | undefined> {
  try {
    return await open(pathOf(folder, bytes), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (thrown) {
    if (codeOf(thrown) === "ELOOP") return undefined
    return goneIsFine(thrown)
  }
}

/** Whether a file is still the one that was read, unchanged: its sender may have written on, or put another in its place. */
export async function isStill(folder: DropFolder, { bytes }: WholeFile, read: Stats): Promise<boolean> {
  const stat = await lstat(pathOf(folder, bytes)).catch(goneIsFine)
  return stat !== undefined && stat.ino === read.ino && stat.size === read.size && stat.mtimeMs === read.mtimeMs
}

/**
 * Moves a file to `taken` or `refused`, below a folder of the day, with eight letters of its digest in its name: another file of this name is
 * never written over. A refused one gets its report beside it, first. A file that is gone was moved before. CONFIG_INVALID when `taken` or
 * `refused` is a link: who may write here must not choose where we write.
 */
export async function archive(
  folder: DropFolder,
  file: WholeFile,
  how: { state: "taken" | "refused"; day: string; digest: string; report: object | undefined },
): Promise<void> {
  const into = join(folder.path, how.state, how.day)
  for (const path of [join(folder.path, how.state), into]) {
    await mkdir(path).catch(thereIsFine)
    if (!(await lstat(path)).isDirectory())
      throw new AppError(
        "CONFIG_INVALID",
        `${path} is no folder: files are moved into folders, not into what links lead to`,
      )
  }
  const ending = endingOf(folder)
  const base = `${file.bytes.slice(0, -ending.length).slice(0, nameBytesMax)}.${how.digest.slice(0, 8)}`
  const to = (name: string) => Buffer.concat([Buffer.from(`${into}/`), Buffer.from(name, "latin1")])
  if (how.report) {
    const path = to(`${base}.report.json`)
    await writeFile(to(`${base}.report.tmp`), `${JSON.stringify(how.report, undefined, 2)}\n`)
    await rename(to(`${base}.report.tmp`), path)
  }
  await rename(pathOf(folder, file.bytes), to(base + ending)).catch(goneIsFine)
  if (folder.wholeWhen === "marked") await rm(pathOf(folder, file.bytes + markEnding), { force: true })
}

const codeOf = (thrown: unknown) => (thrown as NodeJS.ErrnoException | undefined)?.code

function thereIsFine(thrown: unknown): void {
  if (codeOf(thrown) !== "EEXIST") throw thrown
}

function goneIsFine(thrown: unknown): undefined {
  if (codeOf(thrown) !== "ENOENT") throw thrown
}
