import { setTimeout as sleep } from "node:timers/promises"
import { randomStream, type Random } from "../lab/random.ts"
import type { ChaosSettings } from "./settings.ts"
import type { Stage, Vendor } from "./stage.ts"
import type { OrderKind, Wish } from "./stream/kind.ts"
import { nextKind } from "./stream/kinds.ts"
import { People, type Placed } from "./stream/people.ts"

/** The vendors' faults. SAP loses its response to 30 % of the orders it has booked. */
export const vendorFaults: Partial<Record<Vendor, object>> = {
  "sap-s4hana": {
    rate5xx: 0.01,
    rate429: 0.01,
    operations: {
      createSalesOrder: { commitThenReset: 0.3, rate5xx: 0.02, rate429: 0.02, resetBeforeCommit: 0.02 },
      createDelivery: { commitThenReset: 0.1, resetBeforeCommit: 0.02 },
      postJournal: { commitThenReset: 0.1, rate5xx: 0.02, resetBeforeCommit: 0.02 },
      updateSalesOrder: { commitThenReset: 0.2 },
    },
  },
  shopify: {
    duplicateWebhook: 0.2,
    reorderWebhook: 0.2,
    dropWebhook: 0.05,
    rate5xx: 0.01,
    operations: {
      fulfillmentCreate: { commitThenReset: 0.05 },
      orderCancel: { commitThenReset: 0.1 },
      inventorySetQuantities: { commitThenReset: 0.15, commitThen5xx: 0.05, resetBeforeCommit: 0.05, rate429: 0.05 },
    },
  },
  stripe: { commitThenReset: 0.05, commitThen5xx: 0.01, rate5xx: 0.01, rate429: 0.02, resetBeforeCommit: 0.01 },
  warehouse: {
    duplicateWebhook: 0.1,
    reorderWebhook: 0.2,
    dropWebhook: 0.05,
    rate5xx: 0.01,
    operations: { requestShipment: { commitThenReset: 0.1, commitThen5xx: 0.02, resetBeforeCommit: 0.02 } },
  },
  fraud: { commitThenReset: 0.03, duplicateWebhook: 0.1, reorderWebhook: 0.2, dropWebhook: 0.05, rate5xx: 0.01 },
  tax: { rate5xx: 0.02, rate429: 0.01 },
  mail: { operations: { message: { rate5xx: 0.02 } } },
  books: { operations: { "post store entry": { commitThenReset: 0.3, rate5xx: 0.05, resetBeforeCommit: 0.05 } } },
}

// Some are through by then, most are not.
const changeAfterMsMax = 4000

/** Record of the trading. */
export interface Trading {
  placed: number
  /** The kind of each order by its id in the shop. */
  kinds: Map<number, OrderKind>
}

/** Lets the shop sell at a steady rate orders of all kinds. People change some of them while these are in progress. */
export async function trade(
  stage: Stage,
  settings: ChaosSettings,
  { onPlaced, onOrder }: { onPlaced: (placed: number) => void; onOrder: (order: Placed, kind: OrderKind) => void },
): Promise<Trading> {
  const random = randomStream(settings.seed, "chaos/trade")
  const people = new People(stage)
  const trading: Trading = { placed: 0, kinds: new Map() }
  const changes: Promise<void>[] = []
  const startedAt = Date.now()
  while (trading.placed < settings.orders) {
    const due = Math.ceil(((Date.now() - startedAt) / 1000) * settings.ordersPerSecond)
    const count = Math.min(settings.orders, due) - trading.placed
    const next = Array.from({ length: Math.max(0, count) }, () => nextKind(random, settings.oddShare))
    for (const [kind, { length }] of Map.groupBy(next, (one) => one)) {
      const orders: Placed[] = []
      for (const wanted of wishesOf(kind, { random, count: length })) orders.push(...(await place(stage, wanted)))
      trading.placed += orders.length
      for (const order of orders) {
        trading.kinds.set(order.id, kind)
        onOrder(order, kind)
        const { later, afterMsMax = changeAfterMsMax } = kind
        const afterMs = random.integer(0, afterMsMax)
        if (later) changes.push(sleep(afterMs).then(() => later(people, order)))
      }
    }
    if (next.length > 0) onPlaced(trading.placed)
    await sleep(100)
  }
  await Promise.all(changes)
  return trading
}

async function place(stage: Stage, { wish, count }: { wish: Wish; count: number }): Promise<Placed[]> {
  const { orders } = (await stage.lab("shopify", "orders", { method: "POST", body: { ...wish, count } })) as {
    orders: Placed[]
  }
  return orders
}

/** The wishes of so many orders of a kind: one for all of them, or one each. */
function wishesOf({ wish }: OrderKind, { random, count }: { random: Random; count: number }) {
  if (typeof wish !== "function") return [{ wish, count }]
  return Array.from({ length: count }, () => ({ wish: wish(random), count: 1 }))
}
