import { money } from "../../base/money.ts"
import { businessDate } from "../../base/time.ts"
import type { EventData, EventName } from "../../canonical/events.ts"
import type { Order } from "../../canonical/order.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import type { Signal } from "../../effects/ledger.ts"
import type { RoutedLine } from "../../ports/capabilities.ts"
import { mergeLines, shipmentAmounts } from "../../rules/apportion.ts"
import { invoiceEntry } from "../../rules/invoice.ts"
import type { Routing } from "../../rules/route-order.ts"
import type { RunContext } from "../define-workflow.ts"
import { stopOrder } from "./cancellation.ts"
import { applyEarlyEdit, decideLateEdit } from "./edits.ts"
import { capturePayment } from "./payment.ts"
import type { OrderPolicies } from "./policies.ts"
import { placedStockLines, routeAndAllocate } from "./stock.ts"
import { ignoreLeftAsIs, notify } from "./words.ts"
import type { Step } from "../step.ts"

/** One parcel's worth of an order asked of one location. */
export interface Leg {
  n: number
  locationId: string
  reservation: string
  lines: RoutedLine[]
  requestKey: string
  isReleased: boolean
}

interface FulfilmentStart {
  step: Step
  order: Order
  routing: Routing
  context: RunContext<OrderPolicies>
  documentNumber: string
}

const news: readonly EventName[] = [
  "shipment.confirmed",
  "shipment.short",
  "order.cancellation-requested",
  "order.edited",
  "order.fulfilled-by-channel",
]

/**
 * The part of an order's life in which goods move. Its fields are rebuilt by every run from the same steps in the same
 * order; nothing here is stored anywhere but in the ledger.
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
  readonly #capturedMinor = new Map<string, number>()
  readonly #knownTracking = new Set<string>()
  #invoicedMinor = 0
  #isLateTold = false

  constructor(start: FulfilmentStart) {
    this.step = start.step
    this.order = start.order
    this.context = start.context
    this.documentNumber = start.documentNumber
    this.addLegs(start.routing, start.order.id)
  }

  addLegs(routing: Routing, reservation: string): Leg[] {
    const byLocation = new Map<string, RoutedLine[]>()
    for (const line of routing.lines)
      byLocation.set(line.locationId, [...(byLocation.get(line.locationId) ?? []), line])
    const added = [...byLocation].map(([locationId, lines], index) => {
      const n = this.legs.length + index + 1
      return { n, locationId, reservation, lines, requestKey: `${this.order.id}-${n}`, isReleased: false }
    })
    this.legs.push(...added)
    return added
  }

  /** Thousandths of a line that are neither shipped nor cancelled. */
  openMilli(lineId: string): number {
    const line = this.order.lines.find((candidate) => candidate.id === lineId)
    return (line?.quantity.milli ?? 0) - (this.shipped.get(lineId) ?? 0) - (this.cancelled.get(lineId) ?? 0)
  }

  get isAllDone(): boolean {
    return this.order.lines.every((line) => this.openMilli(line.id) <= 0)
  }

  /** Edits that came before anything was released are applied as if the order had been placed so. */
  async takeLateEdits(): Promise<void> {
    await applyEarlyEdit(this)
  }

  async releaseAll(): Promise<void> {
    for (const leg of this.legs) await this.release(leg)
    this.step.announce("released", "released", {
      reason: this.legs.map((leg) => leg.locationId).join(", ") || "nothing to ship",
    })
    await this.#fulfilDigitalLines()
  }

  async release(leg: Leg): Promise<void> {
    if (leg.lines.length === 0) return
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
    const shippedAt = await this.step.decide("look for late facts#digital", () => this.now())
    await this.#ship({
      id: `digital-${this.order.id}`,
      orderId: this.order.id,
      locationId: "digital",
      shippedAt,
      lines: digital.map((line) => ({ lineId: line.id, quantity: line.quantity })),
    })
  }

  now(): string {
    return this.step.now()
  }

  /** Takes in news until every line is shipped or cancelled. */
  async untilNothingIsOpen(): Promise<void> {
    while (!this.isAllDone) {
      const signal = await this.step.next("news of the order", {
        signals: news,
        ...(this.#isLateTold ? {} : { within: this.context.policies.shipWithin }),
      })
      if (signal) await this.#take(signal)
      else await this.#tellLate()
    }
    await this.#giveBackLeftovers()
    const isAnythingShipped = [...this.shipped.values()].some((milli) => milli > 0)
    if (isAnythingShipped && this.step.outstanding.length === 0) this.step.announce("closed", "closed")
  }

  async #take(signal: Signal): Promise<void> {
    if (signal.name === "shipment.confirmed")
      return this.#ship((signal.data as EventData<"shipment.confirmed">).shipment)
    if (signal.name === "shipment.short") return this.#shipFromElsewhere(signal)
    if (signal.name === "order.cancellation-requested") return stopOrder(this, signal)
    if (signal.name === "order.edited") return decideLateEdit(this, signal)
    return this.#compareWithOwn(signal)
  }

  /** Everything one shipment causes. What waits for one system does not hold up the others. */
  async #ship(reported: Shipment): Promise<void> {
    const { step, order, context } = this
    const shipment = await this.#withinOrder(reported)
    if (shipment.lines.length === 0) return
    const name = shipment.id
    const routed = this.#routedLines(shipment)
    const amounts = shipmentAmounts(order, this.shipped, shipment.lines)
    const invoicedBeforeMinor = this.#invoicedMinor
    this.#invoicedMinor += amounts.totalMinor
    for (const [lineId, milli] of mergeLines(shipment.lines))
      this.shipped.set(lineId, (this.shipped.get(lineId) ?? 0) + milli)
    // A shop shows the shipment's id where there is no tracking number.
    this.#knownTracking.add(shipment.trackingNumber ?? shipment.id)
    const isFinal = this.isAllDone
    const dueMinor = context.policies.capture === "once" ? order.total.shop.amountMinor : this.#invoicedMinor
    const n = (this.shipmentCount += 1)
    const entry = invoiceEntry({
      order,
      amounts,
      number: `${order.id}-i${n}`,
      postedAt: shipment.shippedAt,
      businessDate: businessDate(shipment.shippedAt, context.policies.timeZone),
      invoicedBeforeMinor,
    })
    const books = { channel: order.channel }
    await step.alongside(
      () => this.#consume(shipment, routed),
      () =>
        routed.length === 0
          ? Promise.resolve()
          : step
              .effect(`record delivery in ERP#${name}`, {
                write: context.use("recordsDeliveries", books).recordDelivery,
                input: { orderId: order.id, documentNumber: this.documentNumber, shipment, lines: routed },
                key: `${order.id}-d${n}`,
                ifRejected: { ask: this.#refusedText(`The ERP refused the delivery of order ${order.number}`) },
              })
              .catch(ignoreLeftAsIs),
      () =>
        step
          .effect(`post invoice#${name}`, {
            write: context.use("postsJournals", books).postEntry,
            input: { entry },
            key: entry.number,
            lane: "finance",
            ifRejected: { ask: this.#refusedText(`The general ledger refused the invoice of order ${order.number}`) },
          })
          .catch(ignoreLeftAsIs),
      () =>
        capturePayment(step, order, { ...context, name, dueMinor, capturedMinor: this.#capturedMinor, isFinal }).catch(
          ignoreLeftAsIs,
        ),
      () => this.#tellShop(shipment),
      () =>
        notify(step, `tell customer it shipped#${name}`, { ...context, message: { order, kind: "shipped", shipment } }),
    )
    const state = this.isAllDone ? "shipped" : "partly shipped"
    step.announce(`${state}#${name}`, state, {
      amount: money(amounts.totalMinor, order.currency.shop),
      ...(shipment.trackingNumber ? { reason: `${shipment.carrier ?? "parcel"} ${shipment.trackingNumber}` } : {}),
    })
  }

  shipmentCount = 0

  async #consume(shipment: Shipment, routed: readonly RoutedLine[]): Promise<void> {
    const { step, order, context } = this
    if (routed.length === 0) return
    const reservation = this.legs.find((leg) => leg.locationId === shipment.locationId)?.reservation ?? order.id
    await step.effect(`consume stock#${shipment.id}`, {
      write: context.use("reservesStock").consume,
      input: {
        reservation,
        shipmentId: shipment.id,
        shippedAt: shipment.shippedAt,
        lines: placedStockLines(order, routed),
      },
      lane: "stock",
    })
  }

  async #tellShop(shipment: Shipment): Promise<void> {
    const { step, order, context } = this
    const scope = { channel: order.channel }
    if (!context.can("updatesChannel", scope)) return
    await step
      .effect(`tell the shop it shipped#${shipment.id}`, {
        write: context.use("updatesChannel", scope).confirmFulfilment,
        input: { order, shipment, notifyCustomer: false },
        ifRejected: { ask: this.#refusedText(`The shop refused the fulfilment of order ${order.number}`) },
      })
      .catch(ignoreLeftAsIs)
  }

  #refusedText(summary: string) {
    return {
      summary,
      ifNobodyActs: "that system does not know of it",
      owner: "operations",
      allowedActions: ["retry", "leave it"],
      atRisk: this.order.total.shop,
    }
  }

  /** Cuts a shipment down to what is open; more than was asked for is told, never booked. */
  async #withinOrder(shipment: Shipment): Promise<Shipment> {
    const lines: LineQuantity[] = []
    const beyond: string[] = []
    for (const [lineId, milli] of mergeLines(shipment.lines)) {
      const known = this.order.lines.find((line) => line.id === lineId)
      const open = Math.max(0, (known?.quantity.milli ?? 0) - (this.shipped.get(lineId) ?? 0))
      const taken = Math.min(open, milli)
      if (known && taken > 0) lines.push({ lineId, quantity: { milli: taken, unit: known.quantity.unit } })
      if (taken < milli) beyond.push(`${(milli - taken) / 1000} of line ${lineId}`)
    }
    if (beyond.length > 0)
      await this.step.raise(`shipped too much#${shipment.id}`, {
        summary: `Shipment ${shipment.id} of order ${this.order.number} holds more than was ordered or is open: ${beyond.join(", ")}.`,
        ifNobodyActs: "the surplus is neither invoiced nor expected back",
        owner: "operations",
        allowedActions: ["acknowledge"],
      })
    // Shipped although it had been stopped: it counts as shipped again, and has to come back.
    for (const { lineId, quantity } of lines) {
      const back = Math.min(this.cancelled.get(lineId) ?? 0, Math.max(0, quantity.milli - this.openMilli(lineId)))
      if (back <= 0) continue
      this.cancelled.set(lineId, (this.cancelled.get(lineId) ?? 0) - back)
      await this.#tellShippedAfterStop(shipment)
    }
    return { ...shipment, lines }
  }

  async #tellShippedAfterStop(shipment: Shipment): Promise<void> {
    await this.step.raise(`shipped after it was stopped#${shipment.id}`, {
      summary: `Shipment ${shipment.id} of order ${this.order.number} left although the order was cancelled. A return is due.`,
      ifNobodyActs: "the buyer keeps goods of a cancelled order",
      owner: "customer service",
      allowedActions: ["open a return", "acknowledge"],
      atRisk: this.order.total.shop,
    })
  }

  #routedLines(shipment: Shipment): RoutedLine[] {
    return shipment.lines.flatMap(({ lineId, quantity }) => {
      const line = this.order.lines.find((candidate) => candidate.id === lineId)
      if (!line || line.fulfilment.method === "digital" || line.isGiftCard) return []
      return [{ lineId, sku: line.sku, quantity, locationId: shipment.locationId }]
    })
  }

  /** A location does not have what it was asked for: an exception (P-10), and the rest is sought elsewhere. */
  async #shipFromElsewhere(signal: Signal): Promise<void> {
    const { shortage } = signal.data as EventData<"shipment.short">
    const { step, order, context } = this
    const wanted = shortage.lines.flatMap(({ lineId, quantity }) => {
      const line = order.lines.find((candidate) => candidate.id === lineId)
      const milli = Math.min(quantity.milli, this.openMilli(lineId))
      return line && milli > 0 ? [{ line, milli }] : []
    })
    const first = wanted[0]
    if (!first) return
    await step.raise(`location is short#${shortage.id}`, {
      summary: `${shortage.locationId} has too little for order ${order.number}: missing ${wanted.map(({ line, milli }) => `${milli / 1000} × ${line.sku}`).join(", ")}.`,
      ifNobodyActs: "another location is asked, as soon as one has it",
      owner: "operations",
      allowedActions: ["acknowledge"],
      atRisk: order.total.shop,
      sku: first.line.sku,
      missingMilli: wanted.reduce((sum, { milli }) => sum + milli, 0),
    })
    const reservation = this.legs.find((leg) => leg.locationId === shortage.locationId)?.reservation ?? order.id
    const request = { label: `${shortage.id}:`, reservation, wanted, without: [shortage.locationId] }
    const routing = await routeAndAllocate(step, order, { ...context, request })
    for (const leg of this.addLegs(routing, reservation)) await this.release(leg)
  }

  /** The shop reports a fulfilment: our own, coming back (P-08), or somebody shipped past us. */
  async #compareWithOwn(signal: Signal): Promise<void> {
    const { trackingNumber, fulfilmentId } = signal.data as EventData<"order.fulfilled-by-channel">
    const isEcho = trackingNumber === undefined || this.#knownTracking.has(trackingNumber)
    if (isEcho) return
    await this.step.raise(`fulfilled past us#${fulfilmentId}`, {
      summary: `The shop shows a fulfilment of order ${this.order.number} (${trackingNumber}) that no location reported.`,
      ifNobodyActs: "the goods are shipped a second time when the location ships",
      owner: "operations",
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

  async #giveBackLeftovers(): Promise<void> {
    const reservations = [...new Set(this.legs.map((leg) => leg.reservation))]
    const isLeftover = [...this.cancelled.values()].some((milli) => milli > 0) || this.legs.length > 1
    if (!isLeftover) return
    for (const reservation of reservations)
      await this.step.effect(`give back leftover stock#${reservation}`, {
        write: this.context.use("reservesStock").release,
        input: { reservation, reason: "the order is complete" },
        lane: "stock",
      })
  }
}
