import { groupBy, type Findings, type View, type Violation } from "./view.ts"

/** Every parcel that the warehouse told as delivered ended as delivered exactly once, and no other. */
export function checkParcels({ books }: View): Findings {
  const violations: Violation[] = []
  const arrived = new Map(
    books.milestones.flatMap(({ milestone, shipmentId, orderId }) =>
      milestone === "delivered" ? [[shipmentId, orderId] as const] : [],
    ),
  )
  const delivered = groupBy(
    books.events.filter(({ type }) => type === "shipment.delivered"),
    ({ data }) => String(data["shipmentId"]),
  )
  for (const [shipmentId, orderId] of arrived) {
    const count = delivered.get(shipmentId)?.length ?? 0
    if (count !== 1)
      violations.push({
        invariant: "I-2",
        what: `parcel ${shipmentId} of ${orderId} ended as delivered ${count} times`,
      })
  }
  for (const shipmentId of delivered.keys())
    if (!arrived.has(shipmentId))
      violations.push({ invariant: "I-2", what: `parcel ${shipmentId} ended as delivered, and nobody reported it` })
  const row = {
    what: "parcels the carriers delivered = parcels that ended as delivered",
    ours: String(delivered.size),
    theirs: String(arrived.size),
    differences: violations.length,
  }
  return { violations, rows: [row] }
}
