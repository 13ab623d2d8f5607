import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { countOf } from "../../../test/fixtures/ledger/facts.ts"
import { aboutOf, type NewEvent } from "../../canonical/events.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"
import type { Subscriber } from "../../eventlog/subscriber.ts"
import { Articles } from "../articles/articles.ts"
import { createAvailability } from "../availability.ts"
import { createReservations } from "../reservations.ts"
import { createStockLedger } from "../stock-ledger.ts"
import { stockSubscriber } from "./book-stock.ts"

let database: FreshDatabase
let subscriber: Subscriber
beforeAll(async () => {
  database = await freshDatabase()
  subscriber = stockSubscriber({
    ledger: createStockLedger(database.sql),
    articles: new Articles(database.sql),
    equations: {},
    refused: async () => undefined,
  })
})
afterAll(() => database?.drop())

const stored = (event: NewEvent<"stock.counted">, minute = 0): StoredEvent => ({
  ...event,
  data: { ...event.data, countedAt: `2026-01-20T10:${String(minute).padStart(2, "0")}:00.000Z` },
  position: { xid: "1", seq: minute },
  recordedAt: "2026-11-20T10:00:00.000Z",
  key: aboutOf(event),
  correlation: "c",
  schemaversion: 1,
})

async function promised(sku: string): Promise<number | undefined> {
  const [answer] = await createAvailability(database.sql).query([{ sku, locationId: "wh-berlin" }])
  return answer?.availableToPromiseMilli
}

test("a count of a warehouse sets what may be promised, less what is reserved, once", async () => {
  const events = [stored(countOf("TEE", 17_000), 1), stored(countOf("CAP", 4000), 1)]
  expect(await subscriber.handle(events)).toEqual([])
  const reservation = { key: "o1", owner: "o1", kind: "hard" as const }
  await createReservations(database.sql).reserve({
    ...reservation,
    lines: [{ sku: "TEE", locationId: "wh-berlin", milli: 2000 }],
  })
  expect(await subscriber.handle(events)).toEqual([])
  expect([await promised("TEE"), await promised("CAP")]).toEqual([15_000, 4000])
  const booked = await database.sql<
    { fact: string }[]
  >`select fact from stock_ledger where kind = 'count' order by fact`
  expect(booked.map((row) => row.fact)).toEqual(["shelf:CAP:4000", "shelf:TEE:17000"])
})

test("an older count that comes late changes nothing", async () => {
  await subscriber.handle([stored(countOf("SHOE", 9000), 30)])
  await subscriber.handle([stored(countOf("SHOE", 5000), 10)])
  expect(await promised("SHOE")).toBe(9000)
})

test("a count the ledger refuses fails with its key alone; the others are booked", async () => {
  const reused = stored(countOf("SOCK", 1000, "shelf:TEE:17000"), 5)
  const [unbookable, behind] = [stored(countOf("HAT", 0.5), 5), stored(countOf("HAT", 3000), 6)]
  const failures = await subscriber.handle([reused, unbookable, behind, stored(countOf("BELT", 2000), 5)])
  expect(failures.map((failure) => [failure.event.key, Reflect.get(Object(failure.error), "code")])).toEqual([
    ["stock/wh-berlin/SOCK", "IDEMPOTENCY_KEY_REUSED"],
    ["stock/wh-berlin/HAT", "REQUEST_INVALID"],
  ])
  expect([await promised("BELT"), await promised("HAT")]).toEqual([2000, 0])
})

test("P-34: a count under a system's own name of an article counts our SKU, once a person has said which it is", async () => {
  const count = (name: string, milli: number, minute: number) => stored(countOf(name, milli), minute)
  await subscriber.handle([count("HAT", 1000, 20)])
  const [event] = [count("4006381333931", 6000, 21)]
  await new Articles(database.sql).set({ channel: event.source, article: "4006381333931", sku: "HAT", by: "ada" })
  expect(await subscriber.handle([event])).toEqual([])
  expect(await promised("HAT")).toBe(6000)
  expect(await promised("4006381333931")).toBe(0)
})
