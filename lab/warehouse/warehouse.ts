import type { FastifyInstance, FastifyRequest } from "fastify"
import { Type } from "typebox"
import {
  Address,
  answering,
  bodyReader,
  Id,
  linesMax,
  Milli,
  Name,
  protocolFaultAnswer,
  Refusal,
  refuseRepeatedLines,
  Text,
  Unit,
} from "../http-json/protocol.ts"
import type { VendorState } from "../books.ts"
import type { Simulator, SimulatorContext, VendorOptions } from "../simulator.ts"
import { startSimulator } from "../simulator.ts"
import type { FloorHabits } from "./floor.ts"
import type { ShelfRow } from "./shelf.ts"
import { addFloorControls } from "./floor-controls.ts"
import type { Premises } from "./premises.ts"
import { createPremises } from "./premises.ts"

export type WarehouseSimulatorOptions = VendorOptions & {
  token?: string
  webhookSecret?: string
  retryScale?: number
  habits?: Partial<FloorHabits>
  /** Its places; absent: any. */
  locationIds?: readonly string[]
  /** SKUs it knows; absent: any. */
  skus?: readonly string[]
  /** Opening stock; places without a row never run out. */
  openingStock?: readonly ShelfRow[]
}

export const warehouseToken = "lab-warehouse-token"
/** Only suitable for a lab. */
export const warehouseWebhookSecret = `whsec_${Buffer.from("lab-warehouse-webhook-secret").toString("base64")}`

export const ShipmentRequest = Type.Object({
  requestId: Id,
  orderId: Id,
  orderNumber: Text,
  locationId: Name,
  method: Type.Union([Type.Literal("ship"), Type.Literal("pickup")]),
  promisedBy: Type.Optional(Type.String({ maxLength: 40 })),
  shipTo: Address,
  lines: Type.Array(
    Type.Object({
      lineId: Name,
      sku: Text,
      quantityMilli: Milli,
      unit: Unit,
      components: Type.Optional(
        Type.Array(Type.Object({ sku: Text, quantityMilli: Milli, unit: Unit }), { minItems: 1, maxItems: 50 }),
      ),
    }),
    { minItems: 1, maxItems: linesMax },
  ),
})
const readShipmentRequest = bodyReader(ShipmentRequest)

const readCancellation = bodyReader(
  Type.Object({
    cancellationId: Id,
    lines: Type.Optional(Type.Array(Type.Object({ lineId: Name, quantityMilli: Milli }), { maxItems: linesMax })),
  }),
)

/** Starts the warehouse service of docs/reference/http-json-systems.md, for all warehouses and stores at once. */
export function startWarehouse(options: WarehouseSimulatorOptions): Promise<Simulator> {
  return startSimulator({
    ...options,
    name: "warehouse",
    faultAnswer: protocolFaultAnswer,
    routes: (app, context) => {
      const premises = createPremises(context, { secret: warehouseWebhookSecret, ...options })
      addShipmentRequests(app, { context, premises, options })
      addReading(app, { context, premises, options })
      addFloorControls(app, premises)
      return vendorState(premises)
    },
  })
}

type RouteParts = { context: SimulatorContext; premises: Premises; options: WarehouseSimulatorOptions }
type ById = FastifyRequest<{ Params: { requestId: string } }>

function addShipmentRequests(app: FastifyInstance, { context, premises, options }: RouteParts): void {
  const token = options.token ?? warehouseToken
  const places = options.locationIds && new Set(options.locationIds)
  const skus = options.skus && new Set(options.skus)
  app.post(
    "/shipment-requests",
    answering(token, async (request) => {
      const asked = readShipmentRequest(request)
      const sentinel = `${asked.orderNumber} ${asked.shipTo.name} ${asked.shipTo.line2 ?? ""}`
      const call = await context.begin(request, { operation: "requestShipment", sentinel })
      if (premises.find(asked.requestId) !== undefined)
        throw new Refusal(409, "DUPLICATE_REQUEST", `request ${asked.requestId} exists`)
      refuseRepeatedLines(asked.lines)
      if (places?.has(asked.locationId) === false)
        throw new Refusal(422, "UNKNOWN_LOCATION", `there is no location ${asked.locationId}`)
      // Somebody who says what a kit is on the shelf may call it as he likes.
      for (const { sku } of asked.lines.flatMap((line) => line.components ?? [line])) {
        // REJECT-WMS- is a visible input with a meaning, so that the demo can show a refusal.
        if (skus?.has(sku) === false || sku.startsWith("REJECT-WMS-"))
          throw new Refusal(422, "UNKNOWN_SKU", `there is no SKU ${sku}`)
      }
      const accepted = call.commit(() => premises.accept(asked))
      const { requestId, warehouseReference } = accepted
      return { status: 201, body: { requestId, warehouseReference, status: "accepted" } }
    }),
  )
  app.post<{ Params: { requestId: string } }>(
    "/shipment-requests/:requestId/cancellation",
    answering<ById>(token, async (request) => {
      const asked = readCancellation(request)
      const { requestId } = request.params
      const call = await context.begin(request, { operation: "cancelShipment", sentinel: asked.cancellationId })
      if (premises.find(requestId) === undefined) throw new Refusal(404, "NOT_FOUND", `no request ${requestId}`)
      const { cancellationId, lines } = asked
      return { status: 200, body: call.commit(() => premises.cancel(requestId, { cancellationId, lines })) }
    }),
  )
}

function addReading(app: FastifyInstance, { context, premises, options }: RouteParts): void {
  const token = options.token ?? warehouseToken
  app.get<{ Params: { requestId: string } }>(
    "/shipment-requests/:requestId",
    answering<ById>(token, async (request) => {
      await context.begin(request, { operation: "readShipmentRequest" })
      const found = premises.view(request.params.requestId)
      if (found === undefined) throw new Refusal(404, "NOT_FOUND", `no request ${request.params.requestId}`)
      return { status: 200, body: found }
    }),
  )
  app.get(
    "/stock",
    answering(token, async (request) => {
      await context.begin(request, { operation: "readStock" })
      const query = request.query as { locationId?: unknown; after?: unknown; limit?: unknown }
      const { locationId, after = "" } = query
      if (typeof locationId !== "string" || typeof after !== "string")
        throw new Refusal(400, "INVALID_REQUEST", "name one locationId")
      if (options.locationIds?.includes(locationId) === false)
        throw new Refusal(422, "UNKNOWN_LOCATION", `there is no location ${locationId}`)
      const limit = wholeNumber(query.limit, { name: "limit", fallback: 100 })
      if (limit < 1 || limit > 500) throw new Refusal(400, "INVALID_REQUEST", "limit must be 1 to 500")
      const page = premises.stock(locationId, { after, limit })
      const rows = page.rows.map(({ sku, onHandMilli, unit }) => ({ sku, onHandMilli, unit }))
      return { status: 200, body: { ...page, locationId, asOf: new Date().toISOString(), rows } }
    }),
  )
  app.get(
    "/events",
    answering(token, async (request) => {
      await context.begin(request, { operation: "listEvents" })
      // Fastify's default query parser gives text or lists of text.
      const query = request.query as { after?: unknown; limit?: unknown }
      const after = wholeNumber(query.after, { name: "after", fallback: 0 })
      const limit = wholeNumber(query.limit, { name: "limit", fallback: 100 })
      if (limit < 1 || limit > 500) throw new Refusal(400, "INVALID_REQUEST", "limit must be 1 to 500")
      const events = premises.events(after, limit)
      return { status: 200, body: { events, next: String(Math.min(after, premises.eventCount()) + events.length) } }
    }),
  )
}

function wholeNumber(value: unknown, { name, fallback }: { name: string; fallback: number }): number {
  if (value === undefined) return fallback
  if (typeof value !== "string" || !/^\d{1,12}$/.test(value))
    throw new Refusal(400, "INVALID_REQUEST", `${name} is not valid`)
  return Number(value)
}

function vendorState(premises: Premises): VendorState {
  return { books: premises.books, reset: premises.reset, stop: premises.stop }
}
