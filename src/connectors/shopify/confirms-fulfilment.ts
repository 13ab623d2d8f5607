import { AppError } from "../../base/errors.ts"
import type { ChannelUpdate, ConfirmsFulfilment } from "../../ports/capabilities/channels.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import type { Call } from "../../ports/write.ts"
import { gid, throwForUserErrors, type UpdateOptions } from "./client.ts"
import {
  createFulfilment,
  readFulfilmentLines,
  readFulfilmentOrderLines,
  readFulfilmentOrders,
  readFulfilments,
} from "./graph/operations.ts"
import type { Reader } from "./orders/reader.ts"

/** The units of a shipment that are not confirmed yet, and the fulfilments that contain the others. */
interface Progress {
  missing: Map<string, number>
  fulfilmentIds: string[]
}

type Connection = UpdateOptions & { call: Omit<Call, "key"> }

/**
 * Shopify's mutation has no idempotency key, so a shipment is recognised by its tracking number (its own id where the
 * carrier gave none). A send that stopped between two locations is continued, never started again.
 */
export function confirmsFulfilment(options: UpdateOptions): ConfirmsFulfilment {
  return {
    confirmFulfilment: {
      async probe({ order, shipment }, call) {
        const { missing, fulfilmentIds } = await progressOf(order.externalId, shipment, { ...options, call })
        return missing.size > 0 ? undefined : answer(fulfilmentIds, options.system)
      },
      async send({ order, shipment, notifyCustomer }, call) {
        const connection = { ...options, call }
        const { missing, fulfilmentIds } = await progressOf(order.externalId, shipment, connection)
        if (missing.size === 0) return answer(fulfilmentIds, options.system)
        const work = await openWork(order.externalId, connection)
        for (const fulfilmentOrders of allocate(work, missing)) {
          const data = await options.client.write({
            document: createFulfilment,
            variables: {
              fulfillment: {
                lineItemsByFulfillmentOrder: fulfilmentOrders,
                trackingInfo: {
                  number: trackingOf(shipment),
                  ...(shipment.carrier !== undefined && { company: shipment.carrier }),
                  ...(shipment.trackingUrl !== undefined && { url: shipment.trackingUrl }),
                },
                notifyCustomer,
              },
              message: call.key,
            },
            call,
          })
          const payload = data.object("fulfillmentCreate")
          throwForUserErrors(payload)
          fulfilmentIds.push(payload.object("fulfillment").id("id"))
        }
        return answer(fulfilmentIds, options.system)
      },
    },
  }
}

function answer(ids: readonly string[], system: string): ChannelUpdate {
  const [first] = ids
  return {
    channelId: ids.join(","),
    ...(first !== undefined && { reference: { system, type: "fulfilment", id: first } }),
  }
}

const trackingOf = (shipment: Shipment): string => shipment.trackingNumber ?? shipment.id

/** The order as the query returns it. VENDOR_REJECTED when the shop does not have it. */
async function orderOf(
  document: string,
  variables: { id: string; after?: string },
  { client, call }: Connection,
): Promise<Reader> {
  const data = await client.read({ document, variables, call })
  if (!data.has("order")) throw new AppError("VENDOR_REJECTED", `the shop has no order ${variables.id}`)
  return data.object("order")
}

async function progressOf(externalId: string, shipment: Shipment, connection: Connection): Promise<Progress> {
  const order = await orderOf(readFulfilments, { id: gid("Order", externalId) }, connection)
  const ours = order
    .list("fulfillments")
    .filter((one) => one.text("status") === "SUCCESS")
    .filter((one) => one.list("trackingInfo").some((info) => info.optionalText("number") === trackingOf(shipment)))
    .map((one) => one.text("id"))
  order.settleAnswer("the order's fulfilments")
  const missing = new Map(shipment.lines.map((line) => [line.lineId, line.quantity.milli / 1000]))
  for (const id of ours) {
    const data = await connection.client.read({
      document: readFulfilmentLines,
      variables: { id },
      call: connection.call,
    })
    for (const item of data.object("fulfillment").nodes("fulfillmentLineItems")) {
      const lineId = item.object("lineItem").id("id")
      const left = (missing.get(lineId) ?? 0) - item.count("quantity")
      if (left > 0) missing.set(lineId, left)
      else missing.delete(lineId)
    }
    data.settleAnswer("the lines of a fulfilment")
  }
  return { missing, fulfilmentIds: ours.map((id) => id.split("/").at(-1) ?? id) }
}

/** A fulfilment order that still takes units. */
interface OpenWork {
  id: string
  locationId: string
  lines: { id: string; lineId: string; remaining: number }[]
}

async function openWork(externalId: string, connection: Connection): Promise<OpenWork[]> {
  const work: OpenWork[] = []
  let after: string | undefined
  do {
    const variables = { id: gid("Order", externalId), ...(after !== undefined && { after }) }
    const order = await orderOf(readFulfilmentOrders, variables, connection)
    const page = order.object("fulfillmentOrders")
    for (const one of page.list("nodes"))
      if (["OPEN", "IN_PROGRESS"].includes(one.text("status"))) work.push(await readWork(one, connection))
    const info = page.object("pageInfo")
    after = info.flag("hasNextPage") ? info.text("endCursor") : undefined
    order.settleAnswer("the order's fulfilment orders")
  } while (after !== undefined)
  return work
}

async function readWork(fulfilmentOrder: Reader, { client, call }: Connection): Promise<OpenWork> {
  const id = fulfilmentOrder.text("id")
  const isCut = fulfilmentOrder.object("lineItems").object("pageInfo").flag("hasNextPage")
  const whole = isCut
    ? (await client.read({ document: readFulfilmentOrderLines, variables: { id }, call })).object("fulfillmentOrder")
    : fulfilmentOrder
  const lines = whole.nodes("lineItems").map((item) => ({
    id: item.text("id"),
    lineId: item.object("lineItem").id("id"),
    remaining: item.count("remainingQuantity"),
  }))
  whole.settleAnswer("the lines of a fulfilment order")
  const locationId = fulfilmentOrder.object("assignedLocation").optionalObject("location")?.text("id") ?? ""
  return { id, locationId, lines }
}

type FulfilmentOrderLines = {
  fulfillmentOrderId: string
  fulfillmentOrderLineItems: { id: string; quantity: number }[]
}

/**
 * Chooses the open fulfilment orders for the missing units. One request may contain fulfilment orders of one location
 * only, so the result has one list per location. Lines are matched by id, never by SKU (P-17).
 */
function allocate(work: readonly OpenWork[], missing: ReadonlyMap<string, number>): FulfilmentOrderLines[][] {
  const left = new Map(missing)
  const byLocation = new Map<string, FulfilmentOrderLines[]>()
  for (const { id, locationId, lines } of work) {
    const taken = []
    for (const line of lines) {
      const quantity = Math.min(left.get(line.lineId) ?? 0, line.remaining)
      if (quantity === 0) continue
      left.set(line.lineId, (left.get(line.lineId) ?? 0) - quantity)
      taken.push({ id: line.id, quantity })
    }
    if (taken.length === 0) continue
    const entry = { fulfillmentOrderId: id, fulfillmentOrderLineItems: taken }
    byLocation.set(locationId, [...(byLocation.get(locationId) ?? []), entry])
  }
  const over = [...left].filter(([, quantity]) => quantity > 0)
  if (over.length > 0)
    throw new AppError("VENDOR_CONFLICT", "the shop's open fulfilment orders do not cover all shipped units", {
      data: { notOpen: over.map(([lineId, quantity]) => ({ lineId, quantity })) },
    })
  return [...byLocation.values()]
}
