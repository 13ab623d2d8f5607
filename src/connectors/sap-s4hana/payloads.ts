import { etagOf, fieldOf, rowsOf, textOf } from "../../protocols/odata-v2.ts"

// Only the fields that are used, as OData V2 writes them: decimals as text, numbers without leading zeros.
// API_SALES_ORDER_SRV and API_OUTBOUND_DELIVERY_SRV;v=0002, SAP Business Accelerator Hub, S/4HANA Cloud 2402.

/** A condition of the price of an item or of the whole order. */
export interface PricingElement {
  ConditionType: string
  ConditionRateValue: string
  ConditionCurrency: string
  ConditionQuantity?: string
}

export interface SalesOrderBody {
  SalesOrderType: string
  SalesOrganization: string
  DistributionChannel: string
  OrganizationDivision: string
  SoldToParty: string
  PurchaseOrderByCustomer: string
  AssignmentReference: string
  SalesOrderDate: string
  TransactionCurrency: string
  to_PricingElement: { results: PricingElement[] }
  to_Text: { results: { Language: string; LongTextID: string; LongText: string }[] }
  to_Item: { results: SalesOrderItemBody[] }
}

export interface SalesOrderItemBody {
  Material: string
  SalesOrderItemText: string
  /** The line's own id in the shop, so that deliveries and amendments find the item again. */
  PurchaseOrderByCustomer: string
  RequestedQuantity: string
  RequestedQuantityUnit?: string
  ProductionPlant: string
  to_PricingElement: { results: PricingElement[] }
}

export interface SalesOrderItem {
  item: string
  material: string
  lineReference: string
  quantityText: string
  plant: string
  isRejected: boolean
  etag: string
  netText: string
  taxText: string
}

export interface SalesOrder {
  number: string
  currency: string
  isRejected: boolean
  items: SalesOrderItem[]
  headerAmountTexts: string[]
}

/** `$expand` that a sales order must be read with for `readSalesOrder`. */
export const salesOrderExpand = "to_Item,to_PricingElement"

export function readSalesOrder(row: unknown): SalesOrder {
  return {
    number: textOf(row, "SalesOrder"),
    currency: textOf(row, "TransactionCurrency"),
    // Rejection status C: all items are rejected (domain STATV).
    isRejected: textOf(row, "OverallSDDocumentRejectionSts") === "C",
    items: rowsOf(fieldOf(row, "to_Item")).map(readItem),
    headerAmountTexts: rowsOf(fieldOf(row, "to_PricingElement")).map((element) => textOf(element, "ConditionAmount")),
  }
}

function readItem(row: unknown): SalesOrderItem {
  return {
    item: textOf(row, "SalesOrderItem"),
    material: textOf(row, "Material"),
    lineReference: textOf(row, "PurchaseOrderByCustomer"),
    quantityText: textOf(row, "RequestedQuantity"),
    plant: textOf(row, "ProductionPlant"),
    isRejected: textOf(row, "SalesDocumentRjcnReason") !== "",
    etag: etagOf(row),
    netText: textOf(row, "NetAmount"),
    taxText: textOf(row, "TaxAmount"),
  }
}
