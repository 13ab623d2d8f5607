import { derivedId } from "../http-json/protocol.ts"

export type Unit = string
export type LineQuantity = { lineId: string; quantityMilli: number }
export type ShippedLine = { lineId: string; sku: string; quantityMilli: number; unit: Unit }
export type Component = { sku: string; quantityMilli: number; unit: Unit }

export type RequestLine = {
  lineId: string
  sku: string
  unit: Unit
  quantityMilli: number
  /** What stands on the shelf for the whole of `quantityMilli`; absent: the article itself. */
  components?: readonly Component[]
  /** Packed, not yet shipped: can no longer be cancelled. */
  pickedMilli: number
  shippedMilli: number
  cancelledMilli: number
  missingMilli: number
}

export type RequestStatus = "accepted" | "picking" | "partly-shipped" | "shipped" | "short" | "cancelled"

export type CancellationAnswer = {
  cancelled: LineQuantity[]
  refused: (LineQuantity & { reason: "picked" | "shipped" })[]
}

export type ShipmentRequest = {
  requestId: string
  warehouseReference: string
  orderId: string
  orderNumber: string
  locationId: string
  method: "ship" | "pickup"
  destination: string
  isPickingStarted: boolean
  lines: RequestLine[]
  shipmentIds: string[]
  cancellations: Map<string, CancellationAnswer>
}

export type RequestedShipment = {
  requestId: string
  orderId: string
  orderNumber: string
  locationId: string
  method: "ship" | "pickup"
  shipTo: { postalCode: string; city: string; countryCode?: string }
  lines: (ShippedLine & Pick<RequestLine, "components">)[]
}

export function newRequest(asked: RequestedShipment): ShipmentRequest {
  const { requestId, orderId, orderNumber, locationId, method } = asked
  const untouched = { pickedMilli: 0, shippedMilli: 0, cancelledMilli: 0, missingMilli: 0 }
  const lines = asked.lines.map(({ lineId, sku, unit, quantityMilli, components }) => {
    return { lineId, sku, unit, quantityMilli, ...(components && { components }), ...untouched }
  })
  return {
    requestId,
    warehouseReference: derivedId("W-", requestId),
    orderId,
    orderNumber,
    locationId,
    method,
    // One text instead of the whole address: the books hold two hundred thousand of these.
    destination: `${asked.shipTo.countryCode ?? ""} ${asked.shipTo.postalCode} ${asked.shipTo.city}`,
    isPickingStarted: false,
    lines,
    shipmentIds: [],
    cancellations: new Map(),
  }
}

/** Units that are neither packed, shipped, cancelled nor missing. */
export function openMilli(line: RequestLine): number {
  return line.quantityMilli - line.pickedMilli - line.shippedMilli - line.cancelledMilli - line.missingMilli
}

export function isFinished(request: ShipmentRequest): boolean {
  return request.lines.every((line) => openMilli(line) === 0 && line.pickedMilli === 0)
}

/** docs/reference/http-json-systems.md, the table of states. */
function statusOf(request: ShipmentRequest): RequestStatus {
  const hasShipped = request.lines.some((line) => line.shippedMilli > 0)
  if (!isFinished(request)) return hasShipped ? "partly-shipped" : request.isPickingStarted ? "picking" : "accepted"
  if (request.lines.some((line) => line.missingMilli > 0)) return "short"
  return hasShipped ? "shipped" : "cancelled"
}

/** Cancels open units; packed or shipped ones are refused line by line. A repeat of the id gets the same response. */
export function cancelLines(
  request: ShipmentRequest,
  asked: { cancellationId: string; lines: readonly LineQuantity[] | undefined },
): CancellationAnswer {
  const given = request.cancellations.get(asked.cancellationId)
  if (given !== undefined) return given
  const answer: CancellationAnswer = { cancelled: [], refused: [] }
  const wanted = asked.lines ?? request.lines.map(({ lineId, quantityMilli }) => ({ lineId, quantityMilli }))
  for (const { lineId, quantityMilli } of wanted) {
    const line = request.lines.find((candidate) => candidate.lineId === lineId)
    if (line !== undefined) cancelLine(line, quantityMilli, answer)
  }
  request.cancellations.set(asked.cancellationId, answer)
  return answer
}

function cancelLine(line: RequestLine, wantedMilli: number, answer: CancellationAnswer): void {
  const { lineId } = line
  const cancelled = Math.min(wantedMilli, openMilli(line))
  const picked = Math.min(wantedMilli - cancelled, line.pickedMilli)
  const shipped = Math.min(wantedMilli - cancelled - picked, line.shippedMilli)
  line.cancelledMilli += cancelled
  if (cancelled > 0) answer.cancelled.push({ lineId, quantityMilli: cancelled })
  if (picked > 0) answer.refused.push({ lineId, quantityMilli: picked, reason: "picked" })
  if (shipped > 0) answer.refused.push({ lineId, quantityMilli: shipped, reason: "shipped" })
}

/** The request as `GET /shipment-requests/{requestId}` shows it. */
export function viewOf(request: ShipmentRequest): Record<string, unknown> {
  const { requestId, warehouseReference, orderId, orderNumber, locationId, method, shipmentIds } = request
  const lines = request.lines.map(({ pickedMilli: _picked, components: _components, ...line }) => line)
  const status = statusOf(request)
  return { requestId, warehouseReference, orderId, orderNumber, locationId, method, status, lines, shipmentIds }
}
