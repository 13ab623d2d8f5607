import type { FastifyInstance } from "fastify"
import { Type } from "typebox"
import { bodyReader, Id, Name, Text, Unit } from "../http-json/protocol.ts"
import { MovementOrder } from "./movements.ts"
import type { Premises } from "./premises.ts"

const Range = Type.Object({ min: Type.Integer({ minimum: 0 }), max: Type.Integer({ minimum: 0 }) })
const Share = Type.Number({ minimum: 0, maximum: 1 })

const readHabits = bodyReader(
  Type.Partial(
    Type.Object({
      shipAfterMs: Range,
      deliverAfterMs: Type.Union([Range, Type.Null()]),
      tellsTheWay: Type.Boolean(),
      mishapShare: Share,
      splitShare: Share,
      shortShare: Share,
      isPaused: Type.Boolean(),
    }),
  ),
)
const readMilestone = bodyReader(
  Type.Object({
    milestone: Text,
    occurredAt: Type.Optional(Text),
    place: Type.Optional(Text),
    text: Type.Optional(Text),
    signedBy: Type.Optional(Text),
    expectedAt: Type.Optional(Text),
  }),
)
const readCount = bodyReader(Type.Object({ locationId: Id, skus: Type.Optional(Type.Array(Text)) }))
const readMovement = bodyReader(MovementOrder)
const readStock = bodyReader(
  Type.Object({
    rows: Type.Array(
      Type.Object({ sku: Text, locationId: Name, onHandMilli: Type.Integer({ minimum: 0 }), unit: Unit }),
    ),
  }),
)

/** The lab's controls of the warehouse staff: ship at once, pause, count stock. */
export function addFloorControls(app: FastifyInstance, premises: Premises): void {
  app.put("/__lab/habits", (request) => premises.setHabits(readHabits(request)))
  app.post("/__lab/counts", (request) => {
    const { locationId, skus } = readCount(request)
    return premises.count(locationId, skus)
  })
  app.post("/__lab/movements", (request) => ({ told: premises.move(readMovement(request)) ?? null }))
  app.put("/__lab/stock", (request) => {
    const { rows } = readStock(request)
    premises.setStock(rows)
    return { set: rows.length }
  })
  app.post<{ Params: { shipmentId: string } }>("/__lab/shipments/:shipmentId/milestones", (request) => {
    const { milestone, ...more } = readMilestone(request)
    return { found: premises.tellMilestone(request.params.shipmentId, milestone, more) }
  })
  app.post<{ Params: { requestId: string } }>("/__lab/shipment-requests/:requestId/ship", (request) => ({
    found: premises.shipNow(request.params.requestId),
  }))
}
