import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterEach, beforeEach, expect, test } from "vitest"
import { saleReceipt } from "../../../test/fixtures/sales/receipts.ts"
import { readRow } from "../reading.ts"
import type { Journal } from "./journal.ts"
import { openJournal } from "./open-journal.ts"
import { prune, pruneRegularly } from "./prune.ts"
import { headAt, noteAnswers, noteKnown, unsent } from "./sending.ts"
import { walkChains } from "./verify.ts"

// What goes from the journal of a store, and what of it can still be proved.

const storeId = "117"
const place = { timeZone: "Europe/Amsterdam" }
const dayMs = 86_400_000
const keepMs = 35 * dayMs
let folder = ""
let file = ""
let nowMs = 0
const opened: Journal[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "crossdock-prune-"))
  file = join(folder, "journal.db")
  nowMs = Date.UTC(2026, 10, 1)
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
function open(): Journal {
  const journal = openJournal({ file, storeId, place, clock: { now: () => nowMs } })
  opened.push(journal)
  return journal
}
const row = (sequence: number, more: object = {}) =>
  readRow(saleReceipt({ storeId, tillId: "3", sequence, ...more }), { storeId, place })
const places = (journal: Journal) =>
  journal.file.all("select place from kept_rows order by place").map((one) => one["place"])
const answer = (journal: Journal, at: number, outcome: string) =>
  noteAnswers(journal.file, [{ tillId: "3", place: at, outcome }], nowMs)
const know = (journal: Journal, at: number) =>
  noteKnown(journal.file, "3", { place: at, hash: headAt(journal.file, "3", at) ?? "" })
const old = { keepMs, isFull: false }

test("what the centre answered, knows and is old goes; what waits for it, and all behind that, stays; the rest of the chain holds", async () => {
  const journal = open()
  journal.keep(Array.from({ length: 8 }, (_, n) => row(n + 1)))
  for (const at of [1, 2, 3, 5, 6, 7, 8]) answer(journal, at, "accepted")
  know(journal, 8)
  expect(await prune(journal, { ...old, nowMs })).toBe(0)
  nowMs += 36 * dayMs
  expect(await prune(journal, { ...old, nowMs })).toBe(3)
  expect(places(journal)).toEqual([4, 5, 6, 7, 8])
  answer(journal, 4, "accepted")
  know(journal, 6)
  expect(await prune(journal, { ...old, nowMs })).toBe(3)
  know(journal, 8)
  // The last entry of a till is where its chain goes on.
  expect(await prune(journal, { ...old, nowMs })).toBe(1)
  expect(places(journal)).toEqual([8])
  expect(walkChains(journal.file.database)).toEqual({ entries: 1, pruned: 7, breaks: [] })
  journal.keep([row(9)])
  close(journal)
  const next = open()
  expect([places(next), next.incidents({ isTold: false })]).toEqual([[8, 9], []])
  next.file.database.exec("update kept_tills set base_hash = replace(base_hash, substr(base_hash, 1, 4), 'beef')")
  expect(walkChains(next.file.database).breaks).toMatchObject([{ tillId: "3", place: 8 }])
})

test("an entry that the centre cannot read stays, is sent again, can be proved, and goes when it is taken", async () => {
  const journal = open()
  journal.keep([row(1), row(2), row(3), row(4)])
  for (const at of [1, 3, 4]) answer(journal, at, "accepted")
  noteAnswers(
    journal.file,
    [{ tillId: "3", place: 2, outcome: "refused", sendAfter: "2026-11-01T00:00:00.000Z" }],
    nowMs,
  )
  know(journal, 4)
  nowMs += 36 * dayMs
  expect(await prune(journal, { ...old, nowMs })).toBe(2)
  expect(places(journal)).toEqual([2, 4])
  expect(unsent(journal.file, "3", { limit: 9, at: "2027-01-01T00:00:00.000Z" }).map((one) => one.place)).toEqual([2])
  expect(walkChains(journal.file.database)).toMatchObject({ entries: 2, breaks: [] })
  journal.file.database.exec("update kept_rows set receipt = replace(receipt, '1190', '9011') where place = 2")
  expect(walkChains(journal.file.database).breaks).toMatchObject([{ place: 2 }])
  journal.file.database.exec("update kept_rows set receipt = replace(receipt, '9011', '1190') where place = 2")
  answer(journal, 2, "accepted")
  expect(await prune(journal, { ...old, nowMs })).toBe(1)
  expect(places(journal)).toEqual([4])
})

test("entries that a wrong clock dated between others keep their places: what is of today stays, and the chain holds", async () => {
  const journal = open()
  const today = nowMs + 40 * dayMs
  for (const [n, atMs] of [nowMs, nowMs, today, nowMs, nowMs, today].entries()) {
    nowMs = atMs
    journal.keep([row(n + 1)])
  }
  for (const at of [1, 3, 4, 5, 6]) answer(journal, at, "accepted")
  answer(journal, 2, "refused")
  know(journal, 6)
  expect(await prune(journal, { ...old, nowMs: today })).toBe(1)
  expect(places(journal)).toEqual([2, 3, 4, 5, 6])
  expect(walkChains(journal.file.database)).toMatchObject({ entries: 5, breaks: [] })
  expect(await prune(journal, { ...old, nowMs: today + 36 * dayMs })).toBe(3)
  expect(walkChains(journal.file.database)).toMatchObject({ entries: 2, breaks: [] })
})

test("a clock that is ahead of the centre's prunes nothing, and until the centre was heard only a full disk is pruned", async () => {
  const journal = open()
  journal.keep([row(1), row(2), row(3)])
  for (const at of [1, 2, 3]) answer(journal, at, "accepted")
  know(journal, 3)
  const run = async (of: { heardMs?: number; isFull?: boolean }) => {
    const { heardMs, isFull = false } = of
    const clock = { now: () => nowMs + 40 * dayMs }
    const pruning = pruneRegularly(journal, {
      keepMs,
      clock,
      heardMs: () => heardMs,
      isFull: () => isFull,
      log: undefined,
    })
    pruning.start()
    await pruning.stop()
    return places(journal)
  }
  expect(await run({})).toEqual([1, 2, 3])
  expect(await run({ heardMs: nowMs })).toEqual([1, 2, 3])
  expect(await run({ heardMs: nowMs, isFull: true })).toEqual([1, 2, 3])
  expect(await run({ isFull: true })).toEqual([3])
})

test("a full disk gets room: all that the centre has for a day goes, and the file is smaller", async () => {
  const journal = open()
  for (let from = 0; from < 3000; from += 500) journal.keep(Array.from({ length: 500 }, (_, n) => row(from + n + 1)))
  for (let at = 1; at <= 2900; at += 100)
    noteAnswers(
      journal.file,
      Array.from({ length: 100 }, (_, n) => ({ tillId: "3", place: at + n, outcome: "accepted" })),
      nowMs,
    )
  know(journal, 3000)
  journal.file.database.exec("pragma wal_checkpoint(truncate)")
  const before = statSync(file).size
  nowMs += 2 * dayMs
  expect(await prune(journal, { ...old, nowMs })).toBe(0)
  expect(await prune(journal, { keepMs, isFull: true, nowMs })).toBe(2900)
  expect(statSync(file).size).toBeLessThan(before / 4)
  expect(walkChains(journal.file.database)).toEqual({ entries: 100, pruned: 2900, breaks: [] })
})

test("property: whatever was answered when, what goes is a beginning without anything that waits, and the chain holds", async () => {
  const outcomes = fc.constantFrom(null, "accepted", "same as before", "refused", "parked", "conflict")
  await fc.assert(
    fc.asyncProperty(fc.array(outcomes, { minLength: 1, maxLength: 12 }), fc.nat({ max: 12 }), async (given, known) => {
      for (const end of ["", "-wal", ".heads"]) rmSync(file + end, { force: true })
      const journal = open()
      journal.keep(given.map((_, n) => row(n + 1)))
      for (const [n, outcome] of given.entries()) if (outcome !== null) answer(journal, n + 1, outcome)
      know(journal, Math.min(known, given.length))
      nowMs += 36 * dayMs
      await prune(journal, { ...old, nowMs })
      const waiting = given.indexOf(null)
      const end = Math.min(waiting === -1 ? given.length : waiting, known, given.length - 1)
      const left = given.flatMap((outcome, n) => (n >= end || outcome === "refused" ? [n + 1] : []))
      expect(places(journal)).toEqual(left)
      expect(walkChains(journal.file.database)).toMatchObject({ entries: left.length, breaks: [] })
      expect(await prune(journal, { ...old, nowMs })).toBe(0)
      close(journal)
    }),
    { numRuns: 50 },
  )
})
