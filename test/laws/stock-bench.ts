import { createEstate } from "../../lab/estate/estate.ts"
import { startShopify } from "../../lab/shopify/shopify.ts"
import type { Simulator } from "../../lab/simulator.ts"
import type { PublishedLevel, StockLevel } from "../../src/ports/capabilities/stock.ts"
import type { BulkSubject } from "../../src/ports/bulk-laws.ts"
import { connectShopify } from "./subjects/shopify.ts"
import { striker } from "./strike.ts"

const place = "wh-rotterdam"

// The simulator's books hold exactly these rows (lab/shopify/inventory/inventory-book.ts).
interface LevelRow {
  sku: string
  locationId: number
  available: number
}

export interface StockBench {
  simulator: Simulator
  shop: ReturnType<typeof connectShopify>
  subject: BulkSubject<StockLevel, PublishedLevel>
  /** Names of plain items of the catalogue. */
  skus: string[]
  levelOf(sku: string): number | undefined
  stop(): Promise<void>
}

/** A shop with 400 items, and the number of its location for ours. */
export async function startStockBench(): Promise<StockBench> {
  const estate = createEstate({ seed: 7, skuCount: 400 })
  const simulator = await startShopify({ seed: 7, estate })
  const places = Object.fromEntries(
    estate.locations.map(({ locationId }, index) => [locationId, String(70_000_000_001 + index)]),
  )
  const shop = connectShopify(simulator.url, undefined, places)
  const rows = () => simulator.books()["levels"] as LevelRow[]
  const levelOf = (sku: string) =>
    rows().find((row) => row.sku === sku && String(row.locationId) === places[place])?.available
  const skus = estate.skus.filter(({ kind }) => kind === "plain").map(({ sku }) => sku)
  let count = 0
  const level = (sku: string, milli: number, locationId = place): StockLevel => ({
    sku,
    locationId,
    available: { milli, unit: "ea" },
  })
  return {
    simulator,
    shop,
    skus,
    levelOf,
    subject: {
      name: "shopify publishesStock.publishStock",
      write: shop.publishesStock.publishStock,
      // Each call makes levels that no SKU has had before.
      items: (wanted) => {
        count += 1
        return skus.slice(0, wanted).map((sku, index) => level(sku, (count * 1000 + index) * 1000))
      },
      bad: () => [
        level("SKU-NEVER-WAS", 1000),
        level(estate.skus.find(({ kind }) => kind === "kit")?.sku ?? "", 1000),
        level(skus[399 - 60] ?? "", -1000),
        level(skus[398 - 60] ?? "", 2_000_000_000_000),
        level(skus[0] ?? "", 1000, "wh-nowhere"),
      ],
      holds: ({ sku, locationId, available }) =>
        locationId === place && levelOf(sku) === Math.floor(available.milli / 1000),
      changes: () => simulator.books()["levelChanges"]?.length ?? 0,
      strike: striker(simulator, ["inventorySetQuantities"]),
    },
    stop: async () => {
      shop.close()
      await simulator.stop()
    },
  }
}
