import type { Company } from "../company.ts"
import { materialNumber } from "../company.ts"
import { quantityText, scaled } from "../decimals.ts"
import { checkFields } from "../exchange.ts"
import { creatable } from "../fields.ts"
import type { Entity } from "../odata/entities.ts"
import { dateValue, withoutZeros } from "../odata/entities.ts"
import type { Fields } from "../odata/filter.ts"
import { ODataError } from "../odata/error.ts"
import { priceOrder } from "./price-order.ts"
import { valueConditions } from "./pricing.ts"

/** Checks a deep insert in full before anything is written, then books it. Call inside a commit. */
export function prepareSalesOrder(company: Company, body: Fields): () => Entity {
  checkHeader(company, body)
  const items = childrenOf(body, "to_Item")
  for (const item of items) checkItem(company, item)
  return () => bookOrder(company, body, items)
}

function checkHeader({ master }: Company, body: Fields): void {
  checkFields(body, { taken: creatable.order, what: "a sales order is not created with it" })
  checkConditions(body)
  const area = [body["SalesOrganization"], body["DistributionChannel"], body["OrganizationDivision"]].join(" ")
  const known = [master.salesOrganization, master.distributionChannel, master.division].join(" ")
  if (area !== known) throw new ODataError(400, "V1/312", `Sales area ${area} is not defined`)
  const type = text(body, "SalesOrderType")
  if (!master.orderTypes.has(type)) throw new ODataError(400, "V1/320", `Sales document type ${type} is not defined`)
  const customer = text(body, "SoldToParty")
  if (!master.customers.has(withoutZeros(customer))) {
    throw new ODataError(400, "V1/384", `Sold-to party ${customer} not maintained for sales area ${known}`)
  }
  const reference = text(body, "PurchaseOrderByCustomer")
  if (reference.length > 35) {
    throw new ODataError(
      400,
      "005056A509B11EE1B9A8FEC11C21D78E",
      "Property PurchaseOrderByCustomer exceeds maximum length 35",
    )
  }
}

function checkConditions(body: Fields): void {
  for (const condition of childrenOf(body, "to_PricingElement"))
    checkFields(condition, { taken: creatable.pricing, what: "a pricing element is not created with it" })
}

function checkItem(company: Company, item: Fields): void {
  const { master } = company
  checkFields(item, { taken: creatable.orderItem, what: "an item is not created with it" })
  checkConditions(item)
  const material = text(item, "Material")
  if (company.material(material) === undefined) {
    const { salesOrganization, distributionChannel } = master
    const where = `sales org.${salesOrganization}, distr.chan.${distributionChannel}, language EN`
    throw new ODataError(400, "V1/382", `Material ${material} is not defined for ${where}`)
  }
  if (quantityOf(item, "RequestedQuantity") <= 0n) throw new ODataError(400, "V1/394", "Enter an order quantity")
  const plant = text(item, "ProductionPlant")
  if (plant !== "" && !master.plants.includes(plant)) {
    throw new ODataError(400, "V1/387", `Material ${material} not maintained in plant ${plant}`)
  }
}

function bookOrder(company: Company, body: Fields, items: readonly Fields[]): Entity {
  const { sets, master } = company
  const number = company.nextNumber("sales-order", 1)
  const version = { ms: company.nextMs() }
  const today = dateValue(Math.floor(version.ms / 86_400_000) * 86_400_000)
  const currency = text(body, "TransactionCurrency") || master.currency
  const header = valueConditions(childrenOf(body, "to_PricingElement"), { quantityMilli: 0n, currency })
  const isBilled = master.orderTypes.get(text(body, "SalesOrderType"))?.isBilled === true
  const order = sets.orders.add(
    {
      SalesOrder: number,
      SalesOrderType: body["SalesOrderType"],
      SalesOrganization: master.salesOrganization,
      DistributionChannel: master.distributionChannel,
      OrganizationDivision: master.division,
      SoldToParty: withoutZeros(text(body, "SoldToParty")),
      CreationDate: today,
      CreatedByUser: "CC0000000001",
      LastChangeDateTime: `/Date(${version.ms}+0000)/`,
      PurchaseOrderByCustomer: text(body, "PurchaseOrderByCustomer"),
      CustomerPurchaseOrderDate: body["CustomerPurchaseOrderDate"] ?? null,
      SalesOrderDate: body["SalesOrderDate"] ?? today,
      TotalNetAmount: "0.00",
      TransactionCurrency: currency,
      RequestedDeliveryDate: body["RequestedDeliveryDate"] ?? today,
      OverallDeliveryStatus: "A",
      OverallSDProcessStatus: "A",
      OverallSDDocumentRejectionSts: "A",
      // Status "" is "not relevant": SAP bills nothing of such an order (domain STATV).
      OverallOrdReltdBillgStatus: isBilled ? "A" : "",
      HeaderBillingBlockReason: text(body, "HeaderBillingBlockReason"),
      DeliveryBlockReason: text(body, "DeliveryBlockReason"),
      AssignmentReference: text(body, "AssignmentReference"),
    },
    version,
  )
  const elements = header.elements.map((fields) => sets.headerPrices.add({ SalesOrder: number, ...fields }, version))
  order.children = {
    to_Item: items.map((item, index) => bookItem(company, order, { fields: item, number: String((index + 1) * 10) })),
    to_Partner: childrenOf(body, "to_Partner").map((partner) =>
      sets.partners.add({ SalesOrder: number, ...plain(partner) }, version),
    ),
    to_PricingElement: elements,
    to_SubsequentProcFlowDoc: [],
    to_Text: childrenOf(body, "to_Text").map((item) => sets.texts.add({ SalesOrder: number, ...plain(item) }, version)),
  }
  priceOrder(company, order)
  company.changed(order)
  return order
}

/** Adds an item to an order that exists, with the next item number. Call the result inside a commit. */
export function prepareItem(company: Company, order: Entity, fields: Fields): () => Entity {
  checkItem(company, fields)
  return () => {
    const items = (order.children["to_Item"] ??= [])
    const item = bookItem(company, order, { fields, number: String((items.length + 1) * 10) })
    items.push(item)
    stamp(company, order)
    priceOrder(company, order)
    return item
  }
}

function bookItem(company: Company, order: Entity, item: { fields: Fields; number: string }): Entity {
  const { sets, master } = company
  const { fields } = item
  const material = materialNumber(text(fields, "Material"))
  const unit = company.material(material)?.unit ?? "EA"
  const quantityMilli = quantityOf(fields, "RequestedQuantity")
  const currency = String(order.fields["TransactionCurrency"])
  const priced = valueConditions(childrenOf(fields, "to_PricingElement"), { quantityMilli, currency })
  const keys = { SalesOrder: order.fields["SalesOrder"], SalesOrderItem: item.number }
  const entity = sets.items.add(
    {
      ...keys,
      SalesOrderItemCategory: text(fields, "SalesOrderItemCategory") || "TAN",
      SalesOrderItemText: text(fields, "SalesOrderItemText") || material,
      PurchaseOrderByCustomer: text(fields, "PurchaseOrderByCustomer") || order.fields["PurchaseOrderByCustomer"],
      UnderlyingPurchaseOrderItem: text(fields, "UnderlyingPurchaseOrderItem"),
      Material: material,
      RequestedQuantity: quantityText(quantityMilli),
      RequestedQuantityUnit: text(fields, "RequestedQuantityUnit") || unit,
      TransactionCurrency: currency,
      NetAmount: "0.00",
      TaxAmount: "0.00",
      ProductionPlant: text(fields, "ProductionPlant") || (master.plants[0] ?? ""),
      StorageLocation: text(fields, "StorageLocation"),
      SalesDocumentRjcnReason: "",
      DeliveryStatus: "A",
      SDProcessStatus: "A",
    },
    order.version,
  )
  const elements = priced.elements.map((element) => sets.itemPrices.add({ ...keys, ...element }, order.version))
  entity.children = { to_PricingElement: elements }
  return entity
}

/** Rejects an item or changes its quantity; call inside a commit. */
export function changeItem(company: Company, item: Entity, change: Fields): void {
  const order = company.sets.orders.get({ SalesOrder: item.fields["SalesOrder"] })
  const reason = change["SalesDocumentRjcnReason"]
  if (typeof reason === "string") item.fields["SalesDocumentRjcnReason"] = reason
  if (change["RequestedQuantity"] !== undefined)
    item.fields["RequestedQuantity"] = quantityText(quantityOf(change, "RequestedQuantity"))
  for (const field of ["StorageLocation", "ProductionPlant", "SalesOrderItemText"]) {
    if (typeof change[field] === "string") item.fields[field] = change[field]
  }
  stamp(company, order)
  priceOrder(company, order)
}

/** Gives the document a new last change, and with it a new ETag. */
export function stamp(company: Company, order: Entity): void {
  order.version.ms = company.nextMs()
  order.fields["LastChangeDateTime"] = `/Date(${order.version.ms}+0000)/`
  company.changed(order)
}

/** Deep inserts send children as `{results: […]}` or as a bare array; both are accepted. */
export function childrenOf(body: Fields, name: string): Fields[] {
  const value = body[name]
  // JSON from outside: an object may carry `results`, anything else is no list of children.
  const list = Array.isArray(value) ? value : ((value as { results?: unknown } | undefined)?.results ?? [])
  return Array.isArray(list) ? list.filter((row): row is Fields => typeof row === "object" && row !== null) : []
}

export function quantityOf(fields: Fields, name: string): bigint {
  const quantity = scaled(fields[name] ?? "0", 3)
  if (quantity === undefined) throw new ODataError(400, "CX_SXML_PARSE_ERROR", `Error while parsing property '${name}'`)
  return quantity
}

export function text(fields: Fields, name: string): string {
  const value = fields[name]
  return typeof value === "string" ? value : ""
}

function plain(fields: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => typeof value !== "object"))
}
