import { AppError } from "../../base/errors.ts"
import { quantityFromDecimal, quantityToDecimal, type Quantity } from "../../base/quantity.ts"
import type { AmendsOrders, BookedOrder, BooksOrders, CancelsOrders } from "../../ports/capabilities/books.ts"
import type { Call } from "../../ports/write.ts"
import type { SapClient } from "./client.ts"
import { itemPlans, salesOrderBody, type ItemPlan } from "./from-canonical.ts"
import { literal, rowsOf, textOf } from "../../protocols/odata-v2.ts"
import { hasItems, readSalesOrder, salesOrderExpand, type SalesOrder, type SalesOrderItem } from "./payloads.ts"
import type { SapSettings } from "./settings.ts"

export interface SapOptions {
  client: SapClient
  settings: SapSettings
  system: string
}

const service = "/API_SALES_ORDER_SRV"

type Context = Omit<Call, "key">

export function booksOrders(options: SapOptions): BooksOrders {
  const { client, settings } = options
  return {
    bookOrder: {
      async send({ order, routing, businessDate }, call) {
        const body = salesOrderBody(order, routing, { key: call.key, settings, businessDate })
        const created = await client.change({ method: "POST", path: `${service}/A_SalesOrder`, body }, call)
        if (hasItems(created)) return booked(readSalesOrder(created), options)
        return booked(await readOrder(textOf(created, "SalesOrder"), call, options), options)
      },
      async probe(_input, call) {
        const found = await findOrder(call.key, call, options)
        return found && booked(found, options)
      },
    },
  }
}

export function amendsOrders(options: SapOptions): AmendsOrders {
  const { settings } = options
  return {
    amendOrder: {
      async send({ order, routing, documentNumber }, call) {
        const plans = itemPlans(order, routing, settings)
        return booked(await amend(documentNumber, plans, { ...options, call }), options)
      },
      async probe({ order, routing, documentNumber }, call) {
        const found = await readOrder(documentNumber, call, options)
        const changes = differences(found, itemPlans(order, routing, settings))
        return changes.length === 0 ? booked(found, options) : undefined
      },
    },
  }
}

export function cancelsOrders(options: SapOptions): CancelsOrders {
  return {
    cancelOrder: {
      async send(input, call) {
        let cancelled: BookedOrder = { documentNumber: "" }
        for (const { number } of (await bookedOrders(input, call, options)).toReversed()) {
          const after = await amend(number, [], { ...options, call })
          if (!after.isRejected)
            throw new AppError("VENDOR_CONFLICT", `order ${number} is not rejected although every item is`)
          cancelled = booked(after, options)
        }
        return cancelled
      },
      async probe(input, call) {
        const [first, ...others] = await bookedOrders(input, call, options)
        return first?.isRejected && others.every(({ isRejected }) => isRejected) ? booked(first, options) : undefined
      },
    },
  }
}

/**
 * The order that a person linked, and the one that carries our reference; often one and the same. One that carries it and is rejected
 * may be the rest of a duplicate, which says nothing about the one that was linked.
 */
async function bookedOrders(
  { orderId, documentNumber }: Parameters<CancelsOrders["cancelOrder"]["send"]>[0],
  call: Context,
  options: SapOptions,
): Promise<SalesOrder[]> {
  const found = await findOrder(orderId, call, options)
  const isNamed = documentNumber !== undefined && documentNumber !== found?.number
  const named = isNamed ? await orderIfThere(documentNumber, call, options) : undefined
  return [named, found].filter((order) => order !== undefined)
}

/**
 * The order that carries a reference. SAP does not keep references unique. Two live orders are an error for a person.
 * An order that is rejected as a whole is the rest of a duplicate that a person has dealt with.
 */
async function findOrder(key: string, call: Context, { client }: SapOptions): Promise<SalesOrder | undefined> {
  const filter = `PurchaseOrderByCustomer%20eq%20${literal(key)}`
  const found = rowsOf(await client.get(`${service}/A_SalesOrder?$filter=${filter}&$expand=${salesOrderExpand}`, call))
  const orders = found.map(readSalesOrder)
  const live = orders.filter((order) => !order.isRejected)
  if (live.length > 1)
    throw new AppError("VENDOR_MISBEHAVED", `orders ${live.map((one) => one.number).join(" and ")} both carry ${key}`, {
      data: { documentNumbers: live.map((one) => one.number) },
    })
  return live[0] ?? orders[0]
}

export async function readOrder(number: string, call: Context, { client }: SapOptions): Promise<SalesOrder> {
  return readSalesOrder(
    await client.get(`${service}/A_SalesOrder(${literal(number)})?$expand=${salesOrderExpand}`, call),
  )
}

/** SAP answers 404 for a key that does not exist (OData V2, "Operations", resource not found). */
export async function orderIfThere(
  number: string,
  call: Context,
  options: SapOptions,
): Promise<SalesOrder | undefined> {
  try {
    return await readOrder(number, call, options)
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.data?.["status"] === 404) return undefined
    throw thrown
  }
}

export function booked(order: SalesOrder, { system }: SapOptions): BookedOrder {
  const { number, total } = order
  return {
    documentNumber: number,
    ...(total === undefined ? {} : { total }),
    reference: { system, type: "sales order", id: number },
  }
}

const itemPath = (order: string, item: string) =>
  `${service}/A_SalesOrderItem(SalesOrder=${literal(order)},SalesOrderItem=${literal(item)})`

type Change = { item: SalesOrderItem; body: Record<string, string> } | { add: ItemPlan }

/** The changes that make the order's items equal to the planned ones. */
function differences(order: SalesOrder, plans: readonly ItemPlan[], rejectionReason = ""): Change[] {
  const unmatched = [...plans]
  const changes: Change[] = []
  for (const item of order.items) {
    if (item.isRejected) continue
    if (item.lineReference === "" && plans.length > 0)
      throw new AppError("VENDOR_CONFLICT", `item ${item.item} of order ${order.number} does not say which line it is`)
    const isSameMaterial = (plan: ItemPlan) =>
      item.material === "" || materialNumber(plan.body.Material) === materialNumber(item.material)
    const sameLine = (plan: ItemPlan) => plan.lineReference === item.lineReference && isSameMaterial(plan)
    const exact = unmatched.findIndex((plan) => sameLine(plan) && plan.plant === item.plant)
    const at = exact >= 0 ? exact : unmatched.findIndex(sameLine)
    const [plan] = at >= 0 ? unmatched.splice(at, 1) : []
    if (!plan) changes.push({ item, body: { SalesDocumentRjcnReason: rejectionReason } })
    else {
      const body = {
        ...(!isSameQuantity(item.quantityText, plan.quantity) && {
          RequestedQuantity: quantityToDecimal(plan.quantity),
        }),
        ...(item.plant !== "" && plan.plant !== item.plant && { ProductionPlant: plan.plant }),
      }
      if (Object.keys(body).length > 0) changes.push({ item, body })
    }
  }
  return [...changes, ...unmatched.map((plan) => ({ add: plan }))]
}

/** SAP keeps material numbers in upper case, and those that are numbers without leading zeros. */
function materialNumber(text: string): string {
  return text.toUpperCase().replace(/^0+(?=\d+$)/, "")
}

/** Whether SAP's text is this quantity; SAP writes `1`, `1.000` or nothing. */
export function isSameQuantity(text: string, quantity: Quantity): boolean {
  return text !== "" && quantityFromDecimal(text, quantity.unit).milli === quantity.milli
}

// Each change gives the whole document a new version, so the next one reads it again. The limit ends a conflict with
// another writer.
const conflictsMax = 5

async function amend(
  number: string,
  plans: readonly ItemPlan[],
  options: SapOptions & { call: Context },
): Promise<SalesOrder> {
  const { client, settings, call } = options
  const made = new Set<string>()
  let conflicts = 0
  for (;;) {
    const order = await readOrder(number, call, options)
    const [next] = differences(order, plans, settings.rejectionReason)
    if (!next) return order
    const change = "add" in next ? next.add.body : { item: next.item.item, ...next.body }
    // A change that was answered and does not show would be made for ever, and an item added again and again.
    if (made.has(JSON.stringify(change)))
      throw new AppError("VENDOR_CONFLICT", `order ${number} does not show what was changed: ${JSON.stringify(change)}`)
    try {
      await client.change(requestOf(order, next), call)
      made.add(JSON.stringify(change))
    } catch (thrown) {
      // Another writer changed the order first. Read the order again and make the changes that are still missing, so
      // that none of theirs is overwritten unseen.
      if (!(thrown instanceof AppError) || thrown.code !== "VENDOR_CONFLICT" || ++conflicts > conflictsMax) throw thrown
    }
  }
}

function requestOf({ number, etag }: SalesOrder, change: Change): Parameters<SapClient["change"]>[0] {
  return "add" in change
    ? { method: "POST", path: `${service}/A_SalesOrder(${literal(number)})/to_Item`, body: change.add.body }
    : { method: "PATCH", path: itemPath(number, change.item.item), body: change.body, etag }
}
