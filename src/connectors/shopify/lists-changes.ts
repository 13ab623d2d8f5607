import { AppError } from "../../base/errors.ts"
import { instant, type Clock } from "../../base/time.ts"
import type { ChangesPage, Delivery, ListsChanges } from "../../ports/capabilities.ts"
import type { Call } from "../../ports/write.ts"
import { apiVersion, type ShopClient } from "./client.ts"
import { listOrders, pageSizes, readWholeOrder } from "./operations.ts"
import type { Reader } from "./orders/reader.ts"
import { polledOrderTopic } from "./receives-deliveries.ts"

// `updated_at` has whole seconds and is the time of the change, not of its commit; a minute covers both and our clocks' drift.
const overlapMs = 60_000

/** Where the poll stands: a window that begins at `sinceMs`, how far its pages were read, and when it was first asked for. */
interface Position {
  sinceMs: number
  startedMs?: number
  after?: string
}

export function listsChanges(options: {
  client: ShopClient
  connection: string
  clock: Clock
  ordersPerPage: number
}): ListsChanges {
  const { clock } = options
  return {
    overlapMs,
    async listChanges({ cursor, sinceMs }, call): Promise<ChangesPage> {
      const position = cursor === undefined ? { sinceMs: sinceMs - overlapMs } : readCursor(cursor)
      const startedMs = position.startedMs ?? clock.now()
      const page = await readPage(position, { ...options, call })
      const info = page.object("pageInfo")
      const hasMore = info.flag("hasNextPage")
      const nodes = await Promise.all(page.list("nodes").map((node) => wholeNode(node, { ...options, call })))
      page.settleAnswer("a page of orders")
      const deliveries = nodes.map((node) => polled(node, options.connection, clock))
      // A finished window is followed by one that begins before this one was asked for, by the overlap.
      const next = hasMore
        ? { ...position, startedMs, after: info.text("endCursor") }
        : { sinceMs: Math.max(position.sinceMs, startedMs - overlapMs) }
      const isUnchanged = deliveries.length === 0 && cursor !== undefined && position.after === undefined
      return { deliveries, nextCursor: isUnchanged ? cursor : JSON.stringify(next), hasMore }
    },
  }
}

async function readPage(
  position: Position,
  { client, ordersPerPage, call }: { client: ShopClient; ordersPerPage: number; call: Omit<Call, "key"> },
): Promise<Reader> {
  const data = await client.read({
    document: listOrders,
    variables: {
      first: ordersPerPage,
      after: position.after ?? null,
      ...pageSizes.list,
      query: `updated_at:>='${instant(position.sinceMs).slice(0, 19)}Z'`,
    },
    call,
  })
  return data.object("orders")
}

/** The node, read again by itself when one of its lists did not fit into the page. */
async function wholeNode(
  node: Reader,
  { client, call }: { client: ShopClient; call: Omit<Call, "key"> },
): Promise<Reader> {
  const parts = [
    ...node.list("refunds").map((refund) => refund.object("refundLineItems")),
    ...node.list("fulfillments").map((fulfilment) => fulfilment.object("fulfillmentLineItems")),
  ]
  const isCut = [node.object("lineItems"), ...parts].some((list) => list.object("pageInfo").flag("hasNextPage"))
  if (!isCut) return node
  const variables = { id: node.text("id"), ...pageSizes.whole }
  return (await client.read({ document: readWholeOrder, variables, call })).object("order")
}

function polled(node: Reader, connection: string, clock: Clock): Delivery {
  return {
    connection,
    via: "poll",
    headers: {
      "x-shopify-topic": polledOrderTopic,
      "x-shopify-api-version": apiVersion,
      "x-shopify-webhook-id": `${node.id("id")}@${node.text("updatedAt")}`,
    },
    bytes: Buffer.from(node.json()),
    receivedAt: instant(clock.now()),
  }
}

function readCursor(cursor: string): Position {
  const value: unknown = JSON.parse(cursor)
  if (typeof value !== "object" || value === null || !("sinceMs" in value) || typeof value.sinceMs !== "number")
    throw new AppError("REQUEST_INVALID", `"${cursor}" is no cursor of this connector`)
  return {
    sinceMs: value.sinceMs,
    ...("startedMs" in value && typeof value.startedMs === "number" && { startedMs: value.startedMs }),
    ...("after" in value && typeof value.after === "string" && { after: value.after }),
  }
}
