import { moneyFromDecimal, sumMoney, type Money } from "../../base/money.ts"
import type { BusinessDate } from "../../base/time.ts"
import { dayOf, etagOf, fieldOf, isExpanded, rowsOf, textOf, textOrNone } from "../../protocols/odata-v2.ts"

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
  /** As SAP keeps it: upper case. */
  material: string
  lineReference: string
  quantityText: string
  plant: string
  isRejected: boolean
}

export interface SalesOrder {
  number: string
  /** The only version there is: items have none, and every change of one changes this. */
  etag: string
  isRejected: boolean
  items: SalesOrderItem[]
  /** Net and tax of all that is not rejected; undefined where the response leaves an amount out. */
  total: Money | undefined
  /** The buyer's reference in the header: ours. */
  reference: string
  /** Whether SAP bills it itself. Delivery-related billing shows at the delivery. */
  isBilled: boolean
}

export interface Delivery {
  number: string
  /** Changes with every step; each step needs the current one. */
  etag: string
  /** Our reference; "" until it is written, because a delivery is not created with it. */
  label: string
  /** The day its goods movement is posted on; undefined before one was set. */
  movedOn: BusinessDate | undefined
  isPicked: boolean
  isIssued: boolean
  isBilled: boolean
  items: { order: string; item: string; material: string; quantityText: string }[]
}

// Which fields an answer must have: those that the vendor declares never null, which are keys, and the version. Everything
// else may be missing or null.

/** `$expand` that a sales order must be read with for `readSalesOrder`. */
export const salesOrderExpand = "to_Item"
/** `$expand` that a delivery must be read with for `readDelivery`. */
export const deliveryExpand = "to_DeliveryDocumentItem"

/** Whether the answer to a deep insert has the items; a system may answer with links to them. */
export function hasItems(row: unknown): boolean {
  return isExpanded(row, "to_Item")
}

export function readSalesOrder(row: unknown): SalesOrder {
  const rows = rowsOf(fieldOf(row, "to_Item"))
  const items = rows.map(readItem)
  const isEachRejected = items.length > 0 && items.every((item) => item.isRejected)
  return {
    number: textOf(row, "SalesOrder"),
    etag: etagOf(row),
    // Rejection status C: all items are rejected (domain STATV).
    isRejected: textOrNone(row, "OverallSDDocumentRejectionSts") === "C" || isEachRejected,
    items,
    total: totalOf(row, rows),
    reference: textOrNone(row, "PurchaseOrderByCustomer"),
    isBilled: isRelevant(textOrNone(row, "OverallOrdReltdBillgStatus")),
  }
}

/**
 * The header's total is net and leaves rejected items out; SAP spreads conditions of the header over the items, so nothing
 * lies beside them (SAP KBA 3618341). Tax stands at the items only.
 */
function totalOf(row: unknown, items: unknown[]): Money | undefined {
  const currency = textOrNone(row, "TransactionCurrency")
  const live = items.filter((item) => textOrNone(item, "SalesDocumentRjcnReason") === "")
  const texts = [textOrNone(row, "TotalNetAmount"), ...live.map((item) => textOrNone(item, "TaxAmount"))]
  if (currency === "" || texts.includes("")) return undefined
  return sumMoney(
    texts.map((text) => moneyFromDecimal(text, currency)),
    currency,
  )
}

function readItem(row: unknown): SalesOrderItem {
  return {
    item: textOf(row, "SalesOrderItem"),
    material: textOrNone(row, "Material"),
    lineReference: textOrNone(row, "PurchaseOrderByCustomer"),
    quantityText: textOrNone(row, "RequestedQuantity"),
    plant: textOrNone(row, "ProductionPlant"),
    isRejected: textOrNone(row, "SalesDocumentRjcnReason") !== "",
  }
}

export function readDelivery(row: unknown): Delivery {
  return {
    number: textOf(row, "DeliveryDocument"),
    etag: etagOf(row),
    label: textOrNone(row, "DeliveryDocumentBySupplier"),
    movedOn: dayOf(textOrNone(row, "ActualGoodsMovementDate")),
    // Status C: done completely (domain STATV).
    isPicked: textOrNone(row, "OverallPickingStatus") === "C",
    isIssued: textOrNone(row, "OverallGoodsMovementStatus") === "C",
    isBilled: isRelevant(textOrNone(row, "OverallDelivReltdBillgStatus")),
    items: rowsOf(fieldOf(row, "to_DeliveryDocumentItem")).map((item) => ({
      order: textOrNone(item, "ReferenceSDDocument"),
      item: textOrNone(item, "ReferenceSDDocumentItem"),
      material: textOrNone(item, "Material"),
      quantityText: textOrNone(item, "ActualDeliveryQuantity"),
    })),
  }
}

/** A billing status is blank where nothing is to be billed: A not yet, B partly, C completely (domain STATV). */
function isRelevant(status: string): boolean {
  return status.trim() !== ""
}
