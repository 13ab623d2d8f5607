import { asAppError } from "../../base/errors.ts"
import { instant, type Clock } from "../../base/time.ts"
import type { Delivery, ReadsObjects } from "../../ports/capabilities/intake.ts"
import type { Call } from "../../ports/write.ts"
import { apiVersion, gid, type ShopClient } from "./client.ts"
import { linesMax } from "../../canonical/parts.ts"
import { fulfilmentOrderType, readFulfilmentOrderTopic } from "./fulfilment/held-part.ts"
import { pageSizes, readFulfilmentOrder, readOrderLines, readWholeOrder } from "./graph/operations.ts"
import { Reader } from "./orders/reader.ts"
import { namedOrderTopic, polledOrderTopic } from "./receives-deliveries.ts"

interface ReadOptions {
  client: ShopClient
  connection: string
  clock: Clock
}

/** Reads single orders, for webhooks that name an order but lack the data of its facts. */
export function readsObjects(options: ReadOptions): ReadsObjects {
  return {
    async fetchObject({ type, id }, call) {
      if (type === fulfilmentOrderType) return fulfilmentOrderDelivery(id, { ...options, call })
      if (type !== "order") return undefined
      const variables = { id: gid("Order", id), ...pageSizes.list }
      const data = await options.client.read({ document: readWholeOrder, variables, call })
      if (!data.has("order")) return undefined
      return orderDelivery(await wholeOrder(data.object("order"), { ...options, call }), options)
    },
  }
}

/**
 * The order, read again on its own when one of its lists does not fit into the page, with all its lines. If an order cannot be read
 * whole, the listed one is used: its translation reports what is missing, and the other orders of the page continue.
 */
export async function wholeOrder(
  listed: Reader,
  { client, call }: ReadOptions & { call: Omit<Call, "key"> },
): Promise<Reader> {
  // A separate reader, so that the problems of one order do not affect the others on its page.
  const node = new Reader(JSON.parse(listed.json()))
  const parts = [
    ...node.list("refunds").map((refund) => refund.object("refundLineItems")),
    ...node.list("fulfillments").map((fulfilment) => fulfilment.object("fulfillmentLineItems")),
  ]
  const isCut = [node.object("lineItems"), ...parts].some((list) => list.object("pageInfo").flag("hasNextPage"))
  if (!isCut) return node
  try {
    const variables = { id: node.text("id"), ...pageSizes.whole }
    const whole = (await client.read({ document: readWholeOrder, variables, call })).object("order")
    return await withAllLines(whole, { client, call })
  } catch (thrown) {
    const { kind } = asAppError(thrown)
    if (kind === "unavailable" || kind === "uncertain") throw thrown
    return node
  }
}

async function fulfilmentOrderDelivery(
  id: string,
  options: ReadOptions & { call: Omit<Call, "key"> },
): Promise<Delivery | undefined> {
  const variables = { id: gid("FulfillmentOrder", id) }
  const data = await options.client.read({ document: readFulfilmentOrder, variables, call: options.call })
  if (!data.has("fulfillmentOrder")) return undefined
  const node = data.object("fulfillmentOrder")
  return nodeDelivery(node, readFulfilmentOrderTopic, options)
}

/** Reads the other pages of an order's lines and puts them with the first. */
async function withAllLines(
  order: Reader,
  { client, call }: Pick<ReadOptions, "client"> & { call: Omit<Call, "key"> },
): Promise<Reader> {
  const nodes = [...(order.object("lineItems").rawList("nodes") ?? [])]
  let info = order.object("lineItems").object("pageInfo")
  if (!info.flag("hasNextPage")) return order
  while (info.flag("hasNextPage") && nodes.length < linesMax) {
    const variables = { id: order.text("id"), after: info.text("endCursor") }
    const page = (await client.read({ document: readOrderLines, variables, call })).object("order").object("lineItems")
    nodes.push(...(page.rawList("nodes") ?? []))
    info = page.object("pageInfo")
    page.settleAnswer("a page of an order's lines")
  }
  const pageInfo = { hasNextPage: info.flag("hasNextPage") }
  return new Reader({ ...(JSON.parse(order.json()) as object), lineItems: { pageInfo, nodes } })
}

/** An order node of the GraphQL API as a delivery. */
export function orderDelivery(node: Reader, options: Omit<ReadOptions, "client">): Delivery {
  return nodeDelivery(node, polledOrderTopic, options)
}

function nodeDelivery(node: Reader, topic: string, { connection, clock }: Omit<ReadOptions, "client">): Delivery {
  return {
    connection,
    via: "poll",
    headers: {
      "x-shopify-topic": topic,
      "x-shopify-api-version": apiVersion,
      "x-shopify-webhook-id": `${node.id("id")}@${node.text("updatedAt")}`,
    },
    bytes: Buffer.from(node.json()),
    receivedAt: instant(clock.now()),
  }
}

/** An order that is only named, to be read by itself. */
export function namedDelivery(id: string, { connection, clock }: Omit<ReadOptions, "client">): Delivery {
  return {
    connection,
    via: "poll",
    headers: { "x-shopify-topic": namedOrderTopic },
    bytes: Buffer.from(JSON.stringify({ id })),
    receivedAt: instant(clock.now()),
  }
}
