import fc from "fast-check"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { appendFrom, countOf, latch } from "../../test/fixtures/ledger/facts.ts"
import { inTransaction, openSql, type Sql } from "../base/sql.ts"
import { eventTypes, newEvent, type NewEvent } from "../canonical/events.ts"
import { exampleOrder } from "../canonical/examples.ts"
import { ref } from "../canonical/refs.ts"
import { newestAbout } from "./news/newest-about.ts"
import { EventLog, logStart, type Position, type StoredEvent } from "./event-log.ts"

let database: FreshDatabase
let log: EventLog
beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 10 })
  log = new EventLog(database.sql)
})
beforeEach(() => database.sql`truncate events, event_facts, object_links, object_names`)
afterAll(() => database?.drop())

/** A transaction that appends and stays open until it is let go. */
async function pausedAppend(event: NewEvent, from: { inboxId?: number; sql?: Sql } = {}) {
  const [appended, mayCommit] = [latch(), latch()]
  const committed = inTransaction(from.sql ?? database.sql, async (transaction) => {
    await appendFrom(transaction, [event], from.inboxId)
    appended.open()
    await mayCommit.opened
  })
  await appended.opened
  return async () => {
    mayCommit.open()
    await committed
  }
}

/** Reads on until so many came: transactions of other tests on this server hold the horizon for a moment. */
async function readUntil(after: Position, count: number): Promise<StoredEvent[]> {
  const found: StoredEvent[] = []
  for (let place = after; found.length < count;) {
    const { events, last } = await log.read({ after: place, limit: 100 })
    found.push(...events)
    place = last
  }
  return found
}

const factsOf = (events: readonly StoredEvent[]) => events.map((event) => event.fact)

async function loggedFacts(): Promise<string[]> {
  const rows = await database.sql<{ fact: string }[]>`select fact from events order by xid, seq`
  return rows.map((row) => row.fact)
}

describe("one fact, one event", () => {
  test("the same fact twice in one batch is one event, and the second is told who brought it", async () => {
    const answers = await appendFrom(database.sql, [countOf("A", 1), countOf("A", 1), countOf("A", 2)], 7)
    expect(answers).toEqual([
      { isNew: true, knownInboxId: undefined },
      { isNew: false, knownInboxId: 7 },
      { isNew: true, knownInboxId: undefined },
    ])
    expect(await loggedFacts()).toEqual(["shelf:A:1", "shelf:A:2"])
  })

  test("the same fact over two batches is one event, and the later delivery is told which was first", async () => {
    await appendFrom(database.sql, [countOf("A", 1)], 7)
    const answers = await appendFrom(database.sql, [countOf("A", 1), countOf("A", 1)], 8)
    expect(answers.map((answer) => answer.knownInboxId)).toEqual([7, 7])
    expect(await loggedFacts()).toEqual(["shelf:A:1"])
  })

  test("a fact that came by no delivery names none, also when it comes twice more", async () => {
    await log.append(countOf("A", 1))
    const answers = await appendFrom(database.sql, [countOf("A", 1), countOf("A", 1)], 8)
    expect(answers).toEqual([
      { isNew: false, knownInboxId: undefined },
      { isNew: false, knownInboxId: undefined },
    ])
  })

  test("of two transactions at once the one that commits first brought the fact, and the other is told so", async () => {
    const commitFirst = await pausedAppend(countOf("A", 1), { inboxId: 7 })
    const second = appendFrom(database.sql, [countOf("A", 1), countOf("A", 1), countOf("A", 2)], 8)
    await commitFirst()
    expect(await second).toEqual([
      { isNew: false, knownInboxId: 7 },
      { isNew: false, knownInboxId: 7 },
      { isNew: true, knownInboxId: undefined },
    ])
    expect(await loggedFacts()).toEqual(["shelf:A:1", "shelf:A:2"])
  })

  test("appenders with the same facts in any order never deadlock, and each fact is new for exactly one of them", async () => {
    const numbers = Array.from({ length: 60 }, (_, number) => number)
    const shuffled = fc.shuffledSubarray(numbers, { minLength: 40, maxLength: 60 })
    const batches = fc.array(shuffled, { minLength: 6, maxLength: 6 })
    let round = 0
    await fc.assert(
      fc.asyncProperty(batches, async (given) => {
        round += 1
        const answers = await Promise.all(
          given.map((batch) => {
            const events = batch.map((number) => countOf("A", number, `${round}:${number}`))
            return appendFrom(database.sql, events)
          }),
        )
        const newOnes = answers.flatMap((batch, at) => batch.flatMap(({ isNew }, n) => (isNew ? [given[at]?.[n]] : [])))
        expect(newOnes.toSorted((a = 0, b = 0) => a - b)).toEqual(numbers.filter((n) => given.flat().includes(n)))
      }),
      { numRuns: 20 },
    )
  })

  test("an event the database refuses costs only itself, and the others of its batch are appended", async () => {
    const results = await Promise.allSettled(
      [1, 2, 3, 4].map((number) => log.append(countOf(number === 3 ? "B\u0000" : "B", number))),
    )
    expect(results.map((result) => result.status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled"])
    expect(await loggedFacts()).toEqual(["shelf:B:1", "shelf:B:2", "shelf:B:4"])
  })
})

describe("readers", () => {
  test("a transaction that commits late is not skipped, though a reader of seq alone would", async () => {
    // Sessions draw sequence numbers in blocks; new sessions draw theirs in this order, so the late one has the lower number.
    const [slow, fast] = ["slow", "fast"].map((name) => openSql(database.url, { connectionsMax: 1, name })) as [
      Sql,
      Sql,
    ]
    const commitLate = await pausedAppend(countOf("late", 1), { sql: slow })
    await new EventLog(fast).append(countOf("early", 1))
    const naive = async (last: number) =>
      database.sql<{ seq: number; fact: string }[]>`select seq, fact from events where seq > ${last} order by seq`
    const naiveFirst = await naive(0)
    const first = await log.read({ after: logStart, limit: 100 })
    await commitLate()
    const second = await readUntil(first.last, 2)
    await Promise.all([slow.end(), fast.end()])
    const naiveSecond = await naive(naiveFirst.at(-1)?.seq ?? 0)

    expect(naiveFirst.map((row) => row.fact)).toEqual(["shelf:early:1"])
    expect(naiveSecond).toEqual([])
    expect(factsOf([...first.events, ...second])).toEqual(["shelf:late:1", "shelf:early:1"])
  })

  test("a reader beside slow and fast writers sees every event once, in the order of the log", async () => {
    const seen: string[] = []
    let place: Position = logStart
    let isOver = false
    const drain = async () => {
      const { events, last } = await log.read({ after: place, limit: 7 })
      place = last
      seen.push(...factsOf(events))
      return events.length
    }
    const reader = (async () => {
      while (!isOver) if ((await drain()) === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      while (seen.length < 90) await drain()
    })()
    await Promise.all(
      Array.from({ length: 6 }, async (_, writer) => {
        for (let number = 0; number < 15; number += 1)
          await inTransaction(database.sql, async (transaction) => {
            await appendFrom(transaction, [countOf(`K${number % 3}`, number, `${writer}:${number}`)])
            await transaction`select pg_sleep(${((writer * 7 + number * 3) % 10) / 1000})`
          })
      }),
    )
    isOver = true
    await reader
    expect(seen).toHaveLength(90)
    expect(seen).toEqual(await loggedFacts())
  })

  test("events of one key stand in the order in which they were acknowledged", async () => {
    for (let number = 0; number < 30; number += 1)
      await Promise.all([log.append(countOf("A", number)), appendFrom(database.sql, [countOf("B", number)])])
    const numbers = async (key: string) =>
      (await log.readKey(ref("stock", "wh-berlin", key))).map(
        (event) => (event as StoredEvent<"stock.counted">).data.countedMilli,
      )
    const inOrder = Array.from({ length: 30 }, (_, number) => number)
    expect(await numbers("A")).toEqual(inOrder)
    expect(await numbers("B")).toEqual(inOrder)
    const newest = await newestAbout(database.sql, ref("stock", "wh-berlin", "A"), {
      types: ["stock.counted"],
      limit: 3,
    })
    expect(newest.map((event) => (event as StoredEvent<"stock.counted">).data.countedMilli)).toEqual([27, 28, 29])
    expect(await newestAbout(database.sql, ref("stock", "wh-berlin", "A"), { types: [], limit: 3 })).toEqual([])
  })

  test("events of other types are passed over, not read again", async () => {
    await log.append(countOf("A", 1))
    await readUntil(logStart, 1)
    const { events, last } = await log.read({ after: logStart, limit: 10, types: ["order.placed"] })
    expect(events).toEqual([])
    expect((await log.read({ after: last, limit: 10 })).events).toEqual([])
  })

  test("facts the log knows are told apart from those it does not", async () => {
    await log.append(countOf("A", 1))
    expect([...(await log.knownFacts([countOf("A", 1), countOf("A", 2)]))]).toEqual(["shelf:A:1"])
  })
})

describe("links between objects", () => {
  const order = ref("order", exampleOrder.id)
  const shipment = ref("shipment", exampleOrder.id, "wh-berlin-2001")
  const stored = (type: "shipment.confirmed" | "goods.shipped" | "entry.posted", fact: string) =>
    newEvent({ type, fact, source: "test", time: "2026-11-20T10:00:00.000Z", data: eventTypes[type].example })
  const links = () => database.sql`
    select from_ref as "from", to_ref as "to", event_type as type from object_links order by from_ref, to_ref`

  test("an event links what it is about to the objects it mentions, each pair once, by its first event", async () => {
    await appendFrom(database.sql, [stored("shipment.confirmed", "s1"), countOf("A", 1), stored("goods.shipped", "g1")])
    await appendFrom(database.sql, [stored("shipment.confirmed", "s1"), stored("entry.posted", "e1")])
    // Places and SKUs are no objects of their own: every order would be linked to them.
    expect(await links()).toEqual([
      { from: order, to: ref("delivery", exampleOrder.id), type: "shipment.confirmed" },
      { from: order, to: ref("journalEntry", "i-wh-berlin-2001"), type: "entry.posted" },
      { from: order, to: shipment, type: "shipment.confirmed" },
    ])
  })

  test("an event that is rolled back leaves no link", async () => {
    const undone = inTransaction(database.sql, async (transaction) => {
      await appendFrom(transaction, [stored("shipment.confirmed", "s1")])
      throw new Error("no")
    })
    await expect(undone).rejects.toThrow("no")
    expect(await links()).toEqual([])
    expect(await database.sql`select from object_names`).toHaveLength(0)
  })

  test("links are walked both ways by index", async () => {
    const plan = async (column: "from_ref" | "to_ref") => {
      const rows = await inTransaction(database.sql, async (transaction) => {
        await transaction`set local enable_seqscan = off`
        return column === "from_ref"
          ? transaction<{ "QUERY PLAN": string }[]>`explain select * from object_links where from_ref = ${order}`
          : transaction<{ "QUERY PLAN": string }[]>`explain select * from object_links where to_ref = ${order}`
      })
      return rows.map((row) => row["QUERY PLAN"]).join("\n")
    }
    expect(await plan("from_ref")).toContain("object_links_pkey")
    expect(await plan("to_ref")).toContain("object_links_back")
  })
})
