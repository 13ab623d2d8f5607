import { connections } from "../areas/connections.ts"
import { afterEach, beforeEach, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { countOf } from "../../test/fixtures/ledger/facts.ts"
import { AppError } from "../base/errors.ts"
import { createLog } from "../base/log.ts"
import { ExceptionDesk } from "../operations/exceptions/desk.ts"
import type { Delivery, RefusedRecord, Translation } from "../ports/capabilities/intake.ts"
import { EventLog } from "./event-log.ts"
import { Inbox } from "./inbox.ts"
import { ObjectFetcher } from "./object-fetcher.ts"

let database: FreshDatabase
let inbox: Inbox
let eventLog: EventLog
let isMended: boolean
const clock = { now: () => Date.UTC(2026, 10, 20, 10) }
const log = createLog("test", "silent")

beforeEach(async () => {
  database = await freshDatabase({ connectionsMax: 6 })
  eventLog = new EventLog(database.sql)
  inbox = new Inbox({ sql: database.sql, log, clock, eventLog, translate })
  isMended = false
})
afterEach(() => database.drop())

/** A delivery of this test's own vendor: a list of records, of which "bad" ones cannot be read until the mapping is mended. */
function translate(delivery: Delivery): Translation {
  const { records = [], names = [] } = JSON.parse(Buffer.from(delivery.bytes).toString()) as {
    records?: string[]
    names?: string[]
  }
  const isBad = (record: string) => record.startsWith("bad") && !isMended
  const refused = records.flatMap((record, index): RefusedRecord[] =>
    isBad(record)
      ? [
          {
            pointer: `/records/${index}`,
            code: "TRANSLATION_FAILED",
            message: "cannot be read",
            about: { system: "shop", type: "count", id: record },
            problems: [{ pointer: `/records/${index}/number`, message: "must be a number" }],
          },
        ]
      : [],
  )
  return {
    events: records
      .filter((record) => !isBad(record))
      .map((record) => countOf(record, record === "unfit" ? Number.NaN : 1)),
    ...(refused.length > 0 && { refused }),
    ...(names.length > 0 && { fetch: names.map((id) => ({ type: "count", id })), ignored: "names only" }),
  }
}

async function receive(body: { records?: string[]; names?: string[] }): Promise<number> {
  const { inboxId } = await inbox.receive({
    connection: "shop",
    via: "webhook",
    topic: "counts",
    deliveryId: "d",
    correlation: "c",
    receivedAt: "2026-11-20T10:00:00.000Z",
    headers: {},
    bytes: new TextEncoder().encode(JSON.stringify(body)),
  })
  return inboxId
}

async function rowOf(id: number) {
  const [row] = await database.sql<{ state: string; reason: string | null; newFacts: number; knownFacts: number }[]>`
    select state, reason, new_facts as "newFacts", known_facts as "knownFacts" from inbox where id = ${id}`
  return row
}

/** Facts in the log, and exceptions by id with what they are about. */
async function told() {
  const events = await database.sql<
    { type: string; fact: string; data: { exceptionId?: string; about?: string; summary?: string } }[]
  >`
    select type, fact, data from events order by fact`
  const ofType = (type: string) => events.filter((event) => event.type === type)
  return {
    facts: events.filter(({ type }) => !type.startsWith("exception.")).map(({ fact }) => fact),
    opened: ofType("exception.opened").map(({ data }) => `${data.exceptionId} ${data.about} ${data.summary}`),
    decided: ofType("exception.decided").map(({ data }) => data.exceptionId),
  }
}

const couldNot = (record: string, place: number) =>
  `count ${record} of a delivery from shop could not be understood: cannot be read: /records/${place}/number must be a number`

test("P-25 bad records of a delivery raise an exception each, and the others go on", async () => {
  const records = Array.from({ length: 250 }, (_, n) => (n === 7 || n === 130 || n === 249 ? `bad${n}` : `N${n}`))
  const id = await receive({ records })
  const { facts, opened } = await told()
  expect(facts).toHaveLength(247)
  expect(opened).toEqual([
    `inbox-${id}:0 inbox/${id} ${couldNot("bad7", 7)}`,
    `inbox-${id}:1 inbox/${id} ${couldNot("bad130", 130)}`,
    `inbox-${id}:2 inbox/${id} ${couldNot("bad249", 249)}`,
  ])
  expect(await rowOf(id)).toEqual({
    state: "parked",
    reason: "3 of its records cannot be translated, first /records/7: cannot be read",
    newFacts: 247,
    knownFacts: 0,
  })
})

test("a delivery with nothing but bad records is wrong as a whole: one exception names them all", async () => {
  const id = await receive({ records: ["bad1", "bad2", "bad3"] })
  const { facts, opened } = await told()
  expect(facts).toEqual([])
  expect(opened).toEqual([
    `inbox-${id} inbox/${id} A delivery from shop (counts) could not be understood: none of its 3 records: cannot be read`,
  ])
  const [row] = await database.sql`select problems from inbox where id = ${id}`
  expect(row?.["problems"]).toHaveLength(3)
})

test("of very many bad records fifty exceptions are raised at most, and the last one counts the rest", async () => {
  await receive({ records: ["A", ...Array.from({ length: 200 }, (_, n) => `bad${n}`)] })
  const { facts, opened } = await told()
  expect([facts.length, opened.length]).toEqual([1, 50])
  expect(opened.filter((line) => line.includes("151 more records of a delivery from shop"))).toHaveLength(1)
})

test("a fact that does not fit and a record that is refused are each told, and the rest goes on", async () => {
  const id = await receive({ records: ["A", "bad1", "unfit"] })
  const { facts, opened } = await told()
  expect(facts).toHaveLength(1)
  expect(opened).toEqual([
    expect.stringContaining(
      `inbox-${id} inbox/${id} A delivery from shop (counts) could not be understood: 1 of 2 facts`,
    ),
    `inbox-${id}:0 inbox/${id} ${couldNot("bad1", 1)}`,
  ])
  expect(await rowOf(id)).toMatchObject({ state: "parked", newFacts: 1, knownFacts: 0 })
})

test("translated again after the mapping is mended, only what is new is new, and one decision ends the exceptions of all records", async () => {
  const id = await receive({ records: ["A", "bad1", "B", "bad2"] })
  const actions = connections.actions ?? []
  const desk = new ExceptionDesk({ actions, sql: database.sql, eventLog, inbox, clock })
  isMended = true
  await desk.decide(`inbox-${id}:0`, { action: "translate again", by: "ada" })
  const { facts, opened, decided } = await told()
  expect(facts).toHaveLength(4)
  expect(opened).toHaveLength(2)
  expect(decided).toEqual([`inbox-${id}:0`, `inbox-${id}:1`])
  expect(await rowOf(id)).toMatchObject({ state: "translated", newFacts: 2, knownFacts: 2 })
})

/** A vendor whose objects can be read; what each read returns is decided by the test. */
function fetcherOf(answer: (id: string, nth: number) => Promise<string[] | undefined>) {
  const asked: string[] = []
  const fetcher = new ObjectFetcher({
    sql: database.sql,
    log,
    clock,
    inbox,
    eventLog,
    readers: new Map([
      [
        "shop",
        {
          read: (work) => work(),
          fetchObject: async ({ id }) => {
            asked.push(id)
            const records = await answer(id, asked.length)
            return (
              records && {
                connection: "shop",
                via: "poll" as const,
                headers: {},
                bytes: new TextEncoder().encode(JSON.stringify({ records })),
                receivedAt: "2026-11-20T10:00:00.000Z",
              }
            )
          },
        },
      ],
    ]),
  })
  return { fetcher, asked }
}

const dueNow = () => database.sql`update object_fetches set due_at = clock_timestamp()`
const openFetches = async () =>
  (await database.sql<{ id: string; state: string }[]>`select id, state from object_fetches order by id`).map(
    ({ id, state }) => `${id} ${state}`,
  )

test("an object that a delivery only names is read and comes back as a delivery", async () => {
  await receive({ names: ["A", "B"] })
  const { fetcher, asked } = fetcherOf(async (id) => [id])
  expect(await fetcher.fetchDue()).toBe(2)
  expect((await told()).facts).toHaveLength(2)
  expect(asked.toSorted()).toEqual(["A", "B"])
  expect(await fetcher.fetchDue()).toBe(0)
  // Webhooks named them, so no figure counts them as missed by webhooks (P-04).
  const vias = await database.sql<{ via: string }[]>`select via from inbox order by id`
  expect(vias.map(({ via }) => via)).toEqual(["webhook", "webhook", "webhook"])
})

test("an object that is named again while it is read is read again", async () => {
  await receive({ names: ["A"] })
  const { fetcher, asked } = fetcherOf(async (_id, nth) => {
    if (nth > 1) return ["new"]
    await receive({ names: ["A"] })
    return ["old"]
  })
  await fetcher.fetchDue()
  await fetcher.fetchDue()
  expect((await told()).facts).toHaveLength(2)
  expect(asked).toEqual(["A", "A"])
  expect(await openFetches()).toEqual([])
})

test("two processes never read one object at the same time", async () => {
  const names = Array.from({ length: 12 }, (_, n) => `N${n}`)
  for (let round = 0; round < 20; round += 1) {
    await receive({ names })
    const fetchers = [1, 2, 3, 4].map(() => fetcherOf(async (id) => [id]))
    await Promise.all(fetchers.map(({ fetcher }) => fetcher.fetchDue()))
    expect(fetchers.flatMap(({ asked }) => asked).toSorted()).toEqual(names.toSorted())
  }
})

test("a process that dies before the delivery is durable leaves the object to be read by another", async () => {
  await receive({ names: ["A"] })
  const dying = fetcherOf(() => new Promise(() => undefined))
  void dying.fetcher.fetchDue()
  while (dying.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  const other = fetcherOf(async (id) => [id])
  expect(await other.fetcher.fetchDue()).toBe(0)
  await dueNow()
  expect(await other.fetcher.fetchDue()).toBe(1)
  expect(await openFetches()).toEqual([])
})

test("an unavailable system is asked again without end; an object that is not there becomes one exception", async () => {
  await receive({ names: ["away", "gone"] })
  const { fetcher, asked } = fetcherOf(async (id) => {
    if (id === "gone") return undefined
    throw new AppError("VENDOR_UNAVAILABLE", "away")
  })
  for (let n = 0; n < 8; n += 1) {
    await dueNow()
    await fetcher.fetchDue()
  }
  expect(asked.filter((id) => id === "gone")).toHaveLength(5)
  expect(asked.filter((id) => id === "away")).toHaveLength(8)
  expect(await openFetches()).toEqual(["away open", "gone failed"])
  const { opened } = await told()
  expect(opened).toEqual([expect.stringContaining("document/shop/count/gone")])
  // Named again it is asked for again.
  await receive({ names: ["gone"] })
  expect(await openFetches()).toEqual(["away open", "gone open"])
  await fetcherOf(async (id) => (id === "gone" ? ["gone"] : undefined)).fetcher.fetchDue()
  const ends = await database.sql`select state, decision_note from exceptions where cause = 'object cannot be fetched'`
  expect(ends).toEqual([{ state: "decided", decision_note: "the object could be read" }])
})
