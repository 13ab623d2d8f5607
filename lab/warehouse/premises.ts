import type { EventEmitter, ProtocolEvent } from "../http-json/standard-webhooks.ts"
import { createEventEmitter } from "../http-json/standard-webhooks.ts"
import type { KeptList, KeptMap } from "../keep/kept.ts"
import { createSchedule } from "../schedule.ts"
import type { Books } from "../books.ts"
import type { SimulatorContext } from "../simulator.ts"
import type { Floor, FloorHabits } from "./floor.ts"
import { createFloor, defaultHabits, parcelOf } from "./floor.ts"
import { releaseLine } from "./line-goods.ts"
import { moveGoods, type MovementOrder } from "./movements.ts"
import type { Road } from "./road.ts"
import { createRoad } from "./road.ts"
import type { CancellationAnswer, LineQuantity, RequestedShipment, ShipmentRequest } from "./request-book.ts"
import { cancelLines, newRequest, viewOf } from "./request-book.ts"
import type { Shelf, ShelfRow } from "./shelf.ts"
import { createShelf } from "./shelf.ts"

export type PremisesOptions = {
  secret: string
  webhookSecret?: string
  retryScale?: number
  habits?: Partial<FloorHabits>
  openingStock?: readonly ShelfRow[]
}

type Cancellation = { cancellationId: string; lines: readonly LineQuantity[] | undefined }

/** Requests, shelves and staff. */
export type Premises = {
  find(requestId: string): ShipmentRequest | undefined
  view(requestId: string): Record<string, unknown> | undefined
  accept(asked: RequestedShipment): ShipmentRequest
  cancel(requestId: string, asked: Cancellation): CancellationAnswer
  /** Events that were sent, in the order of recording. */
  events(after: number, limit: number): readonly ProtocolEvent[]
  eventCount(): number
  /** Reports the stock at a place, of all SKUs or of some. */
  count(locationId: string, skus?: readonly string[]): ProtocolEvent
  /** Has goods moved at a place; undefined when nobody hears of it. */
  move(order: MovementOrder): ProtocolEvent | undefined
  /** What stands on the shelves of a place, in the order of the SKUs. */
  stock(locationId: string, of: { after: string; limit: number }): { rows: ShelfRow[]; next?: string }
  setStock(rows: readonly ShelfRow[]): void
  setHabits(habits: Partial<FloorHabits>): FloorHabits
  shipNow(requestId: string): boolean
  /** Reports a milestone of a shipped parcel; false if there is no such parcel. */
  tellMilestone(shipmentId: string, milestone: string, more: Record<string, unknown>): boolean
  books(): Books
  reset(): void
  stop(): void
}

export function createPremises(context: SimulatorContext, options: PremisesOptions): Premises {
  const { emitter, events } = createRecord(context, options)
  const requests = context.keep<string, ShipmentRequest>("requests")
  const shelf = createShelf(options.openingStock, context.keep("shelf"))
  const schedule = createSchedule()
  const numbers = context.keep<string, number>("movement numbers")
  let habits: FloorHabits = { ...defaultHabits, ...options.habits }
  const road = createRoad({ seed: context.seed, habits: () => habits, schedule, emitter })
  const floor: Floor = createFloor({
    seed: context.seed,
    habits: () => habits,
    shelf,
    schedule,
    emitter,
    road,
    changed: ({ requestId }) => requests.changed(requestId),
  })
  resumeWork(floor, requests, events)
  return {
    find: (requestId) => requests.get(requestId),
    view: (requestId) => {
      const found = requests.get(requestId)
      return found && viewOf(found)
    },
    accept: (asked) => {
      const request = newRequest(asked)
      requests.set(request.requestId, request)
      floor.accept(request)
      return request
    },
    cancel: (requestId, asked) => {
      requests.changed(requestId)
      return cancelAndRelease(requests.get(requestId), { asked, shelf })
    },
    events: (after, limit) => events.slice(after, after + limit),
    eventCount: () => events.size,
    count: (locationId, skus) => {
      const ordinal = toldOf(events, "stock.counted").length
      return countedAt({ locationId, skus }, { shelf, emitter, told: events.size, ordinal })
    },
    move: (order) => moveGoods(order, { shelf, emitter, number: (locationId) => nextNumber(numbers, locationId) }),
    stock: (locationId, page) => pageOf(shelf.rowsAt(locationId), page),
    setStock: (rows) => {
      for (const row of rows) shelf.set(row)
    },
    setHabits: (changes) => {
      const wasPaused = habits.isPaused
      habits = { ...habits, ...changes }
      if (wasPaused && !habits.isPaused) floor.resume(requests.values())
      return habits
    },
    shipNow: (requestId) => {
      const request = requests.get(requestId)
      if (request !== undefined) floor.shipNow(request)
      return request !== undefined
    },
    tellMilestone: (...told) => tellMilestone({ road, requests, events }, ...told),
    books: () => booksOf(requests, events),
    reset: () => {
      schedule.clear()
      requests.clear()
      events.clear()
      numbers.clear()
      shelf.reset()
    },
    stop: () => schedule.clear(),
  }
}

/** The next number of a place's movements; it has no gaps. */
function nextNumber(numbers: KeptMap<string, number>, locationId: string): number {
  const n = (numbers.get(locationId) ?? 0) + 1
  numbers.set(locationId, n)
  return n
}

function pageOf(stock: readonly ShelfRow[], { after, limit }: { after: string; limit: number }) {
  const all = [...stock].sort((one, other) => (one.sku < other.sku ? -1 : 1))
  const rows = all.filter(({ sku }) => sku > after).slice(0, limit)
  const last = rows.at(-1)?.sku
  return { rows, ...(last !== undefined && last !== all.at(-1)?.sku ? { next: last } : {}) }
}

/** Goes on with the work under way when the previous lab ended. */
function resumeWork(
  floor: Floor,
  requests: ReadonlyMap<string, ShipmentRequest>,
  events: KeptList<ProtocolEvent>,
): void {
  floor.resumeAfterStart(requests, {
    shipped: toldOf(events, "shipment.shipped"),
    milestones: toldOf(events, "shipment.milestone"),
  })
}

type RoadRecord = {
  road: Road
  requests: ReadonlyMap<string, ShipmentRequest>
  events: KeptList<ProtocolEvent>
}

function tellMilestone(
  { road, requests, events }: RoadRecord,
  ...[shipmentId, milestone, more]: Parameters<Premises["tellMilestone"]>
): boolean {
  const shipped = toldOf(events, "shipment.shipped").find((event) => event["shipmentId"] === shipmentId)
  if (shipped) road.tell(parcelOf(shipped, requests), milestone, { ...more, ordinal: events.size })
  return shipped !== undefined
}

function booksOf(requests: ReadonlyMap<string, ShipmentRequest>, events: KeptList<ProtocolEvent>): Books {
  return {
    shipmentRequests: [...requests.values()].map(inBooks),
    shipments: toldOf(events, "shipment.shipped"),
    milestones: toldOf(events, "shipment.milestone"),
    counts: toldOf(events, "stock.counted"),
    movements: toldOf(events, "stock.moved"),
  }
}

function toldOf(events: KeptList<ProtocolEvent>, type: string): ProtocolEvent[] {
  return Array.from(events.all()).filter((event) => event.type === type)
}

/** Sends events as webhooks and keeps them in order. */
function createRecord(context: SimulatorContext, options: PremisesOptions) {
  const webhooks = createEventEmitter(context, {
    secret: options.webhookSecret ?? options.secret,
    ...(options.retryScale === undefined ? {} : { retryScale: options.retryScale }),
  })
  const events = context.keepList<ProtocolEvent>("events")
  const emitter: EventEmitter = {
    emit: (told) => {
      const event = webhooks.emit(told)
      events.add(event)
      return event
    },
  }
  return { emitter, events }
}

type CancelParts = { asked: Cancellation; shelf: Shelf }

function cancelAndRelease(request: ShipmentRequest | undefined, { asked, shelf }: CancelParts): CancellationAnswer {
  if (request === undefined) throw new Error("the route looks the request up first")
  const isRepeat = request.cancellations.has(asked.cancellationId)
  const answer = cancelLines(request, asked)
  // Before the work begins nothing is set aside.
  if (isRepeat || !request.isPickingStarted) return answer
  for (const { lineId, quantityMilli } of answer.cancelled) {
    const line = request.lines.find((candidate) => candidate.lineId === lineId)
    if (line !== undefined) releaseLine(line, quantityMilli, { shelf, locationId: request.locationId })
  }
  return answer
}

type CountParts = { shelf: Shelf; emitter: EventEmitter; told: number; ordinal: number }

function countedAt(
  { locationId, skus }: { locationId: string; skus: readonly string[] | undefined },
  { shelf, emitter, told, ordinal }: CountParts,
): ProtocolEvent {
  const lines = shelf.rowsAt(locationId, skus).map(({ sku, onHandMilli, unit }) => ({ sku, onHandMilli, unit }))
  return emitter.emit({
    type: "stock.counted",
    // A place may be counted twice without a shipment in between, and in two runs of the lab: the time tells them apart.
    fact: `${locationId}/${ordinal}/${new Date().toISOString()}`,
    fields: { locationId, eventCursor: String(told), lines },
  })
}

function inBooks(request: ShipmentRequest): Record<string, unknown> {
  const cancellations = [...request.cancellations].map(([cancellationId, answer]) => ({ cancellationId, ...answer }))
  const lines = request.lines.map(({ pickedMilli: _picked, ...line }) => line)
  return { ...viewOf(request), lines, destination: request.destination, cancellations }
}
