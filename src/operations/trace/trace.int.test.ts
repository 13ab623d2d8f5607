import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { logWithObjects, placed, told } from "../../../test/fixtures/operations/told.ts"
import { ref } from "../../canonical/refs.ts"
import type { EventLog } from "../../eventlog/event-log.ts"
import { searchObjects } from "../search.ts"
import { traceOf } from "./trace.ts"

let database: FreshDatabase
let log: EventLog
beforeAll(async () => {
  database = await freshDatabase()
  log = logWithObjects(database.sql)
})
afterAll(() => database.drop())
beforeEach(() => database.sql`truncate events, event_facts, object_links, object_names, objects`)

const search = (text: string, channels?: string[]) =>
  searchObjects(database.sql, { text, limit: 50, ...(channels ? { channels } : {}) })
const found = async (text: string, channels?: string[]) =>
  (await search(text, channels)).items.map(({ ref: one, foundBy, isExact }) => [one, foundBy.type, isExact])
const trace = (of: string, channels?: string[]) => traceOf(database.sql, { of, ...(channels ? { channels } : {}) })

async function place(n: number, how: Parameters<typeof placed>[1] = {}): Promise<string> {
  const order = placed(n, how)
  await log.append(order)
  return order.data.orderId
}

describe("a search", () => {
  test("finds an order by its number, the shop's id, a payment, a document and a parcel, and says by what", async () => {
    const orderId = await place(1)
    await log.append(told("order.booked", { orderId }))
    await log.append(told("shipment.milestone", { orderId }))
    const order = ref("order", orderId)
    expect(await found("#1001")).toEqual([[order, "order number", true]])
    expect(await found("5000001")).toEqual([[order, "order", true]])
    expect(await found("pi_3Qshopde1")).toEqual([[order, "payment", true]])
    expect(await found("0000012345")).toEqual([[order, "sales order", true]])
    expect(await found("00340434161094042557")).toEqual([[order, "tracking number", true]])
    expect(await found(orderId)).toEqual([[order, "order", true]])
    expect(await found("nothing like it")).toEqual([])
  })

  test("takes a number as people type it: its beginning, without punctuation, in any case", async () => {
    const orderId = await place(1)
    await log.append(told("shipment.milestone", { orderId }))
    const order = ref("order", orderId)
    expect(await found("1001")).toEqual([[order, "order number", true]])
    expect(await found("PI_3QSHOP")).toEqual([[order, "payment", false]])
    expect(await found("0034 0434 1610")).toEqual([[order, "tracking number", false]])
    expect(await found("#-1")).toEqual([])
    await expect(search("#-")).rejects.toMatchObject({ code: "REQUEST_INVALID" })
  })

  test("shows a consumer only objects of its channels", async () => {
    await place(1, { channel: "shop-de" })
    const french = await place(1, { channel: "shop-fr" })
    expect(await found("#1001")).toHaveLength(2)
    expect(await found("#1001", ["shop-fr"])).toEqual([[ref("order", french), "order number", true]])
  })
})

describe("a trace", () => {
  test("of an order's id is the order's, though its delivery carries the same id, and has both", async () => {
    const orderId = await place(1)
    await log.append(told("delivery.state-changed", { deliveryId: orderId, orderId }))
    expect(await trace(orderId)).toMatchObject({
      object: ref("order", orderId),
      objects: expect.arrayContaining([expect.objectContaining({ ref: ref("delivery", orderId) })]),
    })
  })

  test("walks from a return to its order and what belongs to that, oldest hop first", async () => {
    const orderId = await place(1, { customer: "c1" })
    await log.append(told("goods.shipped", { orderId, shipmentId: "s1" }))
    await log.append(told("entry.posted", { about: ref("order", orderId), entryId: "i-0001" }))
    await log.append(told("return.state-changed", { returnId: "ret_1", orderId, state: "requested" }))
    const way = await trace("ret_1")
    if (!way || !("hops" in way)) throw new Error("no trace")
    expect(way.objects.map((object) => object.ref)).toEqual(
      expect.arrayContaining([
        "return/ret_1",
        ref("order", orderId),
        ref("shipment", orderId, "s1"),
        "journalEntry/i-0001",
        ref("customer", "shop", "c1"),
      ]),
    )
    expect(way.hops.map(({ object, what }) => [object, what])).toEqual([
      [ref("order", orderId), "order.placed"],
      [ref("order", orderId), "goods.shipped"],
      [ref("order", orderId), "entry.posted"],
      ["return/ret_1", "return.state-changed"],
    ])
    expect(await trace("i-0001")).toMatchObject({ object: ref("order", orderId) })
    expect(await trace("shipment/none/none")).toBeUndefined()
  })

  test("of a long history comes page by page, each hop once and in order, also when very many are of one moment", async () => {
    const orderId = await place(1)
    const milestones = (count: number, carrier: string) =>
      Promise.all(
        Array.from({ length: count }, (_, n) =>
          log.append(told("shipment.milestone", { orderId, carrier, text: `at stop ${n}` })),
        ),
      )
    await milestones(1300, "one moment, more or less")
    await milestones(400, "later")
    const seen: string[] = []
    const times: string[] = []
    let after: string | undefined
    let pages = 0
    do {
      const way = await traceOf(database.sql, { of: orderId, ...(after === undefined ? {} : { after }) })
      if (!way || !("hops" in way)) throw new Error("no trace")
      seen.push(...way.hops.map(({ what }) => what))
      times.push(...way.hops.map(({ at }) => at))
      after = way.next
      pages += 1
    } while (after !== undefined)
    expect(seen.filter((what) => what === "shipment.milestone")).toHaveLength(1700)
    expect(times).toEqual(times.toSorted())
    expect(pages).toBeGreaterThan(1)
  })

  test("does not pass a customer to other orders, but begins at one", async () => {
    const [first, second] = [await place(1, { customer: "c1" }), await place(2, { customer: "c1" })]
    const refsOf = async (of: string) => {
      const way = await trace(of)
      return way && "objects" in way ? way.objects.map((object) => object.ref) : []
    }
    expect(await refsOf(first)).not.toContain(ref("order", second))
    expect(await refsOf(ref("customer", "shop", "c1"))).toEqual(
      expect.arrayContaining([ref("order", first), ref("order", second)]),
    )
  })

  test("of a number that means two orders returns both to choose from, and to a consumer its own order", async () => {
    const german = await place(1)
    const french = await place(1, { channel: "shop-fr" })
    const choice = await trace("#1001")
    expect(choice).toMatchObject({ candidates: [{ foundBy: { id: "#1001" } }, { foundBy: { id: "#1001" } }] })
    expect(await trace("#1001", ["shop-fr"])).toMatchObject({ object: ref("order", french) })
    expect(await trace(ref("order", german), ["shop-fr"])).toBeUndefined()
  })

  test("shows a delivery that could not be read and named the order, and is found by that name alone", async () => {
    const named = [{ system: "shop-de", type: "order", id: "5000001" }]
    await log.append(told("exception.opened", { about: "inbox/77", exceptionId: "inbox-77", named }))
    expect(await trace("5000001")).toMatchObject({ object: "inbox/77", hops: [{ what: "exception.opened" }] })
    const orderId = await place(1)
    const way = await trace("5000001")
    expect(way).toMatchObject({ object: ref("order", orderId) })
    expect(way && "hops" in way && way.hops.map(({ object }) => object)).toContain("inbox/77")
  })
})
