import { ref, type Ref } from "../../src/canonical/refs.ts"
import {
  findOvershipped,
  findUnbookedParcels,
  findUnshippedParcels,
  type Parcel,
  type ShippedLine,
} from "../../src/rules/tie-out/goods.ts"
import type { Books, ShopOrder } from "../books/books.ts"
import {
  groupBy,
  isCalledOff,
  milliOf,
  sum,
  violationsOf,
  type Findings,
  type KnownOrder,
  type View,
  type Violation,
} from "./view.ts"

/**
 * Every shipment is known once in every system (ERP deliveries, the shop's fulfilments, mails), and nothing left that
 * should not have.
 */
export function checkGoods(view: View): Findings {
  const parts = [checkDeliveries(view), checkFulfilments(view), checkQuantities(view), checkMails(view)]
  return { rows: parts.flatMap(({ rows }) => rows), violations: parts.flatMap(({ violations }) => violations) }
}

function parcelsOf(shipments: Books["shipments"]): Parcel[] {
  return shipments.map(({ trackingNumber, orderId, lines }) => ({
    parcel: trackingNumber,
    order: ref("order", orderId),
    milli: sum(lines.map((line) => line.quantityMilli)),
  }))
}

function checkDeliveries({ books, known }: View): Findings {
  const shipped = parcelsOf(books.shipments)
  const parcels = books.erpDeliveries.map((delivery): Parcel => {
    // Our key of a delivery: its order, and which of the order's deliveries it is.
    const order = ref("order", delivery.DeliveryDocumentBySupplier.replace(/-d\d+$/, ""))
    const items = delivery.to_DeliveryDocumentItem
    return {
      parcel: delivery.BillOfLading,
      order,
      milli: sum(items.map((item) => milliOf(item.ActualDeliveryQuantity))),
    }
  })
  const pending = new Set<Ref>(known.filter(({ isWithPerson }) => isWithPerson).map((one) => one.ref))
  const erp = { name: "the ERP", parcels }
  const found = [
    ...findUnbookedParcels(shipped, erp, (order) => pending.has(order)),
    ...findUnshippedParcels(shipped, erp),
  ]
  const unissued = books.erpDeliveries.filter(({ OverallGoodsMovementStatus: status }) => status !== "C")
  const violations = [
    ...violationsOf("I-3", found),
    ...unissued.map(({ DeliveryDocument, OverallGoodsMovementStatus: status }): Violation => {
      return { invariant: "I-3", what: `delivery ${DeliveryDocument} has no goods issue (status ${status || "empty"})` }
    }),
  ]
  return {
    violations,
    rows: [row("shipments = ERP deliveries, goods issued", [shipped.length, parcels.length], violations)],
  }
}

/**
 * Fulfilments that the shop may lack: an exception is open for them, or one was raised because the buyer cancelled or the shop
 * took the goods off.
 */
function isExcusedInShop({ isWithPerson, shop, exceptions }: KnownOrder): boolean {
  const isShownOtherwise = exceptions.some(({ cause }) =>
    ["not shown by the shop", "refunded goods ship"].includes(cause),
  )
  return isWithPerson || isShownOtherwise || (shop.cancelled_at !== null && exceptions.length > 0)
}

function checkFulfilments({ known }: View): Findings {
  const shipped = parcelsOf(known.flatMap(({ shipments }) => shipments))
  const parcels = known.flatMap(({ ref: order, shop }) =>
    shop.fulfillments.flatMap(({ tracking }) =>
      tracking.flatMap(({ number }): Parcel[] => (number === null ? [] : [{ parcel: number, order }])),
    ),
  )
  const pastUs = new Set<Ref>(known.filter(isFulfilledPastUs).map((one) => one.ref))
  const goods = parcels.filter(({ parcel, order }) => !isDigitalNumber(parcel) && !isOfStaff(parcel, pastUs.has(order)))
  const excused = new Set<Ref>(known.filter(isExcusedInShop).map((one) => one.ref))
  const shop = { name: "the shop", parcels: goods }
  const digital = [
    ...new Map(parcels.filter(({ parcel }) => isDigitalNumber(parcel)).map((one) => [one.parcel, one])).values(),
  ]
  const violations = [
    ...violationsOf(
      "I-3",
      findUnbookedParcels(shipped, shop, (order) => excused.has(order)),
    ),
    ...violationsOf("I-3", findUnbookedParcels(digital, { name: "the shop", parcels })),
    ...violationsOf("I-9", findUnshippedParcels(shipped, shop)),
  ]
  return {
    violations,
    rows: [row("shipments = fulfilments in the shop", [shipped.length, goods.length], violations)],
  }
}

/** Somebody is told of what the shop's staff shipped, be it because the shop no longer lets such an order be cancelled. */
function isFulfilledPastUs({ exceptions }: KnownOrder): boolean {
  return exceptions.some(({ cause }) => ["fulfilled past us", "tell the shop it is cancelled"].includes(cause))
}

// As lab/shopify/staff.ts numbers the parcels of the staff.
const isOfStaff = (parcel: string, isTold: boolean) => isTold && parcel.startsWith("3S")

function checkQuantities({ books, known }: View): Findings {
  const requests = groupBy(books.shipmentRequests, ({ orderId }) => orderId)
  const own = known.flatMap((one) => requests.get(one.order.id) ?? [])
  const lines = known.flatMap((one) => linesOf(one, requests.get(one.order.id) ?? []))
  const shippedAfterAll = known.filter((one) => isCalledOff(one) && one.shipments.length > 0)
  const untold = shippedAfterAll.filter(({ exceptions }) => exceptions.length === 0)
  const overshipped = violationsOf("I-3", findOvershipped(lines))
  const closed = known.filter(({ order, shop }) => order.state === "closed" && shop.cancelled_at === null)
  const violations = [
    ...overshipped,
    ...untold.map(({ order }): Violation => {
      return { invariant: "I-6", what: `order ${order.number} is ${order.state}, shipped, and nobody is told` }
    }),
    ...closed.flatMap(unfinishedLines),
  ]
  return {
    violations,
    rows: [
      row("shipment requests: nothing asked or shipped twice", [own.length, books.shipmentRequests.length], violations),
      {
        what: "shipped although cancelled, each with an exception",
        ours: String(shippedAfterAll.length),
        theirs: "told",
        differences: untold.length,
      },
    ],
  }
}

function linesOf(one: KnownOrder, requests: Books["shipmentRequests"]): ShippedLine[] {
  const parts = groupBy(
    requests.flatMap((request) => request.lines),
    (line) => line.lineId,
  )
  return [...parts].map(([lineId, lines]) => ({
    order: one.ref,
    lineId,
    soldMilli: soldMilli(one, lineId),
    askedMilli: sum(lines.map((line) => line.quantityMilli - line.cancelledMilli - line.missingMilli)),
    shippedMilli: sum(lines.map((line) => line.shippedMilli)),
  }))
}

/** Sold of a line in thousandths; a kit's components carry the line's id, so the ERP material does not matter here. */
function soldMilli({ shop }: KnownOrder, lineId: string): number {
  return (shop.line_items.find(({ id }) => String(id) === lineId)?.quantity ?? 0) * 1000
}

/** A closed order has no open lines in the shop, unless an exception says so. */
function unfinishedLines({ order, shop, exceptions }: KnownOrder): Violation[] {
  const open = shop.line_items.filter((line) => line.fulfilled_quantity < line.current_quantity)
  if (open.length === 0 || exceptions.length > 0) return []
  const what = open.map((line) => `${line.fulfilled_quantity}/${line.current_quantity} of ${line.sku}`).join(", ")
  return [{ invariant: "I-6", what: `order ${order.number} is closed, and the shop waits for ${what}` }]
}

function checkMails({ books, known }: View): Findings {
  const violations: Violation[] = []
  const shippedMails = groupBy(
    books.mails.filter(({ subject }) => /on its way|ready to be collected/.test(subject)),
    ({ subject }) => /#\d+/.exec(subject)?.[0] ?? "",
  )
  let expected = 0
  let sent = 0
  for (const { order, shop, shipments, isFinal, exceptions } of known) {
    const mails = shippedMails.get(shop.name)?.length ?? 0
    sent += mails
    const isDigital = shop.fulfillments.some((one) => isOfDigitalLines(shop, one))
    // The shop may lack a parcel that its buyer had a mail about: the order was cancelled after digital goods had gone out, or the shop
    // refused to note the parcel, and a person was asked.
    const isRefused = exceptions.some(({ cause }) => cause === "tell the shop it shipped")
    const isCancelledDigital = shop.cancelled_at !== null && shop.line_items.some((line) => !line.requires_shipping)
    const isDisputed = mails > shipments.length && (isRefused || isCancelledDigital)
    const parcels = shipments.length + (isDigital || isDisputed ? 1 : 0)
    if (shop.email !== null) expected += parcels
    if (mails > parcels)
      violations.push({ invariant: "I-3", what: `${order.number}: ${mails} mails for ${parcels} parcels` })
    if (isFinal && shop.email !== null && mails < parcels && exceptions.length === 0)
      violations.push({ invariant: "I-3", what: `${order.number}: ${mails} mails for ${parcels} parcels` })
  }
  const repeats = sum(books.mails.map(({ deliveries }) => deliveries - 1))
  return {
    violations,
    rows: [row(`parcels = mails by Message-ID (${repeats} handed over again, same id)`, [expected, sent], violations)],
  }
}

/** Shown by us, or sent by the shop itself: its buyer hears of it once. */
function isOfDigitalLines({ line_items }: ShopOrder, { lines }: ShopOrder["fulfillments"][number]): boolean {
  const shelf = new Set(line_items.filter((line) => line.requires_shipping).map(({ id }) => id))
  return lines.every(({ lineId }) => !shelf.has(lineId))
}

function isDigitalNumber(number: string): boolean {
  return number.startsWith("digital-")
}

function row(what: string, [ours, theirs]: [number, number], violations: readonly Violation[]) {
  return { what, ours: String(ours), theirs: String(theirs), differences: violations.length }
}
