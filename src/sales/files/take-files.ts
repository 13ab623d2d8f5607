import { createHash } from "node:crypto"
import type { FileHandle } from "node:fs/promises"
import { asAppError, type Problem } from "../../base/errors.ts"
import { derivedId } from "../../base/ids.ts"
import { inTransaction, storage } from "../../base/sql.ts"
import { businessDate, instant } from "../../base/time.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import { passInTurn, type SharedReader } from "../../eventlog/readers/pass-in-turn.ts"
import type { ReceiptOutcome, Receipts, Sender } from "../record.ts"
import { storeEvents, type Selling } from "../selling.ts"
import { archive, isStill, openFile, wholeFiles, type Looks, type WholeFile } from "./in-folder.ts"
import type { DropFolder } from "./policy.ts"
import { receiptReader, type Part, type ReceiptReader } from "./read-receipts.ts"

export interface FolderParts {
  selling: Selling
  receipts: Pick<Receipts, "record" | "recordRead">
  parseJson: (bytes: Buffer, of?: { rows?: string }) => unknown
}

/** What became of the receipts of a file. */
interface Reading {
  digest: string
  bytes: number
  counts: Partial<Record<ReceiptOutcome["outcome"], number>>
  problems: Problem[]
  /** Why the file could not be read to its end. */
  fault?: string
}

const chunkBytes = 256 * 1024
const fileBytesMax = 512 * 1024 * 1024
const problemsMax = 50
const rowsAtOnce = 500

/** The name of the reader of a folder. */
export const folderReader = (folder: DropFolder) => `files ${folder.name}`

/**
 * One pass over a folder, unless another worker is at it or ended one within the interval; returns how many files were moved, or undefined. What
 * keeps the folder from being read, or a file from being moved, is thrown once all other files are done.
 */
export function passFolder(
  parts: FolderParts,
  folder: DropFolder,
  { everyMs, reader, ...how }: Pick<SharedReader, "everyMs" | "reader"> & Pick<Taking, "looks" | "signal">,
): Promise<number | undefined> {
  return passInTurn(parts.selling.sql, { name: folderReader(folder), everyMs, reader }, (keepLease) =>
    takeFiles(parts, folder, { ...how, keepLease }),
  )
}

interface Taking {
  looks: Looks
  signal: AbortSignal
  keepLease: () => Promise<void>
}

/**
 * Takes what lies whole in a folder: each file is read from its beginning, its receipts are kept, what became of it is noted, and then it is
 * moved. A process that dies in between leaves the file where it was, and the next one reads it again: receipts count once by number and
 * content, so nothing is lost and nothing is doubled. The same content under another name is read too; what it brings is `same as before`.
 * A file of which anything is refused goes to `refused` with a report, and people are told; a whole one of the same name ends that.
 */
async function takeFiles(parts: FolderParts, folder: DropFolder, taking: Taking): Promise<number> {
  const failed: unknown[] = []
  let count = 0
  for (const file of await wholeFiles(folder, { looks: taking.looks, nowMs: parts.selling.clock.now() })) {
    if (taking.signal.aborted) break
    try {
      if (await takeFile(parts, folder, { file, keepLease: taking.keepLease })) count += 1
    } catch (thrown) {
      // One that cannot be moved holds up no other.
      failed.push(thrown)
    }
  }
  if (failed.length > 0) throw failed[0]
  return count
}

async function takeFile(
  parts: FolderParts,
  folder: DropFolder,
  { file, keepLease }: { file: WholeFile } & Pick<Taking, "keepLease">,
): Promise<boolean> {
  const handle = await openFile(folder, file)
  if (!handle) return false
  let reading: Reading
  try {
    const before = await handle.stat()
    if (!before.isFile()) return false
    reading = await readFile(parts, folder, { handle, keepLease })
    // Its sender was not ready, or has put another in its place: what was read counts, and what lies there is read when it is whole.
    if (!(await isStill(folder, file, before))) return false
  } finally {
    await handle.close()
  }
  await keep(parts, folder, { file, reading })
  return true
}

async function readFile(
  parts: FolderParts,
  folder: DropFolder,
  { handle, keepLease }: { handle: FileHandle } & Pick<Taking, "keepLease">,
): Promise<Reading> {
  const { stores, policies } = parts.selling
  const sender = { source: folderReader(folder), stores: folder.stores }
  const reader = receiptReader(folder.format, {
    poslog: { stores, policy: policies.poslog },
    parseJson: parts.parseJson,
  })
  const hash = createHash("sha256")
  const reading: Reading = { digest: "", bytes: 0, counts: {}, problems: [] }
  const buffer = Buffer.allocUnsafe(chunkBytes)
  for (;;) {
    await keepLease()
    const { bytesRead } = await handle.read(buffer, 0, chunkBytes, reading.bytes)
    const chunk = Buffer.from(buffer.subarray(0, bytesRead))
    hash.update(chunk)
    reading.bytes += bytesRead
    // The rest of a file that cannot be read is known by its content all the same.
    if (reading.fault === undefined) await readPart(parts, { reader, reading, sender, chunk })
    if (bytesRead === 0) break
  }
  reading.digest = hash.digest("hex")
  const isEmpty = reading.fault === undefined && Object.keys(reading.counts).length === 0
  return isEmpty ? { ...reading, fault: "it holds no receipts" } : reading
}

/** Nothing more is read when a part cannot be; our own storage being away is no fault of the file. */
async function readPart(
  parts: FolderParts,
  { reader, reading, sender, chunk }: { reader: ReceiptReader; reading: Reading; sender: Sender; chunk: Buffer },
): Promise<void> {
  let part: Part
  try {
    if (reading.bytes > fileBytesMax) throw new RangeError(`it is longer than ${fileBytesMax} bytes`)
    part = chunk.length === 0 ? reader.end() : reader.write(chunk)
  } catch (thrown) {
    const { message, problems } = asAppError(thrown)
    reading.fault = thrown instanceof RangeError ? thrown.message : message
    reading.problems.push(...problems.slice(0, problemsMax))
    return
  }
  await record(parts, { part, reading, sender })
}

async function record(
  { receipts }: FolderParts,
  { part, reading, sender }: { part: Part; reading: Reading; sender: Sender },
): Promise<void> {
  const all = part.kind === "rows" ? part.rows : part.transactions
  for (let from = 0; from < all.length; from += rowsAtOnce) {
    const to = from + rowsAtOnce
    if (part.kind === "rows") {
      const rows = part.rows.slice(from, to)
      const outcomes = await receipts.record(
        rows.map(({ row }) => row),
        sender,
      )
      outcomes.forEach((outcome, n) => count(reading, outcome, rows[n]?.place ?? ""))
    } else {
      const outcomes = await receipts.recordRead(part.transactions.slice(from, to), sender)
      for (const outcome of outcomes) count(reading, outcome, "")
    }
  }
}

function count(reading: Reading, { outcome, problems = [] }: ReceiptOutcome, place: string): void {
  reading.counts[outcome] = (reading.counts[outcome] ?? 0) + 1
  // What is parked or in conflict is told by itself.
  if (outcome !== "refused") return
  const room = Math.max(0, problemsMax - reading.problems.length)
  const placed = problems.slice(0, room).map(({ pointer, message }) => {
    return { pointer: place === "" ? pointer : `${place}${pointer === "" ? "" : ` ${pointer}`}`, message }
  })
  reading.problems.push(...placed)
}

/** Notes what became of it, tells people where anything was refused, and moves it: in this order, so that a death in between repeats it. */
async function keep(
  { selling }: FolderParts,
  folder: DropFolder,
  { file, reading }: { file: WholeFile; reading: Reading },
): Promise<void> {
  const { sql, clock } = selling
  const at = instant(clock.now())
  const { digest, bytes, counts, problems, fault } = reading
  const isRefused = fault !== undefined || (counts.refused ?? 0) > 0
  const state = isRefused ? "refused" : "taken"
  // A file that is dropped once more after people decided about it is news again.
  const exceptionId = derivedId("file", folder.name, file.name, digest, String(file.changedMs))
  const shown = fault === undefined ? problems : [{ pointer: "", message: fault }, ...problems]
  const row = {
    folder: folder.name,
    digest,
    name: file.name,
    state,
    bytes,
    changedAt: instant(file.changedMs),
    takenAt: at,
    counts,
    problems: shown,
    exceptionId: isRefused ? exceptionId : null,
  }
  const about = ref("reader", folderReader(folder))
  const opened = isRefused ? [fileRefused({ about, folder, file, reading, exceptionId, problems: shown, at })] : []
  const { told, sameAs } = await storage(() =>
    inTransaction(sql, async (tx) => {
      const [noted] = await tx<{ ended: string[]; same_as: string | null }[]>`
        select ended, same_as from note_dropped_file(${JSON.stringify(row)}::text::json)`
      const ended = (noted?.ended ?? []).map((id) => fileCame({ about, id, at }))
      return { told: await storeEvents(tx, selling, [...opened, ...ended]), sameAs: noted?.same_as ?? undefined }
    }),
  )
  told()
  const report = { ...row, exceptionId: undefined, ...(sameAs === undefined ? {} : { sameContentAs: sameAs }) }
  await archive(folder, file, {
    state,
    day: businessDate(at, { timeZone: "UTC" }),
    digest,
    report: isRefused ? report : undefined,
  })
}

const source = "crossdock:sales"
const keptText = (counts: Reading["counts"]) =>
  Object.entries(counts)
    .flatMap(([outcome, n]) => (outcome === "refused" ? [] : [`${n} ${outcome}`]))
    .join(", ")

function fileRefused(of: {
  about: ReturnType<typeof ref>
  folder: DropFolder
  file: WholeFile
  reading: Reading
  exceptionId: string
  problems: readonly Problem[]
  at: string
}): NewEvent {
  const { about, folder, file, reading, exceptionId, problems, at } = of
  const [first] = problems
  const why = first ? `${first.pointer === "" ? "" : `${first.pointer}: `}${first.message}` : "it is not known why"
  const done = keptText(reading.counts)
  return newEvent({
    type: "exception.opened",
    fact: `${source}:${exceptionId}`,
    source,
    time: at,
    data: {
      exceptionId,
      about,
      cause: "a file is refused",
      summary:
        `Of the file ${file.name} in ${folder.name}, ${reading.fault === undefined ? `${reading.counts.refused ?? 0} receipts are refused` : "not all could be read"}: ${why}`.slice(
          0,
          1000,
        ),
      doneSoFar: [
        done === "" ? "kept nothing of it" : `kept its other receipts: ${done}`.slice(0, 200),
        "moved it to refused, with a report beside it",
      ],
      ifNobodyActs: "what was refused moves no goods and no money, and its numbers stay outstanding",
      allowedActions: ["acknowledge"],
      owner: "integration",
      because: { kind: "data", operation: "a file is refused", value: folder.name },
      at,
    },
  })
}

function fileCame({ about, id, at }: { about: ReturnType<typeof ref>; id: string; at: string }): NewEvent {
  return newEvent({
    type: "exception.decided",
    fact: `exception:${id}:decided`,
    source,
    time: at,
    data: {
      exceptionId: id,
      about,
      action: "acknowledge",
      decidedBy: "crossdock",
      reason: "a whole file of this name came",
      at,
    },
  })
}
