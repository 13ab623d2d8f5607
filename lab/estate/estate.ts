import type { CatalogueItem } from "./catalogue.ts"
import { createCatalogue } from "./catalogue.ts"
import type { Customer } from "./customers.ts"
import { createCustomers } from "./customers.ts"
import type { Location } from "./locations.ts"
import { createLocations } from "./locations.ts"
import type { StockRow } from "./stock.ts"
import { createOpeningStock } from "./stock.ts"

/** The demo retailer: its catalogue, locations, customers and opening stock. */
export type Estate = {
  seed: number
  skus: CatalogueItem[]
  locations: Location[]
  customers: Customer[]
  readonly stock: StockRow[]
}

export type EstateOptions = { seed: number; skuCount?: number; customerCount?: number }

/** The same options always give the same estate. */
export function createEstate({ seed, skuCount = 5_000, customerCount = 500 }: EstateOptions): Estate {
  const skus = createCatalogue({ seed, size: skuCount })
  const locations = createLocations()
  return {
    seed,
    skus,
    locations,
    customers: createCustomers({ seed, count: customerCount }),
    // Computed on request, because these fifty thousand rows are needed only once or twice.
    get stock() {
      return createOpeningStock({ seed, skus, locations })
    },
  }
}
