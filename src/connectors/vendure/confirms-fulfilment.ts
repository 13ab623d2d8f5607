import { AppError } from "../../base/errors.ts"
import { own } from "../../base/lookup.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import type { ChannelUpdate, ConfirmsFulfilment } from "../../ports/capabilities/channels.ts"
import { reference, type Call } from "../../ports/write.ts"
import type { VendureClient } from "./client.ts"
import type { VendureFulfilment, VendureOrder } from "./payloads.ts"
import { isShortOfStock, withRoomToShip } from "./stock/room-to-ship.ts"

export interface UpdateOptions {
  client: VendureClient
  system: string
}

const add = `mutation ($i: FulfillOrderInput!) { answer: addFulfillmentToOrder(input: $i) {
  __typename ... on Fulfillment { id state } ... on ErrorResult { errorCode message } } }`
const transition = `mutation ($id: ID!, $s: String!) { answer: transitionFulfillmentToState(id: $id, state: $s) {
  __typename ... on Fulfillment { id state } ... on ErrorResult { errorCode message } } }`

/**
 * A fulfilment is added and then moved to Shipped, two calls between which a crash may come. It is recognised by its
 * tracking code (ours where the location gave none) and its lines, and counts as done when its state is Shipped.
 */
export function confirmsFulfilment(
  { client, system }: UpdateOptions,
  stock: Readonly<Record<string, string>> = {},
): ConfirmsFulfilment {
  const done = (found: VendureFulfilment): ChannelUpdate | undefined =>
    found.state === "Shipped" || found.state === "Delivered"
      ? { channelId: found.id, reference: reference(system, "fulfilment", found.id) }
      : undefined
  return {
    confirmFulfilment: {
      async probe({ order, shipment }, call) {
        const found = findFulfilment(await client.order(order.externalId, call), shipment, call.key)
        return found && done(found)
      },
      async send({ order, shipment }, call) {
        const before = await client.order(order.externalId, call)
        const found =
          findFulfilment(before, shipment, call.key) ?? (await addFulfilment(client, { before, shipment, call, stock }))
        const already = done(found)
        if (already) return already
        const moved = await client.write({ query: transition, variables: { id: found.id, s: "Shipped" }, call })
        // Read back in any case: the shop refuses a repeat even when the fulfilment already has the state.
        const after = findFulfilment(await client.order(order.externalId, call), shipment, call.key)
        const update = after && done(after)
        if (update) return update
        throw new AppError(
          moved.refusal === undefined ? "VENDOR_UNCERTAIN" : "VENDOR_REJECTED",
          moved.refusal ??
            `fulfilment ${found.id} of order ${order.number} is ${after?.state ?? "gone"} after it was shipped`,
        )
      },
    },
  }
}

const codeOf = (shipment: Shipment, key: string) => shipment.trackingNumber ?? key

async function addFulfilment(
  client: VendureClient,
  {
    before,
    shipment,
    call,
    stock,
  }: { before: VendureOrder; shipment: Shipment; call: Call; stock: Readonly<Record<string, string>> },
): Promise<VendureFulfilment> {
  const input = {
    lines: shipment.lines.map(({ lineId, quantity }) => ({ orderLineId: lineId, quantity: quantity.milli / 1000 })),
    handler: {
      code: "manual-fulfillment",
      arguments: [
        { name: "method", value: shipment.carrier ?? "parcel" },
        { name: "trackingCode", value: codeOf(shipment, call.key) },
      ],
    },
  }
  const ask = () => client.write({ query: add, variables: { i: input }, call })
  let { refusal } = await ask()
  const stockLocationId = own(stock, shipment.locationId)
  // Only where Crossdock says what the shop has may it say so here, too.
  if (refusal !== undefined && isShortOfStock(refusal) && stockLocationId !== undefined)
    refusal = (await withRoomToShip({ client, orderId: before.id, shipment, stockLocationId, call }, ask)).refusal
  const found = findFulfilment(await client.order(before.id, call), shipment, call.key)
  if (found) return found
  throw new AppError(
    refusal === undefined ? "VENDOR_UNCERTAIN" : "VENDOR_REJECTED",
    refusal ?? `adding a fulfilment to order ${before.code} returned success but the fulfilment is not there`,
  )
}

function findFulfilment(order: VendureOrder, shipment: Shipment, key: string): VendureFulfilment | undefined {
  const wanted = linesText(
    shipment.lines.map(({ lineId, quantity }) => ({ orderLineId: lineId, quantity: quantity.milli / 1000 })),
  )
  const found = (order.fulfillments ?? []).filter(
    ({ state, trackingCode, lines }) =>
      state !== "Cancelled" && trackingCode === codeOf(shipment, key) && linesText(lines) === wanted,
  )
  if (found.length > 1)
    throw new AppError(
      "VENDOR_MISBEHAVED",
      `fulfilments ${found.map(({ id }) => id).join(" and ")} of order ${order.code} are one shipment`,
    )
  return found[0]
}

function linesText(lines: readonly { orderLineId: string; quantity: number }[]): string {
  return lines
    .map(({ orderLineId, quantity }) => `${orderLineId}x${quantity}`)
    .sort()
    .join("+")
}
