import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { inTransaction } from "../../base/sql.ts"
import { systemClock } from "../../base/time.ts"
import { cursorText, readCursor } from "./cursor.ts"
import { readPage, type SnapshotSource } from "./page.ts"

// Pages of what changed, with things that are nothing but their keys, on a real database.

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 6 })
})
afterAll(() => database?.drop())

const bodies = (keys: readonly string[]) => new Map(keys.map((key) => [key, { key }]))
const source: SnapshotSource = {
  behind: () => Promise.resolve({ items: new Map() }),
  some: (_, { keys }) => Promise.resolve(bodies(keys)),
}
/** How many pickups were asked for at once. */
const asked: number[] = []
const pickup: SnapshotSource = {
  ...source,
  atOnce: 3,
  some: (tx, of) => {
    asked.push(of.keys.length)
    return source.some(tx, of)
  },
}
const sources = { article: source, promotion: source, stock: source, pickup }
const read = (storeId: string, cursor?: string) =>
  readPage(
    { sql: database.sql, clock: systemClock, sources, booked: () => Promise.resolve([]) },
    { storeId, currency: "EUR", limit: 200, sold: [], ...(cursor === undefined ? {} : { cursor }) },
  )
async function note(storeId: string, kind: string, keys: readonly string[]): Promise<void> {
  const stores = keys.map(() => storeId)
  await database.sql`select snapshot_note(${stores}::text[], ${kind}, ${[...keys]}::text[])`
}

test("of things that are costly to read a page of changes has a few only, and the next goes on behind them", async () => {
  const { cursor } = await read("201")
  const pickups = Array.from({ length: 7 }, (_, n) => `pickup-${n}`)
  await note("201", "pickup", pickups)
  await note("201", "article", ["a", "b", "c", "d", "e"])
  await note("201", "stock", ["s"])
  const pages: string[][] = []
  let page = await read("201", cursor)
  pages.push(page.items.map(({ key }) => key))
  while (!page.isLast) {
    page = await read("201", page.cursor)
    pages.push(page.items.map(({ key }) => key))
  }
  expect(pages).toEqual([
    ["a", "b", "c", "d", "e", ...pickups.slice(0, 3)],
    pickups.slice(3, 6),
    [...pickups.slice(6), "s"],
  ])
  expect(asked).toEqual([3, 3, 1])
  expect((await read("201", page.cursor)).items).toEqual([])
})

test("what began before a store's row could be seen has ended when everything is read, whatever its number", async () => {
  const { sql } = database
  let isWritten = false
  let end = () => {}
  const mayEnd = new Promise<void>((resolve) => (end = resolve))
  let change = Promise.resolve()
  await inTransaction(sql, async (joining) => {
    await joining`select snapshot_join('202')`
    await joining`select pg_current_xact_id()`
    // It has the higher number, sees no row of the store, and makes no note.
    change = inTransaction(sql, async (tx) => {
      await tx`select pg_current_xact_id()`
      await tx`select snapshot_note(array['202'], 'stock', array['s'])`
      isWritten = true
      await mayEnd
    })
    await expect.poll(() => isWritten).toBe(true)
  })
  try {
    await expect(read("202")).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" })
  } finally {
    end()
    await change
  }
  expect(await read("202")).toMatchObject({ mode: "whole", isLast: true })
})

test("a cursor of transactions that the database has not had yet begins anew: an older copy of it was put back", async () => {
  const { cursor } = await read("203")
  expect((await read("203", cursor)).mode).toBe("changes")
  const { since = "", life = "" } = readCursor(cursor) ?? {}
  const [low = "", high = ""] = since.split(":")
  const ahead = `${low}:${BigInt(high) + 1_000_000n}:`
  expect((await read("203", cursorText({ life, since: ahead }))).mode).toBe("whole")
  const middle = { life, since, after: { kind: "pickup", key: "p" } } as const
  expect((await read("203", cursorText({ ...middle, round: since }))).isFirst).toBe(false)
  expect(await read("203", cursorText({ ...middle, round: ahead }))).toMatchObject({ mode: "whole", isFirst: true })
})
