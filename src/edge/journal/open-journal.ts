import { existsSync, renameSync, rmSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { instant, type Clock, type DayPlace } from "../../base/time.ts"
import { readRow, type Read } from "../reading.ts"
import { isDamage } from "./database.ts"
import { Journal } from "./journal.ts"
import { walkChains, type Break } from "./verify.ts"
import { Witness, witnessOf } from "./witness.ts"

interface OpenOptions {
  file: string
  storeId: string
  place: DayPlace
  clock: Clock
  freeBytes?: () => number
  reserveBytes?: number
}

/**
 * Opens a store's journal and looks whether it is whole. A damaged file is set aside, never changed or removed: a new one begins with every
 * entry of it that can be read, because the store goes on selling. A tail that was answered and is gone is noted. Both begin a new life of the
 * journal and are told to people and to the centre.
 */
export function openJournal(options: OpenOptions): Journal {
  const { file } = options
  // Of a process that died while it set a damaged file aside: whole when it was about to take its place.
  if (existsSync(file)) removeFile(fresh(file))
  else if (existsSync(fresh(file))) moveFile(fresh(file), file)
  const found = openWhole(options)
  return noteLostTail(found instanceof Journal ? found : setAside(options, found))
}

function setAside(options: OpenOptions, breaks: readonly Break[]): Journal {
  const { file, clock } = options
  const aside = `${file}.damaged-${instant(clock.now()).replaceAll(/[:.]/g, "-")}`
  const { rows, isAll } = readable(options)
  const places = new Witness(witnessOf(file)).read()
  const rest = isAll ? "all of its entries could be read" : "what could not be read is missing"
  const journal = new Journal({ ...options, file: fresh(file) })
  journal.beginAnew(
    `the journal was damaged (${breaks.map(breakText).join("; ")}). It is set aside as ${aside}; a new one has ${rows.length} entries of it, and ${rest}.`,
    new Map([...places].map(([tillId, { place }]) => [tillId, place])),
  )
  for (let from = 0; from < rows.length; from += 500) journal.keep(rows.slice(from, from + 500))
  journal.close()
  moveFile(file, aside)
  moveFile(fresh(file), file)
  removeFile(fresh(file))
  return new Journal(options)
}

const fresh = (file: string) => `${file}.new`

function moveFile(from: string, to: string): void {
  for (const end of ["-wal", "-shm", ""]) if (existsSync(from + end)) renameSync(from + end, to + end)
}

function removeFile(file: string): void {
  for (const end of ["", "-wal", "-shm", ".heads"]) rmSync(file + end, { force: true })
}

/** A break as people read it. */
function breakText({ tillId, place, what }: Break): string {
  return tillId === "" ? what : `till ${tillId}, entry ${place}: ${what}`
}

function openWhole(options: OpenOptions): Journal | readonly Break[] {
  let journal: Journal | undefined
  try {
    journal = new Journal(options)
    const { breaks } = walkChains(journal.file.database)
    if (breaks.length === 0) return journal
    journal.close()
    return breaks
  } catch (thrown) {
    if (!isDamage(thrown)) throw thrown
    journal?.close()
    return [{ tillId: "", place: 0, what: thrown instanceof Error ? thrown.message : String(thrown) }]
  }
}

/** Entries that were answered and are not there: SQLite dropped them with a damaged tail, or an old copy of the file was put back. */
function noteLostTail(journal: Journal): Journal {
  const lost = [...journal.witnessed()].filter(([tillId, { place }]) => place > (journal.heads.get(tillId)?.place ?? 0))
  if (lost.length === 0) return journal
  const words = lost.map(
    ([tillId, { place }]) => `till ${tillId}: ${(journal.heads.get(tillId)?.place ?? 0) + 1}-${place}`,
  )
  journal.beginAnew(
    `entries that tills were answered are not in the journal any more: ${words.join("; ")}. Its file was cut off, or an older one was put in its place.`,
    new Map(lost.map(([tillId, { place }]) => [tillId, place])),
  )
  return journal
}

/** Every entry of a damaged file that can be read, till by till as far as it goes. What the centre has is sent again: it knows receipts by content. */
function readable({ file, storeId, place }: OpenOptions): { rows: Read[]; isAll: boolean } {
  const rows: Read[] = []
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(file, { readOnly: true })
    // Each direction reads as far as the first damaged page.
    const isAll = [
      readAll(database, "select receipt from kept_rows order by till_id, place", rows),
      readAll(database, "select receipt from kept_rows order by till_id desc, place desc", rows),
    ].every(Boolean)
    const known = new Set<string>()
    const unique = rows
      .map((row) => readRow(JSON.parse(row.receipt), { storeId, place }))
      .filter(({ tillId, digest }) => !known.has(`${tillId}/${digest}`) && known.add(`${tillId}/${digest}`))
    return { rows: unique, isAll }
  } catch {
    return { rows: [], isAll: false }
  } finally {
    database?.close()
  }
}

function readAll(database: DatabaseSync, sql: string, into: { receipt: string }[]): boolean {
  try {
    for (const row of database.prepare(sql).iterate() as Iterable<unknown> as Iterable<{ receipt: string }>)
      into.push(row)
    return true
  } catch {
    return false
  }
}
