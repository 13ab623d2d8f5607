import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { countOf } from "../../test/fixtures/ledger/facts.ts"
import type { Problem } from "../base/errors.ts"
import { orderIdOf } from "../base/ids.ts"
import { createLog } from "../base/log.ts"
import { eventTypes, newEvent, type NewEvent } from "../canonical/events.ts"
import { exampleOrder } from "../canonical/examples.ts"
import type { Order } from "../canonical/order.ts"
import type { Delivery, Translation } from "../ports/capabilities/intake.ts"
import type { Stating } from "../ports/statements.ts"
import { EventLog } from "./event-log.ts"
import { Inbox } from "./inbox.ts"

let database: FreshDatabase
beforeEach(async () => {
  database = await freshDatabase()
})
afterEach(() => database.drop())

function door(translate: (delivery: Delivery) => Translation, stating?: (connection: string) => Stating): Inbox {
  const { sql } = database
  const clock = { now: () => Date.UTC(2026, 10, 20, 10) }
  const log = createLog("test", "silent")
  return new Inbox({ sql, log, clock, eventLog: new EventLog(sql), translate, ...(stating ? { stating } : {}) })
}

async function receive(inbox: Inbox, body = "{}"): Promise<number> {
  const { inboxId } = await inbox.receive({
    connection: "shop",
    via: "webhook",
    topic: "counts",
    deliveryId: "d",
    correlation: "c",
    receivedAt: "2026-11-20T10:00:00.000Z",
    headers: {},
    bytes: new TextEncoder().encode(body),
  })
  return inboxId
}

async function rowOf(inboxId: number) {
  const [row] = await database.sql<{ state: string; problems: unknown; newFacts: number }[]>`
    select state, problems, new_facts as "newFacts" from inbox where id = ${inboxId}`
  if (!row) throw new Error(`no row ${inboxId}`)
  return row
}

async function facts(type = "stock.counted"): Promise<string[]> {
  const rows = await database.sql<{ fact: string }[]>`select fact from events where type = ${type} order by xid, seq`
  return rows.map((row) => row.fact)
}

describe("facts are checked where they come in", () => {
  const bad = (number: number): NewEvent => {
    const event = countOf("B", number)
    return { ...event, data: { ...event.data, countedMilli: -1, countedAt: "2026-02-30T10:00:00.000Z" } }
  }
  const shop = { connection: "shop", states: ["order.placed", "order.refunded"] as const }
  const shopDoor = (events: NewEvent[]) =>
    door(
      () => ({ events }),
      () => shop,
    )
  const place = (order: Partial<Order>): NewEvent<"order.placed"> => {
    const channel = order.channel ?? "shop"
    const id = order.id ?? orderIdOf(channel, exampleOrder.externalId)
    return newEvent({
      type: "order.placed",
      fact: `shop:order:${exampleOrder.externalId}:placed`,
      source: "shop",
      time: "2026-11-20T10:00:00.000Z",
      data: { orderId: id, order: { ...exampleOrder, ...order, channel, id } },
    })
  }

  test("a bad fact parks its own delivery with every problem, and the other facts of it go on", async () => {
    const events = [countOf("A", 1), bad(2), countOf("A", 3)]
    const inbox = door((delivery) =>
      Buffer.from(delivery.bytes).toString() === "{}" ? { events } : { events: [countOf("A", 9)] },
    )
    const id = await receive(inbox)
    const after = await receive(inbox, "[]")
    const row = await rowOf(id)
    expect(row.state).toBe("parked")
    expect(row.problems).toEqual([
      { pointer: "/facts/1/data/countedMilli", message: "must be >= 0" },
      { pointer: "/facts/1/data/countedAt", message: "is not a valid date and time" },
    ])
    expect((await rowOf(after)).state).toBe("translated")
    expect(await facts()).toEqual(["shelf:A:1", "shelf:A:3", "shelf:A:9"])
    const [opened] = await database.sql`select data from events where type = 'exception.opened'`
    expect(opened?.["data"]).toMatchObject({ about: `inbox/${id}`, cause: "TRANSLATION_FAILED" })
  })

  test("once the mapping is mended the bad fact enters, and the good ones are not there twice", async () => {
    const id = await receive(door(() => ({ events: [countOf("A", 1), bad(2)] })))
    const mended = door(() => ({ events: [countOf("A", 1), countOf("B", 2)] }))
    expect(await mended.retranslate({ inboxId: id })).toBe(1)
    expect(await rowOf(id)).toMatchObject({ state: "translated", problems: null, newFacts: 1 })
    expect(await facts()).toEqual(["shelf:A:1", "shelf:B:2"])
  })

  test.each(["constructor", "__proto__", "order.imagined", "toString"])(
    "%s is no event type, and parks alone",
    async (type) => {
      const events = [{ ...countOf("A", 1), type: type as "stock.counted" }, countOf("A", 2)]
      const id = await receive(door(() => ({ events })))
      expect((await rowOf(id)).problems).toEqual([
        { pointer: "/facts/0/type", message: `"${type}" is not an event type` },
      ])
      expect(await facts()).toEqual(["shelf:A:2"])
    },
  )

  test("a connection's own order enters", async () => {
    await receive(shopDoor([place({})]))
    expect(await facts("order.placed")).toHaveLength(1)
  })

  const refund: NewEvent<"order.refunded"> = {
    ...place({}),
    type: "order.refunded",
    data: { ...eventTypes["order.refunded"].example, orderId: orderIdOf("shop", exampleOrder.externalId) },
  }
  test.each<[what: string, event: NewEvent, pointer: string]>([
    [
      "an event of a type its connector does not state",
      { ...countOf("A", 1), fact: "shop:1", source: "shop" },
      "/type",
    ],
    ["an order of another channel", place({ channel: "other" }), "/data/order/channel"],
    [
      "its order under another channel's id",
      place({ id: orderIdOf("other", exampleOrder.externalId) }),
      "/data/orderId",
    ],
    [
      "a refund of another channel's order",
      { ...refund, data: { ...refund.data, orderId: orderIdOf("other", exampleOrder.externalId) } },
      "/data/orderId",
    ],
    ["a refund whose fact names another of its orders", { ...refund, fact: "shop:order:2:refund:1" }, "/data/orderId"],
    ["a fact in another connection's name", { ...place({}), source: "other" }, "/source"],
    ["a fact named as another connection names its own", { ...place({}), fact: "other:order:1:placed" }, "/fact"],
  ])("%s is refused and kept, and its own facts go on", async (_what, event, pointer) => {
    const id = await receive(shopDoor([event, { ...refund, fact: `shop:order:${exampleOrder.externalId}:refund:1` }]))
    const row = await rowOf(id)
    expect(row.state).toBe("parked")
    expect((row.problems as Problem[]).map((problem) => problem.pointer)).toContain(`/facts/0${pointer}`)
    expect(await facts(event.type === "order.refunded" ? "order.placed" : event.type)).toEqual([])
    expect(await facts("order.refunded")).toEqual([`shop:order:${exampleOrder.externalId}:refund:1`])
    const [opened] = await database.sql`select data from events where type = 'exception.opened'`
    expect(opened?.["data"]).toMatchObject({ cause: "FACT_FORBIDDEN" })
  })
})
