import { startReceiver, type Receiver } from "../../../lab/receiver.ts"
import { createEstate } from "../../../lab/estate/estate.ts"
import { shopifyDefaults, startShopify } from "../../../lab/shopify/shopify.ts"
import type { Simulator } from "../../../lab/simulator.ts"
import { createLog } from "../../../src/base/log.ts"
import { instant, systemClock } from "../../../src/base/time.ts"
import type { EventData } from "../../../src/canonical/events.ts"
import type { Order } from "../../../src/canonical/order.ts"
import { shopify } from "../../../src/connectors/shopify/connector.ts"
import { intentOf, type LawSubject } from "../../../src/ports/law-subject.ts"
import type { LawBench } from "../benches.ts"
import { striker } from "../strike.ts"

export function connectShopify(
  baseUrl: string,
  webhookSecrets = [shopifyDefaults.clientSecret],
  locations: Record<string, string> = {},
) {
  return shopify.connect(
    {
      baseUrl,
      shopDomain: shopifyDefaults.shopDomain,
      accessToken: shopifyDefaults.accessToken,
      webhookSecrets,
      locations,
      shopCurrency: "EUR",
      allowPrivateNetwork: true,
    },
    { connectionId: "shop-de", clock: systemClock, log: createLog("laws", "silent") },
  )
}
type Shop = ReturnType<typeof connectShopify>
type Bench = { simulator: Simulator; here: Shop; nowhere: Shop; receiver: Receiver }

interface ShopRow {
  transactions: { id: number; kind: string }[]
  id: number
  cancelled_at: string | null
  refunds: { note: string | null }[]
  fulfillments: { tracking: unknown }[]
}

export async function startShopSimulator(webhookTarget?: string): Promise<Simulator> {
  const estate = createEstate({ seed: 7, skuCount: 50 })
  return startShopify({ seed: 7, estate, ...(webhookTarget === undefined ? {} : { webhookTarget }) })
}

/** A lab control: places orders, or acts on one like a customer or the staff. */
export async function shopControl(
  simulator: Simulator,
  path: string,
  body: unknown,
): Promise<{ orders: { id: number }[] }> {
  const answer = await fetch(`${simulator.url}/__lab/${path}`, { method: "POST", body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  // The controls answer with what lab/shopify/controls.ts says.
  return (await answer.json()) as { orders: { id: number }[] }
}

export async function startBench(): Promise<LawBench> {
  const receiver = await startReceiver()
  const simulator = await startShopSimulator(receiver.url)
  const [here, nowhere] = [connectShopify(simulator.url), connectShopify("http://127.0.0.1:9")]
  const bench: Bench = { simulator, here, nowhere, receiver }
  return {
    subjects: [confirmFulfilment(bench), cancelOrder(bench), refundOrder(bench), refundPayment(bench)],
    stop: async () => {
      bench.here.close()
      bench.nowhere.close()
      await simulator.stop()
      await receiver.stop()
    },
  }
}

/** A plain paid order as the shop sold it and as the connector reads it from its webhook. */
async function placed({ simulator, here, receiver }: Bench): Promise<Order> {
  const { orders } = await shopControl(simulator, "orders", { count: 1, odd: false, payment: "paid" })
  const id = String(orders[0]?.id)
  await simulator.webhooks()?.idle()
  const received = receiver.received.find(
    ({ headers, body }) => headers["x-shopify-topic"] === "orders/create" && body.includes(id),
  )
  if (received === undefined) throw new Error(`order ${id} was placed but its webhook did not come`)
  receiver.received.length = 0
  const bytes = new TextEncoder().encode(received.body)
  const receivedAt = instant(systemClock.now())
  const delivery = { connection: "shop-de", via: "webhook" as const, headers: received.headers, bytes, receivedAt }
  const event = here.receivesDeliveries.translate(delivery).events.find(({ type }) => type === "order.placed")
  if (event === undefined) throw new Error(`the webhook of order ${id} is not that it was placed`)
  // The type says which data it is.
  return (event.data as EventData<"order.placed">).order
}

// The books hold these fields (lab/shopify/rest/documents.ts, bookOrder).
function rowOf({ simulator }: Bench, order: Order): ShopRow | undefined {
  return (simulator.books()["orders"] as ShopRow[]).find(({ id }) => String(id) === order.externalId)
}

let count = 0
const nextKey = () => `law_shop_${(count += 1)}`

function confirmFulfilment(bench: Bench): LawSubject {
  const make = async ({ confirmsFulfilment }: Shop) => {
    const order = await placed(bench)
    const key = nextKey()
    const lines = order.lines.slice(0, 1).map(({ id, quantity }) => ({ lineId: id, quantity }))
    const shipment = {
      id: key,
      orderId: order.id,
      locationId: "anywhere",
      shippedAt: order.placedAt,
      carrier: "DHL",
      trackingNumber: `T${key}`,
      lines,
    }
    return intentOf(confirmsFulfilment.confirmFulfilment, {
      input: { order, shipment, notifyCustomer: false },
      key,
      count: () =>
        (rowOf(bench, order)?.fulfillments ?? []).filter(({ tracking }) => JSON.stringify(tracking).includes(`T${key}`))
          .length,
    })
  }
  return {
    name: "shopify confirmsFulfilment.confirmFulfilment",
    make: () => make(bench.here),
    unreachable: () => make(bench.nowhere),
    strike: striker(bench.simulator, ["fulfillmentCreate"]),
  }
}

function cancelOrder(bench: Bench): LawSubject {
  const make = async ({ cancelsChannelOrders }: Shop) => {
    const order = await placed(bench)
    return intentOf(cancelsChannelOrders.cancelOrder, {
      input: { order, reason: "the customer changed their mind", refund: true },
      key: nextKey(),
      count: async () => {
        // The shop cancels by a job of 50 ms (lab/shopify/shopify.ts, jobMs).
        await new Promise((resolve) => setTimeout(resolve, 150))
        return rowOf(bench, order)?.cancelled_at ? 1 : 0
      },
    })
  }
  return {
    name: "shopify cancelsChannelOrders.cancelOrder",
    make: () => make(bench.here),
    unreachable: () => make(bench.nowhere),
    strike: striker(bench.simulator, ["orderCancel"]),
  }
}

function refundOrder(bench: Bench): LawSubject {
  const make = async ({ refundsChannelOrders }: Shop, isTooMuch = false) => {
    const order = await placed(bench)
    const key = nextKey()
    const [line] = order.lines
    if (line === undefined) throw new Error("an order has lines")
    const factor = isTooMuch ? 1_000 : 1
    const amount = {
      shop: { ...line.total.shop, amountMinor: line.total.shop.amountMinor * factor },
      presentment: { ...line.total.presentment, amountMinor: line.total.presentment.amountMinor * factor },
    }
    return intentOf(refundsChannelOrders.refundOrder, {
      input: { order, refundId: key, amount, lines: [{ lineId: line.id, quantity: line.quantity }] },
      key,
      count: () => (rowOf(bench, order)?.refunds ?? []).filter(({ note }) => note?.includes(`(${key})`)).length,
    })
  }
  return {
    name: "shopify refundsChannelOrders.refundOrder",
    make: () => make(bench.here),
    refused: () => make(bench.here, true),
    unreachable: () => make(bench.nowhere),
    strike: striker(bench.simulator, ["refundCreate"]),
  }
}

function refundPayment(bench: Bench): LawSubject {
  const make = async ({ refundsPayments }: Shop, isTooMuch = false) => {
    const order = await placed(bench)
    const key = nextKey()
    const sale = rowOf(bench, order)?.transactions.find(({ kind }) => kind === "sale")
    if (!sale) throw new Error("an order that is paid was expected")
    const { presentment } = order.total
    const amount = { ...presentment, amountMinor: isTooMuch ? presentment.amountMinor + 1 : 100 }
    const inChannel = { orderId: order.externalId, tenderId: String(sale.id) }
    return intentOf(refundsPayments.refund, {
      input: { orderId: order.id, paymentId: "p1", inChannel, amount },
      key,
      count: () => (rowOf(bench, order)?.refunds ?? []).filter(({ note }) => note?.includes(`(${key})`)).length,
    })
  }
  return {
    name: "shopify refundsPayments.refund",
    make: () => make(bench.here),
    refused: () => make(bench.here, true),
    unreachable: () => make(bench.nowhere),
    strike: striker(bench.simulator, ["refundCreate"]),
  }
}
