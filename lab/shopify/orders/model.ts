import type { Shape } from "../shapes/names.ts"

/** Minor units of the shop's own currency and of the currency the customer saw. */
export type MoneyPair = { shop: number; presentment: number }
export type Side = keyof MoneyPair

export type Currencies = { shop: string; presentment: string }

export type TaxLine = { title: string; ratePpm: number; price: MoneyPair }
export type DiscountAllocation = { amount: MoneyPair; applicationIndex: number }

export type DiscountApplication = {
  type: "discount_code" | "automatic" | "manual"
  label: string
  targetType: "line_item" | "shipping_line"
  targetSelection: "all" | "entitled" | "explicit"
  allocationMethod: "across" | "each" | "one"
  /** A percentage, or an amount in the presentment currency. */
  value: { percentage: number } | { amountMinor: number }
}

export type Duty = {
  id: number
  harmonizedSystemCode: string
  countryCodeOfOrigin: string
  price: MoneyPair
  taxLines: TaxLine[]
}

export type OrderLine = {
  id: number
  sku: string
  title: string
  /** Null when the article was deleted since. */
  productId: number | null
  variantId: number | null
  quantity: number
  /** Without refunded and removed units. */
  currentQuantity: number
  fulfilledQuantity: number
  unitPrice: MoneyPair
  taxLines: TaxLine[]
  discountAllocations: DiscountAllocation[]
  duties: Duty[]
  isGiftCard: boolean
  isTaxable: boolean
  grams: number
  properties: { name: string; value: string }[]
  groupId: number | null
  delivery: "ship" | "pickup" | "none"
  locationId: number
}

/** A bundle bought as one: its lines point here. */
export type LineGroup = {
  id: number
  title: string
  quantity: number
  productId: number
  variantId: number
  variantSku: string
}

export type ShippingLine = {
  id: number
  title: string
  code: string
  price: MoneyPair
  taxLines: TaxLine[]
  discountAllocations: DiscountAllocation[]
}

export type Address = {
  firstName: string
  lastName: string
  line1: string
  line2: string | null
  zip: string
  city: string
  provinceCode: string | null
  countryCode: string | null
  phone: string | null
}

export type TransactionKind = "AUTHORIZATION" | "CAPTURE" | "SALE" | "REFUND" | "VOID"

export type Transaction = {
  id: number
  kind: TransactionKind
  status: "SUCCESS" | "FAILURE" | "PENDING"
  gateway: string | null
  amount: MoneyPair
  /** Amount by which rounding to coins changed a cash payment. */
  rounding: MoneyPair
  parentId: number | null
  paymentId: string
  receipt: Record<string, string>
  createdAtMs: number
}

/** Units that left the order by a refund or an edit, with their value. */
export type Removal = { lineId: number; quantity: number; subtotal: MoneyPair; tax: MoneyPair }

export type RefundLine = Removal & {
  id: number
  restockType: "RETURN" | "CANCEL" | "NO_RESTOCK" | "LEGACY_RESTOCK"
  locationId: number | null
}

export type Refund = {
  id: number
  createdAtMs: number
  note: string | null
  lines: RefundLine[]
  shipping: { shippingLineId: number; subtotal: MoneyPair; tax: MoneyPair }[]
  transactionIds: number[]
  /** Difference between the refunded amount and the value of lines and shipping. */
  discrepancy: MoneyPair
}

export type FulfillmentOrderLine = { id: number; lineId: number; totalQuantity: number; remainingQuantity: number }

export type FulfillmentHold = { id: number; reason: string; reasonNotes: string | null }

export type FulfillmentOrder = {
  id: number
  status: "OPEN" | "IN_PROGRESS" | "CLOSED" | "CANCELLED" | "ON_HOLD" | "SCHEDULED" | "INCOMPLETE"
  requestStatus?: "UNSUBMITTED" | "SUBMITTED" | "ACCEPTED" | "REJECTED" | "CLOSED"
  /** When a scheduled one opens, ISO 8601. */
  fulfillAt?: string
  holds?: FulfillmentHold[]
  updatedAtMs?: number
  delivery: "ship" | "pickup" | "none"
  locationId: number
  lines: FulfillmentOrderLine[]
}

export type Tracking = { company: string | null; number: string | null; url: string | null }

export type Fulfillment = {
  id: number
  name: string
  createdAtMs: number
  locationId: number
  fulfillmentOrderIds: number[]
  tracking: Tracking[]
  lines: { id: number; lineId: number; quantity: number }[]
}

export type ShopOrder = {
  id: number
  /** Counts from 1; the order number shown to people adds 1000. */
  number: number
  name: string
  createdAtMs: number
  updatedAtMs: number
  cancelledAtMs: number | null
  cancelReason: string | null
  currencies: Currencies
  taxesIncluded: boolean
  email: string | null
  phone: string | null
  note: string | null
  noteAttributes: { name: string; value: string }[]
  poNumber: string | null
  tags: string[]
  customerId: number
  shippingAddress: Address | null
  billingAddress: Address
  browserIp: string
  sourceName: string
  /** Where it was sold over the counter. */
  retailLocationId: number | null
  isTest: boolean
  /** When the buyer pays, where it is not at once. */
  paymentTerms: { name: string; dueInDays: number } | null
  sourceIdentifier: string | null
  isTaxExempt?: boolean
  /** How it is written, see lab/shopify/shapes. */
  shapes?: Shape[]
  company?: { id: number; locationId: number; name: string }
  /** Additional fees, which only the order's totals and no line state. */
  fees?: MoneyPair
  lines: OrderLine[]
  groups: LineGroup[]
  shippingLines: ShippingLine[]
  discountApplications: DiscountApplication[]
  tip: MoneyPair
  transactions: Transaction[]
  refunds: Refund[]
  editRemovals: Removal[]
  /** Ids of lines added by a later edit: they count in the total, not in the original total. */
  addedLineIds: number[]
  fulfillmentOrders: FulfillmentOrder[]
  fulfillments: Fulfillment[]
  /** Set by tests: returns themselves are not simulated. */
  hasActiveReturn?: boolean
}

export type ShopLocation = {
  id: number
  externalId: string
  name: string
  kind: "warehouse" | "store"
  countryCode: string
  city: string
  zip: string
  line1: string
}

export const zero: MoneyPair = Object.freeze({ shop: 0, presentment: 0 })
