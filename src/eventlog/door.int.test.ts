import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { appendFrom, countOf, latch } from "../../test/fixtures/ledger/facts.ts"
import { AppError } from "../base/errors.ts"
import { createLog } from "../base/log.ts"
import { inTransaction, openSql, type Sql } from "../base/sql.ts"
import type { NewEvent } from "../canonical/events.ts"
import type { Delivery, Translation } from "../ports/capabilities/intake.ts"
import { EventLog, type FollowUps } from "./event-log.ts"
import { readDelivery } from "./deliveries/stored-deliveries.ts"
import { Inbox } from "./inbox.ts"

// The door: bytes, verdict, events and what follows from them are one transaction.
let database: FreshDatabase
beforeEach(async () => {
  database = await freshDatabase({ connectionsMax: 6 })
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

interface DoorOptions {
  sql?: Sql
  translate?: (delivery: Delivery) => Translation
  followUps?: (event: NewEvent) => FollowUps
}

function door({ sql = database.sql, translate = translateBody, followUps }: DoorOptions = {}): Inbox {
  const clock = { now: () => Date.UTC(2026, 10, 20, 10) }
  const eventLog = new EventLog(sql, followUps)
  return new Inbox({ sql, log: createLog("test", "silent"), clock, eventLog, translate })
}

async function receive(body: Body, inbox = door(), via: Delivery["via"] = "webhook"): Promise<number> {
  const { inboxId } = await inbox.receive({
    connection: "shop",
    via,
    topic: "counts",
    deliveryId: "d",
    correlation: "c",
    receivedAt: "2026-11-20T10:00:00.000Z",
    headers: {},
    bytes: new TextEncoder().encode(JSON.stringify(body)),
  })
  return inboxId
}

async function rowOf(inboxId: number) {
  const [row] = await database.sql<
    { state: string; reason: string | null; problems: unknown; newFacts: number; attempts: number }[]
  >`select state, reason, problems, new_facts as "newFacts", attempts from inbox where id = ${inboxId}`
  if (!row) throw new Error(`no row ${inboxId}`)
  return row
}

async function facts(type = "stock.counted"): Promise<string[]> {
  const rows = await database.sql<{ fact: string }[]>`select fact from events where type = ${type} order by xid, seq`
  return rows.map((row) => row.fact)
}

describe("what cannot be translated", () => {
  test("a delivery is parked with its bytes and every problem, tells a person, and holds up no other", async () => {
    const inbox = door()
    const wrong = ["no price", "no \u0000 quantity"]
    const [before = 0, bad = 0, after = 0] = await Promise.all([
      receive({ counts: [["A", 1]] }, inbox),
      receive({ wrong }, inbox),
      receive({ counts: [["A", 2]] }, inbox),
    ])
    const parked = await rowOf(bad)
    expect(parked).toMatchObject({ state: "parked", reason: "no price; no \uFFFD quantity" })
    expect(parked.problems).toEqual([
      { pointer: "/lines/0", message: "no price" },
      { pointer: "/lines/1", message: "no \uFFFD quantity" },
    ])
    const kept = await readDelivery(database.sql, bad)
    expect(JSON.parse(Buffer.from(kept?.bytes ?? []).toString())).toEqual({ wrong })
    expect([(await rowOf(before)).state, (await rowOf(after)).state]).toEqual(["translated", "translated"])
    expect(await facts()).toEqual(["shelf:A:1", "shelf:A:2"])
    const [opened] = await database.sql`select id, allowed, state from exceptions`
    expect(opened).toMatchObject({ id: `inbox-${bad}`, allowed: ["translate again", "dismiss"], state: "open" })
  })

  test("after the mapping was mended the parked deliveries become events, and only those", async () => {
    const bad = await receive({ wrong: ["unknown field"], counts: [["A", 1]] })
    const worse = await receive({ wrong: ["really bad"] })
    const mended = door({
      translate: (delivery) => {
        const body = JSON.parse(Buffer.from(delivery.bytes).toString()) as Body
        return body.wrong?.[0] === "unknown field"
          ? { events: (body.counts ?? []).map(([key, number]) => countOf(key, number)) }
          : translateBody(delivery)
      },
    })
    expect(await mended.retranslate({ connection: "shop" })).toBe(2)
    expect(await rowOf(bad)).toMatchObject({ state: "translated", reason: null, problems: null, newFacts: 1 })
    expect(await rowOf(worse)).toMatchObject({ state: "parked", attempts: 2 })
    expect(await facts()).toEqual(["shelf:A:1"])
    // Parked twice is told twice, or nobody would learn that the fix was none.
    expect(await facts("exception.opened")).toHaveLength(3)
    expect(await mended.retranslate({ inboxId: bad })).toBe(0)
  })

  test("a mapping that throws anything at all parks the delivery", async () => {
    const id = await receive(
      { counts: [["A", 1]] },
      door({
        translate: () => {
          throw new TypeError("undefined is not a function")
        },
      }),
    )
    expect(await rowOf(id)).toMatchObject({ state: "parked" })
    expect((await rowOf(id)).reason).toContain("undefined is not a function")
  })

  test("of a batch, a delivery whose facts the database refuses is parked alone, its bytes intact", async () => {
    const inbox = door()
    const body = (n: number): Body => ({ counts: [[n === 3 ? "nul \u0000" : "A", n]] })
    const ids = await Promise.all([0, 1, 2, 3, 4, 5].map((n) => receive(body(n), inbox)))
    const states = await Promise.all(ids.map(async (id) => (await rowOf(id)).state))
    expect(states).toEqual(["translated", "translated", "translated", "parked", "translated", "translated"])
    expect((await facts()).toSorted()).toEqual([0, 1, 2, 4, 5].map((n) => `shelf:A:${n}`))
    const kept = await readDelivery(database.sql, ids[3] ?? 0)
    expect(JSON.parse(Buffer.from(kept?.bytes ?? []).toString())).toEqual(body(3))
  })
})

describe("duplicates", () => {
  const two: Body = {
    counts: [
      ["A", 1],
      ["A", 2],
    ],
  }

  test("a repeated delivery is a duplicate that names the delivery that was first and how it came", async () => {
    const polled = await receive(two, door(), "poll")
    const both = await receive(two)
    const one = await receive({ counts: [["A", 1]] })
    expect(await rowOf(both)).toMatchObject({
      state: "duplicate",
      reason: `all 2 facts were brought by delivery ${polled} before (by poll)`,
    })
    expect(await rowOf(one)).toMatchObject({
      state: "duplicate",
      reason: `its one fact was brought by delivery ${polled} before (by poll)`,
    })
  })

  test("of two deliveries in one batch the first is translated and the second is its duplicate", async () => {
    const inbox = door()
    // The first add begins a batch alone; those behind it share the next.
    const [, first = 0, second = 0] = await Promise.all([
      receive({ counts: [["B", 1]] }, inbox),
      receive({ counts: [["A", 1]] }, inbox),
      receive({ counts: [["A", 1]] }, inbox),
    ])
    expect(await rowOf(first)).toMatchObject({ state: "translated", newFacts: 1 })
    expect(await rowOf(second)).toMatchObject({ state: "duplicate", newFacts: 0 })
  })

  test("a delivery with one new fact among known ones is translated", async () => {
    await receive({ counts: [["A", 1]] })
    expect(await rowOf(await receive(two))).toMatchObject({ state: "translated", newFacts: 1 })
  })

  test("a delivery without facts is ignored and says why", async () => {
    const id = await receive({}, door({ translate: () => ({ events: [], ignored: "a test order" }) }))
    expect(await rowOf(id)).toMatchObject({ state: "ignored", reason: "a test order" })
  })
})

describe("crashes and rivals", () => {
  /** Holds a fact in an open transaction, so that a delivery that brings it waits in the middle of its commit. */
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

  test("a crash in the middle leaves neither bytes nor events nor workflows, and nothing was acknowledged", async () => {
    const release = await heldFact("A", 2)
    const doomed = openSql(database.url, { connectionsMax: 1, name: "doomed" })
    const crash = receive({ counts: [["A", 2]] }, door({ sql: doomed })).catch((error: unknown) => error)
    await database.sql`select pg_terminate_backend(${await untilBlocked("doomed")})`
    expect(await crash).toMatchObject({ code: "STORAGE_UNAVAILABLE" })
    await doomed.end({ timeout: 0 })
    expect(await database.sql`select id from inbox`).toEqual([])
    expect(await database.sql`select id from inbox_bodies`).toEqual([])
    await release()
    expect(await rowOf(await receive({ counts: [["A", 2]] }))).toMatchObject({ state: "duplicate" })
  })

  test("two gateways that bring one fact in the same moment: one is new, the other waits and is its duplicate", async () => {
    const other = openSql(database.url, { connectionsMax: 2, name: "other" })
    const ids = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        receive({ counts: [["A", n % 4]] }, door({ sql: n % 2 ? other : database.sql })),
      ),
    )
    await other.end()
    const states = await Promise.all(ids.map(async (id) => (await rowOf(id)).state))
    expect(states.filter((state) => state === "translated")).toHaveLength(4)
    expect(states.filter((state) => state === "duplicate")).toHaveLength(16)
  })
})

describe("what follows from an event", () => {
  const about = "stock/wh-berlin/A" as const
  const starts = (): FollowUps => ({
    starts: [{ workflow: "count shelf", about, promisedAt: "2026-11-20T10:00:00.000Z" }],
    signals: [{ workflow: "count shelf", about }],
  })

  test("a new event starts a workflow and wakes it in the same commit; the same event again does neither", async () => {
    const inbox = door({ followUps: starts })
    await receive({ counts: [["A", 1]] }, inbox)
    await receive({ counts: [["A", 1]] }, inbox)
    expect(await database.sql`select workflow, about, state from workflow_instances`).toEqual([
      { workflow: "count shelf", about, state: "running" },
    ])
    expect(await database.sql`select type, fact from workflow_signals`).toEqual([
      { type: "stock.counted", fact: "shelf:A:1" },
    ])
    expect(await database.sql`select is_woken from workflow_queue`).toEqual([{ is_woken: true }])
  })

  test("a signal that comes before its workflow's start is kept, is due only after a while, and is there when it starts", async () => {
    const early = door({ followUps: () => ({ ...starts(), starts: [] }) })
    await receive({ counts: [["A", 1]] }, early)
    const [expected] = await database.sql<{ state: string; minutes: number }[]>`
      select i.state, extract(epoch from q.due_at - now())::float8 / 60 as minutes
      from workflow_instances i join workflow_queue q on q.instance = i.id`
    expect(expected?.state).toBe("expected")
    expect(expected?.minutes).toBeGreaterThan(10)
    await receive({ counts: [["A", 2]] }, door({ followUps: starts }))
    const [started] = await database.sql`
      select i.state, q.due_at <= clock_timestamp() as due, (select count(*)::int from workflow_signals) as signals
      from workflow_instances i join workflow_queue q on q.instance = i.id`
    expect(started).toEqual({ state: "running", due: true, signals: 2 })
  })
})
