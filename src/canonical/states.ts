/** States of the delivery of an order's goods to the buyer, from the first parcel to the last. */
export const deliveryStates = [
  "waiting for the carrier",
  "on its way",
  "out for delivery",
  "ready for collection",
  "late",
  "partly delivered",
  "delivered",
  "lost",
  "coming back",
  "came back",
  "needs a person",
  "closed",
] as const

/** States of a return. */
export const returnStates = [
  "requested",
  "approved",
  "on its way",
  "received",
  "inspected",
  "waits for money and books",
  "needs a person",
  "closed",
  "declined",
  "cancelled",
] as const

/** States of a transfer of goods between two places. */
export const transferStates = ["ordered", "in transit", "partly received", "needs a person", "received"] as const

/** States of an adjustment of stock. */
export const adjustmentStates = ["requested", "waits for approval", "booked", "refused"] as const

/** States of a credit: what follows in books and stock from a refund that a shop made after the goods had left. */
export const creditStates = ["due", "closed"] as const

/** States of goods that a store gets ready for a buyer or a carrier. */
export const pickupStates = [
  "requested",
  "accepted",
  "picking",
  "ready",
  "partly handed over",
  "to put back",
  "handed over",
  "put back",
  "stopped",
  "not there",
] as const
/** See `pickupStates`. */
export type PickupState = (typeof pickupStates)[number]
