import { randomStream } from "../random.ts"
import type { CatalogueItem } from "./catalogue.ts"
import type { Location } from "./locations.ts"

export type StockRow = { sku: string; locationId: string; onHandMilli: number; unit: "ea" | "kg" }

const storeRangeShare = 0.4
const soldOutShare = 0.02

/**
 * The opening stock. Kits and gift cards have none: the stock of a kit follows from its components. Warehouses have
 * nearly every item, a store two fifths of the range and few units of each.
 */
export function createOpeningStock(options: {
  seed: number
  skus: readonly CatalogueItem[]
  locations: readonly Location[]
}): StockRow[] {
  const rows: StockRow[] = []
  for (const location of options.locations) {
    const random = randomStream(options.seed, `estate/stock/${location.locationId}`)
    const isWarehouse = location.kind === "warehouse"
    for (const item of options.skus) {
      if (item.kind !== "plain") continue
      if (!isWarehouse && !random.chance(storeRangeShare)) continue
      const mostPieces = isWarehouse ? 200 + Math.floor(4_000 * item.demandWeight) : 12
      const pieces = random.chance(soldOutShare) ? 0 : random.integer(1, mostPieces)
      const looseMilli = item.unit === "kg" && pieces > 0 ? random.integer(0, 999) : 0
      rows.push({
        sku: item.sku,
        locationId: location.locationId,
        onHandMilli: pieces * 1_000 + looseMilli,
        unit: item.unit,
      })
    }
  }
  return rows
}
