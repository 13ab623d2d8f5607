import type { CatalogueItem } from "../../../lab/estate/catalogue.ts"
import { createCatalogue } from "../../../lab/estate/catalogue.ts"
import { createCustomers } from "../../../lab/estate/customers.ts"
import { createLocations } from "../../../lab/estate/locations.ts"
import { shopifyDefaults, startShopify } from "../../../lab/shopify/shopify.ts"
import { topics } from "../../../lab/shopify/store.ts"
import type { Simulator } from "../../../lab/simulator.ts"
import { skuOf } from "../../publishing/catalogue.ts"
import { answerParent } from "../answer-parent.ts"

// The lab's shop alone, with as many articles as are asked for, and what it saw of its own stock.

interface Start {
  skus: number
  places: number
  budget: { maximum: number; restorePerSecond: number }
}

interface Level {
  sku: string
  place: string
  available: number
}

/** One change of one level that the app made. */
export type ShownChange = readonly [sku: string, place: string, pieces: number, atMs: number]

export interface Budget {
  queries: number
  throttled: number
  points: number
}

const [pattern] = createCatalogue({ seed: 7, size: 20 })
let shop: Simulator | undefined
let places: readonly string[] = []

function book<Row>(name: string): readonly Row[] {
  // The shop's own rows: lab/shopify.
  return (shop?.books()[name] ?? []) as readonly Row[]
}

answerParent({
  start: async ({ skus, places: count, budget }: Start) => {
    const items = Array.from({ length: skus }, (_, n) => {
      return { ...pattern, sku: skuOf(n), kind: "plain" } as CatalogueItem
    })
    const locations = createLocations().slice(0, count)
    places = locations.map(({ locationId }) => locationId)
    shop = await startShopify({
      seed: 7,
      estate: { skus: items, locations, customers: createCustomers({ seed: 7, count: 10 }) },
      costBucket: budget,
      appTopics: topics,
    })
    return { url: shop.url, places }
  },
  pointAt: async ({ url }: { url: string }) => shop?.setWebhookTarget(`${url}/hooks/shopify`),
  /** Changes that the app made since so many changes of anybody. */
  changes: async ({ from }: { from: number }) => {
    const all = book<{ sku: string; locationId: number; to: number; by: string; at: string }>("levelChanges")
    const ofApp = all.slice(from).filter(({ by }) => by === "app")
    const changes = ofApp.map(({ sku, locationId, to, at }): ShownChange => {
      return [sku, places[locationId - 70_000_000_001] ?? "", to, Date.parse(at)]
    })
    return { next: all.length, changes }
  },
  count: async () => book("levelChanges").length,
  budget: async () => book<Budget>("budget")[0],
  /** Levels above zero, and whether any is below. */
  levels: async () =>
    book<Level>("levels")
      .filter(({ available }) => available !== 0)
      .map(({ sku, place, available }) => [sku, place, available]),
  /** Uses up what is in the bucket, as an app that has just read much. */
  empty: async () => {
    const query = `{ inventoryItems(first: 90) { nodes { id variants(first: 1) { nodes { id } } } } }`
    for (;;) {
      const answer = await fetch(`${shop?.url}/admin/api/${shopifyDefaults.apiVersion}/graphql.json`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-shopify-access-token": shopifyDefaults.accessToken },
        body: JSON.stringify({ query }),
      })
      const { errors } = (await answer.json()) as { errors?: unknown }
      if (errors !== undefined) return undefined
    }
  },
})
