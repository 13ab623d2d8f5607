import { expect, test } from "vitest"
import { Type } from "typebox"
import { demoEstate } from "../../demo/estate.ts"
import { orderIdOf } from "../base/ids.ts"
import { newEvent, type EventData } from "../canonical/events.ts"
import { exampleOrder } from "../canonical/events/example-order.ts"
import type { Delivery } from "../ports/capabilities/intake.ts"
import { defineConnector } from "../ports/connector.ts"
import { tryConnection } from "./try-connection.ts"

const there = ["1", "2"]

/** A shop whose two lists only name the orders that changed, as one does whose captures are listed apart from its orders. */
const shop = defineConnector({
  name: "names-only",
  apiVersion: "1",
  apiDocs: "https://shop.example/docs",
  connection: Type.Object({}),
  rate: { concurrencyMax: 1 },
  timeoutMs: 1000,
  connect(_settings, { connectionId }) {
    const bytes = (body: unknown) => new TextEncoder().encode(JSON.stringify(body))
    const delivery = (body: unknown): Delivery => ({
      connection: connectionId,
      via: "poll",
      headers: {},
      bytes: bytes(body),
      receivedAt: "2026-11-29T10:00:00.000Z",
    })
    const list = (ids: string[]) => ({
      overlapMs: 1000,
      listChanges: () =>
        Promise.resolve({ deliveries: ids.map((named) => delivery({ named })), nextCursor: "end", hasMore: false }),
    })
    return {
      receivesDeliveries: {
        states: ["order.placed"],
        verify: () => ({ deliveryId: "1", topic: "order" }),
        translate({ bytes }) {
          const { named, id } = JSON.parse(new TextDecoder().decode(bytes)) as { named?: string; id?: string }
          if (named !== undefined) return { events: [], fetch: [{ type: "order", id: named }] }
          return { events: [placed(connectionId, id ?? "")] }
        },
      },
      readsObjects: {
        fetchObject: ({ id }) => Promise.resolve(there.includes(id) ? delivery({ id }) : undefined),
      },
      listsChanges: { orders: list(["1", "2", "gone"]), payments: list(["2", "1"]) },
      check: () => Promise.resolve(),
      close: () => undefined,
    }
  },
})

function placed(channel: string, externalId: string) {
  const orderId = orderIdOf(channel, externalId)
  const order: EventData<"order.placed">["order"] = { ...exampleOrder, id: orderId, channel, externalId }
  const fact = `${channel}:order:${externalId}:placed`
  return newEvent({ type: "order.placed", fact, source: channel, time: order.placedAt, data: { orderId, order } })
}

test("P-42: trying a connection reads the objects that its lists only name, each once, and says which are gone", async () => {
  const at = "http://127.0.0.1:1"
  const lab = { shopify: at, sap: at, stripe: at, warehouse: at, tax: at, fraud: at, smtp: "smtp://127.0.0.1:1" }
  const demo = demoEstate(lab, [])
  const estate = { ...demo, connections: { ...demo.connections, shop: { connector: shop, settings: {} } } }
  const { lists } = await tryConnection(estate, { connection: "shop", count: 5 })
  const seen = lists.map(({ list, objects }) => [
    list,
    objects.map(({ facts, ignored }) => facts.map(({ type }) => type).join() || ignored),
  ])
  expect(seen).toEqual([
    ["orders", ["order.placed", "order.placed", "there is no order gone"]],
    ["payments", []],
  ])
  expect(lists[0]?.objects[0]?.facts[0]?.wouldDo).toContain('starts "fulfil order"')
})
