import type { Currencies, MoneyPair, ShopOrder, TaxLine, Transaction } from "../orders/model.ts"
import { zero } from "../orders/model.ts"
import { isIn } from "../shapes/shapes.ts"
import { add, decimalText, negative } from "../orders/money.ts"

/** Deliveries seen in public repositories write times with the shop's own offset. */
const offset = "+01:00"
const offsetMs = 3_600_000

export function restTime(ms: number): string {
  return new Date(ms + offsetMs).toISOString().slice(0, 19) + offset
}

export type Json = Record<string, unknown>

export function moneySet(pair: MoneyPair, currencies: Currencies): Json {
  return {
    shop_money: { amount: decimalText(pair.shop, currencies.shop), currency_code: currencies.shop },
    presentment_money: {
      amount: decimalText(pair.presentment, currencies.presentment),
      currency_code: currencies.presentment,
    },
  }
}

export function restTaxLine(tax: TaxLine, currencies: Currencies): Json {
  return {
    channel_liable: false,
    price: decimalText(tax.price.shop, currencies.shop),
    price_set: moneySet(tax.price, currencies),
    rate: tax.ratePpm / 1_000_000,
    title: tax.title,
  }
}

/** The order's tax lines are those of its lines and shipping, summed by title and rate. */
export function mergedTaxLines(order: ShopOrder): TaxLine[] {
  const merged = new Map<string, TaxLine>()
  for (const line of [...order.lines, ...order.shippingLines]) {
    for (const tax of line.taxLines) {
      const key = `${tax.title}/${tax.ratePpm}`
      const before = merged.get(key)
      merged.set(key, before ? { ...tax, price: add(before.price, tax.price) } : tax)
    }
  }
  return [...merged.values()]
}

export function discountApplication(item: ShopOrder["discountApplications"][number], order: ShopOrder): Json {
  return {
    target_type: item.targetType,
    type: item.type,
    value: valueText(item, order),
    value_type: "percentage" in item.value ? "percentage" : "fixed_amount",
    allocation_method: item.allocationMethod,
    target_selection: item.targetSelection,
    ...(item.type === "discount_code" ? { code: item.label } : { title: item.label, description: item.label }),
  }
}

function valueText(item: ShopOrder["discountApplications"][number], order: ShopOrder): string {
  if ("percentage" in item.value) return item.value.percentage.toFixed(1)
  return decimalText(item.value.amountMinor, order.currencies.presentment)
}

export function discountCodes(order: ShopOrder): Json[] {
  return order.discountApplications.flatMap((item, index) => {
    if (item.type !== "discount_code") return []
    const lines = [...order.lines, ...order.shippingLines]
    const all = lines.flatMap((line) => line.discountAllocations.filter((one) => one.applicationIndex === index))
    const amount = add(...all.map((allocation) => allocation.amount))
    const type =
      item.targetType === "shipping_line" ? "shipping" : "percentage" in item.value ? "percentage" : "fixed_amount"
    return [{ code: item.label, amount: decimalText(amount.shop, order.currencies.shop), type }]
  })
}

export function restTransaction(transaction: Transaction, order: ShopOrder): Json {
  return {
    id: transaction.id,
    admin_graphql_api_id: `gid://shopify/OrderTransaction/${transaction.id}`,
    amount: decimalText(transaction.amount.presentment, order.currencies.presentment),
    authorization: transaction.kind === "AUTHORIZATION" ? transaction.paymentId : null,
    created_at: restTime(transaction.createdAtMs),
    currency: order.currencies.presentment,
    device_id: null,
    error_code: null,
    gateway: transaction.gateway,
    kind: transaction.kind.toLowerCase(),
    location_id: null,
    message: "Transaction approved",
    order_id: order.id,
    parent_id: transaction.parentId,
    payment_id: transaction.paymentId,
    processed_at: restTime(transaction.createdAtMs),
    receipt: transaction.receipt,
    source_name: "web",
    status: transaction.status.toLowerCase(),
    test: order.isTest,
    // Here the currency's key is `currency`, in every other set `currency_code` (example of
    // https://shopify.dev/docs/api/admin-rest/latest/resources/transaction, read 2026-11-20).
    total_unsettled_set: unsettledSet(transaction, order),
    user_id: null,
  }
}

/** The uncaptured amount of an authorisation. At the time of the webhook that is all of it; payments are settled at once. */
function unsettledSet(transaction: Transaction, { currencies }: ShopOrder): Json {
  const open = transaction.kind === "AUTHORIZATION" ? transaction.amount : zero
  return {
    shop_money: { amount: decimalText(open.shop, currencies.shop), currency: currencies.shop },
    presentment_money: {
      amount: decimalText(open.presentment, currencies.presentment),
      currency: currencies.presentment,
    },
  }
}

export function restDiscrepancy(amount: MoneyPair, refund: { id: number; order: ShopOrder }): Json {
  const { currencies } = refund.order
  return {
    id: refund.id + 500,
    amount: decimalText(negative(amount).shop, currencies.shop),
    amount_set: moneySet(negative(amount), currencies),
    kind: "refund_discrepancy",
    order_id: refund.order.id,
    reason: "Refund discrepancy",
    refund_id: refund.id,
    tax_amount: decimalText(0, currencies.shop),
    tax_amount_set: moneySet(zero, currencies),
  }
}

export function restCustomer(order: ShopOrder): Json | null {
  if (isIn(order, "no-customer")) return null
  const { firstName, lastName } = order.billingAddress
  return {
    id: order.customerId,
    created_at: restTime(1_750_000_000_000),
    updated_at: restTime(order.createdAtMs),
    first_name: firstName,
    last_name: lastName,
    state: "enabled",
    note: null,
    verified_email: true,
    multipass_identifier: null,
    tax_exempt: false,
    email: order.email,
    phone: order.phone,
    currency: order.currencies.presentment,
    tax_exemptions: [],
    admin_graphql_api_id: `gid://shopify/Customer/${order.customerId}`,
    default_address: restAddress(order.billingAddress),
  }
}

export function restAddress(address: ShopOrder["billingAddress"]): Json {
  return {
    first_name: address.firstName,
    address1: address.line1,
    phone: address.phone,
    city: address.city,
    zip: address.zip,
    province: address.provinceCode,
    country: address.countryCode,
    last_name: address.lastName,
    address2: address.line2,
    company: null,
    latitude: null,
    longitude: null,
    name: `${address.firstName} ${address.lastName}`,
    country_code: address.countryCode,
    province_code: address.provinceCode,
  }
}
