import type { MoneyPair, ShopOrder } from "../../orders/model.ts"
import { zero } from "../../orders/model.ts"
import { subtract } from "../../orders/money.ts"
import type { Totals } from "../../orders/totals.ts"
import { financialStatus, fulfillmentStatus, totalsOf } from "../../orders/totals.ts"
import { mergedTaxLines } from "../../rest/parts.ts"
import { isIn } from "../../shapes/shapes.ts"
import type { ShopStore } from "../../store.ts"
import { fulfillmentOrderView, fulfillmentView } from "./fulfilment-view.ts"
import { lineView, shippingView, tipLineViews } from "./line-view.ts"
import { connection, gid } from "../paging.ts"
import type { View } from "./part-views.ts"
import {
  addressView,
  attributeViews,
  customerView,
  discountApplicationView,
  graphTime,
  locationView,
  moneyBag,
  taxViews,
  transactionView,
} from "./part-views.ts"
import { refundView } from "./refund-view.ts"

/** The order as the Admin API shows it. */
export function orderView(store: ShopStore, order: ShopOrder): View {
  const scope = { store, order, orderView: () => orderView(store, order) }
  let known: Totals | undefined
  const totals = (): Totals => (known ??= totalsOf(order))
  const bag = (pick: (totals: Totals) => MoneyPair) => () => moneyBag(order, pick(totals()))
  const optionalDuties = () =>
    order.lines.some((line) => line.duties.length > 0) ? moneyBag(order, totals().duties) : null
  return {
    __typename: "Order",
    id: gid("Order", order.id),
    legacyResourceId: String(order.id),
    name: order.name,
    number: 1_000 + order.number,
    email: order.email,
    phone: order.phone,
    note: order.note,
    poNumber: order.poNumber,
    tags: order.tags,
    clientIp: order.browserIp,
    closed: false,
    closedAt: null,
    confirmed: true,
    confirmationNumber: `C${order.number.toString(36).toUpperCase().padStart(8, "0")}`,
    createdAt: graphTime(order.createdAtMs),
    processedAt: graphTime(order.createdAtMs),
    updatedAt: graphTime(order.updatedAtMs),
    cancelReason: order.cancelReason !== null && isIn(order, "new-words") ? "REGULATOR" : order.cancelReason,
    cancelledAt: order.cancelledAtMs === null ? null : graphTime(order.cancelledAtMs),
    currencyCode: order.currencies.shop,
    presentmentCurrencyCode: order.currencies.presentment,
    customerLocale: "en-NL",
    customAttributes: attributeViews(order, order.noteAttributes),
    customer: customerView(order),
    dutiesIncluded: false,
    edited: order.editRemovals.length + order.addedLineIds.length > 0,
    paymentGatewayNames: () => [...new Set(order.transactions.flatMap(({ gateway }) => gateway ?? []))],
    taxesIncluded: order.taxesIncluded,
    test: order.isTest,
    taxExempt: order.isTaxExempt ?? false,
    ...originView(store, order),
    billingAddress: addressView(order.billingAddress, order.id + 801),
    shippingAddress: order.shippingAddress === null ? null : addressView(order.shippingAddress, order.id + 802),
    displayFinancialStatus: () => (isIn(order, "new-words") ? "UNDER_REVIEW" : financialStatus(order, totals())),
    displayFulfillmentStatus: () => fulfillmentStatus(order),
    fullyPaid: () => totals().outstanding.presentment <= 0,
    ...moneyViews(bag),
    currentTotalDutiesSet: optionalDuties,
    originalTotalDutiesSet: optionalDuties,
    originalTotalPriceSet: () => moneyBag(order, originalTotal(order)),
    totalCashRoundingAdjustment: () => ({
      paymentSet: moneyBag(order, totals().rounding),
      refundSet: moneyBag(order, zero),
    }),
    taxLines: () => taxViews(order, mergedTaxLines(order)),
    discountCodes: () =>
      order.discountApplications.flatMap((item) => (item.type === "discount_code" ? [item.label] : [])),
    discountApplications: connection(() =>
      order.discountApplications.map((item) => discountApplicationView(order, item)),
    ),
    lineItems: connection(() => [...tipLineViews(order), ...order.lines.map((line) => lineView(order, line))]),
    shippingLines: connection(() => order.shippingLines.map((line) => shippingView(order, line))),
    transactions: ({ first }: { first?: number }) =>
      order.transactions.slice(0, first).map((item) => transactionView(order, item)),
    refunds: ({ first }: { first?: number }) => order.refunds.slice(0, first).map((item) => refundView(scope, item)),
    fulfillments: ({ first }: { first?: number }) =>
      order.fulfillments.slice(0, first).map((item) => fulfillmentView(scope, item)),
    fulfillmentOrders: connection(() => order.fulfillmentOrders.map((item) => fulfillmentOrderView(scope, item))),
  }
}

/** Who bought it, on what terms, and what took the order. */
function originView(store: ShopStore, order: ShopOrder): View {
  return {
    sourceIdentifier: order.sourceIdentifier,
    sourceName: order.sourceName,
    app: { id: gid("App", 580_111), name: "Online Store" },
    retailLocation: () => locationView(store, order.retailLocationId),
    purchasingEntity: companyView(order) ?? buyerView(order),
    paymentTerms: termsView(order),
    originalTotalAdditionalFeesSet: () =>
      order.fees && !isIn(order, "unstated-fee") ? moneyBag(order, order.fees) : null,
  }
}

function buyerView(order: ShopOrder): View | null {
  const customer = customerView(order)
  return customer && { __typename: "Customer", ...customer }
}

function companyView({ company }: ShopOrder): View | undefined {
  if (!company) return undefined
  return {
    __typename: "PurchasingCompany",
    company: { id: gid("Company", company.id), name: company.name },
    location: { id: gid("CompanyLocation", company.locationId), name: company.name },
  }
}

function termsView({ paymentTerms: terms, id, createdAtMs }: ShopOrder): View | null {
  if (!terms) return null
  const dueAt = graphTime(createdAtMs + terms.dueInDays * 86_400_000)
  return {
    id: gid("PaymentTerms", id + 901),
    dueInDays: terms.dueInDays,
    paymentTermsName: terms.name,
    paymentSchedules: connection(() => [{ id: gid("PaymentSchedule", id + 902), dueAt }]),
  }
}

function moneyViews(bag: (pick: (totals: Totals) => MoneyPair) => () => View): View {
  return {
    currentShippingPriceSet: bag((totals) => totals.currentShipping),
    currentSubtotalPriceSet: bag((totals) => totals.currentSubtotal),
    currentTotalDiscountsSet: bag((totals) => totals.currentDiscounts),
    currentTotalPriceSet: bag((totals) => totals.currentTotal),
    currentTotalTaxSet: bag((totals) => totals.currentTax),
    netPaymentSet: bag((totals) => subtract(totals.received, totals.refunded)),
    subtotalPriceSet: bag((totals) => totals.subtotal),
    totalCapturableSet: bag((totals) => totals.capturable),
    totalDiscountsSet: bag((totals) => totals.discounts),
    totalOutstandingSet: bag((totals) => totals.outstanding),
    totalPriceSet: bag((totals) => totals.total),
    totalReceivedSet: bag((totals) => totals.received),
    totalRefundedSet: bag((totals) => totals.refunded),
    totalShippingPriceSet: bag((totals) => totals.shipping),
    totalTaxSet: bag((totals) => totals.tax),
    totalTipReceivedSet: bag((totals) => totals.tip),
  }
}

/** Lines added by an edit were not part of what was first agreed. */
function originalTotal(order: ShopOrder): MoneyPair {
  return totalsOf(
    order,
    order.lines.filter((line) => !order.addedLineIds.includes(line.id)),
  ).total
}
