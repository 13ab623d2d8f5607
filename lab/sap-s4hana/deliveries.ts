import type { Company } from "./company.ts"
import { quantityText, scaled } from "./decimals.ts"
import type { Answer, Exchange, Handler } from "./exchange.ts"
import { checkEtag, checkFields, etagHeader, namedKey } from "./exchange.ts"
import { creatable, updatable } from "./fields.ts"
import type { Entity } from "./odata/entities.ts"
import { dateValue, render } from "./odata/entities.ts"
import { ODataError } from "./odata/error.ts"
import type { Fields } from "./odata/filter.ts"
import { bodyOf, parameter } from "./odata/request.ts"
import { childrenOf, quantityOf, stamp, text } from "./sales/sales-orders.ts"
import { moveStock } from "./stock.ts"

export const deliveryHandlers: Record<string, Handler> = {
  "POST A_OutbDeliveryHeader": { operation: "createDelivery", run: createDelivery },
  "PATCH A_OutbDeliveryHeader": { operation: "updateDelivery", run: changeDelivery },
  "DELETE A_OutbDeliveryHeader": { operation: "deleteDelivery", run: deleteDelivery },
  "POST PickAllItems": { operation: "pickDelivery", run: pickAllItems },
  "POST PostGoodsIssue": { operation: "postGoodsIssue", run: postGoodsIssue },
  "POST ReverseGoodsIssue": { operation: "reverseGoodsIssue", run: reverseGoodsIssue },
}

type Wanted = { item: Entity; quantityMilli: bigint }

/** Refers to items of one sales order; without a quantity an item is delivered with all that is still open. */
function createDelivery({ company, odata, request, call }: Exchange): Answer {
  const body = bodyOf(request)
  checkFields(body, { taken: creatable.delivery, what: "a delivery is not created with it" })
  const wanted = childrenOf(body, "to_DeliveryDocumentItem").map((row) => wantedItem(company, row))
  const [first] = wanted
  if (first === undefined) throw new ODataError(400, "VL/302", "No delivery can be created without reference items")
  const order = company.sets.orders.get({ SalesOrder: first.item.fields["SalesOrder"] })
  const delivery = call.commit(() => bookDelivery(company, { order, wanted, header: body }))
  const rendered = render(delivery, { ...odata.shape, expand: ["to_DeliveryDocumentItem"], select: [] })
  return { status: 201, headers: etagHeader(delivery), body: { d: rendered } }
}

function wantedItem(company: Company, row: Fields): Wanted {
  checkFields(row, { taken: creatable.deliveryItem, what: "an item of a delivery is not created with it" })
  const key = { SalesOrder: row["ReferenceSDDocument"], SalesOrderItem: row["ReferenceSDDocumentItem"] }
  const item = company.sets.items.find(key)
  const label = `${String(key.SalesOrder)} ${String(key.SalesOrderItem)}`
  if (item === undefined) throw new ODataError(400, "VL/150", `Item ${label} does not exist`)
  if (item.fields["SalesDocumentRjcnReason"] !== "")
    throw new ODataError(400, "VL/248", `Item ${label} has been rejected`)
  const open = openMilli(company, item)
  const quantityMilli = row["ActualDeliveryQuantity"] === undefined ? open : quantityOf(row, "ActualDeliveryQuantity")
  if (quantityMilli <= 0n || quantityMilli > open) {
    throw new ODataError(400, "VL/363", `Only ${quantityText(open)} of item ${label} are open for delivery`)
  }
  return { item, quantityMilli }
}

/** The part of an order item that is on no delivery yet. */
function openMilli(company: Company, item: Entity): bigint {
  const { SalesOrder, SalesOrderItem } = item.fields
  let open = scaled(item.fields["RequestedQuantity"], 3) ?? 0n
  const equals = [{ field: "ReferenceSDDocument", value: String(SalesOrder) }]
  const matches = (fields: Fields): boolean =>
    fields["ReferenceSDDocument"] === SalesOrder && fields["ReferenceSDDocumentItem"] === SalesOrderItem
  for (const row of company.sets.deliveryItems.query({ equals, matches })) {
    open -= scaled(row.fields["ActualDeliveryQuantity"], 3) ?? 0n
  }
  return open
}

function bookDelivery(company: Company, what: { order: Entity; wanted: readonly Wanted[]; header: Fields }): Entity {
  const { sets } = company
  const { order, header } = what
  const number = company.nextNumber("delivery", 80_000_001)
  const version = { ms: company.nextMs() }
  const today = dateValue(Math.floor(version.ms / 86_400_000) * 86_400_000)
  const delivery = sets.deliveries.add(
    {
      DeliveryDocument: number,
      DeliveryDocumentType: "LF",
      DeliveryVersion: "0001",
      DeliveryDocumentBySupplier: "",
      BillOfLading: "",
      MeansOfTransport: "",
      DeliveryBlockReason: "",
      DeliveryPriority: "",
      ShippingPoint: text(header, "ShippingPoint") || String(what.wanted[0]?.item.fields["ProductionPlant"] ?? ""),
      SalesOrganization: order.fields["SalesOrganization"],
      SoldToParty: order.fields["SoldToParty"],
      ShipToParty: order.fields["SoldToParty"],
      CreationDate: today,
      DocumentDate: today,
      ActualGoodsMovementDate: null,
      OverallPickingStatus: "A",
      OverallGoodsMovementStatus: "A",
      OverallSDProcessStatus: "A",
      OverallDelivReltdBillgStatus: company.master.orderTypes.get(String(order.fields["SalesOrderType"]))?.isBilled
        ? "A"
        : "",
      LastChangeDate: null,
    },
    version,
  )
  const rows = what.wanted.map(({ item, quantityMilli }, index) =>
    sets.deliveryItems.add(
      {
        DeliveryDocument: number,
        DeliveryDocumentItem: String((index + 1) * 10).padStart(6, "0"),
        DeliveryVersion: "0001",
        Material: item.fields["Material"],
        Plant: item.fields["ProductionPlant"],
        ActualDeliveryQuantity: quantityText(quantityMilli),
        OriginalDeliveryQuantity: quantityText(quantityMilli),
        DeliveryQuantityUnit: item.fields["RequestedQuantityUnit"],
        ReferenceSDDocument: item.fields["SalesOrder"],
        ReferenceSDDocumentItem: item.fields["SalesOrderItem"],
        PickingStatus: "A",
        GoodsMovementStatus: "A",
      },
      version,
    ),
  )
  delivery.children = { to_DeliveryDocumentItem: rows, to_DeliveryDocumentPartner: [], to_DeliveryDocumentText: [] }
  company.changed(delivery)
  linkToOrder(company, order, number)
  return delivery
}

function linkToOrder(company: Company, order: Entity, deliveryNumber: string): void {
  const flow = company.sets.subsequent.add(
    {
      SalesOrder: order.fields["SalesOrder"],
      DocRelationshipUUID: company.nextNumber("relationship", 1).padStart(32, "0"),
      SubsequentDocument: deliveryNumber,
      // J: delivery (domain VBTYPL).
      SubsequentDocumentCategory: "J",
    },
    order.version,
  )
  ;(order.children["to_SubsequentProcFlowDoc"] ??= []).push(flow)
  updateDeliveryStatus(company, order)
  stamp(company, order)
}

/** A nothing delivered, B partly, C completely. */
function updateDeliveryStatus(company: Company, order: Entity): void {
  const statuses = (order.children["to_Item"] ?? []).map((item) => {
    const open = openMilli(company, item)
    const requested = scaled(item.fields["RequestedQuantity"], 3) ?? 0n
    const status = open <= 0n ? "C" : open < requested ? "B" : "A"
    item.fields["DeliveryStatus"] = status
    return status
  })
  const isAll = (status: string): boolean => statuses.every((one) => one === status)
  order.fields["OverallDeliveryStatus"] = isAll("C") ? "C" : isAll("A") ? "A" : "B"
}

function changeDelivery({ company, odata, request, call }: Exchange): Answer {
  const delivery = company.sets.deliveries.get(namedKey(company.sets.deliveries, odata.key))
  checkEtag(request.headers["if-match"], delivery)
  const change = bodyOf(request)
  checkFields(change, { taken: updatable.delivery, what: "a delivery is not changed in it" })
  call.commit(() => {
    for (const field of updatable.delivery) {
      if (change[field] !== undefined) delivery.fields[field] = change[field]
    }
    touch(company, delivery)
  })
  return { status: 204 }
}

/** Every change counts the version up, and with it the ETag of the delivery and of its items. */
function touch(company: Company, delivery: Entity): void {
  const version = String(Number(delivery.fields["DeliveryVersion"]) + 1).padStart(4, "0")
  delivery.version.ms = company.nextMs()
  for (const row of [delivery, ...(delivery.children["to_DeliveryDocumentItem"] ?? [])])
    row.fields["DeliveryVersion"] = version
  company.changed(delivery)
}

function deleteDelivery({ company, odata, request, call }: Exchange): Answer {
  const { sets } = company
  const delivery = sets.deliveries.get(namedKey(sets.deliveries, odata.key))
  checkEtag(request.headers["if-match"], delivery)
  if (delivery.fields["OverallGoodsMovementStatus"] === "C") {
    throw new ODataError(400, "VL/603", "The delivery cannot be deleted: goods issue has been posted")
  }
  call.commit(() => {
    const rows = delivery.children["to_DeliveryDocumentItem"] ?? []
    for (const row of rows) sets.deliveryItems.delete(row)
    sets.deliveries.delete(delivery)
    company.removed(delivery)
    const order = sets.orders.find({ SalesOrder: rows[0]?.fields["ReferenceSDDocument"] })
    if (order === undefined) return
    company.changed(order)
    const { DeliveryDocument } = delivery.fields
    const flows = order.children["to_SubsequentProcFlowDoc"] ?? []
    order.children["to_SubsequentProcFlowDoc"] = flows.filter(
      (flow) => flow.fields["SubsequentDocument"] !== DeliveryDocument,
    )
    updateDeliveryStatus(company, order)
  })
  return { status: 204 }
}

/** The delivery that a function is for; like any change it needs the current ETag (SAP KBA 3539067). */
function namedDelivery({ company, odata, request }: Exchange): Entity {
  const delivery = company.sets.deliveries.get({ DeliveryDocument: parameter(odata, "DeliveryDocument") })
  checkEtag(request.headers["if-match"], delivery)
  return delivery
}

/** What a function returns: a collection of messages, one for each item (complex type PickingReport). */
function pickingReport(delivery: Entity): Answer {
  const results = (delivery.children["to_DeliveryDocumentItem"] ?? []).map(({ fields }) => ({
    __metadata: { type: "API_OUTBOUND_DELIVERY_SRV.PickingReport" },
    SystemMessageIdentification: "VL",
    SystemMessageNumber: "000",
    SystemMessageType: "S",
    SystemMessageVariable1: "",
    DeliveryDocument: fields["DeliveryDocument"],
    DeliveryDocumentItem: fields["DeliveryDocumentItem"],
    Material: fields["Material"],
    ActualDeliveryQuantity: fields["ActualDeliveryQuantity"],
    DeliveryQuantityUnit: fields["DeliveryQuantityUnit"],
  }))
  return { status: 200, body: { d: { results } } }
}

function pickAllItems(exchange: Exchange): Answer {
  const delivery = namedDelivery(exchange)
  exchange.call.transition(() => setStatus(exchange.company, delivery, { picking: "C" }))
  return pickingReport(delivery)
}

/**
 * Stock leaves the plant, on the date of the goods movement that the delivery has, or today. A delivery that is not picked
 * and a date in a closed period are refused.
 */
function postGoodsIssue(exchange: Exchange): Answer {
  const { company, call } = exchange
  const delivery = namedDelivery(exchange)
  const { fields } = delivery
  if (fields["OverallPickingStatus"] !== "C")
    throw new ODataError(400, "VL/609", "Delivery has not yet been put away / picked completely")
  if (fields["OverallGoodsMovementStatus"] === "C") {
    const number = String(fields["DeliveryDocument"])
    throw new ODataError(400, "VL/602", `Goods issue has already been posted for delivery ${number}`)
  }
  const today = Math.floor(Date.now() / 86_400_000) * 86_400_000
  const day = Number(/-?\d+/.exec(String(fields["ActualGoodsMovementDate"] ?? ""))?.[0] ?? today)
  const { openFrom, master } = company
  const { companyCode } = master
  if (day < Date.parse(openFrom)) {
    const first = openFrom.slice(0, 7).replace("-", "/")
    throw new ODataError(400, "M7/053", `Posting only possible in periods from ${first} in company code ${companyCode}`)
  }
  call.transition(() => {
    moveGoods(company, delivery, -1n)
    fields["ActualGoodsMovementDate"] = dateValue(day)
    setStatus(company, delivery, { goods: "C" })
  })
  return pickingReport(delivery)
}

function reverseGoodsIssue(exchange: Exchange): Answer {
  const { company, call, odata } = exchange
  const delivery = namedDelivery(exchange)
  parameter(odata, "ActualGoodsMovementDate")
  if (delivery.fields["OverallGoodsMovementStatus"] !== "C") {
    throw new ODataError(400, "VL/601", "Goods issue has not been posted for this delivery")
  }
  call.commit(() => {
    moveGoods(company, delivery, 1n)
    delivery.fields["ActualGoodsMovementDate"] = null
    setStatus(company, delivery, { goods: "A" })
  })
  return pickingReport(delivery)
}

function moveGoods(company: Company, delivery: Entity, sign: bigint): void {
  for (const { fields } of delivery.children["to_DeliveryDocumentItem"] ?? []) {
    const quantityMilli = sign * (scaled(fields["ActualDeliveryQuantity"], 3) ?? 0n)
    moveStock(company, { material: String(fields["Material"]), plant: String(fields["Plant"]), quantityMilli })
  }
}

function setStatus(company: Company, delivery: Entity, status: { picking?: string; goods?: string }): void {
  const rows = delivery.children["to_DeliveryDocumentItem"] ?? []
  if (status.picking !== undefined) {
    delivery.fields["OverallPickingStatus"] = status.picking
    for (const row of rows) row.fields["PickingStatus"] = status.picking
  }
  if (status.goods !== undefined) {
    delivery.fields["OverallGoodsMovementStatus"] = status.goods
    for (const row of rows) row.fields["GoodsMovementStatus"] = status.goods
  }
  touch(company, delivery)
}
