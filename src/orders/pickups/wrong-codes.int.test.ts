import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { openSql, type Sql } from "../../base/sql.ts"
import { EventLog } from "../../eventlog/event-log.ts"
import { WrongCodes } from "./wrong-codes.ts"

// Guessing the code of a pickup at the centre, whose gateways share what was typed.

let database: FreshDatabase
let other: Sql
let nowMs = Date.UTC(2026, 10, 20, 12)
const clock = { now: () => nowMs }
let gateways: WrongCodes[] = []
/** Each test has pickups of its own. */
let tests = 0
let pickupId = ""

beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 8 })
  other = openSql(database.url, { connectionsMax: 8, name: "another gateway" })
})
afterAll(async () => {
  await other?.end({ timeout: 1 })
  await database?.drop()
})
beforeEach(() => {
  nowMs = Date.UTC(2026, 10, 20, 12)
  tests += 1
  pickupId = `pku_${tests}`
  gateways = [database.sql, other].map((sql) => new WrongCodes({ sql, clock, eventLog: new EventLog(sql) }))
})

let turns = 0
/** By one gateway and the other in turn. */
function type(isRight: boolean, of: { caller?: string; pickup?: string; locationId?: string } = {}): Promise<void> {
  turns += 1
  const { caller = `till-${turns}`, pickup = pickupId, locationId = "117" } = of
  const gateway = gateways[turns % 2]
  if (!gateway) throw new Error("there are two")
  return gateway.take({ pickupId: pickup, caller, locationId, isRight })
}
const tooMany = (retryAfterMs: number) => ({ code: "RATE_LIMITED", retryAfterMs })
const toldOf = async (id: string) => {
  const rows = await database.sql<{ data: { summary: string } }[]>`
    select data from events where type = 'exception.opened' and key = ${`pickup/${id}`}`
  return rows.map(({ data }) => data.summary)
}

test("after three wrong codes each one waits twice as long, at whichever gateway and whoever types it", async () => {
  for (let n = 0; n < 3; n += 1) await type(false)
  await expect(type(true)).rejects.toMatchObject({
    ...tooMany(30_000),
    message: "too many wrong codes: try again in 30 s, or look at a document",
  })
  nowMs += 10_000
  await expect(type(true)).rejects.toMatchObject(tooMany(20_000))
  nowMs += 20_000
  await type(false)
  await expect(type(true)).rejects.toMatchObject(tooMany(60_000))
  nowMs += 60_000
  await type(true)
  // The right one ends it.
  await type(false)
})

test("many at once are no more than one after another", async () => {
  const all = await Promise.allSettled(Array.from({ length: 50 }, () => type(false)))
  expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(3)
})

test("a caller's wrong codes for many pickups count together, at each store by itself, and are forgotten after an hour", async () => {
  const caller = `guesser-${tests}`
  for (let n = 0; n < 10; n += 1) await type(false, { caller, pickup: `${pickupId}-${n}` })
  await expect(type(true, { caller })).rejects.toMatchObject(tooMany(30_000))
  await type(true, { caller, locationId: "118" })
  await type(true, { caller: `${caller}-other` })
  nowMs += 3_600_001
  await type(false, { caller, pickup: `${pickupId}-11` })
})

test("from ten wrong codes of a pickup on people are told, once", async () => {
  for (let n = 0; n < 12; n += 1) {
    expect(await toldOf(pickupId)).toHaveLength(n < 10 ? 0 : 1)
    await type(false)
    nowMs += 3_600_000
  }
  expect(await toldOf(pickupId)).toEqual([
    `10 wrong codes were typed for pickup ${pickupId}: somebody may be guessing. Ask for a document before it is handed over.`,
  ])
  expect(await toldOf(`${pickupId}-1`)).toEqual([])
})

test("what nobody asks for any more is forgotten", async () => {
  await type(false)
  nowMs += 61 * 86_400_000
  await gateways[0]?.keep()
  const left = await database.sql`select from pickup_wrong_codes where name = ${pickupId}`
  expect(left).toHaveLength(0)
})
