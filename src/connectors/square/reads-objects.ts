import { instant, type Clock } from "../../base/time.ts"
import type { Delivery, ReadsObjects } from "../../ports/capabilities/intake.ts"
import type { CallContext, SquareClient } from "./client.ts"
import { fieldOf, listOf, readOrderType, textOf, withoutPersonal, type ReadOrder } from "./payloads.ts"

export interface ReadOptions {
  client: SquareClient
  connectionId: string
  clock: Clock
}

/** Reads single orders with what they name, for notifications. */
export function readsObjects(options: ReadOptions): ReadsObjects {
  return {
    async fetchObject({ type, id }, call) {
      if (type !== "order") return undefined
      const answer = await options.client.get(`/v2/orders/${encodeURIComponent(id)}`, call)
      const order = answer?.["order"]
      return order === undefined ? undefined : orderDelivery(order, options, call)
    },
  }
}

/** A delivery with all that a receipt is made of. Orders that are no receipts are delivered as they are. */
export async function orderDelivery(order: unknown, options: ReadOptions, call: CallContext): Promise<Delivery> {
  const read = await readAround(order, options.client, call)
  return {
    connection: options.connectionId,
    via: "poll",
    headers: { topic: "order" },
    bytes: Buffer.from(JSON.stringify(read)),
    receivedAt: instant(options.clock.now()),
  }
}

async function readAround(order: unknown, client: SquareClient, call: CallContext): Promise<ReadOrder> {
  const empty: ReadOrder = {
    type: readOrderType,
    order: withoutPersonal(order),
    payments: [],
    refunds: [],
    skus: {},
    sources: {},
  }
  if (fieldOf(order, "state") !== "COMPLETED") return empty
  const { paymentIds, given, articleIds, sourceIds } = namedBy(order)
  const payments = await readEach({ path: "payments", name: "payment" }, paymentIds, { client, call })
  const refunds = await readRefunds(order, { given, payments, client, call })
  return {
    ...empty,
    payments: payments.map(withoutPersonal),
    refunds: refunds.map(withoutPersonal),
    skus: await readSkus(articleIds, client, call),
    ...(await readSources(sourceIds, client, call)),
  }
}

/** The objects that a completed order names. `given` are its refunds, where it took something back. */
function namedBy(order: unknown) {
  const returns = listOf(fieldOf(order, "returns"))
  const given = returns.length === 0 ? [] : listOf(fieldOf(order, "refunds"))
  const lines = [
    ...listOf(fieldOf(order, "line_items")),
    ...returns.flatMap((one) => listOf(fieldOf(one, "return_line_items"))),
  ]
  const paymentIds = [
    ...listOf(fieldOf(order, "tenders")).map((one) => fieldOf(one, "payment_id")),
    // The id of a tender is the id of its payment (Tender, its description).
    ...given.map((one) => fieldOf(one, "tender_id")),
  ]
  return {
    given,
    paymentIds: ids(paymentIds),
    articleIds: ids(lines.map((one) => fieldOf(one, "catalog_object_id"))),
    sourceIds: ids(returns.map((one) => fieldOf(one, "source_order_id"))),
  }
}

/**
 * Whether a delivery need not be read again while its order is the same. Payments and refunds go on after their order, and an article
 * gets its SKU without it.
 */
export function isSettled({ bytes }: Delivery): boolean {
  const read: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"))
  const order = fieldOf(read, "order")
  if (fieldOf(order, "state") !== "COMPLETED") return true
  const { paymentIds, given, articleIds } = namedBy(order)
  const [payments, refunds] = [listOf(fieldOf(read, "payments")), listOf(fieldOf(read, "refunds"))]
  return (
    [...payments, ...refunds].every((one) => finalStatuses.has(String(fieldOf(one, "status")))) &&
    payments.length >= paymentIds.length &&
    refunds.length >= given.length &&
    articleIds.every((id) => textOf(fieldOf(read, "skus", id)) !== undefined)
  )
}

const finalStatuses: ReadonlySet<string> = new Set(["COMPLETED", "CANCELED", "FAILED", "REJECTED"])

const ids = (values: readonly unknown[]) => [...new Set(values.flatMap((value) => textOf(value) ?? []))]

interface Reading {
  client: SquareClient
  call: CallContext
}

/** Those of the named objects that Square has. */
async function readEach(
  { path, name }: { path: string; name: string },
  of: readonly string[],
  { client, call }: Reading,
): Promise<unknown[]> {
  const answers = await Promise.all(of.map((id) => client.get(`/v2/${path}/${encodeURIComponent(id)}`, call)))
  return answers.flatMap((answer) => (answer?.[name] === undefined ? [] : [answer[name]]))
}

/**
 * The PaymentRefunds of an order's refunds. By their id; where Square knows none by it, those of the payments that name this order:
 * whether the ids of both are always the same is not documented.
 */
async function readRefunds(
  order: unknown,
  { given, payments, ...reading }: Reading & { given: readonly unknown[]; payments: readonly unknown[] },
): Promise<unknown[]> {
  const named = await readEach(
    { path: "refunds", name: "refund" },
    ids(given.map((one) => fieldOf(one, "id"))),
    reading,
  )
  if (named.length >= given.length) return named
  const others = await readEach(
    { path: "refunds", name: "refund" },
    ids(payments.flatMap((one) => listOf(fieldOf(one, "refund_ids")))),
    reading,
  )
  const ofOrder = others.filter((one) => fieldOf(one, "order_id") === fieldOf(order, "id"))
  return given.flatMap((one) => {
    const amount = fieldOf(one, "amount_money", "amount")
    const found =
      named.find((refund) => fieldOf(refund, "id") === fieldOf(one, "id")) ??
      ofOrder.find(
        (refund) =>
          fieldOf(refund, "payment_id") === fieldOf(one, "tender_id") &&
          fieldOf(refund, "amount_money", "amount") === amount,
      )
    // Under the id by which the order names it.
    return found === undefined ? [] : [{ ...(found as object), id: fieldOf(one, "id") }]
  })
}

/** BatchRetrieveCatalogObjects and BatchRetrieveOrders take so many ids (their descriptions: 1,000 and 100). */
const [catalogMax, ordersMax] = [1000, 100]

/** Deleted ones too: a receipt may be read when its article is gone. */
async function readSkus(
  of: readonly string[],
  client: SquareClient,
  call: CallContext,
): Promise<Record<string, string | null>> {
  const skus: Record<string, string | null> = {}
  for (const object_ids of chunks(of, catalogMax)) {
    const { objects } = await client.ask(
      "/v2/catalog/batch-retrieve",
      { object_ids, include_deleted_objects: true },
      call,
    )
    for (const object of listOf(objects)) {
      const id = textOf(fieldOf(object, "id"))
      if (id !== undefined) skus[id] = textOf(fieldOf(object, "item_variation_data", "sku")) ?? null
    }
  }
  return skus
}

async function readSources(
  of: readonly string[],
  client: SquareClient,
  call: CallContext,
): Promise<Required<Pick<ReadOrder, "sources" | "soldAt">>> {
  const sources: Record<string, string | null> = {}
  const soldAt: Record<string, string | null> = {}
  for (const order_ids of chunks(of, ordersMax)) {
    const { orders } = await client.ask("/v2/orders/batch-retrieve", { order_ids }, call)
    for (const id of order_ids) sources[id] = null
    for (const order of listOf(orders)) {
      const id = textOf(fieldOf(order, "id"))
      if (id === undefined) continue
      sources[id] = textOf(fieldOf(order, "location_id")) ?? null
      soldAt[id] = textOf(fieldOf(order, "closed_at")) ?? null
    }
  }
  return { sources, soldAt }
}

function chunks<One>(all: readonly One[], size: number): One[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, n) => all.slice(n * size, (n + 1) * size))
}
