import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { saleReceipt } from "../../../test/fixtures/sales/receipts.ts"
import { readRow } from "../reading.ts"
import type { Journal } from "./journal.ts"
import { openJournal } from "./open-journal.ts"
import { noteAnswers, noteKnown, sendAgain, unsent } from "./sending.ts"
import { walkChains } from "./verify.ts"

// What an agent still owes to the centre after it heard of its receipts.

const storeId = "117"
const place = { timeZone: "Europe/Amsterdam" }
const nowMs = Date.UTC(2026, 10, 20, 12)
let folder = ""
let journal: Journal

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "crossdock-sending-"))
  journal = openJournal({ file: join(folder, "journal.db"), storeId, place, clock: { now: () => nowMs } })
})
afterEach(() => {
  journal.close()
  rmSync(folder, { recursive: true, force: true })
})

const sale = (more: object = {}) => saleReceipt({ storeId, tillId: "3", sequence: 1, ...more })
const keep = (row: object) => journal.keep([readRow(row, { storeId, place })])
/** Places that would go out in a year. */
const due = () => unsent(journal.file, "3", { limit: 100, at: "2027-11-20T12:00:00.000Z" }).map((one) => one.place)
function answer(...outcomes: [place: number, outcome: string][]): void {
  const sendAfter = "2026-11-20T12:10:00.000Z"
  const rows = outcomes.map(([at, outcome]) => {
    return { tillId: "3", place: at, outcome, ...(outcome === "refused" ? { sendAfter } : {}) }
  })
  noteAnswers(journal.file, rows, nowMs)
}
const wrongClock = { endedAt: "2026-12-24T10:00:00.000Z" }
const refusedCount = () => journal.file.all("select 1 from kept_rows where outcome = 'refused'").length

test("a receipt that was refused and came corrected is not sent again, whatever its date, and stays in the chain", () => {
  keep(sale(wrongClock))
  answer([1, "refused"])
  expect(due()).toEqual([1])
  keep(sale({ endedAt: "2026-11-20T10:00:00.000Z" }))
  answer([2, "accepted"])
  expect([due(), refusedCount()]).toEqual([[], 0])
  expect(walkChains(journal.file.database)).toMatchObject({ entries: 2, breaks: [] })
  // A centre that was restored from an old backup gets what counted.
  const head = journal.heads.get("3")
  noteKnown(journal.file, "3", head ?? { place: 0, hash: "" })
  sendAgain(journal.file, "3", { after: 0 })
  expect(due()).toEqual([2])
})

test("one that could not be read is ended by the one that came with its number, and by no other day's", () => {
  const { endedAt: _, ...unreadable } = sale({ businessDay: "2026-11-20" })
  keep(unreadable)
  answer([1, "refused"])
  keep(sale({ businessDay: "2026-11-19", endedAt: "2026-11-19T10:00:00.000Z", sku: "TEE-L" }))
  answer([2, "accepted"])
  expect(due()).toEqual([1])
  keep(sale({ businessDay: "2026-11-20" }))
  answer([3, "accepted"])
  expect([due(), refusedCount()]).toEqual([[], 0])
})

test("the one that was refused is sent again until a corrected one was taken", () => {
  keep(sale(wrongClock))
  keep(sale({ endedAt: "2026-11-20T10:00:00.000Z" }))
  answer([1, "refused"], [2, "refused"])
  expect(due()).toEqual([1, 2])
  // Its store is known by now: it counts, and the other one is in conflict.
  answer([1, "accepted"], [2, "conflict"])
  expect([due(), refusedCount()]).toEqual([[], 0])
})
