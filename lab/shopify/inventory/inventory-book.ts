import type { CatalogueItem } from "../../estate/catalogue.ts"
import type { KeptList, KeptMap } from "../../keep/kept.ts"
import type { ShopLocation } from "../orders/model.ts"

/** One item that the shop stocks, by SKU. */
export type InventoryItem = {
  id: number
  sku: string
  /** A parent bundle has no stock of its own: it follows from its components, and its quantities cannot be set. */
  isBundle: boolean
  /** Available units by location id; a location that is not in here does not stock the item. */
  available: Map<number, number>
}

/** One change of one level, as the inventory history of the admin shows it. */
export type LevelChange = { sku: string; locationId: number; from: number; to: number; reason: string }

/** Items and levels of the shop. Every plain item is stocked at every location, at zero, like a freshly set up shop. */
export class InventoryBook {
  readonly items = new Map<number, InventoryItem>()
  readonly history: KeptList<LevelChange>
  /** Levels that were set, by item and location. */
  readonly #levels: KeptMap<string, number>
  readonly #skus: readonly CatalogueItem[]
  readonly #locations: readonly ShopLocation[]

  constructor(
    skus: readonly CatalogueItem[],
    locations: readonly ShopLocation[],
    kept: { levels: KeptMap<string, number>; history: KeptList<LevelChange> },
  ) {
    this.#skus = skus
    this.#locations = locations
    this.#levels = kept.levels
    this.history = kept.history
    this.#fill()
  }

  bySku(sku: string): InventoryItem[] {
    return [...this.items.values()].filter((item) => item.sku === sku)
  }

  /** Sets one level and records it; setting the same level again leaves no record. */
  set(item: InventoryItem, locationId: number, change: { to: number; reason: string }): void {
    const from = item.available.get(locationId) ?? 0
    item.available.set(locationId, change.to)
    this.#levels.set(`${item.id}/${locationId}`, change.to)
    if (from !== change.to) this.history.add({ sku: item.sku, locationId, from, ...change })
  }

  reset(): void {
    this.#levels.clear()
    this.history.clear()
    this.#fill()
  }

  #fill(): void {
    this.items.clear()
    for (const [index, { sku, kind }] of this.#skus.entries()) {
      if (kind === "gift-card") continue
      const id = 44_000_000_000 + index + 1
      const available = new Map(
        this.#locations.map((location) => [location.id, this.#levels.get(`${id}/${location.id}`) ?? 0]),
      )
      this.items.set(id, { id, sku, isBundle: kind === "kit", available })
    }
  }
}
