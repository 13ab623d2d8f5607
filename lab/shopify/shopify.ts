import type { FastifyInstance } from "fastify"
import type { CatalogueItem } from "../estate/catalogue.ts"
import type { Customer } from "../estate/customers.ts"
import type { Location } from "../estate/locations.ts"
import type { VendorState } from "../books.ts"
import type { Simulator, SimulatorContext, VendorOptions } from "../simulator.ts"
import { startSimulator } from "../simulator.ts"
import { addShopControls } from "./controls.ts"
import { createPublisher, retryDelaysMs, shopHeaders } from "./deliveries.ts"
import { createCostBucket } from "./graph/cost.ts"
import { addGraphEndpoint } from "./graph/endpoint.ts"
import type { ShopLocation } from "./orders/model.ts"
import { createOrderFactory } from "./orders/order-factory.ts"
import { totalsOf } from "./orders/totals.ts"
import type { CreateAuthorisation } from "./placing.ts"
import { bookOrder } from "./rest/documents.ts"
import type { Topic } from "./store.ts"
import { priceLists } from "./products/product-book.ts"
import { ShopStore, topics } from "./store.ts"
import { restLevel } from "./inventory/inventory-views.ts"

export type ShopifyOptions = VendorOptions & {
  estate: { skus: readonly CatalogueItem[]; locations: readonly Location[]; customers: readonly Customer[] }
  accessToken?: string
  clientSecret?: string
  shopDomain?: string
  shopCurrency?: string
  /** Share of orders with something unusual about them, and share of those that are written in odd shapes. */
  oddShare?: number
  /** Topics sent to the webhook target without a subscription made through the API. */
  appTopics?: readonly Topic[]
  /** 1 is the real pace: eight retries over four hours. */
  retryScale?: number
  /** A Plus shop's by default: 1,000 points a second, twenty seconds' worth in the bucket. */
  costBucket?: { maximum: number; restorePerSecond: number }
  /** How long an `orderCancel` job takes. */
  jobMs?: number
  createAuthorisation?: CreateAuthorisation
  /** Share of card orders that are only authorised; needs `createAuthorisation`. */
  authorisedShare?: number
}

export const shopifyDefaults = {
  accessToken: "shpat_lab_0123456789abcdef",
  clientSecret: "shpss_lab_fedcba9876543210",
  shopDomain: "lab-shop.myshopify.com",
  apiVersion: "2026-10",
}

/** What an app that takes orders asks for; one that publishes stock asks for its levels, too. */
const appTopics = topics.filter((topic) => topic !== "inventory_levels/update")

/** Starts the shop: Admin GraphQL API, webhooks out, and controls to trade in it. */
export async function startShopify(options: ShopifyOptions): Promise<Simulator> {
  return startSimulator({
    ...options,
    name: "shopify",
    faultAnswer: (fault) =>
      fault === "rate429"
        ? {
            status: 429,
            headers: { "retry-after": "2.0" },
            body: { errors: "Exceeded 2 calls per second for api client." },
          }
        : { status: 503, body: { errors: "Service Unavailable" } },
    routes: (app, context) => addShop(app, { context, options }),
  })
}

type Parts = { context: SimulatorContext; options: ShopifyOptions }

function addShop(app: FastifyInstance, { context, options }: Parts): VendorState {
  const store = new ShopStore(options.estate.locations.map(shopLocation), { ...context, skus: options.estate.skus })
  const shop = {
    domain: options.shopDomain ?? shopifyDefaults.shopDomain,
    currency: options.shopCurrency ?? "EUR",
    apiVersion: shopifyDefaults.apiVersion,
  }
  const sender = context.webhooks({
    retryDelaysMs,
    headers: shopHeaders({
      clientSecret: options.clientSecret ?? shopifyDefaults.clientSecret,
      shopDomain: shop.domain,
      apiVersion: shop.apiVersion,
    }),
    retryScale: options.retryScale ?? 0.001,
    onGiveUp: (message) => removeSubscription(store, message.id),
  })
  const publisher = createPublisher({
    appTopics: options.appTopics ?? appTopics,
    store,
    sender,
    random: context.random("deliveries"),
  })
  store.publish = publisher.ofOrder
  store.inventory.onChange = (item, locationId) => publisher.ofLevel(restLevel(item, locationId))
  const bucket = createCostBucket(options.costBucket ?? { maximum: 20_000, restorePerSecond: 1_000 })
  addGraphEndpoint(app, {
    store,
    context,
    bucket,
    accessToken: options.accessToken ?? shopifyDefaults.accessToken,
    shop,
    jobMs: options.jobMs ?? 50,
  })
  const controls = addShopControls(app, {
    store,
    factory: createOrderFactory({
      seed: options.seed,
      skus: options.estate.skus,
      locations: store.locations,
      customers: options.estate.customers,
      oddShare: options.oddShare ?? 0.3,
      shopCurrency: shop.currency,
    }),
    random: context.random("trading"),
    createAuthorisation: options.createAuthorisation,
    authorisedShare: options.authorisedShare ?? (options.createAuthorisation ? 0.5 : 0),
  })
  return {
    books: () => ({
      orders: [...store.orders.values()].map((order) => bookOrder(order, totalsOf(order))),
      subscriptions: [...store.subscriptions.values()],
      budget: [bucket.counts()],
      levels: levelRows(store),
      levelChanges: [...store.inventory.history.all()],
      products: [...store.products.all()].map((article) => ({
        ...article,
        lists: Object.fromEntries(priceLists.map((list) => [list.id, store.products.priceIn(list, article)])),
      })),
      productChanges: [...store.products.history.all()],
    }),
    reset: () => {
      controls.stop()
      store.clear()
    },
    stop: () => controls.stop(),
  }
}

function levelRows({ inventory, locations }: ShopStore) {
  return [...inventory.items.values()].flatMap(({ sku, isBundle, available, committed }) =>
    [...available].map(([locationId, count]) => {
      const place = locations.find(({ id }) => id === locationId)?.externalId ?? ""
      return { sku, locationId, place, isBundle, available: count, onHand: count + (committed.get(locationId) ?? 0) }
    }),
  )
}

function shopLocation(location: Location, index: number): ShopLocation {
  return {
    id: 70_000_000_000 + index + 1,
    externalId: location.locationId,
    name: location.name,
    kind: location.kind,
    countryCode: location.countryCode,
    city: location.city,
    zip: location.postalCode,
    line1: location.line1,
  }
}

/** A subscription made through the API is removed after its last failed retry; the app's own topics stay. */
function removeSubscription(store: ShopStore, messageId: string): void {
  const [, subscriptionId] = messageId.split("/")
  if (subscriptionId !== undefined) store.subscriptions.delete(Number(subscriptionId))
}
