import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest"
import { startEdge, type EdgeAgent } from "../../../src/edge/agent.ts"
import { openJournal } from "../../../src/edge/journal/open-journal.ts"
import { prune } from "../../../src/edge/journal/prune.ts"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../../fixtures/crossdock.ts"
import { storeKey } from "../../fixtures/sales/edge.ts"
import { startLine, type Line } from "../../fixtures/sales/line.ts"
import { saleReceipt } from "../../fixtures/sales/receipts.ts"

// Lines that break, backups that are put back, and two agents of one store, with a real centre. Each test has a store of its own.

let t: TestCrossdock
let stores: string[] = []
let storeId = ""
let key = ""
let line: Line
let folder = ""
const agents: EdgeAgent[] = []

beforeAll(async () => {
  t = await startTestCrossdock({ seed: 94, lab: quietWarehouse })
  stores = t.lab.estate.locations.filter(({ kind }) => kind === "store").map(({ locationId }) => locationId)
  key = await storeKey(t, stores[0] ?? "")
  line = await startLine(t.gatewayUrl)
})
afterAll(async () => {
  await line?.close()
  await t?.stop()
})
beforeEach(() => {
  storeId = stores.shift() ?? ""
  folder = mkdtempSync(join(tmpdir(), "crossdock-edge-"))
  line.mode = "on"
})
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.stop()
  rmSync(folder, { recursive: true, force: true })
})

async function start(dataFolder: string): Promise<EdgeAgent> {
  const agent = await startEdge(
    { storeId, centreUrl: line.url, key, dataFolder, port: 0, timeZone: "Europe/Amsterdam", reserveBytes: 0 },
    { firstWaitMs: 20 },
  )
  agents.push(agent)
  return agent
}
async function stop(agent: EdgeAgent): Promise<void> {
  agents.splice(agents.indexOf(agent), 1)
  await agent.stop()
}

async function sell(agent: EdgeAgent, tillId: string, sequences: readonly number[]): Promise<string[]> {
  const receipts = sequences.map((sequence) =>
    saleReceipt({ storeId, tillId, sequence, businessDay: "2026-11-20", endedAt: "2026-11-20T10:00:00.000Z" }),
  )
  const answer = await fetch(`${agent.url}/sales`, {
    method: "POST",
    headers: { "content-type": "application/x-ndjson" },
    body: receipts.map((receipt) => JSON.stringify(receipt)).join("\n"),
  })
  expect(answer.status).toBe(200)
  return ((await answer.json()) as { results: { outcome: string }[] }).results.map(({ outcome }) => outcome)
}
const sent = (agent: EdgeAgent) =>
  eventually("all is sent", () => agent.status().outstanding === 0, { seen: async () => agent.status() })
const centre = async (tillId: string) =>
  (
    await t.sql<{ sequence: number; standing: string }[]>`
      select sequence, standing from receipts where store_id = ${storeId} and till_id = ${tillId} order by sequence, standing`
  ).map(({ sequence, standing }) => (standing === "recorded" ? sequence : `${sequence} ${standing}`))
async function causes(): Promise<unknown[]> {
  const { body } = await t.api("GET", "/v1/exceptions?state=open&limit=200")
  return (body.items ?? []).filter((one) => JSON.stringify(one).includes(storeId)).map((one) => one["cause"])
}
const outstanding = async () => (await t.api("GET", `/v1/sales/outstanding?storeId=${storeId}`)).body.items

test("X-12: offline the store goes on; the centre names what is outstanding from the agent's announcement, and has each receipt once afterwards", async () => {
  const agent = await start(folder)
  await sell(agent, "3", [10_441])
  await sent(agent)
  line.mode = "off"
  await sell(agent, "3", [10_442, 10_443, 10_444])
  await eventually("the store's people see it", () => agent.status().trouble !== undefined)
  expect(agent.status()).toMatchObject({ outstanding: 3, tills: [{ tillId: "3", from: 10_442, to: 10_444 }] })
  line.mode = "no sales"
  await eventually("the centre names them", async () => JSON.stringify(await outstanding()).includes("10442"), {
    withinMs: 30_000,
    seen: outstanding,
  })
  expect(await outstanding()).toMatchObject([{ tillId: "3", outstanding: [{ from: 10_442, to: 10_444 }] }])
  line.mode = "loses answers"
  const before = line.passed.length
  await eventually(
    "it was sent twice",
    () => line.passed.slice(before).filter((path) => path === "/v1/sales").length > 1,
    {
      withinMs: 30_000,
    },
  )
  line.mode = "on"
  await sent(agent)
  expect(await centre("3")).toEqual([10_441, 10_442, 10_443, 10_444])
  expect(await outstanding()).toEqual([])
  expect(await causes()).toEqual([])
}, 120_000)

test("an old backup that is put back is told to the store and to the centre, names what is lost, and gives no place again", async () => {
  const agent = await start(folder)
  await sell(agent, "3", [10_441])
  await sent(agent)
  await stop(agent)
  const backup = `${folder}-backup`
  cpSync(folder, backup, { recursive: true })
  const later = await start(folder)
  await sell(later, "3", [10_442])
  await sent(later)
  line.mode = "no sales"
  await sell(later, "3", [10_443, 10_444])
  await stop(later)
  // Its next start tells the heads, and cannot send.
  const unsent = await start(folder)
  await eventually("announced", async () => JSON.stringify(await outstanding()).includes("10444"), {
    seen: outstanding,
  })
  await stop(unsent)

  line.mode = "on"
  const restored = await start(backup)
  await sell(restored, "3", [10_445])
  await sent(restored)
  await eventually("the store is told", () => restored.status().incidents.length > 0)
  expect(restored.status().incidents[0]?.what).toContain("the centre knows entry 4, and this journal ends at")
  await eventually("the centre is told", async () => (await causes()).length === 2, { seen: causes })
  expect((await causes()).sort()).toEqual(["a store's journal is not whole", "a store's journal went back"])
  expect(await outstanding()).toMatchObject([{ tillId: "3", outstanding: [{ from: 10_443, to: 10_444 }] }])
  await sell(restored, "3", [10_446])
  expect(restored.status().tills[0]?.place).toBeGreaterThan(4)
  expect(await (await fetch(`${restored.url}/verify`)).json()).toMatchObject({ breaks: [] })
  // The till has its own copy of what is missing.
  expect(await sell(restored, "3", [10_443, 10_444])).toEqual(["accepted", "accepted"])
  await sent(restored)
  expect(await centre("3")).toEqual([10_441, 10_442, 10_443, 10_444, 10_445, 10_446])
  expect(await outstanding()).toEqual([])
  await stop(restored)
  rmSync(backup, { recursive: true, force: true })
}, 120_000)

test("an old backup is recognised although the journal was pruned since", async () => {
  const agent = await start(folder)
  await sell(agent, "3", [10_441, 10_442])
  await sent(agent)
  await stop(agent)
  const backup = `${folder}-backup`
  cpSync(folder, backup, { recursive: true })
  const later = await start(folder)
  await sell(later, "3", [10_443, 10_444])
  await sent(later)
  await stop(later)
  // At its start an agent tells how far it is.
  const heard = await start(folder)
  await heard.sync()
  await stop(heard)
  // What was kept now is long ago for a clock that is forty days ahead.
  const place = { timeZone: "Europe/Amsterdam" }
  const clock = { now: () => Date.now() + 40 * 86_400_000 }
  const journal = openJournal({ file: join(folder, "journal.db"), storeId, place, clock })
  const [known] = journal.file.all("select known_place, place from kept_tills")
  expect(known).toMatchObject({ known_place: 4, place: 4 })
  expect(await prune(journal, { keepMs: 35 * 86_400_000, isFull: false, nowMs: clock.now() })).toBe(3)
  journal.close()
  const pruned = await start(folder)
  await sell(pruned, "3", [10_445])
  await sent(pruned)
  await pruned.sync()
  expect(await causes()).toEqual([])
  await stop(pruned)
  const older = await start(backup)
  await sell(older, "3", [10_446])
  await eventually(
    "the store is told",
    () => older.status().incidents.some(({ what }) => what.includes("An older journal")),
    {
      withinMs: 60_000,
      seen: async () => older.status().incidents,
    },
  )
  await eventually("the centre is told", async () => (await causes()).length > 0, { withinMs: 30_000 })
  await sent(older)
  await stop(older)
  expect(await centre("3")).toEqual([10_441, 10_442, 10_443, 10_444, 10_445, 10_446])
  rmSync(backup, { recursive: true, force: true })
}, 180_000)

test("two agents with one journal: both stores' receipts count, and the centre and both agents are told", async () => {
  const one = await start(folder)
  await sell(one, "1", [1])
  await sent(one)
  await stop(one)
  const copy = `${folder}-copy`
  cpSync(folder, copy, { recursive: true })
  const [first, second] = [await start(folder), await start(copy)]
  await sell(first, "1", [2, 3])
  await first.sync()
  await sell(second, "1", [4])
  await Promise.all([sent(first), sent(second)])
  await stop(first)
  await stop(second)
  const again = [await start(folder), await start(copy)]
  await eventually(
    "the second says so",
    () => again[1]?.status().incidents.some(({ what }) => what.includes("second agent")),
    {
      seen: async () => again.map((agent) => agent.status().incidents),
    },
  )
  if (again[0]) await stop(again[0])
  const last = await start(folder)
  await eventually(
    "the first is told",
    () => last.status().incidents.some(({ what }) => what.includes("Another agent")),
    {
      seen: async () => last.status(),
    },
  )
  await eventually("an exception with an owner", async () => (await causes()).includes("two agents of one store"), {
    seen: causes,
  })
  expect(await centre("1")).toEqual([1, 2, 3, 4])
  rmSync(copy, { recursive: true, force: true })
}, 120_000)

test("property: whatever the order of sales, cut lines, crashes and restored backups, the centre has the till's journal, each number once", async () => {
  let run = 0
  const act = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 5 }).map((count) => ({ sells: count })) },
    { weight: 3, arbitrary: fc.constantFrom("on", "off", "loses answers", "no sales").map((mode) => ({ line: mode })) },
    { weight: 2, arbitrary: fc.constant({ crashes: true as const }) },
    { weight: 1, arbitrary: fc.constant({ backs: "up" as const }) },
    { weight: 1, arbitrary: fc.constant({ restores: true as const }) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 4, maxLength: 14 }), async (acts) => {
      run += 1
      const tillId = `run${run}`
      let n = 0
      let at = join(folder, `${run}-0`)
      let backup: string | undefined
      let agent = await start(at)
      const journal: number[] = []
      /** Goes on from a copy of the folder, as it lay on the disk in the middle of everything. */
      const goOnFrom = async (from: string) => {
        const next = join(folder, `${run}-${(n += 1)}`)
        cpSync(from, next, { recursive: true })
        await stop(agent)
        at = next
        agent = await start(at)
      }
      for (const one of acts) {
        if ("sells" in one) {
          const numbers = Array.from({ length: one.sells }, (_, more) => journal.length + more + 1)
          journal.push(...numbers)
          await sell(agent, tillId, numbers)
        } else if ("line" in one) line.mode = one.line as Line["mode"]
        else if ("crashes" in one) await goOnFrom(at)
        else if ("backs" in one) cpSync(at, (backup = join(folder, `${run}-backup-${(n += 1)}`)), { recursive: true })
        else if (backup !== undefined) await goOnFrom(backup)
      }
      line.mode = "on"
      // A till sends again what its paper has: the agent knows it, or takes it anew.
      if (journal.length > 0) await sell(agent, tillId, journal)
      await sent(agent)
      expect(await centre(tillId)).toEqual(journal)
      expect(await (await fetch(`${agent.url}/verify`)).json()).toMatchObject({ breaks: [] })
      await stop(agent)
    }),
    { numRuns: 15, seed: 117 },
  )
}, 300_000)
