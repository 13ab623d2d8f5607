import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { codeHash } from "../../canonical/pickups/code-hash.ts"
import type { Journal } from "../journal/journal.ts"
import { openJournal } from "../journal/open-journal.ts"
import { Answers } from "./answers.ts"
import { CodeAttempts } from "./code-attempts.ts"
import { SnapshotFile } from "./snapshot-file.ts"
import { Sold } from "./sold.ts"

// Guessing the code of a pickup at the agent of a store.

const storeId = "117"
const pickupId = "pku_0123456789abcdef"
let nowMs = Date.UTC(2026, 10, 20, 12)
const clock = { now: () => nowMs }
let folder = ""
let journal: Journal
let file: SnapshotFile
let answers: Answers

function begin(): void {
  journal = openJournal({ file: join(folder, "journal.db"), storeId, place: { timeZone: "UTC" }, clock })
  file = new SnapshotFile({ path: join(folder, "snapshot.db"), storeId, onThrownAway: () => undefined })
  const follow = { age: () => ({ isThere: true, asOf: "2026-11-20T12:00:00.000Z", ageMs: 0 }) }
  const sold = new Sold({ file: journal.file, clock, isCovered: () => false })
  const attempts = new CodeAttempts({ journal, clock })
  answers = new Answers({ storeId, file, sold, follow, clock, attempts, staleAfterMs: 1000 })
}
function end(): void {
  journal.close()
  file.close()
}
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "crossdock-codes-"))
  nowMs = Date.UTC(2026, 10, 20, 12)
  begin()
  const body = { number: "1", method: "pickup", asksCode: true, codeHash: await codeHash(pickupId, "K7M2QX") }
  const page = {
    storeId,
    currency: "EUR",
    mode: "whole" as const,
    isFirst: true,
    isLast: true,
    cursor: "c",
    at: "2026-11-20T12:00:00.000Z",
    items: [{ kind: "pickup" as const, key: pickupId, body }],
    booked: [],
  }
  file.apply(page, { covered: [], askedMs: nowMs })
})
afterEach(() => {
  end()
  rmSync(folder, { recursive: true, force: true })
})

const ask = (code: string, tillId = "3") => answers.isCode({ pickupId, code, tillId })
const wrong = { isCode: false }
const tooMany = (retryAfterMs: number) => ({ code: "RATE_LIMITED", retryAfterMs })

test("after three wrong codes each one waits twice as long, at whichever till, and a restart forgets nothing", async () => {
  for (const tillId of ["1", "2", "3"]) expect(await ask("AAAAAA", tillId)).toMatchObject(wrong)
  await expect(ask("K7M2QX", "4")).rejects.toMatchObject(tooMany(30_000))
  end()
  begin()
  nowMs += 10_000
  await expect(ask("K7M2QX")).rejects.toMatchObject(tooMany(20_000))
  nowMs += 20_000
  expect(await ask("AAAAAB")).toMatchObject(wrong)
  await expect(ask("K7M2QX")).rejects.toMatchObject(tooMany(60_000))
  nowMs += 60_000
  expect(await ask("k7m2qx")).toMatchObject({ isCode: true })
  // The right one ends it.
  expect(await ask("AAAAAA")).toMatchObject(wrong)
})

test("many at once are no more than one after another", async () => {
  const all = await Promise.allSettled(Array.from({ length: 50 }, (_, n) => ask(`AAAA${n}`, String(n))))
  expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(3)
})

test("people are told once of ten wrong codes of one pickup", async () => {
  for (let n = 0; n < 12; n += 1) {
    expect(await ask(`AAAA${n}`)).toMatchObject(wrong)
    nowMs += 3_600_000
  }
  const told = journal.incidents({ isTold: false }).map(({ what }) => what)
  expect(told).toEqual([expect.stringContaining(`10 wrong codes were typed for pickup ${pickupId}`)])
})
