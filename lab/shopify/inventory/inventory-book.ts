import type { CatalogueItem } from "../../estate/catalogue.ts"
import type { KeptList, KeptMap } from "../../keep/kept.ts"
import type { ShopLocation, ShopOrder } from "../orders/model.ts"

/** One item that the shop stocks, by SKU. */
export type InventoryItem = {
  id: number
  sku: string
  /** A parent bundle has no stock of its own: it follows from its components, and its quantities cannot be set. */
  isBundle: boolean
  /** Available units by location id; a location that is not in here does not stock the item. */
  available: Map<number, number>
  /** Units of open orders by location id. What is on hand is available and committed together. */
  committed: Map<number, number>
}

/** One change of one level, as the inventory history of the admin shows it. */
export type LevelChange = {
  sku: string
  locationId: number
  from: number
  to: number
  reason: string
  /** An app over the API, the shop's own people, or an order. */
  by: LevelAuthor
  at: string
}
export type LevelAuthor = "app" | "staff" | "order"

/** Units of an order that wait at a location, were sent from it, or came back to it. */
type Held = { sku: string; locationId: number; waiting: number; sent: number; lost: number; back: number }

/**
 * Items and levels of the shop. Every plain item is stocked at every location, at zero, like a freshly set up shop.
 *
 * An order commits its units at once: available falls and committed rises. Sending them lowers committed alone. What is cancelled,
 * edited out or refunded with a restock is available again.
 * https://shopify.dev/docs/apps/build/orders-fulfillment/inventory-management-apps (read 2026-11)
 */
export class InventoryBook {
  readonly items = new Map<number, InventoryItem>()
  /** Told of each change of available units. */
  onChange: (item: InventoryItem, locationId: number) => void = () => undefined
  readonly #bySku = new Map<string, InventoryItem[]>()
  /** SKUs by the lower-case form that a search compares. */
  readonly #spellings = new Map<string, Set<string>>()
  readonly #held = new Map<number, Map<string, Held>>()
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
    return this.#bySku.get(sku) ?? []
  }

  /** Items of SKUs in lower case, in the order of their numbers. */
  bySearch(skus: ReadonlySet<string>): InventoryItem[] {
    const found = [...skus].flatMap((sku) => [...(this.#spellings.get(sku) ?? [])]).flatMap((sku) => this.bySku(sku))
    return found.toSorted((a, b) => a.id - b.id)
  }

  /** Takes over what an order holds; `isNews` is false for orders of the previous shop, whose levels were kept. */
  follow(order: ShopOrder, isNews = true): void {
    const before = this.#held.get(order.id)
    const after = heldOf(order)
    this.#held.set(order.id, after)
    for (const key of new Set([...(before?.keys() ?? []), ...after.keys()])) {
      const [was, is] = [before?.get(key), after.get(key)]
      const one = is ?? was
      const [item] = one ? this.bySku(one.sku) : []
      if (!one || !item || item.isBundle) continue
      const grew = (field: "waiting" | "sent" | "lost" | "back") => (is?.[field] ?? 0) - (was?.[field] ?? 0)
      item.committed.set(one.locationId, (item.committed.get(one.locationId) ?? 0) + grew("waiting"))
      const change = grew("back") - grew("waiting") - grew("sent") - grew("lost")
      if (isNews && change !== 0) this.#shift(item, one.locationId, { shift: change, reason: order.name })
    }
  }

  /** Staff make a product a bundle, or an ordinary one again. */
  bundle(sku: string, isBundle: boolean): boolean {
    const items = this.bySku(sku)
    for (const item of items) item.isBundle = isBundle
    return items.length > 0
  }

  /** A second item of the same SKU, as staff make by copying a product. */
  copy(sku: string): InventoryItem | undefined {
    const [first] = this.bySku(sku)
    return (
      first &&
      this.#add({ ...first, id: first.id + 500_000, available: new Map(first.available), committed: new Map() })
    )
  }

  #shift(item: InventoryItem, locationId: number, { shift, reason }: { shift: number; reason: string }): void {
    this.set(item, locationId, { to: (item.available.get(locationId) ?? 0) + shift, reason, by: "order" })
  }

  #add(item: InventoryItem): InventoryItem {
    this.items.set(item.id, item)
    this.#bySku.set(item.sku, [...(this.#bySku.get(item.sku) ?? []), item])
    const spelling = item.sku.toLowerCase()
    this.#spellings.set(spelling, (this.#spellings.get(spelling) ?? new Set()).add(item.sku))
    return item
  }

  /** Sets one level and records it; setting the same level again leaves no record. */
  set(item: InventoryItem, locationId: number, change: { to: number; reason: string; by: LevelAuthor }): void {
    const from = item.available.get(locationId) ?? 0
    item.available.set(locationId, change.to)
    this.#levels.set(`${item.id}/${locationId}`, change.to)
    if (from === change.to) return
    this.history.add({ sku: item.sku, locationId, from, ...change, at: new Date().toISOString() })
    this.onChange(item, locationId)
  }

  reset(): void {
    this.#levels.clear()
    this.history.clear()
    this.#held.clear()
    this.#fill()
  }

  #fill(): void {
    this.items.clear()
    this.#bySku.clear()
    this.#spellings.clear()
    for (const [index, { sku, kind }] of this.#skus.entries()) {
      if (kind === "gift-card") continue
      const id = 44_000_000_000 + index + 1
      const available = new Map(
        this.#locations.map((location) => [location.id, this.#levels.get(`${id}/${location.id}`) ?? 0]),
      )
      this.#add({ id, sku, isBundle: kind === "kit", available, committed: new Map() })
    }
  }
}

/** What an order holds of the shop's stock, by item and location. */
function heldOf(order: ShopOrder): Map<string, Held> {
  const held = new Map<string, Held>()
  const at = (lineId: number, locationId: number): Held | undefined => {
    const line = order.lines.find(({ id }) => id === lineId)
    if (!line) return undefined
    const key = `${line.sku}/${locationId}`
    const one = held.get(key) ?? { sku: line.sku, locationId, waiting: 0, sent: 0, lost: 0, back: 0 }
    held.set(key, one)
    return one
  }
  for (const { locationId, lines } of order.fulfillmentOrders)
    for (const { lineId, remainingQuantity } of lines) {
      const one = at(lineId, locationId)
      if (one) one.waiting += remainingQuantity
    }
  for (const { locationId, lines } of order.fulfillments)
    for (const { lineId, quantity } of lines) {
      const one = at(lineId, locationId)
      if (one) one.sent += quantity
    }
  for (const { lines } of order.refunds)
    for (const { lineId, quantity, restockType, locationId } of lines) {
      const line = order.lines.find(({ id }) => id === lineId)
      const one = at(lineId, locationId ?? line?.locationId ?? 0)
      if (one && restockType === "NO_RESTOCK") one.lost += Math.min(quantity, neverSent(order, lineId))
      if (one && restockType === "RETURN") one.back += quantity
    }
  return held
}

/** Units of a line that left the order before they were sent. */
function neverSent({ lines, fulfillmentOrders }: ShopOrder, lineId: number): number {
  const line = lines.find(({ id }) => id === lineId)
  const waiting = fulfillmentOrders
    .flatMap((one) => one.lines)
    .reduce((sum, one) => sum + (one.lineId === lineId ? one.remainingQuantity : 0), 0)
  return line ? line.quantity - line.fulfilledQuantity - waiting : 0
}
