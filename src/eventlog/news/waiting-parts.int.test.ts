import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { connections } from "../../areas/connections.ts"
import { orderIdOf } from "../../base/ids.ts"
import { createLog } from "../../base/log.ts"
import { aboutOf, newEvent, type NewEvent } from "../../canonical/events.ts"
import { exampleOrder } from "../../canonical/events/example-order.ts"
import { editionOf } from "../../canonical/order.ts"
import { ref, type Ref } from "../../canonical/refs.ts"
import { saleEvents } from "../../canonical/sales/events.ts"
import { ExceptionDesk } from "../../operations/exceptions/desk.ts"
import { logWithObjects } from "../../../test/fixtures/operations/told.ts"
import { traceOf } from "../../operations/trace/trace.ts"
import type { Delivery, RefusedRecord, Translation } from "../../ports/capabilities/intake.ts"
import { Backstop } from "../backstop.ts"
import type { EventLog } from "../event-log.ts"
import { Inbox } from "../inbox.ts"
import { knownParts, partsRead, waitingEvents, withoutKnownParts } from "./waiting-parts.ts"

let database: FreshDatabase
let eventLog: EventLog
let inbox: Inbox
let backstop: Backstop
const clock = { now: () => Date.UTC(2026, 10, 20, 10) }
const log = createLog("test", "silent")

/** A state of one order at this test's own vendor. */
interface State {
  at: string
  /** What each of its refunds is worth; "odd" cannot be read. */
  refunds?: Record<string, number | "odd">
  street?: string
  /** What it says on its first line. */
  engraving?: string
  isCancelled?: boolean
}

const orderId = orderIdOf("shop", "6001")
const fact = "shop:order:6001"

function translate(delivery: Delivery): Translation {
  const {
    at,
    refunds = {},
    street = "Main St 1",
    engraving,
    isCancelled,
  } = JSON.parse(Buffer.from(delivery.bytes).toString()) as State
  const { shippingAddress } = exampleOrder
  const order = {
    ...exampleOrder,
    id: orderId,
    channel: "shop",
    externalId: "6001",
    number: "#6001",
    ...(shippingAddress && { shippingAddress: { ...shippingAddress, line1: street } }),
    ...(engraving !== undefined && {
      lines: exampleOrder.lines.map((line, n) =>
        n === 0 ? { ...line, properties: [{ name: "engraving", value: engraving }] } : line,
      ),
    }),
  }
  const common = { source: "shop", time: at }
  const events: NewEvent[] = [
    newEvent({ ...common, type: "order.placed", fact: `${fact}:placed`, data: { orderId, order } }),
    newEvent({
      ...common,
      type: "order.edited",
      fact: `${fact}:edited:${editionOf(order)}`,
      data: { orderId, order: { ...order, version: at } },
    }),
  ]
  const refused: RefusedRecord[] = []
  for (const [id, worth] of Object.entries(refunds)) {
    const name = `${fact}:refund:${id}`
    const amount = {
      shop: { amountMinor: Number(worth), currency: "EUR" },
      presentment: { amountMinor: Number(worth), currency: "EUR" },
    }
    if (worth === "odd")
      refused.push({
        pointer: `/refunds/${id}`,
        code: "TRANSLATION_FAILED",
        message: `refund ${id} waits`,
        about: { system: "shop", type: "order", id: "6001" },
        problems: [{ pointer: `/refunds/${id}/amount`, message: "must be an amount" }],
        part: { name, at, number: "#6001", money: { amountMinor: 500, currency: "EUR" } },
      })
    else
      events.push(
        newEvent({
          ...common,
          type: "order.refunded",
          fact: name,
          data: { orderId, refundId: id, amount, lines: [], at },
        }),
      )
  }
  if (isCancelled)
    events.push(
      newEvent({
        ...common,
        type: "order.cancellation-requested",
        fact: `${fact}:cancelled`,
        data: { orderId, reason: "customer", requestedBy: "customer" },
      }),
    )
  return {
    events,
    readWhole: [{ prefix: `${fact}:refund`, at, has: Object.keys(refunds) }],
    ...(refused.length > 0 && { refused }),
  }
}

beforeEach(async () => {
  database = await freshDatabase({ connectionsMax: 6 })
  eventLog = logWithObjects(database.sql)
  inbox = new Inbox({ sql: database.sql, log, clock, eventLog, translate })
  backstop = new Backstop({ sql: database.sql, log, clock, inbox, eventLog, lists: [] })
})
afterEach(() => database.drop())

const at = (minute: number) => `2026-11-21T10:${String(minute).padStart(2, "0")}:00.000Z`
const deliveryOf = (state: State, via: Delivery["via"]) => ({
  connection: "shop",
  via,
  headers: {},
  bytes: new TextEncoder().encode(JSON.stringify(state)),
  receivedAt: at(0),
})
const receive = (state: State) =>
  inbox.receive({ ...deliveryOf(state, "webhook"), topic: "orders", deliveryId: "", correlation: "c" })

/** One pass of a poll that lists the order in this state; returns how many deliveries it put in. */
const poll = (state: State) =>
  backstop.pollOnce({
    connection: "shop",
    list: "orders",
    everyMs: 1000,
    translate,
    read: (work) => work(),
    changes: {
      overlapMs: 0,
      listChanges: () => Promise.resolve({ deliveries: [deliveryOf(state, "poll")], nextCursor: "", hasMore: false }),
    },
  })

async function facts() {
  const rows = await database.sql<{ fact: string }[]>`
    select fact from events where type not like 'exception.%' order by seq`
  return rows.map((row) => row.fact.replace(`${fact}:`, ""))
}

async function exceptions() {
  const rows = await database.sql<
    { about: string; state: string; action: string | null; risk: number | null; summary: string }[]
  >`
    select about, state, action, risk_minor as risk, summary from exceptions order by opened_at, id`
  return rows.map(({ about, state, action, risk }) => [about, state, action, risk])
}

describe("parts of an order that wait (P-31)", () => {
  test("P-31: the rest of the order is heard, and the part is an exception about the order with its number and money", async () => {
    await receive({ at: at(1), refunds: { 31: "odd", 32: 700 }, isCancelled: true })
    expect(await facts()).toEqual(["placed", "refund:32", "cancelled"])
    expect(await exceptions()).toEqual([[ref("order", orderId), "open", null, 500]])
    const [row] = await database.sql`select summary, owner from exceptions`
    expect(row).toEqual({
      summary: "Order #6001 from shop: refund 31 waits: /refunds/31/amount must be an amount",
      owner: "integration",
    })
    expect(await traceOf(database.sql, { of: "#6001" })).toMatchObject({ object: ref("order", orderId) })
  })

  test("P-31: told again by webhooks and polls it is one exception, and a poll brings it no second time", async () => {
    const odd: State = { at: at(1), refunds: { 31: "odd" } }
    await receive(odd)
    await receive({ ...odd, at: at(2) })
    expect([await poll(odd), await poll({ ...odd, at: at(3) })]).toEqual([0, 0])
    expect(await exceptions()).toHaveLength(1)
  })

  test("P-31: a state of the same second without the part ends nothing, because it may be the older one", async () => {
    await receive({ at: at(1), refunds: { 31: "odd" } })
    await receive({ at: at(1) })
    await poll({ at: at(1), refunds: { 32: 700 } })
    expect((await exceptions()).map(([, state]) => state)).toEqual(["open"])
    await receive({ at: at(1), refunds: { 31: 500 } })
    expect((await exceptions()).map(([, state, action]) => [state, action])).toEqual([["decided", "read later"]])
    expect(await facts()).toContain("refund:31")
  })

  test("P-31: a later state that can be read ends the exception, and the parked deliveries wait no more", async () => {
    await receive({ at: at(1), refunds: { 31: "odd" } })
    await receive({ at: at(2), refunds: { 31: "odd" } })
    expect(await database.sql`select id from inbox where state = 'parked'`).toHaveLength(1)
    await receive({ at: at(3), refunds: { 31: 500 } })
    expect(await exceptions()).toEqual([[ref("order", orderId), "decided", "read later", 500]])
    expect(await facts()).toContain("refund:31")
    expect(await database.sql`select id from inbox where state = 'parked'`).toEqual([])
  })

  test("P-31: a part that the order no longer has waits no more, and a poll of that state ends it, too", async () => {
    await receive({ at: at(1), refunds: { 31: "odd" } })
    expect(await poll({ at: at(2) })).toBe(1)
    expect(await exceptions()).toEqual([[ref("order", orderId), "decided", "read later", 500]])
    expect(await poll({ at: at(2) })).toBe(0)
  })

  test("P-31: an older state that comes late opens nothing: a newer one told the part", async () => {
    await receive({ at: at(2), refunds: { 31: 500 } })
    const { inboxId, state } = await receive({ at: at(1), refunds: { 31: "odd" } })
    expect([await exceptions(), state]).toEqual([[], "duplicate"])
    expect(await database.sql`select problems from inbox where id = ${inboxId}`).toHaveLength(1)
  })

  test("P-31: what was told of another object than the order does not wait for it, by webhook or by poll", async () => {
    const told = saleEvents["receipt.told"].example
    const event = newEvent({ type: "receipt.told", fact: "square:6001:31", source: "square", time: at(2), data: told })
    const record = (factAbout: Ref): RefusedRecord => ({
      pointer: "/refunds/31",
      code: "TRANSLATION_FAILED",
      message: "refund 31 waits",
      about: { system: "shop", type: "order", id: "6001" },
      problems: [],
      part: { name: event.fact, factAbout, at: at(1) },
    })
    await eventLog.append(event)
    const row = { inboxId: 1, connection: "shop", attempts: 0, at: at(3), exceptionId: "inbox-1" }
    const left = async (one: RefusedRecord) => {
      const [known] = await withoutKnownParts(database.sql, [{ events: waitingEvents(row, one), isParked: true }])
      return [known?.events.length, (await knownParts(database.sql, "shop", [one])).size]
    }
    expect(await left(record(aboutOf(event)))).toEqual([0, 1])
    expect(await left(record(ref("document", "square", "receipt", "another")))).toEqual([1, 0])
  })

  test("P-31: a refund that was on its way before it failed does not wait again, also when a person has decided; one that is repeated later does", async () => {
    const record = (id: string, time: string): RefusedRecord => ({
      pointer: "/refunds/31",
      code: "TRANSLATION_FAILED",
      message: "refund 31 waits",
      about: { system: "shop", type: "order", id: "6001" },
      problems: [],
      part: { name: `${fact}:refund:${id}`, at: time },
    })
    const row = { inboxId: 1, connection: "shop", attempts: 0, at: at(9), exceptionId: "inbox-1" }
    const opened = (id: string, time: string) => waitingEvents(row, record(id, time))
    const left = async (id: string, time: string) => {
      const [one] = await withoutKnownParts(database.sql, [{ events: opened(id, time), isParked: true }])
      return [one?.events.length, one?.isParked]
    }
    for (const event of opened("31:failed", at(5))) await eventLog.append(event)
    const seen = async () => [await left("31", at(4)), await left("31", at(6)), await left("3", at(4))]
    expect(await seen()).toEqual([
      [0, false],
      [1, true],
      [1, true],
    ])
    const desk = new ExceptionDesk({ actions: connections.actions ?? [], sql: database.sql, eventLog, inbox, clock })
    await desk.decide("inbox-1", { action: "dismiss", by: "ada" })
    expect((await seen())[0]).toEqual([0, false])
  })

  test("P-31: a refund that is told alone ends what waits of it, and of no other whose id only begins so", async () => {
    await receive({ at: at(1), refunds: { 31: "odd" } })
    const read = (id: number) => {
      const readWhole = [{ prefix: `${fact}:refund:${id}`, at: at(2) }]
      return partsRead(database.sql, [{ readWhole, without: [] }])
    }
    expect([(await read(3)).length, (await read(31)).length]).toEqual([0, 1])
  })

  test("P-31: what a person dismissed is not asked again", async () => {
    const odd: State = { at: at(1), refunds: { 31: "odd" } }
    const { inboxId } = await receive(odd)
    const desk = new ExceptionDesk({ actions: connections.actions ?? [], sql: database.sql, eventLog, inbox, clock })
    await desk.decide(`inbox-${inboxId}:0`, { action: "dismiss", by: "ada" })
    await receive({ ...odd, at: at(2) })
    await poll({ ...odd, at: at(3) })
    expect(await exceptions()).toEqual([[ref("order", orderId), "decided", "dismiss", 500]])
  })
})

describe("states of an order (P-39)", () => {
  test("P-39: an order that is stated as it was placed is no edit, however often and whenever", async () => {
    await receive({ at: at(1) })
    await receive({ at: at(2), isCancelled: false })
    await Promise.all([3, 4, 5].map((minute) => receive({ at: at(minute) })))
    expect(await poll({ at: at(6) })).toBe(0)
    expect(await facts()).toEqual(["placed"])
  })

  test("P-39: another address is one edit; the first one again is an edit, too; an older state is none", async () => {
    await receive({ at: at(1) })
    await receive({ at: at(2), street: "Other St 2" })
    await receive({ at: at(3), street: "Other St 2" })
    await receive({ at: at(4) })
    await receive({ at: at(2), street: "Other St 2" })
    await receive({ at: at(5), street: "Other St 2" })
    const rows = await database.sql<{ street: string }[]>`
      select data #>> '{order,shippingAddress,line1}' as street from events where type = 'order.edited' order by seq`
    expect(rows.map(({ street }) => street)).toEqual(["Other St 2", "Main St 1", "Other St 2"])
    expect(await poll({ at: at(6), street: "Other St 2" })).toBe(0)
  })

  test("P-39: goods that change in the second in which the order was placed stand, and what was placed does not come back", async () => {
    const at = exampleOrder.version
    const texts = async () =>
      (
        await database.sql<{ text: string | null }[]>`
          select data #>> '{order,lines,0,properties,0,value}' as text from events where type = 'order.edited' order by seq`
      ).map(({ text }) => text)
    await receive({ at })
    // Its delivery names the same goods as placed, as Shopify's do when a line was added.
    await receive({ at, engraving: "Ada" })
    expect(await texts()).toEqual(["Ada"])
    await receive({ at })
    expect(await texts()).toEqual(["Ada"])
  })

  test("P-39: an edit of the second in which the order was placed stands", async () => {
    await receive({ at: exampleOrder.version })
    await receive({ at: exampleOrder.version, street: "Other St 2" })
    expect((await facts()).filter((one) => one.startsWith("edited"))).toHaveLength(1)
  })
})
