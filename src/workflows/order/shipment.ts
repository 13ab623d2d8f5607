import { money } from "../../base/money.ts"
import { businessDate } from "../../base/time.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { Shipment } from "../../canonical/shipment.ts"
import type { RoutedLine } from "../../ports/capabilities.ts"
import { mergeLines, shipmentAmounts } from "../../rules/apportion.ts"
import { invoiceEntry } from "../../rules/invoice.ts"
import { placeKey } from "./cancellation.ts"
import { knowTracking, shownAs } from "./channel-news.ts"
import type { OrderFulfilment } from "./fulfilment.ts"
import { capturePayment } from "./payment.ts"
import { placedStockLines } from "./stock.ts"
import { ignoreLeftAsIs, notify } from "./words.ts"

/** Everything one shipment causes. What waits for one system does not hold up the others. */
export async function takeShipment(fulfilment: OrderFulfilment, reported: Shipment): Promise<void> {
  const { step, order, context } = fulfilment
  const shipment = await withinOrder(fulfilment, reported)
  if (shipment.lines.length === 0) return
  const name = shipment.id
  const amounts = shipmentAmounts(order, fulfilment.shipped, shipment.lines)
  const invoicedBeforeMinor = fulfilment.invoicedMinor
  fulfilment.invoicedMinor += amounts.totalMinor
  for (const [lineId, milli] of mergeLines(shipment.lines))
    countShipped(fulfilment, { lineId, milli, locationId: shipment.locationId })
  knowTracking(fulfilment, shownAs(shipment))
  const n = (fulfilment.shipmentCount += 1)

  const entry = invoiceEntry({
    order,
    amounts,
    number: `${order.id}-i${n}`,
    postedAt: shipment.shippedAt,
    businessDate: businessDate(shipment.shippedAt, context.policies.timeZone),
    invoicedBeforeMinor,
  })
  const isFinal = fulfilment.isAllDone
  const capture = { name, dueMinor: dueMinor(fulfilment), captures: fulfilment.captures, isFinal }
  // Nothing was charged: there is nothing to post, and a ledger takes no document without lines.
  const isFree = entry.lines.every((line) => line.amount.amountMinor === 0)
  const postInvoice = async () =>
    isFree ||
    step
      .effect(`post invoice#${name}`, {
        write: context.use("postsJournals", { channel: order.channel }).postEntry,
        input: { entry },
        key: entry.number,
        lane: "finance",
        ifRejected: { ask: refusedText(fulfilment, `The general ledger refused the invoice of order ${order.number}`) },
      })
      .catch(ignoreLeftAsIs)
  await step.alongside(
    () => consume(fulfilment, shipment),
    () => recordDelivery(fulfilment, shipment, n),
    postInvoice,
    () => capturePayment(step, order, { ...context, ...capture }).catch(ignoreLeftAsIs),
    () => tellShop(fulfilment, shipment),
    () =>
      notify(step, `tell customer it shipped#${name}`, { ...context, message: { order, kind: "shipped", shipment } }),
  )
  const state = isFinal ? "shipped" : "partly shipped"
  step.announce(`${state}#${name}`, state, {
    amount: money(amounts.totalMinor, order.currency.shop),
    ...(shipment.trackingNumber ? { reason: `${shipment.carrier ?? "parcel"} ${shipment.trackingNumber}` } : {}),
  })
}

function countShipped(
  { shipped, shippedFrom }: OrderFulfilment,
  part: { lineId: string; milli: number; locationId: string },
): void {
  const { lineId, milli } = part
  shipped.set(lineId, (shipped.get(lineId) ?? 0) + milli)
  shippedFrom.set(placeKey(part), (shippedFrom.get(placeKey(part)) ?? 0) + milli)
}

/** What should have been taken by now: all that will ever ship, or what has been invoiced. */
function dueMinor({ context, order, cancelled, invoicedMinor }: OrderFulfilment): number {
  if (context.policies.capture === "per shipment") return invoicedMinor
  const kept = order.lines.flatMap(({ id, quantity }): LineQuantity[] => {
    const milli = quantity.milli - (cancelled.get(id) ?? 0)
    return milli > 0 ? [{ lineId: id, quantity: { milli, unit: quantity.unit } }] : []
  })
  return shipmentAmounts(order, new Map(), kept).totalMinor
}

function routedLines({ order }: OrderFulfilment, shipment: Shipment): RoutedLine[] {
  return shipment.lines.flatMap(({ lineId, quantity }) => {
    const line = order.lines.find((candidate) => candidate.id === lineId)
    if (!line || line.fulfilment.method === "digital" || line.isGiftCard) return []
    return [{ lineId, sku: line.sku, quantity, locationId: shipment.locationId }]
  })
}

/** Books what left against the reservation that holds it there: an order's own, or that of an edit. */
async function consume(fulfilment: OrderFulfilment, shipment: Shipment): Promise<void> {
  const { step, order, context, legs } = fulfilment
  const byReservation = new Map<string, RoutedLine[]>()
  for (const line of routedLines(fulfilment, shipment)) {
    const here = legs.filter((leg) => leg.locationId === shipment.locationId)
    const leg = here.find(({ lines }) => lines.some(({ lineId }) => lineId === line.lineId)) ?? here[0]
    const reservation = leg?.reservation ?? order.id
    byReservation.set(reservation, [...(byReservation.get(reservation) ?? []), line])
  }
  for (const [reservation, lines] of byReservation)
    await step.effect(`consume stock#${shipment.id}${reservation === order.id ? "" : `:${reservation}`}`, {
      write: context.use("reservesStock").consume,
      input: {
        reservation,
        shipmentId: shipment.id,
        shippedAt: shipment.shippedAt,
        lines: placedStockLines(order, lines),
      },
      lane: "stock",
    })
}

async function recordDelivery(fulfilment: OrderFulfilment, shipment: Shipment, n: number): Promise<void> {
  const { step, order, context, documentNumber } = fulfilment
  const lines = routedLines(fulfilment, shipment)
  if (lines.length === 0) return
  await step
    .effect(`record delivery in ERP#${shipment.id}`, {
      write: context.use("recordsDeliveries", { channel: order.channel }).recordDelivery,
      input: { orderId: order.id, documentNumber, shipment, lines },
      key: `${order.id}-d${n}`,
      ifRejected: { ask: refusedText(fulfilment, `The ERP refused the delivery of order ${order.number}`) },
    })
    .catch(ignoreLeftAsIs)
}

async function tellShop(fulfilment: OrderFulfilment, shipment: Shipment): Promise<void> {
  const { step, order, context } = fulfilment
  const scope = { channel: order.channel }
  if (!context.can("updatesChannel", scope)) return
  await step
    .effect(`tell the shop it shipped#${shipment.id}`, {
      write: context.use("updatesChannel", scope).confirmFulfilment,
      input: { order, shipment, notifyCustomer: false },
      ifRejected: { ask: refusedText(fulfilment, `The shop refused the fulfilment of order ${order.number}`) },
    })
    .catch(ignoreLeftAsIs)
}

function refusedText({ order }: OrderFulfilment, summary: string) {
  return {
    summary,
    ifNobodyActs: "that system does not know of it",
    owner: "operations",
    allowedActions: ["retry", "leave it"],
    atRisk: order.total.shop,
  }
}

/** Cuts a shipment down to what is open; more than was asked for is told, never booked. */
async function withinOrder(fulfilment: OrderFulfilment, shipment: Shipment): Promise<Shipment> {
  const { step, order, shipped, cancelled } = fulfilment
  const lines: LineQuantity[] = []
  const beyond: string[] = []
  for (const [lineId, milli] of mergeLines(shipment.lines)) {
    const known = order.lines.find((line) => line.id === lineId)
    const open = Math.max(0, (known?.quantity.milli ?? 0) - (shipped.get(lineId) ?? 0))
    const taken = Math.min(open, milli)
    if (known && taken > 0) lines.push({ lineId, quantity: { milli: taken, unit: known.quantity.unit } })
    if (taken < milli) beyond.push(`${(milli - taken) / 1000} of line ${lineId}`)
  }
  if (beyond.length > 0)
    await step.raise(`shipped too much#${shipment.id}`, {
      summary: `Shipment ${shipment.id} of order ${order.number} holds more than was ordered or is open: ${beyond.join(", ")}.`,
      ifNobodyActs: "the surplus is neither invoiced nor expected back",
      owner: "operations",
      allowedActions: ["acknowledge"],
    })
  // Shipped although it had been stopped: it counts as shipped again, and has to come back.
  for (const { lineId, quantity } of lines) {
    const back = Math.min(cancelled.get(lineId) ?? 0, Math.max(0, quantity.milli - fulfilment.openMilli(lineId)))
    if (back <= 0) continue
    cancelled.set(lineId, (cancelled.get(lineId) ?? 0) - back)
    await step.raise(`shipped after it was stopped#${shipment.id}`, {
      summary: `Shipment ${shipment.id} of order ${order.number} left although the order was cancelled. A return is due.`,
      ifNobodyActs: "the buyer keeps goods of a cancelled order",
      owner: "customer service",
      allowedActions: ["open a return", "acknowledge"],
      atRisk: order.total.shop,
    })
  }
  return { ...shipment, lines }
}
