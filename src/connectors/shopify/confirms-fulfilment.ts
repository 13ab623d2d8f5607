import { AppError } from "../../base/errors.ts"
import { own } from "../../base/lookup.ts"
import { pieces } from "../../base/quantity.ts"
import type { ConfirmedFulfilment, ConfirmsFulfilment } from "../../ports/capabilities/channels.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import { gid, throwForUserErrors, type UpdateOptions } from "./client.ts"
import { moveTo, openWork, orderOf, takeFrom, type Connection, type Taken } from "./fulfilment/open-work.ts"
import { createFulfilment, readFulfilmentLines, readFulfilments } from "./graph/operations.ts"

/** The units of a shipment that are not confirmed yet, and the fulfilments that contain the others. */
interface Progress {
  missing: Map<string, number>
  fulfilmentIds: string[]
}

export interface ConfirmOptions extends UpdateOptions {
  /** Number of the shop's location for each location of ours. */
  locations: Readonly<Record<string, string>>
}

/**
 * Shopify's mutation has no idempotency key, so a shipment is recognised by its tracking number (its own id where the
 * carrier gave none). A send that stopped between two locations is continued, never started again.
 */
export function confirmsFulfilment(options: ConfirmOptions): ConfirmsFulfilment {
  const answer = (ids: readonly string[], more: Omit<ConfirmedFulfilment, "channelId"> = {}): ConfirmedFulfilment => {
    const [first] = ids
    return {
      channelId: ids.join(","),
      ...(first !== undefined && { reference: { system: options.system, type: "fulfilment", id: first } }),
      ...more,
    }
  }
  return {
    confirmFulfilment: {
      async probe({ order, shipment }, call) {
        const { missing, fulfilmentIds } = await progressOf(order.externalId, shipment, { ...options, call })
        return missing.size > 0 ? undefined : answer(fulfilmentIds)
      },
      async send({ order, shipment, notifyCustomer }, call) {
        const connection = { ...options, call }
        const { missing, fulfilmentIds } = await progressOf(order.externalId, shipment, connection)
        if (missing.size === 0) return answer(fulfilmentIds)
        const number = own(options.locations, shipment.locationId)
        const place = number === undefined ? undefined : gid("Location", number)
        const { taken, held, notOpen } = takeFrom(await openWork(order.externalId, connection), missing, place)
        const { parts, otherPlace } = await atPlace(taken, place, connection)
        for (const part of parts) {
          const variables = { fulfillment: fulfilmentOf(part, shipment, notifyCustomer), message: call.key }
          const data = await options.client.write({ document: createFulfilment, variables, call })
          const payload = data.object("fulfillmentCreate")
          throwForUserErrors(payload)
          fulfilmentIds.push(payload.object("fulfillment").id("id"))
        }
        if (held.length > 0)
          throw new AppError("HELD_BY_CHANNEL", "the shop has goods that left on hold or scheduled for later", {
            data: { held: held.flatMap(({ lines }) => lines.map(({ lineId, quantity }) => ({ lineId, quantity }))) },
          })
        return answer(fulfilmentIds, {
          ...(notOpen.length > 0 && {
            notOpen: notOpen.map(([lineId, quantity]) => ({ lineId, quantity: pieces(quantity) })),
          }),
          ...(otherPlace !== undefined && { otherPlace }),
        })
      },
    },
  }
}

/** The units by location, because one request may contain fulfilment orders of one location only. */
async function atPlace(taken: readonly Taken[], place: string | undefined, connection: Connection) {
  const byLocation = new Map<string, Taken[]>()
  let otherPlace: string | undefined
  for (const one of taken) {
    const isThere = place === undefined || one.work.location === place
    const moved = isThere ? one : await moveTo(place, one, connection)
    if ("refused" in moved) otherPlace = moved.refused
    const part = "refused" in moved ? one : moved
    byLocation.set(part.work.location, [...(byLocation.get(part.work.location) ?? []), part])
  }
  return { parts: [...byLocation.values()], otherPlace }
}

/** FulfillmentInput. */
function fulfilmentOf(parts: readonly Taken[], shipment: Shipment, notifyCustomer: boolean) {
  return {
    lineItemsByFulfillmentOrder: parts.map(({ work, lines }) => ({
      fulfillmentOrderId: work.id,
      fulfillmentOrderLineItems: lines.map(({ id, quantity }) => ({ id, quantity })),
    })),
    trackingInfo: {
      number: trackingOf(shipment),
      ...(shipment.carrier !== undefined && { company: shipment.carrier }),
      ...(shipment.trackingUrl !== undefined && { url: shipment.trackingUrl }),
    },
    notifyCustomer,
  }
}

const trackingOf = (shipment: Shipment): string => shipment.trackingNumber ?? shipment.id

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
