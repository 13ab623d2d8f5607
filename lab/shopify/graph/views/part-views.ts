import type {
  Address,
  DiscountAllocation,
  DiscountApplication,
  Duty,
  MoneyPair,
  ShopOrder,
  TaxLine,
  Transaction,
} from "../../orders/model.ts"
import { graphDecimal } from "../../orders/money.ts"
import { appValues, isIn } from "../../shapes/shapes.ts"
import type { ShopStore } from "../../store.ts"
import { gid } from "../paging.ts"

// Views are plain objects; what costs something or leads back to the order is a method, called only when selected.

export type View = Record<string, unknown>

/** Values are text here, whatever an app wrote. */
export function attributeViews(order: ShopOrder, list: readonly { name: string; value: unknown }[]): View[] {
  const all = isIn(order, "app-values") ? [...list, ...appValues] : list
  return all.map(({ name, value }) => ({ key: name, value: typeof value === "string" ? value : JSON.stringify(value) }))
}

/** GraphQL writes times to the second in UTC. */
export function graphTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

/** What a view below an order needs; `orderView` leads back up. */
export type Scope = { store: ShopStore; order: ShopOrder; orderView(): View }

export function moneyBag(order: ShopOrder, pair: MoneyPair): View {
  const { shop, presentment } = order.currencies
  return {
    shopMoney: money(pair.shop, shop),
    presentmentMoney: money(pair.presentment, presentment),
  }
}

function money(amountMinor: number, currencyCode: string): View {
  return { amount: graphDecimal(amountMinor, currencyCode), currencyCode }
}

export function taxViews(order: ShopOrder, lines: readonly TaxLine[]): View[] {
  return lines.map((tax) => ({
    title: tax.title,
    rate: isIn(order, "nulls") ? null : tax.ratePpm / 1_000_000,
    ratePercentage: isIn(order, "nulls") ? null : tax.ratePpm / 10_000,
    channelLiable: false,
    priceSet: moneyBag(order, tax.price),
  }))
}

export function dutyViews(order: ShopOrder, duties: readonly Duty[]): View[] {
  return duties.map((duty) => ({
    id: gid("Duty", duty.id),
    countryCodeOfOrigin: duty.countryCodeOfOrigin,
    harmonizedSystemCode: duty.harmonizedSystemCode,
    price: moneyBag(order, duty.price),
    taxLines: taxViews(order, duty.taxLines),
  }))
}

export function discountViews(order: ShopOrder, allocations: readonly DiscountAllocation[]): View[] {
  return allocations.map((allocation) => ({
    allocatedAmountSet: moneyBag(order, allocation.amount),
    discountApplication: () => {
      const application = order.discountApplications[allocation.applicationIndex]
      return application ? discountApplicationView(order, application) : null
    },
  }))
}

const applicationTypes = {
  discount_code: "DiscountCodeApplication",
  automatic: "AutomaticDiscountApplication",
  manual: "ManualDiscountApplication",
}

export function discountApplicationView(order: ShopOrder, item: DiscountApplication): View {
  const { value } = item
  return {
    __typename: applicationTypes[item.type],
    index: order.discountApplications.indexOf(item),
    allocationMethod: item.allocationMethod.toUpperCase(),
    targetSelection: item.targetSelection.toUpperCase(),
    targetType: item.targetType.toUpperCase(),
    code: item.label,
    title: item.label,
    description: item.label,
    value:
      "percentage" in value
        ? { __typename: "PricingPercentageValue", percentage: value.percentage }
        : { __typename: "MoneyV2", ...money(value.amountMinor, order.currencies.presentment) },
  }
}

export function locationView(store: ShopStore, id: number | null): View | null {
  const location = store.locations.find((candidate) => candidate.id === id)
  if (location === undefined) return null
  const { name, city, zip, countryCode, line1 } = location
  return {
    id: gid("Location", location.id),
    legacyResourceId: String(location.id),
    name,
    isActive: true,
    address: { address1: line1, city, zip, countryCode },
  }
}

export function transactionView(order: ShopOrder, transaction: Transaction): View {
  return {
    id: gid("OrderTransaction", transaction.id),
    kind: transaction.kind,
    status: transaction.status,
    gateway: transaction.gateway,
    test: order.isTest,
    // "Available only to stores on a Shopify Plus plan … Shopify Payments authorizations" (schema 2026-10): the lab's shop is none.
    authorizationExpiresAt: null,
    manuallyCapturable: transaction.kind === "AUTHORIZATION",
    multiCapturable: false,
    authorizationCode: transaction.kind === "AUTHORIZATION" ? transaction.paymentId : null,
    paymentId: transaction.paymentId,
    receiptJson: JSON.stringify(transaction.receipt),
    createdAt: graphTime(transaction.createdAtMs),
    processedAt: graphTime(transaction.createdAtMs),
    amountSet: () => moneyBag(order, transaction.amount),
    amountRoundingSet: () => (transaction.gateway === "cash" ? moneyBag(order, transaction.rounding) : null),
    parentTransaction: () => {
      const parent = order.transactions.find((candidate) => candidate.id === transaction.parentId)
      return parent ? transactionView(order, parent) : null
    },
  }
}

export function customerView(order: ShopOrder): View | null {
  if (isIn(order, "no-customer")) return null
  const { firstName, lastName } = order.billingAddress
  return {
    id: gid("Customer", order.customerId),
    firstName,
    lastName,
    displayName: `${firstName} ${lastName}`,
    defaultPhoneNumber: order.phone === null ? null : { phoneNumber: order.phone },
  }
}

export function addressView(address: Address, id: number): View {
  return {
    id: gid("MailingAddress", id),
    address1: address.line1,
    address2: address.line2,
    city: address.city,
    company: null,
    country: address.countryCode,
    countryCodeV2: address.countryCode,
    firstName: address.firstName,
    lastName: address.lastName,
    name: `${address.firstName} ${address.lastName}`,
    phone: address.phone,
    province: address.provinceCode,
    provinceCode: address.provinceCode,
    zip: address.zip,
  }
}
