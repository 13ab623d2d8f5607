import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { saleReceipt } from "../../../test/fixtures/sales/receipts.ts"
import type { Journal } from "../journal/journal.ts"
import { openJournal } from "../journal/open-journal.ts"
import { noteAnswers, type Answered } from "../journal/sending.ts"
import { readRow } from "../reading.ts"
import { Sold } from "./sold.ts"

// What is off the shelf of a store while its centre does not know it.

const storeId = "117"
const place = { timeZone: "Europe/Amsterdam" }
const clock = { now: () => Date.UTC(2026, 10, 20, 12) }
let folder = ""
let journal: Journal
let sold: Sold

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "crossdock-sold-"))
  journal = openJournal({ file: join(folder, "journal.db"), storeId, place, clock })
  sold = begin()
})
afterEach(() => {
  journal.close()
  rmSync(folder, { recursive: true, force: true })
})

/** As an agent begins that was killed. */
const begin = () => new Sold({ file: journal.file, clock, isCovered: () => false })
function keep(sequence: number, more: object): string {
  const read = readRow(saleReceipt({ storeId, tillId: "3", sequence, ...more }), { storeId, place })
  const [kept] = journal.keep([read])
  if (kept?.standing === "counts" && kept.isNew) sold.note(read)
  return kept?.standing ?? ""
}
function answer(...outcomes: [place: number, outcome: string][]): void {
  const digestAt = (at: number) =>
    String(journal.file.all("select digest from kept_rows where place = ?", [at])[0]?.["digest"])
  const rows = outcomes.map(([at, outcome]) => ({ tillId: "3", place: at, outcome, digest: digestAt(at) }))
  for (const row of noteAnswers(journal.file, rows satisfies Answered[], clock.now())) sold.corrected(row)
  for (const row of rows) sold.answered(row)
}
const off = (sku = "TEE-M") => [sold.of([sku]), begin().of([sku])]

test("a sale that the centre refused and that came corrected is off the shelf once, as it was corrected", () => {
  expect(keep(1, { endedAt: "2026-11-20T19:00:00.000Z" })).toBe("counts")
  answer([1, "refused"])
  expect(off()).toEqual([1000, 1000])
  expect(keep(1, { endedAt: "2026-11-20T10:00:00.000Z", sku: "TEE-L" })).toBe("conflict")
  answer([2, "accepted"])
  expect([off(), off("TEE-L")]).toEqual([
    [0, 0],
    [1000, 1000],
  ])
  // What the till sends again is the one that the centre has.
  expect(keep(1, { endedAt: "2026-11-20T10:00:00.000Z", sku: "TEE-L" })).toBe("counts")
  expect(keep(1, { endedAt: "2026-11-20T19:00:00.000Z" })).toBe("conflict")
  // The centre goes on refusing the first one.
  answer([1, "refused"], [2, "same as before"])
  expect([off(), off("TEE-L")]).toEqual([
    [0, 0],
    [1000, 1000],
  ])
})

test("a wrong clock gave the day too: both in one request", () => {
  keep(1, { endedAt: "2026-12-24T10:00:00.000Z" })
  expect(keep(1, { endedAt: "2026-11-20T10:00:00.000Z" })).toBe("counts")
  answer([1, "refused"], [2, "accepted"])
  expect(off()).toEqual([1000, 1000])
})

test("other goods with the number on another day, and in another epoch, are another sale", () => {
  keep(1, { endedAt: "2026-12-24T10:00:00.000Z" })
  keep(1, { endedAt: "2026-11-20T10:00:00.000Z", sku: "TEE-L" })
  keep(1, { endedAt: "2026-12-24T10:00:00.000Z", epoch: "2" })
  answer([1, "refused"], [2, "accepted"], [3, "accepted"])
  expect([off(), off("TEE-L")]).toEqual([
    [2000, 2000],
    [1000, 1000],
  ])
})
