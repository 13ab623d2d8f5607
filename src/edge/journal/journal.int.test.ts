import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterEach, beforeEach, expect, test } from "vitest"
import { saleReceipt } from "../../../test/fixtures/sales/receipts.ts"
import { systemClock } from "../../base/time.ts"
import { readRow } from "../reading.ts"
import { statusOf } from "../status.ts"
import type { Journal } from "./journal.ts"
import { openJournal } from "./open-journal.ts"
import { prune } from "./prune.ts"
import { lastNumber, noteAnswers, unsent } from "./sending.ts"
import { walkChains } from "./verify.ts"

// The journal's file under everything that happens to disks.

const storeId = "117"
const place = { timeZone: "Europe/Amsterdam" }
let folder = ""
let file = ""
const opened: Journal[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "crossdock-journal-"))
  file = join(folder, "journal.db")
})
afterEach(() => {
  for (const journal of opened.splice(0)) close(journal)
  rmSync(folder, { recursive: true, force: true })
})

function close(journal: Journal): void {
  try {
    journal.close()
  } catch {
    // Closed by the test.
  }
}

function open(more: object = {}): Journal {
  const journal = openJournal({ file, storeId, place, clock: systemClock, ...more })
  opened.push(journal)
  return journal
}
const snapshot = { isThere: false, isStale: true, counts: {}, soldSince: 0 }
const row = (sequence: number, tillId = "3") => readRow(saleReceipt({ storeId, tillId, sequence }), { storeId, place })
const kept = (journal: Journal) =>
  journal.file.all("select sequence from kept_rows order by sequence").map((one) => one["sequence"])

test("a full disk refuses the till and keeps nothing of it; with room it goes on", () => {
  let free = 100
  const journal = open({ freeBytes: () => free, reserveBytes: 10 })
  journal.keep([row(1)])
  free = 5
  expect(() => journal.keep([row(2), row(3)])).toThrow(expect.objectContaining({ code: "DISK_FULL" }))
  free = 100
  // SQLite's own word for it, in the middle of a group.
  journal.file.database.exec("pragma max_page_count = 20")
  const many = Array.from({ length: 500 }, (_, n) => row(n + 2))
  expect(() => journal.keep(many)).toThrow(expect.objectContaining({ code: "DISK_FULL" }))
  expect(kept(journal)).toEqual([1])
  journal.file.database.exec("pragma max_page_count = 1000000")
  journal.keep([row(2)])
  expect(kept(journal)).toEqual([1, 2])
  expect(walkChains(journal.file.database)).toEqual({ entries: 2, pruned: 0, breaks: [] })
})

test("a second agent on the same folder is turned away", () => {
  open()
  expect(() => open()).toThrow(expect.objectContaining({ code: "STATE_FORBIDS" }))
})

test("a folder of another store is not used", () => {
  open().close()
  expect(() => openJournal({ file, storeId: "118", place, clock: systemClock })).toThrow(/journal of store "117"/)
})

test("an entry that was changed, and one that was taken out, is found and named; the journal is set aside and its entries go on in a new one", () => {
  const journal = open()
  journal.keep([row(1), row(2), row(3), row(4)])
  const { database } = journal.file
  database.exec(`update kept_rows set receipt = replace(receipt, '1190', '9011') where place = 2`)
  expect(walkChains(database).breaks).toMatchObject([{ tillId: "3", place: 2 }])
  database.exec("delete from kept_rows where place = 3")
  expect(walkChains(database).breaks.map((one) => one.place)).toEqual([2, 4])
  journal.close()
  const next = open()
  expect(kept(next)).toEqual([1, 2, 4])
  expect(walkChains(next.file.database).breaks).toEqual([])
  // No place is given twice.
  expect(next.heads.get("3")?.place).toBe(7)
  expect(next.incidents({ isTold: false })).toMatchObject([{ what: expect.stringContaining("till 3, entry 2") }])
})

test("a file that SQLite cannot read is set aside, what can be read of it is kept, and people are told", () => {
  const journal = open()
  for (let from = 0; from < 400; from += 100) journal.keep(Array.from({ length: 100 }, (_, n) => row(from + n + 1)))
  journal.close()
  const bytes = readFileSync(file)
  // A page in the middle of the rows.
  const page = Math.floor(bytes.indexOf('"sequence":200,') / 4096)
  bytes.fill(0x5a, 4096 * page, 4096 * (page + 2))
  writeFileSync(file, bytes)
  const next = open()
  const numbers = kept(next)
  expect(numbers.length).toBeGreaterThan(0)
  expect(numbers.length).toBeLessThan(400)
  expect(next.incidents({ isTold: false })[0]?.what).toContain("damaged")
  next.keep([row(401)])
  expect(next.heads.get("3")?.place).toBe(400 + numbers.length + 1)
  expect(walkChains(next.file.database).breaks).toEqual([])
})

test("a log whose tail is gone is noticed by what tills were answered, and its places are not given again", () => {
  const journal = open()
  for (const n of [1, 2, 3, 4]) journal.keep([row(n)])
  // As the power leaves it: nothing was closed.
  const cut = join(folder, "cut.db")
  for (const end of ["", "-wal", ".heads"]) copyFileSync(file + end, cut + end)
  journal.close()
  truncateSync(`${cut}-wal`, readFileSync(`${cut}-wal`).length - 5000)
  const next = openJournal({ file: cut, storeId, place, clock: systemClock })
  opened.push(next)
  expect(kept(next)).toEqual([1, 2, 3])
  expect(next.incidents({ isTold: false })).toMatchObject([{ what: expect.stringContaining("till 3: 4-4") }])
  next.keep([row(5)])
  expect(next.heads.get("3")?.place).toBe(5)
  expect(walkChains(next.file.database)).toEqual({ entries: 4, pruned: 0, breaks: [] })
})

test("whatever the power cuts off the log, the journal holds a beginning of what was answered, and says when that is not all", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 6 }), fc.nat(), (groups, at) => {
      for (const end of ["", "-wal", ".heads"]) rmSync(file + end, { force: true })
      const journal = open()
      let last = 0
      for (const size of groups) journal.keep(Array.from({ length: size }, () => row((last += 1))))
      const cut = join(folder, `cut-${at}.db`)
      for (const end of ["", "-wal", ".heads"]) copyFileSync(file + end, cut + end)
      journal.close()
      const length = readFileSync(`${cut}-wal`).length
      truncateSync(`${cut}-wal`, at % (length + 1))
      const next = openJournal({ file: cut, storeId, place, clock: systemClock })
      const numbers = kept(next)
      expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, n) => n + 1))
      expect(next.incidents({ isTold: false }).length > 0).toBe(numbers.length < last)
      expect(walkChains(next.file.database).breaks).toEqual([])
      close(next)
      expect(existsSync(cut)).toBe(true)
    }),
    { numRuns: 60 },
  )
})

/** Hears what is asked of a journal from now on. */
function listen(journal: Journal): string[] {
  const asked: string[] = []
  const { all } = journal.file
  journal.file.all = (sql, values) => {
    asked.push(sql)
    return all.call(journal.file, sql, values)
  }
  return asked
}

/** How SQLite does what was asked. */
function stepsOf(journal: Journal, asked: readonly string[]): { sql: string; detail: string }[] {
  return asked.flatMap((sql) => {
    const plan = journal.file.database
      .prepare(`explain query plan ${sql}`)
      .all(...Array.from(sql.matchAll(/\?(?!\d)/g), () => null))
    return plan.map(({ detail }) => ({ sql, detail: String(detail) }))
  })
}

test("no sale, and no pass to the centre, reads the receipts that its till sold before", async () => {
  const journal = open()
  journal.keep([row(1)])
  const asked = listen(journal)
  journal.keep([row(2)])
  unsent(journal.file, "3", { limit: 100, at: "2026-11-20T12:00:00.000Z" })
  noteAnswers(journal.file, [{ tillId: "3", place: 1, outcome: "accepted" }], 0)
  lastNumber(journal.file, "3")
  await prune(journal, { keepMs: 0, isFull: false, nowMs: 0 })
  const steps = stepsOf(journal, asked)
  // By the till alone is all that it ever sold, unless it stops at the first.
  const whole = steps.filter(
    ({ sql, detail }) =>
      /SCAN kept_rows$|kept_rows USING PRIMARY KEY \(till_id=\?\)$/.test(detail) && !sql.includes("desc limit 1"),
  )
  expect(steps.length).toBeGreaterThan(5)
  expect(whole).toEqual([])
})

test("a look at how the agent is reads no receipt that waits, also in a journal of before; and the last number of a till is found, not sought", () => {
  open().keep([row(1), row(2), row(3)])
  for (const journal of opened.splice(0)) {
    // As journals of before had it.
    journal.file.database.exec(
      "drop index kept_unsent; create index kept_unsent on kept_rows (till_id, place) where outcome is null",
    )
    journal.close()
  }
  const journal = open()
  const asked = listen(journal)
  const { tills } = statusOf({ journal, storeId, line: {}, freeBytes: 1, reserveBytes: 0, snapshot })
  expect(tills).toMatchObject([{ outstanding: 3, from: 1, to: 3, lastSequence: 3 }])
  expect(lastNumber(journal.file, "3")).toMatchObject({ sequence: 3 })
  const steps = stepsOf(journal, asked)
  const waiting = steps.filter(({ detail }) => detail.includes("kept_unsent"))
  expect(waiting.length).toBe(3)
  expect(waiting.filter(({ sql, detail }) => !detail.includes("COVERING") && !sql.endsWith(" limit 1"))).toEqual([])
  const numbers = steps.filter(({ detail }) => detail.includes("kept_numbers"))
  expect(numbers.map(({ sql }) => sql.includes("order by sequence desc limit 1"))).toEqual([true])
  expect(steps.filter(({ sql, detail }) => detail.includes("TEMP B-TREE") && sql.includes("kept_rows"))).toEqual([])
})
