import { AppError } from "../../base/errors.ts"
import type { ChannelUpdate, UpdatesChannel } from "../../ports/capabilities.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import type { Call } from "../../ports/write.ts"
import { gid, throwForUserErrors, type UpdateOptions } from "./client.ts"
import { createFulfilment, readFulfilment } from "./operations.ts"
import type { Reader } from "./orders/reader.ts"

/** What is left to confirm of a shipment, and the fulfilments that already carry it. */
interface Progress {
  missing: Map<string, number>
  fulfilmentIds: string[]
  order: Reader
}

/**
 * Shipments are recognised by their tracking number (their own id where the carrier gave none): Shopify's mutation has no
 * idempotency key. A send that broke off between two locations is continued, never started again.
 */
export function confirmsFulfilment(options: UpdateOptions): UpdatesChannel["confirmFulfilment"] {
  return {
    async probe({ order, shipment }, call) {
      const { missing, fulfilmentIds } = await progressOf(order.externalId, shipment, { ...options, call })
      return missing.size > 0 ? undefined : answer(fulfilmentIds, options.system)
    },
    async send({ order, shipment, notifyCustomer }, call) {
      const {
        missing,
        fulfilmentIds,
        order: shopOrder,
      } = await progressOf(order.externalId, shipment, { ...options, call })
      for (const fulfilmentOrders of allocate(shopOrder, missing)) {
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

async function progressOf(
  externalId: string,
  shipment: Shipment,
  { client, call }: UpdateOptions & { call: Omit<Call, "key"> },
): Promise<Progress> {
  const data = await client.read({ document: readFulfilment, variables: { id: gid("Order", externalId) }, call })
  if (!data.has("order")) throw new AppError("VENDOR_REJECTED", `the shop has no order ${externalId}`)
  const order = data.object("order")
  const missing = new Map(shipment.lines.map((line) => [line.lineId, line.quantity.milli / 1000]))
  const ours = order
    .list("fulfillments")
    .filter((one) => one.text("status") === "SUCCESS")
    .filter((one) => one.list("trackingInfo").some((info) => info.optionalText("number") === trackingOf(shipment)))
  for (const item of ours.flatMap((one) => one.nodes("fulfillmentLineItems"))) {
    const lineId = item.object("lineItem").id("id")
    const left = (missing.get(lineId) ?? 0) - item.count("quantity")
    if (left > 0) missing.set(lineId, left)
    else missing.delete(lineId)
  }
  const fulfilmentIds = ours.map((one) => one.id("id"))
  order.settle("the order's fulfilments")
  return { missing, fulfilmentIds, order }
}

type FulfilmentOrderLines = {
  fulfillmentOrderId: string
  fulfillmentOrderLineItems: { id: string; quantity: number }[]
}

/**
 * Which open fulfilment orders take the missing units. One request may only name fulfilment orders of one location, so the
 * answer has one list per location. Lines are matched by id, never by SKU (P-17).
 */
function allocate(order: Reader, missing: ReadonlyMap<string, number>): FulfilmentOrderLines[][] {
  const left = new Map(missing)
  const byLocation = new Map<string, FulfilmentOrderLines[]>()
  for (const fulfilmentOrder of order.nodes("fulfillmentOrders")) {
    if (!["OPEN", "IN_PROGRESS"].includes(fulfilmentOrder.text("status"))) continue
    const lines = []
    for (const item of fulfilmentOrder.nodes("lineItems")) {
      const lineId = item.object("lineItem").id("id")
      const quantity = Math.min(left.get(lineId) ?? 0, item.count("remainingQuantity"))
      if (quantity === 0) continue
      left.set(lineId, (left.get(lineId) ?? 0) - quantity)
      lines.push({ id: item.text("id"), quantity })
    }
    if (lines.length === 0) continue
    const location = fulfilmentOrder.object("assignedLocation").optionalObject("location")?.text("id") ?? ""
    const entry = { fulfillmentOrderId: fulfilmentOrder.text("id"), fulfillmentOrderLineItems: lines }
    byLocation.set(location, [...(byLocation.get(location) ?? []), entry])
  }
  order.settle("the order's fulfilment orders")
  const over = [...left].filter(([, quantity]) => quantity > 0)
  if (over.length > 0)
    throw new AppError("VENDOR_CONFLICT", "the shop has no open fulfilment order for all that was shipped", {
      data: { notOpen: over.map(([lineId, quantity]) => ({ lineId, quantity })) },
    })
  return [...byLocation.values()]
}
