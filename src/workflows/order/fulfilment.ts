import type { EventData, EventName } from "../../canonical/events.ts"
import type { Order } from "../../canonical/order.ts"
import type { Signal } from "../../effects/ledger-rows.ts"
import { Suspension } from "../../effects/perform.ts"
import type { RoutedLine } from "../../ports/capabilities.ts"
import type { Routing } from "../../rules/route-order.ts"
import type { RunContext, UndoReason } from "../define-workflow.ts"
import { stopOrder } from "./cancellation.ts"
import { compareWithOwn, digitalShipment, tellRefund } from "./channel-news.ts"
import { applyEarlyEdit, decideLateEdit, holdLateEdit } from "./edits.ts"
import { finishOrder } from "./ending.ts"
import { Captures } from "./payment.ts"
import type { OrderPolicies } from "./policies.ts"
import { decideSought, seekAgain, seekElsewhere, type Sought } from "./shortage.ts"
import { takeShipment } from "./shipment.ts"
import type { Step } from "../step.ts"

/** One parcel's worth of an order asked of one location. */
export interface Leg {
  n: number
  locationId: string
  reservation: string
  /** What the location answers for, shipped units included. */
  lines: RoutedLine[]
  requestKey: string
  isReleased: boolean
  /** Set while it is not known whether the location has the request. */
  suspended?: Suspension
}

interface FulfilmentStart {
  step: Step
  order: Order
  routing: Routing
  context: RunContext<OrderPolicies>
  documentNumber: string
  /** Facts of fraud reviews that were looked at before anything was released. */
  knownReviews: readonly string[]
}

const news: readonly EventName[] = [
  "shipment.confirmed",
  "shipment.short",
  "order.cancellation-requested",
  "order.edited",
  "order.fulfilled-by-channel",
  "order.refunded",
  "order.fraud-review-opened",
  "order.fraud-review-decided",
  "exception.decided",
]

/**
 * The part of an order's life in which goods move. Its fields are rebuilt by every run from the same steps in the same
 * order; nothing here is stored anywhere but in the ledger. Nothing in it waits for one thing only: whatever cannot go on is
 * left behind and taken up by a later run, so that a cancellation or a parcel is always heard.
 */
export class OrderFulfilment {
  readonly step: Step
  readonly context: RunContext<OrderPolicies>
  readonly documentNumber: string
  order: Order
  readonly legs: Leg[] = []
  /** Thousandths by line id. */
  readonly shipped = new Map<string, number>()
  readonly cancelled = new Map<string, number>()
  /** Thousandths by line and location, as `placeKey` names them. */
  readonly shippedFrom = new Map<string, number>()
  /** Goods that no location was found for yet. */
  readonly sought = new Set<Sought>()
  /** Facts of edits that were looked at before anything was released. */
  knownEdits: readonly string[] = []
  /** Edits that wait for a person, by the id of the exception. */
  readonly heldEdits = new Map<string, Order>()
  readonly captures = new Captures()
  readonly knownTracking = new Set<string>()
  /** Exceptions about parcels that only the shop has told of yet, by tracking number. */
  readonly shippedPastUs = new Map<string, string>()
  invoicedMinor = 0
  shipmentCount = 0
  /** Whether stock may hold more for it than will ship. */
  holdsTooMuch = false
  /** Whether the ERP has still to take an amendment. */
  isAmendmentOpen = false
  stopReason: UndoReason | undefined
  readonly #knownReviews: readonly string[]
  #isLateTold = false

  constructor(start: FulfilmentStart) {
    this.step = start.step
    this.order = start.order
    this.context = start.context
    this.documentNumber = start.documentNumber
    this.#knownReviews = start.knownReviews
    this.addLegs(start.routing, start.order.id)
  }

  addLegs(routing: Routing, reservation: string): Leg[] {
    const byLocation = new Map<string, RoutedLine[]>()
    for (const line of routing.lines)
      byLocation.set(line.locationId, [...(byLocation.get(line.locationId) ?? []), line])
    const added = [...byLocation].map(([locationId, lines], index) =>
      this.#leg(this.legs.length + index + 1, { locationId, reservation, lines }),
    )
    this.legs.push(...added)
    return added
  }

  /** Another request to a location that answers for these goods already. */
  addLegAgain(leg: Pick<Leg, "locationId" | "reservation" | "lines">): Leg {
    const added = this.#leg(this.legs.length + 1, leg)
    this.legs.push(added)
    return added
  }

  #leg(n: number, { locationId, reservation, lines }: Pick<Leg, "locationId" | "reservation" | "lines">): Leg {
    return { n, locationId, reservation, lines, requestKey: `${this.order.id}-${n}`, isReleased: false }
  }

  /** What each location answers for, a line at a place once, however many requests it took. */
  get routing(): RoutedLine[] {
    const merged = new Map<string, RoutedLine>()
    for (const line of this.legs.flatMap((leg) => leg.lines)) {
      const key = `${line.lineId}\n${line.locationId}`
      const milli = (merged.get(key)?.quantity.milli ?? 0) + line.quantity.milli
      merged.set(key, { ...line, quantity: { ...line.quantity, milli } })
    }
    return [...merged.values()]
  }

  /** Thousandths of a line that are neither shipped nor cancelled. */
  openMilli(lineId: string): number {
    const line = this.order.lines.find((candidate) => candidate.id === lineId)
    return (line?.quantity.milli ?? 0) - (this.shipped.get(lineId) ?? 0) - (this.cancelled.get(lineId) ?? 0)
  }

  get isAllDone(): boolean {
    return this.order.lines.every((line) => this.openMilli(line.id) <= 0)
  }

  get isAnythingShipped(): boolean {
    return [...this.shipped.values()].some((milli) => milli > 0)
  }

  cancel(lineId: string, milli: number): void {
    this.cancelled.set(lineId, (this.cancelled.get(lineId) ?? 0) + milli)
    if (milli > 0) this.holdsTooMuch = true
  }

  /** Edits that came before anything was released are applied as if the order had been placed so. */
  async takeLateEdits(): Promise<void> {
    await applyEarlyEdit(this)
  }

  /** Until the first location has its request a cancellation takes everything back; after that goods may be moving. */
  async releaseAll(): Promise<void> {
    const [first, ...others] = this.legs.filter((leg) => leg.lines.length > 0)
    if (first) await this.#send(first)
    this.step.pointOfNoReturn()
    for (const leg of others) await this.release(leg)
    this.step.announce("released", "released", {
      reason: this.legs.map((leg) => leg.locationId).join(", ") || "nothing to ship",
    })
    await this.#fulfilDigitalLines()
  }

  /** Asks a location to ship, unless a cancellation came first. What waits is left behind for a later run. */
  async release(leg: Leg): Promise<void> {
    if (leg.lines.length === 0 || (await this.isOvertaken(leg))) return
    await this.step.alongside(() =>
      this.#send(leg).catch((thrown: unknown) => {
        if (thrown instanceof Suspension) leg.suspended = thrown
        throw thrown
      }),
    )
  }

  /** Whether a leg stays unreleased because the order was cancelled before its request was sent. */
  isOvertaken(leg: Leg): Promise<boolean> {
    return this.step.isOvertaken(`release to location#${leg.n}`, "order.cancellation-requested")
  }

  async #send(leg: Leg): Promise<void> {
    await this.step.effect(`release to location#${leg.n}`, {
      write: this.context.use("releasesFulfilment", { location: leg.locationId }).releaseShipment,
      input: { order: this.order, locationId: leg.locationId, lines: leg.lines },
      key: leg.requestKey,
      ifRejected: {
        ask: {
          summary: `${leg.locationId} refused to ship its part of order ${this.order.number}`,
          ifNobodyActs: "that part is not shipped",
          owner: "operations",
          allowedActions: ["retry"],
          atRisk: this.order.total.shop,
        },
      },
    })
    leg.isReleased = true
  }

  /** Gift cards and downloads leave no shelf: they count as shipped at once. */
  async #fulfilDigitalLines(): Promise<void> {
    const digital = this.order.lines.filter(
      (line) => line.quantity.milli > 0 && (line.fulfilment.method === "digital" || line.isGiftCard),
    )
    if (digital.length === 0) return
    const shippedAt = await this.step.decide("look for late facts#digital", () => this.step.now())
    await takeShipment(this, {
      id: digitalShipment(this.order),
      orderId: this.order.id,
      locationId: "digital",
      shippedAt,
      lines: digital.map((line) => ({ lineId: line.id, quantity: line.quantity })),
    })
  }

  /** Takes in news until every line is shipped or cancelled and no edit waits for a decision. */
  async untilNothingIsOpen(): Promise<void> {
    while (!this.isAllDone || this.heldEdits.size > 0) {
      const signal = await this.step.next("news of the order", { signals: news, ...this.#patience() })
      if (signal) await this.#take(signal)
      else if (this.sought.size > 0) await seekAgain(this)
      else await this.#tellLate()
    }
    await finishOrder(this)
  }

  #patience() {
    const { routeAgainAfter, shipWithin } = this.context.policies
    if (this.sought.size > 0) return { within: routeAgainAfter }
    return this.#isLateTold || this.isAllDone ? {} : { within: shipWithin }
  }

  async #take(signal: Signal): Promise<void> {
    if (signal.name === "shipment.confirmed")
      return takeShipment(this, (signal.data as EventData<"shipment.confirmed">).shipment)
    if (signal.name === "shipment.short") return seekElsewhere(this, signal)
    if (signal.name === "order.cancellation-requested") return this.#cancel(signal)
    if (signal.name === "order.edited") return holdLateEdit(this, signal)
    if (signal.name === "order.fulfilled-by-channel") return compareWithOwn(this, signal)
    if (signal.name === "order.refunded") return tellRefund(this.step, this.order, signal)
    if (signal.name === "exception.decided") {
      const decided = signal.data as EventData<"exception.decided">
      await decideLateEdit(this, decided)
      return decideSought(this, decided)
    }
    return this.#hearReview(signal)
  }

  async #cancel(signal: Signal): Promise<void> {
    const { reason } = signal.data as EventData<"order.cancellation-requested">
    return stopOrder(this, { label: signal.fact, reason, fact: signal.fact })
  }

  /** A review that ends badly after release stops what can still be stopped, as a cancellation does. */
  async #hearReview(signal: Signal): Promise<void> {
    if (this.#knownReviews.includes(signal.fact)) return
    if (signal.name === "order.fraud-review-decided") {
      const { decision, decidedBy } = signal.data as EventData<"order.fraud-review-decided">
      if (decision === "reject")
        await stopOrder(this, { label: signal.fact, reason: `the fraud review ended with "reject" (${decidedBy})` })
      return
    }
    await this.step.raise(`review opened after release#${signal.fact}`, {
      summary: `A fraud review of order ${this.order.number} was opened after it was released.`,
      ifNobodyActs: "it ships; if the review ends badly, what can still be stopped is stopped",
      owner: "customer service",
      allowedActions: ["acknowledge"],
      atRisk: this.order.total.shop,
    })
  }

  async #tellLate(): Promise<void> {
    this.#isLateTold = true
    await this.step.raise("not shipped in time", {
      summary: `Order ${this.order.number} was released and has not shipped in the time agreed.`,
      ifNobodyActs: "it goes on waiting for the location",
      owner: "warehouse",
      allowedActions: ["acknowledge"],
      atRisk: this.order.total.shop,
    })
  }
}
