import type { MoneyPair, ShopOrder } from "../orders/model.ts"
import { zero } from "../orders/model.ts"
import { decimalText } from "../orders/money.ts"
import { restFulfillment, restRefund } from "./documents.ts"
import { restLine, restShippingLine } from "./line-payload.ts"
import type { Json } from "./parts.ts"
import {
  discountApplication,
  discountCodes,
  mergedTaxLines,
  moneySet,
  restAddress,
  restCustomer,
  restTaxLine,
  restTime,
} from "./parts.ts"
import { financialStatus, fulfillmentStatus, totalsOf } from "../orders/totals.ts"

// Field names as in an order of October 2025 in a public repository (shop EUR, presentment GBP), read 2026-11-20. That
// order has no duties, bundles, tips or returns: how those are written is general knowledge, not verified.

/** The order as webhooks carry it. Transactions are not part of it: they must be asked for. */
export function restOrder(order: ShopOrder): Json {
  return { ...identity(order), ...moneyOf(order), ...partsOf(order) }
}

function identity(order: ShopOrder): Json {
  const status = fulfillmentStatus(order)
  return {
    id: order.id,
    admin_graphql_api_id: `gid://shopify/Order/${order.id}`,
    app_id: 580111,
    browser_ip: order.browserIp,
    buyer_accepts_marketing: false,
    cancel_reason: order.cancelReason?.toLowerCase() ?? null,
    cancelled_at: order.cancelledAtMs === null ? null : restTime(order.cancelledAtMs),
    cart_token: null,
    checkout_id: order.id + 30_000_000_000,
    checkout_token: null,
    client_details: null,
    closed_at: null,
    company: order.company ? { id: order.company.id, location_id: order.company.locationId } : null,
    confirmation_number: `C${order.number.toString(36).toUpperCase().padStart(8, "0")}`,
    confirmed: true,
    contact_email: order.email,
    created_at: restTime(order.createdAtMs),
    customer_locale: "en-NL",
    device_id: null,
    email: order.email ?? "",
    fulfillment_status: status === "UNFULFILLED" ? null : status === "FULFILLED" ? "fulfilled" : "partial",
    landing_site: "/",
    landing_site_ref: null,
    location_id: order.retailLocationId,
    merchant_business_entity_id: "MTU1MTIwNjQ1NTQ4Mw",
    merchant_of_record_app_id: null,
    name: order.name,
    note: order.note,
    note_attributes: order.noteAttributes,
    number: order.number,
    order_number: 1_000 + order.number,
    order_status_url: `https://lab-shop.example/orders/${order.id}/authenticate`,
    payment_gateway_names: [...new Set(order.transactions.flatMap(({ gateway }) => gateway ?? []))],
    phone: order.phone,
    po_number: order.poNumber,
    processed_at: restTime(order.createdAtMs),
    reference: null,
    referring_site: null,
    source_identifier: order.sourceIdentifier,
    source_name: order.sourceName,
    source_url: null,
    tags: order.tags.join(", "),
    tax_exempt: order.isTaxExempt ?? false,
    test: order.isTest,
    token: String(order.id),
    updated_at: restTime(order.updatedAtMs),
    user_id: null,
  }
}

function moneyOf(order: ShopOrder): Json {
  const totals = totalsOf(order)
  const { currencies } = order
  const set = (pair: MoneyPair): Json => moneySet(pair, currencies)
  const text = (pair: MoneyPair): string => decimalText(pair.shop, currencies.shop)
  const hasDuties = order.lines.some((line) => line.duties.length > 0)
  return {
    currency: currencies.shop,
    current_shipping_price_set: set(totals.currentShipping),
    current_subtotal_price: text(totals.currentSubtotal),
    current_subtotal_price_set: set(totals.currentSubtotal),
    current_total_additional_fees_set: order.fees ? set(order.fees) : null,
    current_total_discounts: text(totals.currentDiscounts),
    current_total_discounts_set: set(totals.currentDiscounts),
    current_total_duties_set: hasDuties ? set(totals.duties) : null,
    current_total_price: text(totals.currentTotal),
    current_total_price_set: set(totals.currentTotal),
    current_total_tax: text(totals.currentTax),
    current_total_tax_set: set(totals.currentTax),
    discount_codes: discountCodes(order),
    duties_included: false,
    estimated_taxes: false,
    financial_status: financialStatus(order, totals).toLowerCase(),
    original_total_additional_fees_set: order.fees ? set(order.fees) : null,
    original_total_duties_set: hasDuties ? set(totals.duties) : null,
    presentment_currency: currencies.presentment,
    subtotal_price: text(totals.subtotal),
    subtotal_price_set: set(totals.subtotal),
    tax_lines: mergedTaxLines(order).map((tax) => restTaxLine(tax, currencies)),
    taxes_included: order.taxesIncluded,
    total_cash_rounding_payment_adjustment_set: set(totals.rounding),
    total_cash_rounding_refund_adjustment_set: set(zero),
    total_discounts: text(totals.discounts),
    total_discounts_set: set(totals.discounts),
    total_line_items_price: text(totals.lineItems),
    total_line_items_price_set: set(totals.lineItems),
    total_outstanding: text(totals.outstanding),
    total_price: text(totals.total),
    total_price_set: set(totals.total),
    total_shipping_price_set: set(totals.shipping),
    total_tax: text(totals.tax),
    total_tax_set: set(totals.tax),
    total_tip_received: text(totals.tip),
    total_weight: order.lines.reduce((grams, line) => grams + line.grams * line.quantity, 0),
  }
}

function partsOf(order: ShopOrder): Json {
  const { currencies } = order
  return {
    billing_address: restAddress(order.billingAddress),
    customer: restCustomer(order),
    discount_applications: order.discountApplications.map((item) => discountApplication(item, order)),
    fulfillments: order.fulfillments.map((fulfillment) => restFulfillment(order, fulfillment)),
    line_items: order.lines.map((line) => restLine(order, line)),
    payment_terms: paymentTerms(order),
    refunds: order.refunds.map((refund) => restRefund(order, refund)),
    shipping_address: order.shippingAddress === null ? null : restAddress(order.shippingAddress),
    shipping_lines: order.shippingLines.map((line) => restShippingLine(line, currencies)),
    returns: [],
    line_item_groups: order.groups.map((group) => ({
      id: group.id,
      title: group.title,
      quantity: group.quantity,
      product_id: group.productId,
      variant_id: group.variantId,
      variant_sku: group.variantSku,
      properties: [],
    })),
  }
}

// Field names as in the example of the Order resource (https://shopify.dev/docs/api/admin-rest/latest/resources/order, read 2026-11-29).
function paymentTerms(order: ShopOrder): Json | null {
  const { paymentTerms: terms, currencies } = order
  if (terms === null) return null
  const issued = restTime(order.createdAtMs)
  const { total } = totalsOf(order)
  return {
    amount: decimalText(total.presentment, currencies.presentment),
    currency: currencies.presentment,
    payment_terms_name: terms.name,
    payment_terms_type: "NET",
    due_in_days: terms.dueInDays,
    payment_schedules: [
      {
        amount: decimalText(total.presentment, currencies.presentment),
        currency: currencies.presentment,
        issued_at: issued,
        due_at: restTime(order.createdAtMs + terms.dueInDays * 86_400_000),
        completed_at: null,
        expected_payment_method: null,
      },
    ],
  }
}
