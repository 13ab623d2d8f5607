import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import type { SnapshotPage } from "../../canonical/sales/snapshot.ts"
import { Follow } from "./follow.ts"
import { SnapshotFile } from "./snapshot-file.ts"

// How old a store takes its snapshot to be, by clocks that stop and are set.

const hourMs = 3_600_000
let folder = ""
let nowMs = 0
let file: SnapshotFile

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "crossdock-follow-"))
  nowMs = Date.UTC(2026, 10, 20)
  file = new SnapshotFile({ path: join(folder, "snapshot.db"), storeId: "117" })
})
afterEach(() => {
  file.close()
  rmSync(folder, { recursive: true, force: true })
})

const page: SnapshotPage = {
  storeId: "117",
  currency: "EUR",
  mode: "whole",
  isFirst: true,
  isLast: true,
  cursor: "c",
  at: "2026-11-20T00:00:00.000Z",
  items: [],
  booked: [],
}
const follow = () =>
  new Follow({
    storeId: "117",
    file,
    sold: { toAsk: () => [], covered: () => undefined },
    everyMs: 15_000,
    firstWaitMs: 20,
    clock: { now: () => nowMs },
    send: () => Promise.resolve(page),
    hasRoom: () => true,
  })

test("a machine that slept calls nothing fresh that it read before", async () => {
  const following = follow()
  await following.pass()
  expect(following.age().ageMs).toBeLessThan(hourMs)
  // The process's own clock stands still meanwhile.
  nowMs += 3 * hourMs
  expect(following.age().ageMs).toBeGreaterThanOrEqual(3 * hourMs)
  await following.pass()
  expect(following.age().ageMs).toBeLessThan(hourMs)
  // The same after a restart, by what the file has.
  nowMs += 2 * hourMs
  expect(follow().age().ageMs).toBeGreaterThanOrEqual(2 * hourMs)
})

test("a clock that is put back makes nothing younger than nothing", async () => {
  const following = follow()
  await following.pass()
  nowMs -= 5 * hourMs
  expect(following.age().ageMs).toBeGreaterThanOrEqual(0)
  expect(follow().age().ageMs).toBe(0)
})
