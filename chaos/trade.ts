import { setTimeout as sleep } from "node:timers/promises"
import { randomStream } from "../lab/random.ts"
import type { ChaosSettings } from "./settings.ts"
import type { Stage, Vendor } from "./stage.ts"

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
    operations: { fulfillmentCreate: { commitThenReset: 0.05 }, orderCancel: { commitThenReset: 0.1 } },
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
}

const cancelShare = 0.02
const editShare = 0.02
const changeAfterMsMax = 4000

/** Record of the trading, for the report. */
export interface Trading {
  placed: number
  cancelled: number
  edited: number
}

interface ShopLine {
  id: number
  quantity: number
}

/** Lets the shop sell at a steady rate. Buyers cancel or edit some orders while these are in progress. */
export async function trade(
  stage: Stage,
  settings: ChaosSettings,
  onPlaced: (placed: number) => void,
): Promise<Trading> {
  const random = randomStream(settings.seed, "chaos/trade")
  const trading: Trading = { placed: 0, cancelled: 0, edited: 0 }
  const changes: Promise<void>[] = []
  const startedAt = Date.now()
  while (trading.placed < settings.orders) {
    const due = Math.ceil(((Date.now() - startedAt) / 1000) * settings.ordersPerSecond)
    const count = Math.min(settings.orders, due) - trading.placed
    if (count > 0) {
      const { orders } = (await stage.lab("shopify", "orders", { method: "POST", body: { count } })) as {
        orders: { id: number }[]
      }
      trading.placed += orders.length
      for (const { id } of orders) {
        const draw = random.next()
        const afterMs = random.integer(0, changeAfterMsMax)
        if (draw < cancelShare) changes.push(sleep(afterMs).then(() => cancel(stage, id, trading)))
        else if (draw < cancelShare + editShare) changes.push(sleep(afterMs).then(() => edit(stage, { id, trading })))
      }
      onPlaced(trading.placed)
    }
    await sleep(100)
  }
  await Promise.all(changes)
  return trading
}

async function cancel(stage: Stage, id: number, trading: Trading): Promise<void> {
  const answer = (await stage.lab("shopify", `orders/${id}/cancel`, { method: "POST", body: {} })) as {
    cancelled: boolean
  }
  if (answer.cancelled) trading.cancelled += 1
}

/** Takes one unit off the first line that has more than one, or changes the note; the rest stays paid in full. */
async function edit(stage: Stage, { id, trading }: { id: number; trading: Trading }): Promise<void> {
  const { orders } = (await stage.lab("shopify", "books?only=orders")) as {
    orders: { id: number; line_items: ShopLine[] }[]
  }
  const line = orders.find((order) => order.id === id)?.line_items.find(({ quantity }) => quantity > 1)
  const body = line ? { remove: [{ lineId: line.id, quantity: 1 }] } : { note: "Please leave it with the neighbours" }
  const answer = (await stage.lab("shopify", `orders/${id}/edit`, { method: "POST", body })) as { removals?: object[] }
  if ((answer.removals ?? []).length > 0) trading.edited += 1
}
