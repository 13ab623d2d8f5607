// Documents for the Admin API 2026-10; validated against the vendor's own schema by operations.test.ts.

const money = `{ shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }`
const address = `{ name company address1 address2 zip city provinceCode countryCodeV2 phone }`
const taxes = `taxLines { title rate priceSet ${money} }`
const discounts = `discountAllocations { allocatedAmountSet ${money} discountApplication { index } }`
const page = `pageInfo { hasNextPage }`

const lineFields = `
  id sku title quantity currentQuantity requiresShipping isGiftCard variant { id } product { id }
  originalUnitPriceSet ${money} customAttributes { key value }
  ${taxes} ${discounts}
  duties { id harmonizedSystemCode price ${money} ${taxes} }`

/** What plain lists are asked for. They are cut without a word, so a list that is full may lack entries. */
export const plainListMax = 250

/** All order fields the translator needs. Variables: page size of lines, and of the lines of a refund or fulfilment. */
const orderFields = `
fragment OrderFields on Order {
  id name createdAt updatedAt cancelledAt cancelReason test
  currencyCode presentmentCurrencyCode taxesIncluded taxExempt
  totalPriceSet ${money} currentTotalPriceSet ${money} originalTotalPriceSet ${money}
  originalTotalAdditionalFeesSet ${money} originalTotalDutiesSet ${money}
  totalTipReceivedSet ${money} totalCashRoundingAdjustment { paymentSet ${money} }
  email phone customerLocale customer { id firstName lastName defaultPhoneNumber { phoneNumber } }
  purchasingEntity { ... on PurchasingCompany { company { id name } location { id } } }
  paymentTerms { paymentTermsName paymentSchedules(first: 2) { nodes { dueAt } } }
  sourceName sourceIdentifier app { id } retailLocation { id } tags
  billingAddress ${address} shippingAddress ${address}
  note customAttributes { key value } poNumber
  discountApplications(first: 20) { ${page} nodes {
    __typename index allocationMethod
    ... on DiscountCodeApplication { code }
    ... on ManualDiscountApplication { title }
    ... on AutomaticDiscountApplication { title }
  } }
  lineItems(first: $lines) { pageInfo { hasNextPage endCursor } nodes { ${lineFields} } }
  shippingLines(first: 10) { ${page} nodes { id title code originalPriceSet ${money} ${taxes} ${discounts} } }
  transactions(first: ${plainListMax}) {
    id kind status gateway createdAt paymentId receiptJson parentTransaction { id }
    amountSet ${money} amountRoundingSet ${money}
  }
  refunds(first: ${plainListMax}) {
    id createdAt processedAt
    refundLineItems(first: $parts) { ${page} nodes {
      lineItem { id } quantity restockType location { id } subtotalSet ${money} totalTaxSet ${money}
    } }
    refundShippingLines(first: 10) { ${page} nodes { subtotalAmountSet ${money} taxAmountSet ${money} } }
    orderAdjustments(first: 10) { ${page} nodes { amountSet ${money} taxAmountSet ${money} } }
    duties { amountSet ${money} }
    transactions(first: 10) { ${page} nodes { id kind status amountSet ${money} parentTransaction { id } } }
  }
  fulfillments(first: ${plainListMax}) {
    id createdAt updatedAt status trackingInfo(first: 1) { number company url }
    fulfillmentLineItems(first: $parts) { ${page} nodes { lineItem { id } quantity } }
  }
}`

export const listOrders = `
query CrossdockOrders($first: Int!, $after: String, $query: String!, $lines: Int!, $parts: Int!) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes { ...OrderFields }
  }
}${orderFields}`

/** The same page by ids alone, for when an order of it cannot be shown. */
export const listOrderIds = `
query CrossdockOrderIds($first: Int!, $after: String, $query: String!) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes { id }
  }
}`

/** One order that has more lines than the pages of `listOrders` hold. */
export const readWholeOrder = `
query CrossdockWholeOrder($id: ID!, $lines: Int!, $parts: Int!) {
  order(id: $id) { ...OrderFields }
}${orderFields}`

/** The lines of an order from a place on. */
export const readOrderLines = `
query CrossdockOrderLines($id: ID!, $after: String!) {
  order(id: $id) { id lineItems(first: 150, after: $after) { pageInfo { hasNextPage endCursor } nodes { ${lineFields} } } }
}`

/**
 * Page sizes. A query may ask for 1,000 points at most, counted before it runs by what its connections may return
 * (https://shopify.dev/docs/api/usage/limits, read 2026-11-20). How plain lists count is not published, so what a response says of
 * its cost decides how many orders a page has.
 */
export const pageSizes = { list: { lines: 25, parts: 18 }, whole: { lines: 100, parts: 100 } }

const fulfilmentOrderLines = `${page} nodes { id remainingQuantity lineItem { id } }`

/** The fulfilments of an order, for few points: lines are read only of those that are ours. */
export const readFulfilments = `
query CrossdockFulfilments($id: ID!) {
  order(id: $id) { id fulfillments(first: 100) { id status trackingInfo(first: 5) { number } } }
}`

export const readFulfilmentLines = `
query CrossdockFulfilmentLines($id: ID!) {
  fulfillment(id: $id) { id fulfillmentLineItems(first: 250) { ${page} nodes { lineItem { id } quantity } } }
}`

const fulfilmentState = `id status fulfillAt updatedAt fulfillmentHolds { reason reasonNotes }`

/** Whether anything of an order is on hold or scheduled, for few points. */
export const readFulfilmentStates = `
query CrossdockFulfilmentStates($id: ID!, $after: String) {
  order(id: $id) { id fulfillmentOrders(first: 20, after: $after) { pageInfo { hasNextPage endCursor } nodes {
    ${fulfilmentState}
  } } }
}`

/** One fulfilment order, for webhooks that name it and nothing else. */
export const readFulfilmentOrder = `
query CrossdockFulfilmentOrder($id: ID!) {
  fulfillmentOrder(id: $id) { ${fulfilmentState} order { id } lineItems(first: 250) { ${fulfilmentOrderLines} } }
}`

/** Assigns units to another location; all of an untouched fulfilment order keep its id. */
export const moveFulfilmentOrder = `
mutation CrossdockMove($id: ID!, $location: ID!, $lines: [FulfillmentOrderLineItemInput!]) {
  fulfillmentOrderMove(id: $id, newLocationId: $location, fulfillmentOrderLineItems: $lines) {
    movedFulfillmentOrder { id status lineItems(first: 100) { ${fulfilmentOrderLines} } }
    userErrors { field message }
  }
}`

/** Work that is planned per location, about 650 points. */
export const readFulfilmentOrders = `
query CrossdockFulfilmentOrders($id: ID!, $after: String) {
  order(id: $id) { id fulfillmentOrders(first: 10, after: $after) { pageInfo { hasNextPage endCursor } nodes {
    id status assignedLocation { location { id } }
    lineItems(first: 30) { ${fulfilmentOrderLines} }
  } } }
}`

export const readFulfilmentOrderLines = `
query CrossdockFulfilmentOrderLines($id: ID!) {
  fulfillmentOrder(id: $id) { id lineItems(first: 250) { ${fulfilmentOrderLines} } }
}`

export const createFulfilment = `
mutation CrossdockFulfil($fulfillment: FulfillmentInput!, $message: String) {
  fulfillmentCreate(fulfillment: $fulfillment, message: $message) {
    fulfillment { id status }
    userErrors { field message }
  }
}`

/** `cancelledAt` shows whether the cancellation happened; a refund is booked against the payments. */
export const readOrder = `
query CrossdockOrder($id: ID!) {
  order(id: $id) {
    id cancelledAt
    transactions(first: 50) { id kind status gateway amountSet ${money} parentTransaction { id } }
    refunds(first: 50) { id note totalRefundedSet ${money} }
  }
}`

export const cancelOrder = `
mutation CrossdockCancel($orderId: ID!, $reason: OrderCancelReason!, $refund: OrderCancelRefundMethodInput!, $note: String) {
  orderCancel(orderId: $orderId, reason: $reason, refundMethod: $refund, restock: true, notifyCustomer: false, staffNote: $note) {
    job { id done }
    jobResult { id }
    orderCancelUserErrors { field message code }
  }
}`

/** How the job of a cancellation went: it may fail after it was accepted. */
export const readCancellation = `
query CrossdockCancellation($id: ID!) {
  node(id: $id) { ... on OrderCancelJobResult { id status errors { field message code } } }
}`

// `@idempotent` is required at run time on refundCreate since 2026-04, though the schema does not say so:
// https://shopify.dev/changelog/posts/making-idempotency-mandatory-for-inventory-adjustments-and-refund-mutations
export const createRefund = `
mutation CrossdockRefund($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) {
    refund { id totalRefundedSet ${money} }
    userErrors { field message }
  }
}`

/**
 * Levels of at most 50 SKUs at one location, or of all of them. SKUs are not unique in a shop, so there may be a second page. An item is that of
 * one variant; `InventoryItem.variant` is deprecated for `variants` (2026-10).
 */
export const readLevels = `
query CrossdockLevels($query: String, $location: ID!, $first: Int!, $after: String) {
  inventoryItems(first: $first, after: $after, query: $query) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id sku inventoryLevel(locationId: $location) { id quantities(names: ["available", "committed"]) { id name quantity } }
      variants(first: 1) { nodes { id requiresComponents } }
    }
  }
}`

// `@idempotent` is required at run time here too, like on refundCreate; `changeFromQuantity` is in the input.
export const setLevels = `
mutation CrossdockSetLevels($input: InventorySetQuantitiesInput!, $key: String!) {
  inventorySetQuantities(input: $input) @idempotent(key: $key) {
    inventoryAdjustmentGroup { id }
    userErrors { field message code }
  }
}`

/** Variants of at most 50 SKUs, each with its product. SKUs are not unique in a shop, so there may be a second page. */
export const readVariants = `
query CrossdockVariants($query: String!, $first: Int!, $after: String) {
  productVariants(first: $first, after: $after, query: $query) {
    pageInfo { hasNextPage endCursor }
    nodes { id sku price compareAtPrice product { id title descriptionHtml status hasOnlyDefaultVariant } }
  }
}`

const listPrice = `originType price { amount currencyCode } compareAtPrice { amount currencyCode } variant { id }`

/** Prices of variants in the price list of a market, also those that follow the shop's own. */
export const readListPrices = `
query CrossdockListPrices($id: ID!, $query: String!, $first: Int!, $after: String) {
  priceList(id: $id) { id prices(first: $first, after: $after, query: $query) {
    pageInfo { hasNextPage endCursor }
    nodes { ${listPrice} }
  } }
}`

/** All or none: one price that is refused keeps the others from being added. */
export const addFixedPrices = `
mutation CrossdockAddFixedPrices($list: ID!, $prices: [PriceListPriceInput!]!) {
  priceListFixedPricesAdd(priceListId: $list, prices: $prices) {
    prices { ${listPrice} }
    userErrors { field message code }
  }
}`

/** Subscriptions of this app in this shop; those of the app's own configuration file are not listed. */
export const listSubscriptions = `
query CrossdockSubscriptions($after: String) {
  webhookSubscriptions(first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id topic uri format filter includeFields }
  }
}`

export const createSubscription = `
mutation CrossdockSubscribe($topic: WebhookSubscriptionTopic!, $uri: String!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: { uri: $uri, format: JSON }) {
    webhookSubscription { id }
    userErrors { field message }
  }
}`

export const deleteSubscription = `
mutation CrossdockUnsubscribe($id: ID!) {
  webhookSubscriptionDelete(id: $id) { deletedWebhookSubscriptionId userErrors { field message } }
}`

/** What was granted, and an order with what needs the vendor's approval: protected customer data. */
export const checkShop = `
query CrossdockCheck {
  shop { id name }
  currentAppInstallation { accessScopes { handle } }
  orders(first: 1) { nodes { id email shippingAddress { name } } }
}`

/** The payments of an order, for capturing and voiding what the shop itself holds. */
export const readPayments = `
query CrossdockPayments($id: ID!) {
  order(id: $id) {
    id
    transactions(first: 250) {
      id kind status gateway multiCapturable authorizationExpiresAt amountSet ${money} parentTransaction { id }
    }
  }
}`

export const captureOrder = `
mutation CrossdockCapture($input: OrderCaptureInput!) {
  orderCapture(input: $input) {
    transaction { id status }
    userErrors { field message }
  }
}`

export const voidTransaction = `
mutation CrossdockVoid($id: ID!) {
  transactionVoid(parentTransactionId: $id) {
    transaction { id status }
    userErrors { field message code }
  }
}`
