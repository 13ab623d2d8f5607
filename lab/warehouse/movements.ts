import { Type, type Static } from "typebox"
import { Id, Name, Refusal, Text, Unit } from "../http-json/protocol.ts"
import type { EventEmitter, ProtocolEvent } from "../http-json/standard-webhooks.ts"
import type { Shelf } from "./shelf.ts"

// docs/reference/http-json-systems.md, "Movements": what each does to what can be sold at the place.
const signs = {
  received: 1,
  picked: -1,
  sold: -1,
  returned: 1,
  adjusted: 1,
  "transfer-shipped": -1,
  "transfer-received": 1,
  "state-changed": 0,
} as const

/** What the lab has the people of a place do with goods. */
export const MovementOrder = Type.Object({
  movement: Type.Enum(Object.keys(signs) as (keyof typeof signs)[]),
  locationId: Name,
  toLocationId: Type.Optional(Name),
  state: Type.Optional(Text),
  toState: Type.Optional(Text),
  orderId: Type.Optional(Id),
  transferId: Type.Optional(Id),
  purchaseOrderId: Type.Optional(Id),
  inboundShipmentId: Type.Optional(Id),
  reason: Type.Optional(Text),
  /** The webhook and the list never have it: a number is missing from then on. */
  isLost: Type.Optional(Type.Boolean()),
  lines: Type.Array(Type.Object({ sku: Text, quantityMilli: Type.Integer(), unit: Unit }), { minItems: 1 }),
})
export type MovementOrder = Static<typeof MovementOrder>

type MovementParts = {
  shelf: Shelf
  emitter: EventEmitter
  /** The next number of the place. */
  number: (locationId: string) => number
}

/** Moves goods and tells it, unless the telling is lost. */
export function moveGoods(order: MovementOrder, { shelf, emitter, number }: MovementParts): ProtocolEvent | undefined {
  const { movement, locationId, toLocationId, isLost, lines, state, toState, ...more } = order
  const isTransfer = movement === "transfer-shipped"
  if (isTransfer && toLocationId === undefined) throw new Refusal(422, "INVALID_REQUEST", "a transfer goes somewhere")
  // docs/reference/http-json-systems.md, "Movements": only received goods were ordered.
  if (movement !== "received" && (order.purchaseOrderId ?? order.inboundShipmentId) !== undefined)
    throw new Refusal(422, "INVALID_REQUEST", "only received goods name a purchase order")
  for (const { sku, quantityMilli, unit } of lines) {
    if (quantityMilli === 0 || (quantityMilli < 0 && movement !== "adjusted"))
      throw new Refusal(422, "INVALID_REQUEST", `${movement} takes a positive quantity`)
    const into = movement === "state-changed" ? (toState === undefined ? 1 : state === undefined ? -1 : 0) : 1
    // Goods in another state stand elsewhere in the building; the shelf has what can be sold.
    const sign = movement === "state-changed" ? into : state === undefined ? signs[movement] : 0
    shelf.add({ sku, locationId, unit }, sign * quantityMilli)
  }
  const n = number(locationId)
  if (isLost === true) return undefined
  return emitter.emit({
    type: "stock.moved",
    fact: `${locationId}/moved/${n}`,
    fields: {
      movement,
      movementNumber: n,
      locationId,
      ...(toLocationId === undefined ? {} : { toLocationId }),
      ...(state === undefined ? {} : { state }),
      ...(toState === undefined ? {} : { toState }),
      ...more,
      lines,
    },
  })
}
