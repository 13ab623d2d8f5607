import { AppError } from "../../base/errors.ts"
import { negateMoney, sumMoney, type Money } from "../../base/money.ts"
import type { NewEvent } from "../../canonical/events.ts"
import type { OddPart } from "../../protocols/odd-parts.ts"
import type { Address, DiscountAllocation, MoneyPair, Property, TaxLine } from "../../canonical/parts.ts"

/**
 * One state of a Shopify order, read part by part from either of its forms: the REST form of webhooks or the GraphQL form of the
 * poll. A part that cannot be read is in `odd`, and the others stand. Amounts of lines and charges belong to `quantity`, as sold.
 */
export interface Snapshot {
  id: string
  name: string
  createdAt: string
  updatedAt: string
  isTest: boolean
  cancellation?: { at: string; reason: string }
  currency: Currencies
  taxesIncluded: boolean
  /** What was sold to whom; absent when it cannot be read. */
  content?: OrderContent
  refunds: SnapshotRefund[]
  fulfilments: SnapshotFulfilment[]
  /** Absent in webhooks: Shopify leaves transactions out of them. */
  transactions?: SnapshotTransaction[]
  odd: OddPart[]
}

export interface Currencies {
  shop: string
  presentment: string
}

/** What was sold to whom. */
export interface OrderContent {
  /** As sold, with everything added since; without refunds and removals. Cash rounding is not part of it. */
  total: MoneyPair
  /** The total without refunded and removed units. */
  currentTotal: MoneyPair
  /** The order's value when it was placed; absent in webhooks. */
  originalTotal?: MoneyPair
  cashRounding: MoneyPair
  /** The presentment amount is absent in webhooks: `total_tip_received` is in the shop's currency only. */
  tip: { shop: Money; presentment?: Money }
  fees: MoneyPair
  duties: MoneyPair
  /** How many amounts were finer than the minor unit and were rounded. */
  roundings: number
  customer: { id?: string; name?: string; email?: string; phone?: string; locale?: string; company?: Company }
  billingAddress?: Address
  shippingAddress?: Address
  note?: string
  attributes: Property[]
  tags: string[]
  poNumber?: string
  paymentTerms?: { name: string; dueAt?: string }
  taxExempt: boolean
  source: { name?: string; application?: string; id?: string; place?: string }
  lines: SnapshotLine[]
  shippingLines: SnapshotCharge[]
}

interface Company {
  id: string
  name?: string
  location?: string
}

export interface SnapshotCharge {
  id: string
  title: string
  code?: string
  gross: MoneyPair
  taxes: TaxLine[]
  discounts: DiscountAllocation[]
}

export interface SnapshotLine extends SnapshotCharge {
  sku: string
  unitPriceText?: string
  quantity: number
  currentQuantity: number
  requiresShipping: boolean
  isGiftCard: boolean
  /** Said of tips in webhooks only. */
  isTip: boolean
  productId?: string
  variantId?: string
  attributes: Property[]
  duties: SnapshotCharge[]
}

export interface SnapshotRefund {
  id: string
  at: string
  lines: {
    lineId: string
    quantity: number
    subtotal: MoneyPair
    tax: MoneyPair
    restock: RestockType
    /** The shop's number of the place they were put back at. */
    place?: string
  }[]
  /**
   * Shipping, duties and differences between the refunded amount and the value of the lines. Tax is on top only when prices
   * exclude tax.
   */
  charges: { kind: "shipping" | "duty" | "adjustment"; subtotal: MoneyPair; tax?: MoneyPair }[]
  /** What successful refund transactions paid back, in the currency they were made in. */
  paidBack: { amount: Money; parentId?: string }[]
  /** What is on its way, and what did not arrive. */
  pending: Money[]
  failed: Money[]
  /** A refund without any transaction moves no money: it is how an edit or a cancellation takes units off an order. */
  movesMoney: boolean
}

/** What an order, or a part of it, tells: facts, and the parts that tell nothing yet. */
export interface Told {
  events: NewEvent[]
  odd: OddPart[]
}

export interface SnapshotFulfilment {
  id: string
  at: string
  status: (typeof fulfilmentStatuses)[number]
  /** When it became what it is. */
  changedAt: string
  trackingNumber?: string
  carrier?: string
  trackingUrl?: string
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

// Enums RefundLineItemRestockType and FulfillmentStatus, 2026-10.
export const restockTypes = ["return", "cancel", "no_restock", "legacy_restock"] as const
export type RestockType = (typeof restockTypes)[number]
export const fulfilmentStatuses = ["success", "cancelled", "error", "failure", "open", "pending"] as const

/** The name of a field, or its names in the two forms where they differ in more than their spelling. */
export type Key = string | { graph: string; rest: string }

/** What the readers of one payload share. */
export interface Reading {
  /** REST spells `created_at` what GraphQL spells `createdAt`. */
  isRest: boolean
  /** The currencies of the order, once they are known: old payloads state amounts without them. */
  currency?: { shop: string; presentment: string }
  isOnlyThese?: boolean
  /** How many amounts were finer than the minor unit. */
  roundings: number
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

/** `Tender.reference`: the payment provider's own id where the receipt has it, else Shopify's id of the payment. */
export function paymentReference(receipt: Record<string, unknown>, paymentId: string | undefined): string | undefined {
  const { payment_intent_id: intent, payment_id: payment } = receipt
  return [intent, payment, paymentId].find((one): one is string => typeof one === "string" && one !== "")
}
