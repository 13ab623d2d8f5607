import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { appendFrom, countOf, latch } from "../../test/fixtures/ledger/facts.ts"
import { AppError } from "../base/errors.ts"
import { createLog } from "../base/log.ts"
import { inTransaction, openSql, type Sql } from "../base/sql.ts"
import type { Delivery, Translation } from "../ports/capabilities.ts"
import { EventLog } from "./event-log.ts"
import { Inbox } from "./inbox.ts"
import { Translator } from "./translator.ts"

let database: FreshDatabase
let inbox: Inbox
beforeEach(async () => {
  database = await freshDatabase({ connectionsMax: 6 })
  inbox = new Inbox(database.sql)
})
afterEach(() => database.drop())

/** What a delivery of this test's own vendor looks like: the facts it states, or what is wrong with it. */
interface Body {
  counts?: [key: string, number: number][]
  wrong?: string[]
}

function translateBody(delivery: Delivery): Translation {
  const { counts = [], wrong = [] } = JSON.parse(Buffer.from(delivery.bytes).toString("utf8")) as Body
  if (wrong.length > 0)
    throw new AppError("TRANSLATION_FAILED", wrong.join("; "), {
      problems: wrong.map((message, n) => ({ pointer: `/lines/${n}`, message })),
    })
  return { events: counts.map(([key, number]) => countOf(key, number)) }
}

function translator(translate: (delivery: Delivery) => Translation = translateBody, sql: Sql = database.sql) {
  const clock = { now: () => Date.UTC(2026, 10, 20, 10) }
  return new Translator({ sql, log: createLog("test", "silent"), clock, inbox, eventLog: new EventLog(sql), translate })
}

function receive(body: Body, via: Delivery["via"] = "webhook"): Promise<number> {
  return receiveBytes(new TextEncoder().encode(JSON.stringify(body)), via)
}

async function receiveBytes(bytes: Uint8Array, via: Delivery["via"] = "webhook"): Promise<number> {
  const { inboxId } = await inbox.receive({
    connection: "shop",
    via,
    topic: "counts",
    deliveryId: "d",
    correlation: "c",
    receivedAt: "2026-11-20T10:00:00.000Z",
    headers: {},
    bytes,
  })
  return inboxId
}

async function rowOf(inboxId: number) {
  const [row] = await database.sql<
    { state: string; reason: string | null; problems: unknown; bytes: Buffer; newFacts: number; attempts: number }[]
  >`select state, reason, problems, bytes, new_facts as "newFacts", attempts from inbox where id = ${inboxId}`
  if (!row) throw new Error(`no row ${inboxId}`)
  return row
}

async function facts(type = "stock.counted"): Promise<string[]> {
  const rows = await database.sql<{ fact: string }[]>`select fact from events where type = ${type} order by xid, seq`
  return rows.map((row) => row.fact)
}

async function states(): Promise<Record<string, number>> {
  const rows = await database.sql<{ state: string; count: number }[]>`select state, count(*) from inbox group by state`
  return Object.fromEntries(rows.map((row) => [row.state, row.count]))
}

describe("what cannot be translated", () => {
  test("a row is parked with its bytes and every problem, tells a person, and holds up no other", async () => {
    const before = await receive({ counts: [["A", 1]] })
    const bad = await receive({ wrong: ["no price", "no \u0000 quantity"] })
    const after = await receive({ counts: [["A", 2]] })
    await translator().translateBatch()

    const parked = await rowOf(bad)
    expect(parked).toMatchObject({ state: "parked", reason: "no price; no \uFFFD quantity" })
    expect(parked.problems).toEqual([
      { pointer: "/lines/0", message: "no price" },
      { pointer: "/lines/1", message: "no \uFFFD quantity" },
    ])
    expect(JSON.parse(parked.bytes.toString())).toEqual({ wrong: ["no price", "no \u0000 quantity"] })
    expect([(await rowOf(before)).state, (await rowOf(after)).state]).toEqual(["translated", "translated"])
    expect(await facts()).toEqual(["shelf:A:1", "shelf:A:2"])
    const [opened] = await database.sql`select data from events where type = 'exception.opened'`
    expect(opened?.["data"]).toMatchObject({
      exceptionId: `inbox-${bad}`,
      allowedActions: ["translate again", "dismiss"],
    })
  })

  test("after the mapping was fixed the parked rows become events, and only those", async () => {
    const bad = await receive({ wrong: ["unknown field"], counts: [["A", 1]] })
    const worse = await receive({ wrong: ["really bad"] })
    await translator().translateBatch()
    const fixed = translator((delivery) => {
      const body = JSON.parse(Buffer.from(delivery.bytes).toString()) as Body
      return body.wrong?.[0] === "unknown field"
        ? { events: (body.counts ?? []).map(([key, number]) => countOf(key, number)) }
        : translateBody(delivery)
    })
    expect(await fixed.retranslate({ connection: "shop" })).toBe(2)
    await fixed.translateBatch()
    expect(await rowOf(bad)).toMatchObject({ state: "translated", reason: null, problems: null, newFacts: 1 })
    expect(await rowOf(worse)).toMatchObject({ state: "parked", attempts: 2 })
    expect(await facts()).toEqual(["shelf:A:1"])
    // Parked twice is told twice, or nobody would learn that the fix was none.
    expect(await facts("exception.opened")).toHaveLength(3)
    expect(await fixed.retranslate({ inboxId: bad })).toBe(0)
  })

  test("a mapping that throws anything at all parks the row", async () => {
    const id = await receive({ counts: [["A", 1]] })
    await translator(() => {
      throw new TypeError("undefined is not a function")
    }).translateBatch()
    expect(await rowOf(id)).toMatchObject({ state: "parked" })
    expect((await rowOf(id)).reason).toContain("undefined is not a function")
  })

  test("a row whose facts the database refuses is parked alone", async () => {
    const good = await Promise.all([1, 2, 3].map((number) => receive({ counts: [["A", number]] })))
    const bad = await receive({
      counts: [
        ["A", 4],
        ["nul \u0000", 5],
      ],
    })
    const last = await receive({ counts: [["A", 6]] })
    await translator().translateBatch()
    expect(await rowOf(bad)).toMatchObject({ state: "parked" })
    for (const id of [...good, last]) expect(await rowOf(id)).toMatchObject({ state: "translated" })
    expect(await facts()).toEqual(["shelf:A:1", "shelf:A:2", "shelf:A:3", "shelf:A:6"])
  })

  test("of two translators that meet refused rows, neither parks a row of the other's", async () => {
    const bad = new Set<number>()
    for (let number = 0; number < 60; number += 1) {
      const isBad = number % 6 === 0
      const id = await receive({ counts: [[isBad ? `\u0000${number}` : "A", number]] })
      if (isBad) bad.add(id)
    }
    const rival = openSql(database.url, { connectionsMax: 2, name: "rival" })
    const both = [translator(), translator(translateBody, rival)]
    while ((await states())["received"]) await Promise.all(both.map((each) => each.translateBatch()))
    await rival.end()
    const parked = await database.sql<{ id: number }[]>`select id from inbox where state = 'parked' order by id`
    expect(parked.map((row) => row.id)).toEqual([...bad])
  })
})

describe("duplicates", () => {
  test("a repeated delivery is a duplicate that names the delivery that was first and how it came", async () => {
    const polled = await receive(
      {
        counts: [
          ["A", 1],
          ["A", 2],
        ],
      },
      "poll",
    )
    await translator().translateBatch()
    const both = await receive({
      counts: [
        ["A", 2],
        ["A", 1],
      ],
    })
    const one = await receive({ counts: [["A", 1]] })
    await translator().translateBatch()
    expect(await rowOf(both)).toMatchObject({
      state: "duplicate",
      reason: `all 2 facts were brought by delivery ${polled} before (by poll)`,
    })
    expect(await rowOf(one)).toMatchObject({
      state: "duplicate",
      reason: `its one fact was brought by delivery ${polled} before (by poll)`,
    })
  })

  test("of two deliveries in one batch the first is translated and the second names it", async () => {
    const first = await receive({ counts: [["A", 1]] })
    const second = await receive({ counts: [["A", 1]] })
    await translator().translateBatch()
    expect(await rowOf(first)).toMatchObject({ state: "translated", newFacts: 1 })
    expect((await rowOf(second)).reason).toBe(`its one fact was brought by delivery ${first} before (by webhook)`)
  })

  test("a delivery with one new fact among known ones is translated", async () => {
    await receive({ counts: [["A", 1]] })
    const mixed = await receive({
      counts: [
        ["A", 1],
        ["A", 2],
      ],
    })
    await translator().translateBatch()
    expect(await rowOf(mixed)).toMatchObject({ state: "translated", newFacts: 1 })
  })

  test("a delivery without facts is ignored and says why", async () => {
    const id = await receive({})
    await translator(() => ({ events: [], ignored: "a test order" })).translateBatch()
    expect(await rowOf(id)).toMatchObject({ state: "ignored", reason: "a test order" })
  })
})

describe("crashes and rivals", () => {
  /** Holds a fact in an open transaction, so that a translator that brings it waits in the middle of its batch. */
  async function heldFact(key: string, number: number) {
    const [held, mayCommit] = [latch(), latch()]
    const committed = inTransaction(database.sql, async (transaction) => {
      await appendFrom(transaction, [countOf(key, number)])
      held.open()
      await mayCommit.opened
    })
    await held.opened
    return async () => {
      mayCommit.open()
      await committed
    }
  }

  async function untilBlocked(name: string): Promise<number> {
    for (;;) {
      const [row] = await database.sql<{ pid: number }[]>`
        select pid from pg_stat_activity where application_name = ${name} and wait_event_type = 'Lock'`
      if (row) return row.pid
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  test("a crash in the middle of a batch leaves its rows received and no event behind", async () => {
    for (const number of [1, 2, 3]) await receive({ counts: [["A", number]] })
    const release = await heldFact("A", 2)
    const doomed = openSql(database.url, { connectionsMax: 1, name: "doomed" })
    const crash = translator(translateBody, doomed)
      .translateBatch()
      .catch((error: unknown) => error)
    await database.sql`select pg_terminate_backend(${await untilBlocked("doomed")})`
    expect(await crash).toBeInstanceOf(Error)
    await doomed.end({ timeout: 0 })
    expect(await states()).toEqual({ received: 3 })
    expect(await facts()).toEqual([])
    await release()
    await translator().translateBatch()
    expect(await states()).toEqual({ translated: 2, duplicate: 1 })
    expect((await facts()).toSorted()).toEqual(["shelf:A:1", "shelf:A:2", "shelf:A:3"])
  })

  test("two translators share the work: what one holds the other passes over, and no row is translated twice", async () => {
    for (let number = 0; number < 260; number += 1) await receive({ counts: [["A", number]] })
    const release = await heldFact("A", 0)
    const slowSql = openSql(database.url, { connectionsMax: 1, name: "slow" })
    const slow = translator(translateBody, slowSql).translateBatch()
    await untilBlocked("slow")
    expect(await translator().translateBatch()).toBe(60)
    expect(await states()).toEqual({ received: 200, translated: 60 })
    await release()
    expect(await slow).toBe(200)
    await slowSql.end()
    expect(await states()).toEqual({ translated: 259, duplicate: 1 })
    const [row] = await database.sql`select max(attempts) as most from inbox`
    expect(row?.["most"]).toBe(1)
  })
})

describe("a running translator", () => {
  test("translates the next batch while one is being stored, and stores it only afterwards", async () => {
    const count = 450
    await Promise.all(Array.from({ length: count }, (_, number) => receive({ counts: [["A", number]] })))
    const [held, mayEnd, secondBatch] = [latch(), latch(), latch()]
    // Another transaction is about to tell a fact of the first batch, so that storing the batch has to wait for it.
    const other = inTransaction(database.sql, async (transaction) => {
      await appendFrom(transaction, [countOf("A", 0)])
      held.open()
      await mayEnd.opened
      throw new Error("rolled back")
    }).catch(() => undefined)
    await held.opened
    let translated = 0
    const running = translator((delivery) => {
      if ((translated += 1) > 200) secondBatch.open()
      return translateBody(delivery)
    })
    running.start()
    await secondBatch.opened
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(await facts()).toEqual([])
    mayEnd.open()
    await other
    await expect.poll(async () => (await states())["translated"], { timeout: 10_000 }).toBe(count)
    await running.stop()
    expect(await facts()).toEqual(Array.from({ length: count }, (_, number) => `shelf:A:${number}`))
  })

  test("a mapping gets the very bytes that came in, from memory as from the database", async () => {
    const bodies = [
      '{"name":"Zoë 🦊 \\u0000"}',
      Buffer.from([0x7b, 0xff, 0x00, 0x7d]),
      "",
      "\u0000",
      "\\x41",
      "a".repeat(20_000),
    ].map((body) => Buffer.from(body))
    const seen: string[] = []
    const reader = () =>
      translator((delivery) => {
        seen.push(Buffer.from(delivery.bytes).toString("hex"))
        return { events: [], ignored: "read" }
      })
    const sent = bodies.map((body) => body.toString("hex"))
    await Promise.all(bodies.map((body) => receiveBytes(body)))
    await reader().translateBatch()
    expect(seen.splice(0)).toEqual(sent)
    const running = reader()
    running.start()
    await Promise.all(bodies.map((body) => receiveBytes(body)))
    await expect.poll(async () => (await states())["ignored"]).toBe(2 * bodies.length)
    await running.stop()
    expect(seen).toEqual(sent)
  })

  test("a body that was taken from memory by a batch that failed is read again from the database", async () => {
    const release = inbox.onReceive(() => undefined)
    const id = await receive({ counts: [["A", 1]] })
    release()
    expect(inbox.takeFresh(id)).toBeDefined()
    expect(inbox.takeFresh(id)).toBeUndefined()
    await translator().translateBatch()
    expect(await facts()).toEqual(["shelf:A:1"])
  })
})
