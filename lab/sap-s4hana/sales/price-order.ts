import type { Company } from "../company.ts"
import { currencyScale, decimalOf, scaled } from "../decimals.ts"
import type { Entity } from "../odata/entities.ts"
import { isTax, sharesOf, valueConditions, type HeaderCondition } from "./pricing.ts"

/**
 * Values an order anew: each live item by its own conditions and by its share of the header's. An order's total is the sum
 * of its items; nothing of it lies at the header. A rejected item keeps its own value and has no share.
 */
export function priceOrder(company: Company, order: Entity): void {
  const currency = String(order.fields["TransactionCurrency"])
  const scale = currencyScale(currency)
  const items = order.children["to_Item"] ?? []
  const worth = items.map((item) => valueOwn(item, currency))
  const isLive = (item: Entity): boolean => item.fields["SalesDocumentRjcnReason"] === ""
  const live = items.filter(isLive)
  const weights = items.flatMap((item, index) => (isLive(item) ? [worth[index]?.netMinor ?? 0n] : []))
  const shares = live.length === 0 ? [] : sharesOf(headerConditions(company, order), weights)
  let total = 0n
  for (const [index, item] of items.entries()) {
    const added = isLive(item) ? (shares[live.indexOf(item)] ?? []) : []
    const sumOf = (ofTax: boolean): bigint =>
      added.reduce((sum, { type, minor }) => (isTax(type) === ofTax ? sum + minor : sum), 0n)
    const net = (worth[index]?.netMinor ?? 0n) + sumOf(false)
    item.fields["NetAmount"] = decimalOf(net, scale)
    item.fields["TaxAmount"] = decimalOf((worth[index]?.taxMinor ?? 0n) + sumOf(true), scale)
    showShares(company, item, added)
    if (isLive(item)) total += net
  }
  const rejected = items.length - live.length
  order.fields["TotalNetAmount"] = decimalOf(total, scale)
  // Rejection status: A nothing, B partly, C all (domain STATV).
  order.fields["OverallSDDocumentRejectionSts"] = rejected === 0 ? "A" : live.length > 0 ? "B" : "C"
}

/** An element that came from the header has its counter there. */
function isShare(element: Entity): boolean {
  return element.fields["PrcgProcedureCounterForHeader"] !== undefined
}

function ownElements(item: Entity): Entity[] {
  return (item.children["to_PricingElement"] ?? []).filter((element) => !isShare(element))
}

function valueOwn(item: Entity, currency: string): { netMinor: bigint; taxMinor: bigint } {
  const own = ownElements(item)
  const quantityMilli = scaled(item.fields["RequestedQuantity"], 3) ?? 0n
  const priced = valueConditions(
    own.map(({ fields }) => fields),
    { quantityMilli, currency },
  )
  for (const [index, element] of own.entries())
    element.fields["ConditionAmount"] = priced.elements[index]?.["ConditionAmount"]
  return priced
}

function headerConditions({ master }: Company, order: Entity): HeaderCondition[] {
  const scale = currencyScale(String(order.fields["TransactionCurrency"]))
  return (order.children["to_PricingElement"] ?? []).map(({ fields }) => {
    const type = String(fields["ConditionType"])
    const minor = scaled(fields["ConditionAmount"], scale) ?? 0n
    return { type, minor, isCopied: master.copiedConditions?.has(type) === true }
  })
}

function showShares({ sets }: Company, item: Entity, shares: readonly HeaderCondition[]): void {
  const { SalesOrder, SalesOrderItem, TransactionCurrency } = item.fields
  const scale = currencyScale(String(TransactionCurrency))
  for (const old of (item.children["to_PricingElement"] ?? []).filter(isShare)) sets.itemPrices.delete(old)
  const rows = shares.map(({ type, minor }, index) =>
    sets.itemPrices.add(
      {
        SalesOrder,
        SalesOrderItem,
        PricingProcedureStep: String(index + 100),
        PricingProcedureCounter: "1",
        ConditionType: type,
        ConditionAmount: decimalOf(minor, scale),
        TransactionCurrency,
        PrcgProcedureCounterForHeader: "1",
      },
      item.version,
    ),
  )
  item.children["to_PricingElement"] = [...ownElements(item), ...rows]
}
