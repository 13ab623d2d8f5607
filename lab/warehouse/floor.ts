import { derivedId } from "../http-json/protocol.ts"
import type { EventEmitter, ProtocolEvent } from "../http-json/standard-webhooks.ts"
import type { Random } from "../random.ts"
import { randomStream } from "../random.ts"
import type { Range, Schedule } from "../schedule.ts"
import { commitLine, shipLine } from "./line-goods.ts"
import type { RequestLine, ShipmentRequest, ShippedLine } from "./request-book.ts"
import { isFinished, openMilli } from "./request-book.ts"
import type { Road, RoadHabits, RoadParcel } from "./road.ts"
import type { Shelf } from "./shelf.ts"

/** Habits of the warehouse staff; changeable while the simulator runs. */
export type FloorHabits = RoadHabits & {
  /** From acceptance to the first shipment, and from one shipment to the next. */
  shipAfterMs: Range
  /** Share of requests that leave in two or three shipments. */
  splitShare: number
  /** Share of requests with units that are in the books but not found on the shelf. */
  shortShare: number
  /** True: nothing happens by itself. */
  isPaused: boolean
}

export const defaultHabits: FloorHabits = {
  shipAfterMs: { min: 200, max: 1_000 },
  deliverAfterMs: { min: 500, max: 3_000 },
  tellsTheWay: true,
  mishapShare: 0.03,
  splitShare: 0.15,
  shortShare: 0.02,
  isPaused: false,
}

export type Floor = {
  /** Begins the work on a request. */
  accept(request: ShipmentRequest): void
  /** Completes the rest of a request at once. */
  shipNow(request: ShipmentRequest): void
  resume(requests: Iterable<ShipmentRequest>): void
  /** After a start: continues the previous lab's work, packed boxes and parcels under way included. */
  resumeAfterStart(requests: ReadonlyMap<string, ShipmentRequest>, told: ToldBefore): void
}

export type ToldBefore = { shipped: readonly ProtocolEvent[]; milestones: readonly ProtocolEvent[] }

export type FloorParts = {
  seed: number
  habits(): FloorHabits
  shelf: Shelf
  schedule: Schedule
  emitter: EventEmitter
  road: Road
  /** Called when something about a request has changed. */
  changed(request: ShipmentRequest): void
}

type Work = { request: ShipmentRequest; random: Random; parcelsLeft: number }

/** Share of the delay in which a request can still be cancelled; afterwards its goods are packed. */
const untouchedShare = 0.6

/** Picks, packs and ships. The seed and a request's id determine its course, so the order of requests does not matter. */
export function createFloor(parts: FloorParts): Floor {
  const begin = (request: ShipmentRequest): Work => {
    const random = randomStream(parts.seed, `warehouse/${request.requestId}`)
    const parcelsLeft = random.chance(parts.habits().splitShare) ? random.integer(2, 3) : 1
    return { request, random, parcelsLeft }
  }
  const plan = (work: Work): void => {
    const { min, max } = parts.habits().shipAfterMs
    const delayMs = work.random.integer(min, max)
    parts.schedule.after(delayMs * untouchedShare, () => {
      if (parts.habits().isPaused || isFinished(work.request)) return
      const lines = pick(work, parts)
      parts.schedule.after(delayMs * (1 - untouchedShare), () => {
        ship(work, { lines, parts })
        if (!isFinished(work.request)) plan(work)
      })
    })
  }
  const resume = (requests: Iterable<ShipmentRequest>): void => {
    if (parts.habits().isPaused) return
    for (const request of requests) if (!isFinished(request) && !hasBox(request)) plan(begin(request))
  }
  const shipBox = (work: Work): void => {
    parts.schedule.after(work.random.integer(parts.habits().shipAfterMs.min, parts.habits().shipAfterMs.max), () => {
      ship(work, { lines: boxedOf(work.request), parts })
      if (!isFinished(work.request)) plan(work)
    })
  }
  const shipNow = (request: ShipmentRequest): void => {
    const work = { ...begin(request), parcelsLeft: 1 }
    if (!isFinished(request)) ship(work, { lines: pick(work, parts), parts })
  }
  return {
    accept: (request) => {
      if (!parts.habits().isPaused) plan(begin(request))
    },
    shipNow,
    resume,
    resumeAfterStart: (requests, told) => {
      for (const request of requests.values()) if (hasBox(request)) shipBox(begin(request))
      resume(requests.values())
      goOnWithTheRoad(requests, told, parts)
    },
  }
}

/** Fills the next parcel. Units that are not on the shelf when the work begins stay missing. */
function pick(work: Work, parts: FloorParts): ShippedLine[] {
  const { request } = work
  if (!request.isPickingStarted) {
    request.isPickingStarted = true
    declareMissing(work, parts)
  }
  const open = request.lines.filter((line) => openMilli(line) > 0)
  const boxed: ShippedLine[] = []
  for (const line of open) {
    const isLastChance = boxed.length === 0 && line === open.at(-1)
    const quantityMilli = parcelShareMilli(line, { work, isLastChance })
    if (quantityMilli === 0) continue
    line.pickedMilli += quantityMilli
    boxed.push({ lineId: line.lineId, sku: line.sku, quantityMilli, unit: line.unit })
  }
  work.parcelsLeft -= 1
  parts.changed(request)
  return boxed
}

/** The last parcel takes everything; an earlier one whole lines or half of them, but never nothing at all. */
function parcelShareMilli(line: RequestLine, { work, isLastChance }: { work: Work; isLastChance: boolean }): number {
  const open = openMilli(line)
  if (work.parcelsLeft <= 1 || work.random.chance(0.4)) return open
  const half = line.unit === "ea" ? Math.floor(open / 2_000) * 1_000 : Math.floor(open / 2)
  return half === 0 && isLastChance ? open : half
}

function declareMissing(work: Work, parts: FloorParts): void {
  const { request, random } = work
  const unlucky = random.chance(parts.habits().shortShare) ? random.integer(0, request.lines.length - 1) : -1
  const lines = request.lines.flatMap((line, index) => {
    const missingMilli = missingOf(line, { request, parts, isUnlucky: index === unlucky })
    if (missingMilli === 0) return []
    line.missingMilli += missingMilli
    return [{ lineId: line.lineId, sku: line.sku, missingMilli, unit: line.unit }]
  })
  if (lines.length === 0) return
  const { requestId, orderId, locationId } = request
  parts.emitter.emit({ type: "request.short", fact: requestId, fields: { requestId, orderId, locationId, lines } })
}

type Search = { request: ShipmentRequest; parts: FloorParts; isUnlucky: boolean }

function missingOf(line: RequestLine, { request, parts, isUnlucky }: Search): number {
  const open = openMilli(line)
  // A visible input with a meaning, so that the demo can show this failure.
  if (line.sku.startsWith("SHORT-")) return open
  const lostMilli = isUnlucky ? Math.min(open, line.unit === "ea" ? 1_000 : 250) : 0
  return open - commitLine(line, open - lostMilli, { shelf: parts.shelf, locationId: request.locationId })
}

function ship(work: Work, { lines, parts }: { lines: ShippedLine[]; parts: FloorParts }): void {
  const { request } = work
  if (lines.length === 0) return
  for (const boxed of lines) {
    const line = request.lines.find((candidate) => candidate.lineId === boxed.lineId)
    if (line === undefined) throw new Error(`line ${boxed.lineId} of ${request.requestId} is gone`)
    line.pickedMilli -= boxed.quantityMilli
    line.shippedMilli += boxed.quantityMilli
    shipLine(line, boxed.quantityMilli, { shelf: parts.shelf, locationId: request.locationId })
  }
  const { requestId, orderId, orderNumber, locationId } = request
  const fact = `${requestId}/${request.shipmentIds.length + 1}`
  const shipmentId = derivedId("SH-", fact)
  request.shipmentIds.push(shipmentId)
  const trackingNumber = derivedId(request.method === "pickup" ? "CC" : "JVGL", fact).toUpperCase()
  const fields = {
    shipmentId,
    requestId,
    orderId,
    orderNumber,
    locationId,
    carrier: request.method === "pickup" ? "COLLECT" : work.random.pick(["DHL", "POSTNL", "DPD", "GLS"]),
    trackingNumber,
    trackingUrl: `https://track.example/${trackingNumber}`,
    lines,
    isLast: isFinished(request),
  }
  parts.emitter.emit({ type: "shipment.shipped", fact, fields })
  parts.changed(request)
  parts.road.take({ fact, fields: { shipmentId, requestId, orderId } })
}

function goOnWithTheRoad(requests: ReadonlyMap<string, ShipmentRequest>, told: ToldBefore, { road }: FloorParts): void {
  for (const event of told.shipped) {
    const parcel = parcelOf(event, requests)
    const before = told.milestones.filter(({ shipmentId }) => shipmentId === parcel.fields.shipmentId)
    road.take(parcel, new Set(before.map(({ milestone }) => String(milestone))))
  }
}

/** The parcel of a reported shipment. */
export function parcelOf(
  { shipmentId, requestId, orderId }: ProtocolEvent,
  requests: ReadonlyMap<string, ShipmentRequest>,
): RoadParcel {
  const fields = { shipmentId: String(shipmentId), requestId: String(requestId), orderId: String(orderId) }
  const n = requests.get(fields.requestId)?.shipmentIds.indexOf(fields.shipmentId) ?? 0
  return { fact: `${fields.requestId}/${n + 1}`, fields }
}

function boxedOf(request: ShipmentRequest): ShippedLine[] {
  return request.lines.flatMap(({ lineId, sku, pickedMilli, unit }) =>
    pickedMilli === 0 ? [] : [{ lineId, sku, quantityMilli: pickedMilli, unit }],
  )
}

function hasBox(request: ShipmentRequest): boolean {
  return request.lines.some((line) => line.pickedMilli > 0)
}
