import { groupBy, milliOf, repeated, sum, type Findings, type KnownOrder, type View, type Violation } from "./view.ts"

/** What left is known everywhere once: ERP deliveries, the shop's fulfilments, mails; and nothing left that should not have. */
export function checkGoods(view: View): Findings {
  const parts = [checkDeliveries(view), checkFulfilments(view), checkQuantities(view), checkMails(view)]
  return { rows: parts.flatMap(({ rows }) => rows), violations: parts.flatMap(({ violations }) => violations) }
}

function checkDeliveries({ books, known }: View): Findings {
  const violations: Violation[] = []
  const byTracking = groupBy(books.erpDeliveries, ({ BillOfLading }) => BillOfLading)
  const pending = new Set(known.filter(({ isWithPerson }) => isWithPerson).map(({ order }) => order.id))
  for (const { shipmentId, orderId, trackingNumber, lines } of books.shipments) {
    const found = byTracking.get(trackingNumber) ?? []
    byTracking.delete(trackingNumber)
    if (found.length === 0 && !pending.has(orderId))
      violations.push({ invariant: "I-3", what: `shipment ${shipmentId} of ${orderId} has no delivery in the ERP` })
    if (found.length > 1)
      violations.push({ invariant: "I-3", what: `shipment ${shipmentId} of ${orderId} has ${found.length} deliveries` })
    const [delivery] = found
    if (!delivery) continue
    if (delivery.OverallGoodsMovementStatus !== "C")
      violations.push({
        invariant: "I-3",
        what: `delivery ${delivery.DeliveryDocument} of ${orderId} has no goods issue (status ${delivery.OverallGoodsMovementStatus || "empty"})`,
      })
    const booked = sum(delivery.to_DeliveryDocumentItem.map((item) => milliOf(item.ActualDeliveryQuantity)))
    const shipped = sum(lines.map((line) => line.quantityMilli))
    if (booked !== shipped)
      violations.push({
        invariant: "I-3",
        what: `delivery ${delivery.DeliveryDocument} of ${orderId} holds ${booked / 1000}, ${shipped / 1000} left`,
      })
  }
  for (const [tracking, [delivery]] of byTracking)
    violations.push({
      invariant: "I-3",
      what: `ERP delivery ${delivery?.DeliveryDocument} (${tracking}) is of no shipment`,
    })
  return {
    violations,
    rows: [
      row("shipments = ERP deliveries, goods issued", [books.shipments.length, books.erpDeliveries.length], violations),
    ],
  }
}

function checkFulfilments({ books, known }: View): Findings {
  const violations: Violation[] = []
  let inShop = 0
  for (const { order, shop, shipments, isWithPerson, exceptions } of known) {
    const tracked = shop.fulfillments.flatMap(({ tracking }) => tracking.flatMap(({ number }) => number ?? []))
    const goods = tracked.filter((number) => !number.startsWith("digital-"))
    inShop += goods.length
    for (const number of repeated(tracked))
      violations.push({ invariant: "I-3", what: `the shop shows ${number} of ${order.number} twice` })
    const left = new Set(shipments.map(({ trackingNumber }) => trackingNumber))
    for (const number of goods.filter((shown) => !left.has(shown)))
      violations.push({ invariant: "I-9", what: `the shop shows ${number} of ${order.number}, which never left` })
    const isTakenBack = shop.cancelled_at !== null && exceptions.length > 0
    if (isWithPerson || isTakenBack) continue
    for (const { trackingNumber } of shipments.filter((shipment) => !goods.includes(shipment.trackingNumber)))
      violations.push({ invariant: "I-3", what: `the shop does not show ${trackingNumber} of ${order.number}` })
  }
  return {
    violations,
    rows: [row("shipments = fulfilments in the shop", [books.shipments.length, inShop], violations)],
  }
}

function checkQuantities({ books, known }: View): Findings {
  const violations: Violation[] = []
  const requests = groupBy(books.shipmentRequests, ({ orderId }) => orderId)
  let asked = 0
  let shippedAfterAll = 0
  for (const one of known) {
    const own = requests.get(one.order.id) ?? []
    asked += own.length
    const lines = own.flatMap((request) => request.lines)
    for (const [lineId, parts] of groupBy(lines, (line) => line.lineId)) {
      const shipped = sum(parts.map((part) => part.shippedMilli))
      const wanted = sum(parts.map((part) => part.quantityMilli - part.cancelledMilli - part.missingMilli))
      const sold = soldMilli(one, lineId)
      if (shipped > sold)
        violations.push({
          invariant: "I-3",
          what: `line ${lineId} of ${one.order.number}: sold ${sold}, shipped ${shipped}`,
        })
      else if (wanted > sold)
        violations.push({
          invariant: "I-3",
          what: `line ${lineId} of ${one.order.number}: sold ${sold}, asked for ${wanted}`,
        })
    }
    const isOver = one.order.state === "cancelled" || one.order.state === "refused"
    if (!isOver || one.shipments.length === 0) continue
    shippedAfterAll += 1
    if (one.exceptions.length === 0)
      violations.push({
        invariant: "I-6",
        what: `order ${one.order.number} is ${one.order.state}, shipped, and nobody is told`,
      })
  }
  const closed = known.filter(({ order, shop }) => order.state === "closed" && shop.cancelled_at === null)
  for (const one of closed) violations.push(...unfinishedLines(one))
  return {
    violations,
    rows: [
      row("shipment requests: nothing asked or shipped twice", [asked, books.shipmentRequests.length], violations),
      {
        what: "shipped although cancelled, each with an exception",
        ours: String(shippedAfterAll),
        theirs: "told",
        differences: violations.filter(({ invariant }) => invariant === "I-6").length,
      },
    ],
  }
}

/** Sold of a line in thousandths; a kit's components carry the line's id, so the ERP material does not matter here. */
function soldMilli({ shop }: KnownOrder, lineId: string): number {
  return (shop.line_items.find(({ id }) => String(id) === lineId)?.quantity ?? 0) * 1000
}

/** A closed order has nothing open in the shop, unless somebody was told. */
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
    const isDigital = shop.fulfillments.some(({ tracking }) => tracking.every(({ number }) => isDigitalNumber(number)))
    // What was sent by mail itself and the shop then refused to note, because its buyer had cancelled, is with a person.
    const isDisputed = mails > shipments.length && exceptions.some(({ cause }) => cause === "tell the shop it shipped")
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

function isDigitalNumber(number: string | null): boolean {
  return number === null || number.startsWith("digital-")
}

function row(what: string, [ours, theirs]: [number, number], violations: readonly Violation[]) {
  return { what, ours: String(ours), theirs: String(theirs), differences: violations.length }
}
