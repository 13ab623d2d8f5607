import { AppError, asAppError } from "../../base/errors.ts"
import { instant, type Clock } from "../../base/time.ts"
import type { ChangeList, ChangesPage, Delivery } from "../../ports/capabilities/intake.ts"
import type { Call } from "../../ports/write.ts"
import { gid, type ShopClient } from "./client.ts"
import { listOrderIds, listOrders, pageSizes } from "./graph/operations.ts"
import { grantedScopes, refusesOrdersSince } from "./graph/scopes.ts"
import type { Reader } from "./orders/reader.ts"
import { namedDelivery, orderDelivery, wholeOrder } from "./reads-objects.ts"

// `updated_at` has whole seconds and is the time of the change, not of its commit. A minute covers both, and clock
// drift.
const overlapMs = 60_000

/** Position of the poll: a window from `sinceMs`, the pages read of it, and when it was first requested. */
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
}): { orders: ChangeList } {
  const { client, ordersPerPage } = options
  const pages = { ordersPerPage }
  return {
    orders: {
      overlapMs,
      refusesSince: async ({ sinceMs }, call) =>
        refusesOrdersSince(await grantedScopes(client, call), { sinceMs, nowMs: options.clock.now() }),
      listChanges: ({ cursor, sinceMs }, call) =>
        page({ cursor, sinceMs }, options, async (position) => {
          const orders = await readAffordable(position, { client, pages, call })
          const listed = orders.list("nodes")
          orders.settleAnswer("a page of orders")
          const nodes = await Promise.all(listed.map((node) => wholeOrder(node, { ...options, call })))
          return { orders, deliveries: nodes.map((node) => orderDelivery(node, options)) }
        }),
      listNames: ({ cursor, sinceMs }, call) =>
        page({ cursor, sinceMs }, options, async (position) => {
          const orders = await readPage(position, { ...options, document: listOrderIds, sizes: {}, call })
          // What has no id cannot be read by itself either.
          const named = (orders.rawList("nodes") ?? []).flatMap(orderNames)
          return { orders, deliveries: named.map((id) => namedDelivery(id, options)) }
        }),
    },
  }
}

/** A page that asks for more points than one query may is asked for again with half as many orders, and so are those after it. */
async function readAffordable(
  position: Position,
  { client, pages, call }: { client: ShopClient; pages: { ordersPerPage: number }; call: Omit<Call, "key"> },
): Promise<Reader> {
  for (;;)
    try {
      const sizes = pageSizes.list
      return await readPage(position, { client, ordersPerPage: pages.ordersPerPage, document: listOrders, sizes, call })
    } catch (thrown) {
      if (asAppError(thrown).data["reason"] !== "MAX_COST_EXCEEDED" || pages.ordersPerPage === 1) throw thrown
      pages.ordersPerPage = Math.ceil(pages.ordersPerPage / 2)
    }
}

function orderNames(node: unknown): string[] {
  const id: unknown = typeof node === "object" && node !== null ? Reflect.get(node, "id") : undefined
  return typeof id === "string" && id.startsWith(gid("Order", "")) ? [id.slice(gid("Order", "").length)] : []
}

/** One page, and where the next begins. */
async function page(
  { cursor, sinceMs }: { cursor: string | undefined; sinceMs: number },
  { clock }: { clock: Clock },
  read: (position: Position) => Promise<{ orders: Reader; deliveries: Delivery[] }>,
): Promise<ChangesPage> {
  const position = cursor === undefined ? { sinceMs: sinceMs - overlapMs } : readCursor(cursor)
  const startedMs = position.startedMs ?? clock.now()
  const { orders, deliveries } = await read(position)
  const info = orders.object("pageInfo")
  const hasMore = info.flag("hasNextPage")
  // The next window begins before this one was requested, by the overlap.
  const next = hasMore
    ? { ...position, startedMs, after: info.text("endCursor") }
    : { sinceMs: Math.max(position.sinceMs, startedMs - overlapMs) }
  const isUnchanged = deliveries.length === 0 && cursor !== undefined && position.after === undefined
  return { deliveries, nextCursor: isUnchanged ? cursor : JSON.stringify(next), hasMore }
}

async function readPage(
  position: Position,
  {
    client,
    ordersPerPage,
    document,
    sizes,
    call,
  }: { client: ShopClient; ordersPerPage: number; document: string; sizes: object; call: Omit<Call, "key"> },
): Promise<Reader> {
  const data = await client.read({
    document,
    variables: {
      first: ordersPerPage,
      after: position.after ?? null,
      ...sizes,
      query: `updated_at:>='${instant(position.sinceMs).slice(0, 19)}Z'`,
    },
    call,
  })
  return data.object("orders")
}

function readCursor(cursor: string): Position {
  const value: unknown = JSON.parse(cursor)
  if (typeof value !== "object" || value === null || !("sinceMs" in value) || typeof value.sinceMs !== "number")
    throw new AppError("REQUEST_INVALID", `"${cursor}" is not a cursor of this connector`)
  return {
    sinceMs: value.sinceMs,
    ...("startedMs" in value && typeof value.startedMs === "number" && { startedMs: value.startedMs }),
    ...("after" in value && typeof value.after === "string" && { after: value.after }),
  }
}
