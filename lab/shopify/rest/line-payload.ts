import type { Currencies, MoneyPair, OrderLine, ShippingLine, ShopOrder } from "../orders/model.ts"
import { add, decimalText, subtract } from "../orders/money.ts"
import type { Json } from "./parts.ts"
import { moneySet, restTaxLine } from "./parts.ts"
import { fulfillableQuantity, lineDiscount } from "../orders/totals.ts"

export function restLine(order: ShopOrder, line: OrderLine): Json {
  const { currencies } = order
  const isDone = line.fulfilledQuantity > 0 && line.fulfilledQuantity >= line.currentQuantity
  return {
    id: line.id,
    admin_graphql_api_id: `gid://shopify/LineItem/${line.id}`,
    current_quantity: line.currentQuantity,
    fulfillable_quantity: fulfillableQuantity(order, line),
    fulfillment_service: line.isGiftCard ? "gift_card" : "manual",
    fulfillment_status: isDone ? "fulfilled" : line.fulfilledQuantity > 0 ? "partial" : null,
    gift_card: line.isGiftCard,
    grams: line.grams,
    name: line.title,
    price: decimalText(line.unitPrice.shop, currencies.shop),
    price_set: moneySet(line.unitPrice, currencies),
    product_exists: true,
    product_id: line.productId,
    properties: line.properties,
    quantity: line.quantity,
    requires_shipping: line.delivery !== "none",
    sales_line_item_group_id: line.groupId,
    sku: line.sku,
    taxable: line.isTaxable,
    title: line.title,
    // Amounts given by discount applications stand in discount_allocations; total_discount is the line's own part.
    total_discount: decimalText(ownDiscount(order, line).shop, currencies.shop),
    total_discount_set: moneySet(ownDiscount(order, line), currencies),
    variant_id: line.variantId,
    variant_inventory_management: "shopify",
    variant_title: null,
    vendor: "Lab",
    tax_lines: line.taxLines.map((tax) => restTaxLine(tax, currencies)),
    duties: line.duties.map((duty) => ({
      id: String(duty.id),
      tax_lines: duty.taxLines.map((tax) => restTaxLine(tax, currencies)),
      shop_money: moneySet(duty.price, currencies)["shop_money"],
      presentment_money: moneySet(duty.price, currencies)["presentment_money"],
      harmonized_system_code: duty.harmonizedSystemCode,
      country_code_of_origin: duty.countryCodeOfOrigin,
      admin_graphql_api_id: `gid://shopify/Duty/${duty.id}`,
    })),
    discount_allocations: restAllocations(line, currencies),
  }
}

/** "Doesn't include order-level discounts" (Order schema 2026-10, LineItem.totalDiscountSet). */
function ownDiscount(order: ShopOrder, line: OrderLine): MoneyPair {
  const own = line.discountAllocations.filter(
    (allocation) => order.discountApplications[allocation.applicationIndex]?.allocationMethod !== "across",
  )
  return add(...own.map((allocation) => allocation.amount))
}

export function restShippingLine(line: ShippingLine, currencies: Currencies): Json {
  const discounted = subtract(line.price, lineDiscount(line))
  return {
    id: line.id,
    carrier_identifier: null,
    code: line.code,
    current_discounted_price_set: moneySet(discounted, currencies),
    discounted_price: decimalText(discounted.shop, currencies.shop),
    discounted_price_set: moneySet(discounted, currencies),
    is_removed: false,
    phone: null,
    price: decimalText(line.price.shop, currencies.shop),
    price_set: moneySet(line.price, currencies),
    requested_fulfillment_service_id: null,
    source: "shopify",
    title: line.title,
    tax_lines: line.taxLines.map((tax) => restTaxLine(tax, currencies)),
    discount_allocations: restAllocations(line, currencies),
  }
}

function restAllocations(line: OrderLine | ShippingLine, currencies: Currencies): Json[] {
  return line.discountAllocations.map((allocation) => ({
    amount: decimalText(allocation.amount.shop, currencies.shop),
    amount_set: moneySet(allocation.amount, currencies),
    discount_application_index: allocation.applicationIndex,
  }))
}
