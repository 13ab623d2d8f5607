import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { canonicalJson } from "../../src/base/ids.ts"
import { moneyToDecimal } from "../../src/base/money.ts"
import { validator } from "../../src/canonical/validate.ts"
import { eventTypes, type NewEvent } from "../../src/canonical/events.ts"
import { editionOf, type Order } from "../../src/canonical/order.ts"
import type { Delivery } from "../../src/ports/capabilities/intake.ts"
import { shapes } from "../../lab/shopify/shapes/names.ts"
import { newCall, pollAll, startShopBench, type ShopBench } from "./shopify-bench.ts"

let bench: ShopBench
const startedMs = Date.now() - 60_000

beforeAll(async () => {
  bench = await startShopBench()
})
afterAll(() => bench.stop())

function translate(delivery: Delivery): NewEvent[] {
  return bench.shop.receivesDeliveries.translate(delivery).events
}

function factsOf(deliveries: readonly Delivery[]): Map<string, NewEvent> {
  return new Map(deliveries.flatMap(translate).map((event) => [event.fact, event]))
}

describe("signatures", () => {
  test("an order placed in the shop arrives signed and becomes order.placed", async () => {
    await bench.act("orders", { count: 1, odd: false, payment: "paid" })
    const [created] = (await bench.webhooks()).filter((one) => one.headers["x-shopify-topic"] === "orders/create")
    expect(created).toBeDefined()
    if (!created) return
    const verified = bench.shop.receivesDeliveries.verify(created, Date.now())
    expect(verified).toMatchObject({ topic: "orders/create", deliveryId: created.headers["x-shopify-webhook-id"] })
    expect(translate(created).map((event) => event.type)).toEqual(["order.placed"])
  })

  test("a changed byte, a wrong secret and another shop's message are refused", async () => {
    await bench.act("orders", { count: 1, odd: false })
    const [genuine] = await bench.webhooks()
    if (!genuine) throw new Error("no webhook came")
    const bytes = Buffer.from(genuine.bytes)
    bytes[10] = (bytes[10] ?? 0) ^ 1
    const other = { ...genuine.headers, "x-shopify-shop-domain": "other.myshopify.com" }
    const unsigned = { ...genuine.headers, "x-shopify-hmac-sha256": "" }
    for (const forged of [
      { ...genuine, bytes },
      { ...genuine, headers: other },
      { ...genuine, headers: unsigned },
    ])
      expect(() => bench.shop.receivesDeliveries.verify(forged, Date.now())).toThrow(
        expect.objectContaining({ code: "SIGNATURE_INVALID" }),
      )
  })
})

describe("webhooks that lack what their facts need", () => {
  test("name their order, and the order that is read for them states the facts that the poll finds", async () => {
    await bench.webhooks()
    await bench.act("orders", { count: 3, odd: ["jpy"], payment: "paid" })
    const thin = (await bench.webhooks())
      .map((delivery) => ({ delivery, translation: bench.shop.receivesDeliveries.translate(delivery) }))
      .filter(({ translation }) => (translation.fetch ?? []).length > 0)
    expect(thin.length).toBeGreaterThan(0)
    const polled = factsOf(await pollAll(bench.shop, startedMs))
    for (const { translation } of thin) {
      expect(translation).toMatchObject({ events: [], ignored: expect.any(String) })
      const [name] = translation.fetch ?? []
      if (!name) throw new Error("nothing is named")
      const fetched = await bench.shop.readsObjects.fetchObject(name, newCall())
      if (!fetched) throw new Error(`order ${name.id} is not there`)
      const facts = translate(fetched)
      expect(facts.map(({ type }) => type)).toContain("order.placed")
      for (const event of facts) expect(canonicalJson(event)).toBe(canonicalJson(polled.get(event.fact)))
    }
  })

  test("an object the shop does not have, or of a type nobody knows, is not there", async () => {
    const fetchObject = (type: string, id: string) => bench.shop.readsObjects.fetchObject({ type, id }, newCall())
    expect(await fetchObject("order", "1")).toBeUndefined()
    expect(await fetchObject("cart", "1")).toBeUndefined()
  })
})

describe("odd orders", () => {
  test(
    "thousands of orders of every oddity translate without a problem and fit the catalogue",
    { timeout: 120_000 },
    async () => {
      const validators = new Map(
        Object.entries(eventTypes).map(([name, type]) => [name, validator(type.schema, name)] as const),
      )
      let placed = 0
      for (let round = 0; round < 2; round++) {
        await bench.act("orders", { count: 1_000, odd: true })
        for (const event of factsOf(await bench.webhooks()).values()) {
          if (event.type === "order.placed") placed += 1
          const problems = validators.get(event.type)?.problems(event.data)
          if (problems && problems.length > 0) throw new Error(`${event.fact}: ${JSON.stringify(problems)}`)
        }
      }
      expect(placed).toBe(2_000)
    },
  )

  test("webhook and poll agree on every fact of an order", { timeout: 60_000 }, async () => {
    bench.simulator.reset()
    await bench.act("orders", { count: 300, odd: true })
    const pushed = factsOf(await bench.webhooks())
    const polled = factsOf(await pollAll(bench.shop, startedMs))
    expect([...polled.keys()].filter((fact) => fact.endsWith(":placed"))).toHaveLength(300)
    const differing = [...pushed.values()].filter(
      (event) => canonicalJson(comparable(polled.get(event.fact))) !== canonicalJson(comparable(event)),
    )
    expect(differing).toEqual([])
    // What no webhook told is each order as it is now, which the door leaves out: it is as it was placed.
    const more = [...polled.values()].filter(({ fact }) => !pushed.has(fact))
    const others = more.filter(({ type }) => type !== "order.edited" && type !== "order.tender-changed")
    expect(others).toEqual([])
    for (const event of more.filter(({ type }) => type === "order.edited"))
      expect(
        event.fact.endsWith(editionOf(orderIn(pushed.get(event.fact.replace(/:edited:.*/, ":placed")) ?? event))),
      ).toBe(true)
  })

  test.each([...shapes, undefined])(
    "P-31, P-32: orders in the shape %s are heard alike by webhook and poll, and nothing of them waits",
    { timeout: 60_000 },
    async (shape) => {
      bench.simulator.reset()
      await bench.webhooks()
      await bench.act("orders", {
        count: shape ? 25 : 150,
        odd: ["order-discount", "exclusive-tax", "several-rates"],
        payment: "paid",
        shapes: shape && [shape],
      })
      const deliveries = [await bench.webhooks(), await pollAll(bench.shop, startedMs)] as const
      expect(deliveries.flat().flatMap((one) => bench.shop.receivesDeliveries.translate(one).refused ?? [])).toEqual([])
      const [pushed, polled] = [factsOf(deliveries[0]), factsOf(deliveries[1])]
      expect([...pushed.values()].filter(({ type }) => type === "order.placed")).toHaveLength(shape ? 25 : 150)
      for (const event of pushed.values())
        expect(canonicalJson(comparable(polled.get(event.fact)))).toBe(canonicalJson(comparable(event)))
    },
  )

  test("what tenders cover is the order's total, to the minor unit in both currencies", async () => {
    bench.simulator.reset()
    await bench.act("orders", { count: 200, odd: true })
    await bench.webhooks()
    const events = [...factsOf(await pollAll(bench.shop, startedMs)).values()]
    const orders = events.flatMap((event) => (event.type === "order.placed" ? [orderIn(event)] : []))
    for (const order of orders)
      for (const view of ["shop", "presentment"] as const) {
        const tendered = events
          .filter(
            (event) => event.type === "order.tender-changed" && orderIdOf(event) === order.id && !hasFailed(event),
          )
          .reduce((sum, event) => sum + tenderMinor(event, view), 0)
        expect(tendered).toBe(order.total[view].amountMinor)
      }
    expect(orders).toHaveLength(200)
  })
})

describe("the life of an order", () => {
  // What may befall an order after it was placed, in the shop's own words for it.
  const fates: { name: string; steps: [action: string, body: (order: Order) => unknown][]; finds: string[] }[] = [
    {
      name: "edited, partly refunded, cancelled",
      steps: [
        ["edit", (order) => ({ remove: [{ lineId: Number(largestLine(order).id), quantity: 1 }], add: [] })],
        ["refund", (order) => ({ lineId: Number(largestLine(order).id), quantity: 1 })],
        ["cancel", () => ({ reason: "CUSTOMER" })],
      ],
      finds: ["order.edited", "order.refunded", "order.cancellation-requested"],
    },
    {
      name: "edited twice, paid, refunded",
      steps: [
        ["edit", (order) => ({ remove: [], add: [{ likeLineId: Number(largestLine(order).id), quantity: 2 }] })],
        ["edit", (order) => ({ remove: [{ lineId: Number(largestLine(order).id), quantity: 2 }], add: [] })],
        ["pay", () => ({})],
        ["refund", (order) => ({ lineId: Number(largestLine(order).id), quantity: 1 })],
      ],
      finds: ["order.edited", "order.refunded"],
    },
  ]
  for (const { name, steps, finds } of fates)
    test(
      `every snapshot of an order that was ${name} tells the same facts alike (P-07)`,
      { timeout: 60_000 },
      async () => {
        bench.simulator.reset()
        await bench.act("orders", {
          count: 40,
          odd: ["large-quantity", "order-discount", "several-rates"],
          payment: "paid",
        })
        const snapshots = [...(await bench.webhooks()), ...(await pollAll(bench.shop, startedMs))]
        const orders = [...factsOf(snapshots).values()].flatMap((event) =>
          event.type === "order.placed" ? [orderIn(event)] : [],
        )
        for (const [action, body] of steps) {
          for (const order of orders) await bench.act(`orders/${order.externalId}/${action}`, body(order))
          snapshots.push(...(await bench.webhooks()), ...(await pollAll(bench.shop, startedMs)))
        }
        const seen = new Map<string, string>()
        const types = new Set<string>()
        const differing: string[] = []
        for (const event of snapshots.flatMap(translate)) {
          const data = canonicalJson(comparable(placedBeforeEdits(event)))
          if ((seen.get(event.fact) ?? data) !== data) differing.push(event.fact)
          seen.set(event.fact, data)
          types.add(event.type)
        }
        expect(differing).toEqual([])
        for (const found of finds) expect(types).toContain(found)
      },
    )

  test("an edited order is worth what the shop says it is worth now", { timeout: 60_000 }, async () => {
    bench.simulator.reset()
    await bench.act("orders", {
      count: 60,
      odd: ["large-quantity", "order-discount", "exclusive-tax"],
      payment: "paid",
    })
    const placed = [...factsOf(await bench.webhooks()).values()].flatMap((event) =>
      event.type === "order.placed" ? [orderIn(event)] : [],
    )
    for (const order of placed)
      await bench.act(`orders/${order.externalId}/edit`, {
        remove: [{ lineId: Number(largestLine(order).id), quantity: 3 }],
        add: [],
      })
    const edited = [...factsOf(await pollAll(bench.shop, startedMs)).values()].filter(
      (one) => one.type === "order.edited",
    )
    expect(edited).toHaveLength(60)
    const books = new Map(bookOrders().map((order) => [String(order.id), order.current_total_price_set]))
    for (const event of edited) {
      const order = orderIn(event)
      expect(moneyToDecimal(order.total.shop)).toBe(books.get(order.externalId)?.shop_money.amount)
      expect(moneyToDecimal(order.total.presentment)).toBe(books.get(order.externalId)?.presentment_money.amount)
    }
  })
})

/** Webhooks know a company by its number only. */
function comparable(event: NewEvent | undefined): unknown {
  return JSON.parse(JSON.stringify(stateless(event) ?? null), (key, value: { reference?: unknown } | null) =>
    key === "company" && value?.reference ? value.reference : value,
  )
}

/** The same state of an order is stated at many times: the time of the first statement counts. */
function stateless(event: NewEvent | undefined): unknown {
  if (event?.type !== "order.edited") return event
  const { version: _version, ...order } = orderIn(event)
  return { ...event, time: "", data: { ...event.data, order } }
}

/** The line whose quantity is largest. */
function largestLine(order: Order): Order["lines"][number] {
  const [line] = [...order.lines].sort((a, b) => b.quantity.milli - a.quantity.milli)
  if (!line) throw new Error("an order without lines")
  return line
}

/**
 * Lines that an edit added stand unmarked in webhooks, so order.placed told by a late webhook has them too; the edited fact
 * that follows it has the last word. Everything else must be alike.
 */
function placedBeforeEdits(event: NewEvent): NewEvent {
  if (event.type !== "order.placed") return event
  const { lines, total: _total, ...rest } = orderIn(event)
  return { ...event, data: { ...event.data, order: { ...rest, lines: lines.slice(0, 1) } } } as NewEvent
}

interface BookOrder {
  id: number
  current_total_price_set: { shop_money: { amount: string }; presentment_money: { amount: string } }
}

function bookOrders(): BookOrder[] {
  // The simulator's books hold exactly these rows (lab/shopify/rest/documents.ts).
  return bench.simulator.books()["orders"] as BookOrder[]
}

// The event's type says which data it has; the casts below read it as that.
function orderIn(event: NewEvent): Order {
  return (event.data as { order: Order }).order
}
function orderIdOf(event: NewEvent): string {
  return (event.data as { orderId: string }).orderId
}
function hasFailed(event: NewEvent): boolean {
  return (event.data as { tender: { state: string } }).tender.state === "failed"
}
function tenderMinor(event: NewEvent, view: "shop" | "presentment"): number {
  return (event.data as { tender: { amount: Order["total"] } }).tender.amount[view].amountMinor
}
