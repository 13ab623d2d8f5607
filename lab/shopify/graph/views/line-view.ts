import type { MoneyPair, OrderLine, ShopOrder } from "../../orders/model.ts"
import { zero } from "../../orders/model.ts"
import { divideRounded, eachSide, subtract, times } from "../../orders/money.ts"
import { fulfillableQuantity, lineDiscount, lineTotal } from "../../orders/totals.ts"
import { gid } from "../paging.ts"
import type { View } from "./part-views.ts"
import { attributeViews, discountViews, dutyViews, moneyBag, taxViews } from "./part-views.ts"
import { isIn, tipLineId } from "../../shapes/shapes.ts"

export function lineView(order: ShopOrder, line: OrderLine): View {
  const group = order.groups.find((candidate) => candidate.id === line.groupId)
  const fulfillable = (): number => fulfillableQuantity(order, line)
  return {
    id: gid("LineItem", line.id),
    sku: line.sku,
    name: line.title,
    title: line.title,
    variantTitle: null,
    vendor: "Lab",
    quantity: line.quantity,
    currentQuantity: line.currentQuantity,
    refundableQuantity: line.currentQuantity,
    unfulfilledQuantity: fulfillable,
    nonFulfillableQuantity: () => line.quantity - line.fulfilledQuantity - fulfillable(),
    isGiftCard: line.isGiftCard,
    requiresShipping: line.delivery !== "none",
    taxable: line.isTaxable,
    customAttributes: attributeViews(order, line.properties),
    product: line.productId === null ? null : { id: gid("Product", line.productId) },
    variant: line.variantId === null ? null : { id: gid("ProductVariant", line.variantId), sku: line.sku },
    lineItemGroup: group === undefined ? null : groupView(group),
    originalUnitPriceSet: () => moneyBag(order, line.unitPrice),
    originalTotalSet: () => moneyBag(order, times(line.unitPrice, line.quantity)),
    discountedTotalSet: () => moneyBag(order, subtract(times(line.unitPrice, line.quantity), ownDiscount(order, line))),
    discountedUnitPriceAfterAllDiscountsSet: () => {
      const total = lineTotal(line)
      return moneyBag(
        order,
        eachSide((side) => divideRounded(total[side], line.quantity)),
      )
    },
    totalDiscountSet: () => moneyBag(order, ownDiscount(order, line)),
    taxLines: ({ first }: { first?: number }) => taxViews(order, line.taxLines.slice(0, first)),
    duties: () => dutyViews(order, line.duties),
    discountAllocations: () => discountViews(order, line.discountAllocations),
  }
}

/** The tip once more, as a line that nothing marks. */
export function tipLineViews(order: ShopOrder): View[] {
  const id = tipLineId(order)
  if (id === undefined) return []
  const price = moneyBag(order, order.tip)
  return [
    {
      id: gid("LineItem", id),
      sku: null,
      name: "Tip",
      title: "Tip",
      quantity: 1,
      currentQuantity: 1,
      refundableQuantity: 1,
      unfulfilledQuantity: 0,
      nonFulfillableQuantity: 1,
      isGiftCard: false,
      requiresShipping: false,
      taxable: false,
      customAttributes: attributeViews(order, []),
      product: null,
      variant: null,
      originalUnitPriceSet: price,
      originalTotalSet: price,
      discountedTotalSet: price,
      discountedUnitPriceAfterAllDiscountsSet: price,
      totalDiscountSet: moneyBag(order, zero),
      taxLines: [],
      duties: [],
      discountAllocations: [],
    },
  ]
}

/** Order-level discounts are not counted here (LineItem.totalDiscountSet, schema 2026-10). */
function ownDiscount(order: ShopOrder, line: OrderLine): MoneyPair {
  const own = line.discountAllocations.filter(
    (item) => order.discountApplications[item.applicationIndex]?.allocationMethod !== "across",
  )
  return lineDiscount({ ...line, discountAllocations: own })
}

function groupView(group: ShopOrder["groups"][number]): View {
  return {
    id: gid("LineItemGroup", group.id),
    title: group.title,
    quantity: group.quantity,
    productId: gid("Product", group.productId),
    variantId: gid("ProductVariant", group.variantId),
    variantSku: group.variantSku,
    customAttributes: [],
  }
}

export function shippingView(order: ShopOrder, line: ShopOrder["shippingLines"][number]): View {
  const discounted = (): View => moneyBag(order, subtract(line.price, lineDiscount(line)))
  return {
    id: isIn(order, "nulls") ? null : gid("ShippingLine", line.id),
    title: line.title,
    code: line.code,
    source: "shopify",
    carrierIdentifier: null,
    isRemoved: false,
    originalPriceSet: () => moneyBag(order, line.price),
    discountedPriceSet: discounted,
    currentDiscountedPriceSet: discounted,
    taxLines: () => taxViews(order, line.taxLines),
    discountAllocations: () => discountViews(order, line.discountAllocations),
  }
}
