import { GraphQLError } from "graphql"
import type { ShopOrder } from "../orders/model.ts"
import { financialStatus, fulfillmentStatus } from "../orders/totals.ts"
import { inventoryItems } from "../inventory/inventory-views.ts"
import { priceListView, productVariants } from "../products/product-views.ts"
import { ownerOf, type ShopStore, type Subscription } from "../store.ts"
import { fulfillmentOrderView, fulfillmentView } from "./views/fulfilment-view.ts"
import { orderView } from "./views/order-view.ts"
import type { PageArguments } from "./paging.ts"
import { connection, decodeCursor, encodeCursor, gid, idOf, pageOf } from "./paging.ts"
import type { Scope, View } from "./views/part-views.ts"
import { graphTime, locationView } from "./views/part-views.ts"

export type ShopIdentity = { domain: string; currency: string; apiVersion: string }

type OrdersArguments = PageArguments & { query?: string | null; sortKey?: string | null }

/** Resolvers of QueryRoot's fields. */
export function queryRoot(store: ShopStore, shop: ShopIdentity): View {
  return {
    shop: { id: gid("Shop", 1), name: "Lab shop", myshopifyDomain: shop.domain, currencyCode: shop.currency },
    currentAppInstallation: { accessScopes: () => [...store.access.scopes].map((handle) => ({ handle })) },
    order: ({ id }: { id: string }) => {
      const order = orderOf(store, id)
      return order && store.isShown(order) ? orderView(store, order) : null
    },
    orders: (args: OrdersArguments) => orders(store, args),
    productVariants: (args: PageArguments & { query?: string | null }) => productVariants(store, shop.currency, args),
    priceList: ({ id }: { id: string }) => priceListView(store, shop.currency, id),
    inventoryItems: (args: PageArguments & { query?: string | null }) => inventoryItems(store, shop.currency, args),
    locations: connection(() => store.locations.map((location) => locationView(store, location.id))),
    job: ({ id }: { id: string }) => {
      const job = store.jobs.get(id)
      return job ? { id, done: job.isDone } : null
    },
    // Of the many nodes only results of cancellations are read this way.
    node: ({ id }: { id: string }) => cancelJobView(store, id.replace("OrderCancelJobResult", "Job")),
    fulfillmentOrder: ({ id }: { id: string }) => {
      const owned = ownerOf(store, idOf("FulfillmentOrder", id) ?? 0)
      return owned ? fulfillmentOrderView(scopeOf(store, owned.order), owned.fulfillmentOrder) : null
    },
    fulfillment: ({ id }: { id: string }) => {
      for (const order of store.orders.values()) {
        const found = order.fulfillments.find((item) => gid("Fulfillment", item.id) === id)
        if (found) return fulfillmentView(scopeOf(store, order), found)
      }
      return null
    },
    webhookSubscriptions: (args: PageArguments & { topics?: string[] | null; uri?: string | null }) =>
      connection(() =>
        [...store.subscriptions.values()]
          .filter((item) => !args.topics || args.topics.includes(topicName(item)))
          .filter((item) => !args.uri || args.uri === item.uri)
          .map((item) => subscriptionView(item)),
      )(args),
  }
}

/** The result of an `orderCancel` job, by the job's id; null when there is no such job. */
export function cancelJobView(store: ShopStore, jobId: string): View | null {
  const job = store.jobs.get(jobId)
  if (!job) return null
  const { isDone, error } = job
  return {
    __typename: "OrderCancelJobResult",
    id: jobId.replace("/Job/", "/OrderCancelJobResult/"),
    done: isDone,
    status: !isDone ? "STARTED" : error === undefined ? "SUCCEEDED" : "FAILED",
    errors: error === undefined ? [] : [{ field: ["orderId"], message: error, code: "INVALID" }],
  }
}

export function scopeOf(store: ShopStore, order: ShopOrder): Scope {
  return { store, order, orderView: () => orderView(store, order) }
}

export function orderOf(store: ShopStore, id: unknown): ShopOrder | undefined {
  return store.orders.get(idOf("Order", id) ?? 0)
}

/**
 * Sorts by last change only, which is how a backstop poll reads; other sort keys are refused. A page has at most 250
 * entries (general knowledge; the 250 is verified for input lists only).
 */
function orders(store: ShopStore, args: OrdersArguments): View {
  const { first, after, query } = args
  if (store.access.refusesPersonal)
    throw new GraphQLError("This app is not approved to use the email field.", {
      extensions: { code: "ACCESS_DENIED" },
    })
  if (!first || first > 250) throw badArguments("you must provide one of first or last, and first may be at most 250")
  if (args.reverse === true) throw badArguments("the lab pages orders forwards only")
  if (args.sortKey && args.sortKey !== "UPDATED_AT" && !query?.includes("name:")) {
    throw badArguments("the lab sorts orders by UPDATED_AT only")
  }
  const search = parseSearch(query ?? "")
  const page = store.page({
    sinceMs: search.sinceMs,
    afterSequence: after ? decodeCursor(after) : 0,
    limit: first,
    accepts: (order) => search.accepts(order) && store.isShown(order),
  })
  return pageOf(
    page.orders.map(({ order }) => orderView(store, order)),
    page.orders.map(({ sequence }) => encodeCursor(sequence)),
    { hasNext: page.hasNext, hasPrevious: Boolean(after) },
  )
}

type Search = { sinceMs: number; accepts(order: ShopOrder): boolean }

/** Terms joined by spaces or AND: the part of the search syntax that the schema's own examples show. */
function parseSearch(query: string): Search {
  const tests: ((order: ShopOrder) => boolean)[] = []
  let sinceMs = 0
  for (const [, field = "", operator = "", quoted, bare] of query.matchAll(
    /(\w+):(>=|<=|>|<)?(?:["']([^"']*)["']|(\S+))/g,
  )) {
    const value = quoted ?? bare ?? ""
    if (field === "updated_at" && operator.startsWith(">")) sinceMs = Math.max(sinceMs, secondOf(Date.parse(value)))
    tests.push(testOf(field, operator, value))
  }
  return { sinceMs, accepts: (order) => tests.every((test) => test(order)) }
}

function testOf(field: string, operator: string, value: string): (order: ShopOrder) => boolean {
  if (field === "updated_at" || field === "created_at") {
    const wanted = Date.parse(value)
    if (Number.isNaN(wanted)) throw badArguments(`"${value}" is not a time`)
    const compare = comparators[operator] ?? ((left, right) => left === right)
    const timeOf = (order: ShopOrder): number => (field === "updated_at" ? order.updatedAtMs : order.createdAtMs)
    return (order) => compare(secondOf(timeOf(order)), secondOf(wanted))
  }
  const plain = textTests[field]
  if (plain === undefined) throw badArguments(`the lab cannot search orders by "${field}"`)
  return (order) => plain(order).some((text) => text.toLowerCase() === value.toLowerCase())
}

const comparators: Record<string, (left: number, right: number) => boolean> = {
  ">=": (left, right) => left >= right,
  "<=": (left, right) => left <= right,
  ">": (left, right) => left > right,
  "<": (left, right) => left < right,
}

const textTests: Record<string, (order: ShopOrder) => string[]> = {
  name: (order) => [order.name, order.name.slice(1)],
  id: (order) => [String(order.id)],
  tag: (order) => order.tags,
  email: (order) => [order.email ?? ""],
  po_number: (order) => [order.poNumber ?? ""],
  source_identifier: (order) => [order.sourceIdentifier ?? ""],
  financial_status: (order) => [financialStatus(order)],
  fulfillment_status: (order) => [fulfillmentStatus(order)],
}

/** Times of the API have no fractions of a second: two changes within one share their `updatedAt`. */
function secondOf(ms: number): number {
  return Math.floor(ms / 1_000) * 1_000
}

function topicName(subscription: Subscription): string {
  return subscription.topic.toUpperCase().replace("/", "_")
}

export function subscriptionView(subscription: Subscription): View {
  const { apiVersion } = subscription
  return {
    id: gid("WebhookSubscription", subscription.id),
    legacyResourceId: String(subscription.id),
    topic: topicName(subscription),
    uri: subscription.uri,
    format: "JSON",
    filter: subscription.filter,
    includeFields: subscription.includeFields,
    createdAt: graphTime(subscription.createdAtMs),
    apiVersion: { handle: apiVersion, displayName: apiVersion, supported: true },
  }
}

function badArguments(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: "BAD_USER_INPUT" } })
}
