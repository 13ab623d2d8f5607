import { AppError } from "../../../base/errors.ts"
import type { Shipment } from "../../../canonical/shipment.ts"
import type { Call } from "../../../ports/write.ts"
import type { VendureClient } from "../client.ts"
import { objectOf } from "../payloads.ts"
import { levelAt, setOnHand, variantFields, variantOf, type ShopLevel } from "./read-levels.ts"

const query = `query ($id: ID!) { order(id: $id) { lines { id productVariant { ${variantFields} } } } }`

/** What the shop says where on hand is less than a fulfilment takes. */
export const isShortOfStock = (refusal: string): boolean => refusal.startsWith("INSUFFICIENT_STOCK_ON_HAND_ERROR")

/**
 * Raises what the shop has on hand to what a shipment takes, does `work`, and takes the pieces off again.
 *
 * The shop ships only what it has on hand. It loses count of what orders hold, so a level that says truly what may still be sold leaves
 * too little on hand for what was sold. The goods have left: the shop has to say so.
 */
export async function withRoomToShip<Result>(
  { client, orderId, shipment, stockLocationId, call }: Wanted,
  work: () => Promise<Result>,
): Promise<Result> {
  const before = await levels({ client, orderId, shipment, stockLocationId, call })
  const short = before.filter(({ onHand, quantity }) => onHand < quantity)
  if (short.length === 0) return work()
  const raised = short.map(({ quantity, ...level }) => ({ ...level, onHand: quantity }))
  await setOnHand(client, raised, call)
  const result = await work()
  const after = await levels({ client, orderId, shipment, stockLocationId, call })
  const lowered = short.flatMap(({ variantId, onHand, quantity }) => {
    const now = after.find((level) => level.variantId === variantId)
    return now ? [{ ...now, onHand: now.onHand - (quantity - onHand) }] : []
  })
  await setOnHand(client, lowered, call)
  return result
}

interface Wanted {
  client: VendureClient
  orderId: string
  shipment: Shipment
  stockLocationId: string
  call: Call
}

/** The level of each article of a shipment, and how many pieces of it leave. */
async function levels({
  client,
  orderId,
  shipment,
  stockLocationId,
  call,
}: Wanted): Promise<(ShopLevel & { quantity: number })[]> {
  const order = objectOf((await client.read({ query, variables: { id: orderId }, call }))["order"])
  if (!Array.isArray(order["lines"])) throw new AppError("VENDOR_MISBEHAVED", `order ${orderId} without lines`)
  const byVariant = new Map<string, ShopLevel & { quantity: number }>()
  for (const line of order["lines"].map(objectOf)) {
    const milli = shipment.lines.find(({ lineId }) => lineId === line["id"])?.quantity.milli
    if (milli === undefined) continue
    const level = levelAt(variantOf(line["productVariant"]), stockLocationId)
    const known = byVariant.get(level.variantId)
    byVariant.set(level.variantId, { ...level, quantity: (known?.quantity ?? 0) + milli / 1000 })
  }
  return [...byVariant.values()]
}
