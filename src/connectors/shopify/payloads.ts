import { AppError } from "../../base/errors.ts"
import { negateMoney, sumMoney, type Money } from "../../base/money.ts"
import type { Address, DiscountAllocation, MoneyPair, TaxLine } from "../../canonical/parts.ts"
import type { Reader } from "./orders/reader.ts"

/**
 * One state of a Shopify order, read from either of its forms: the REST form of webhooks or the GraphQL form of the
 * poll. Only the fields in use. Amounts of lines and charges belong to `quantity`, as sold.
 */
export interface Snapshot {
  id: string
  name: string
  createdAt: string
  updatedAt: string
  cancellation?: { at: string; reason: string }
  currency: { shop: string; presentment: string }
  taxesIncluded: boolean
  /** As sold, with everything added since; without refunds and removals. Cash rounding is not part of it. */
  total: MoneyPair
  /** The total without refunded and removed units. */
  currentTotal: MoneyPair
  cashRounding: MoneyPair
  /** The presentment amount is absent in webhooks: `total_tip_received` is in the shop's currency only. */
  tip: { shop: Money; presentment?: Money }
  customer: { id?: string; name?: string; email?: string; phone?: string; locale?: string }
  billingAddress?: Address
  shippingAddress?: Address
  note?: string
  attributes: Attribute[]
  poNumber?: string
  lines: SnapshotLine[]
  shippingLines: SnapshotCharge[]
  refunds: SnapshotRefund[]
  fulfilments: SnapshotFulfilment[]
  /** Absent in webhooks: Shopify leaves transactions out of them. */
  transactions?: SnapshotTransaction[]
  /** The order's value when it was placed; absent in webhooks. */
  originalTotal?: MoneyPair
}

export interface Attribute {
  name: string
  value: string
}

export interface SnapshotCharge {
  id: string
  title: string
  price: MoneyPair
  taxes: TaxLine[]
  discounts: DiscountAllocation[]
}

export interface SnapshotLine extends SnapshotCharge {
  sku: string
  quantity: number
  currentQuantity: number
  requiresShipping: boolean
  isGiftCard: boolean
  attributes: Attribute[]
  duties: SnapshotCharge[]
}

export interface SnapshotRefund {
  id: string
  at: string
  lines: { lineId: string; quantity: number; subtotal: MoneyPair; tax: MoneyPair; restock: RestockType }[]
  /** Shipping, duties and differences between the refunded amount and the value of the lines. */
  extras: MoneyPair[]
  /** Tax on refunded shipping; on top of `extras` only when prices exclude tax. */
  extraTaxes: MoneyPair[]
  /** What successful refund transactions paid back, in the currency they were made in. */
  paidBack: { amount: Money; parentId?: string }[]
  /** A refund without any transaction moves no money: it is how an edit or a cancellation takes units off an order. */
  movesMoney: boolean
}

export interface SnapshotFulfilment {
  id: string
  at: string
  isSuccess: boolean
  trackingNumber?: string
  lines: { lineId: string; quantity: number }[]
}

export interface SnapshotTransaction {
  id: string
  parentId?: string
  kind: TransactionKind
  status: TransactionStatus
  gateway: string
  amount: MoneyPair
  at: string
  reference?: string
}

// Enum values of OrderTransactionKind and OrderTransactionStatus, Admin API 2026-10; REST writes them in lower case.
export const transactionKinds = [
  "authorization",
  "emv_authorization",
  "capture",
  "sale",
  "void",
  "refund",
  "change",
  "suggested_refund",
] as const
export type TransactionKind = (typeof transactionKinds)[number]
export const transactionStatuses = ["success", "pending", "awaiting_response", "failure", "error", "unknown"] as const
export type TransactionStatus = (typeof transactionStatuses)[number]

// Enums RefundLineItemRestockType, OrderCancelReason, FulfillmentStatus and DiscountApplicationAllocationMethod, 2026-10.
export const restockTypes = ["return", "cancel", "no_restock", "legacy_restock"] as const
export type RestockType = (typeof restockTypes)[number]
export const cancelReasons = ["customer", "declined", "fraud", "inventory", "other", "staff"] as const
export const fulfilmentStatuses = ["success", "cancelled", "error", "failure", "open", "pending"] as const
export const allocationMethods = ["across", "each", "one"] as const
// OrderDisplayFinancialStatus 2026-10. It decides nothing, but an unknown value shows that the payload has changed.
export const financialStatuses = [
  "pending",
  "authorized",
  "partially_paid",
  "paid",
  "partially_refunded",
  "refunded",
  "voided",
  "expired",
] as const

/** The keys of money and addresses, which differ between the two forms. */
export interface MoneyKeys {
  shop: string
  presentment: string
  currency: string
}

/** Reads a pair of both currencies: `price_set` in REST, `priceSet` in GraphQL. */
export function readMoneySet(set: Reader, keys: MoneyKeys): MoneyPair {
  const read = (key: string) => {
    const side = set.object(key)
    return side.amount("amount", side.text(keys.currency))
  }
  return { shop: read(keys.shop), presentment: read(keys.presentment) }
}

/** An optional field, left out when it has no value. */
export function optional<Key extends string>(key: Key, value: string | undefined): Partial<Record<Key, string>> {
  // A computed key of a generic type loses its name, hence the cast.
  return value === undefined ? {} : ({ [key]: value } as Record<Key, string>)
}

export function addPairs(pairs: readonly MoneyPair[], currency: { shop: string; presentment: string }): MoneyPair {
  const add = (view: "shop" | "presentment") => {
    const amounts = pairs.map((pair) => pair[view])
    const other = amounts.find((amount) => amount.currency !== currency[view])
    // The shop's data is not an invariant of ours, so this refuses the delivery.
    if (other)
      throw new AppError("TRANSLATION_FAILED", `an amount in ${other.currency} is among amounts in ${currency[view]}`)
    return sumMoney(amounts, currency[view])
  }
  return { shop: add("shop"), presentment: add("presentment") }
}

export function negatePair(pair: MoneyPair): MoneyPair {
  return { shop: negateMoney(pair.shop), presentment: negateMoney(pair.presentment) }
}

export function readAttributes(list: readonly Reader[], nameKey: string): Attribute[] {
  return list.map((item) => ({ name: item.optionalText(nameKey) ?? "", value: item.optionalText("value") ?? "" }))
}

/** `Tender.reference`: the payment provider's own id where the receipt has it, else Shopify's id of the payment. */
export function paymentReference(receipt: Reader | undefined, paymentId: string | undefined): string | undefined {
  return receipt?.optionalText("payment_intent_id") ?? receipt?.optionalText("payment_id") ?? paymentId
}
