import type { PageArguments } from "../graph/paging.ts"
import { connection, gid, idOf } from "../graph/paging.ts"
import type { View } from "../graph/views/part-views.ts"
import { locationView } from "../graph/views/part-views.ts"
import { skusOf } from "../graph/sku-search.ts"
import { variantView } from "../products/product-views.ts"
import type { ShopStore } from "../store.ts"
import type { InventoryItem } from "./inventory-book.ts"

/** `inventoryItems`: searched by SKU without regard to case, as the search syntax compares text; no query lists all. */
export function inventoryItems(
  store: ShopStore,
  currency: string,
  args: PageArguments & { query?: string | null },
): View {
  const found = args.query ? store.inventory.bySearch(skusOf(args.query)) : [...store.inventory.items.values()]
  return connection(
    () => found,
    (item) => itemView(store, item, currency),
  )(args)
}

function itemView(store: ShopStore, item: InventoryItem, currency: string): View {
  return {
    id: gid("InventoryItem", item.id),
    legacyResourceId: String(item.id),
    sku: item.sku,
    tracked: true,
    duplicateSkuCount: store.inventory.bySku(item.sku).length - 1,
    inventoryLevel: ({ locationId }: { locationId: string }) =>
      levelView(store, item, { locationId: idOf("Location", locationId) ?? 0, currency }),
    variants: connection(() => {
      const article = store.products.bySku(item.sku)
      return article ? [variantView(store, article, currency)] : []
    }),
  }
}

function levelView(
  store: ShopStore,
  item: InventoryItem,
  { locationId, currency }: { locationId: number; currency: string },
): View | null {
  const available = item.available.get(locationId)
  if (available === undefined) return null
  const committed = item.committed.get(locationId) ?? 0
  const quantities: Record<string, number> = { available, committed, on_hand: available + committed }
  const own = (from: Record<string, number>, name: string) => (Object.hasOwn(from, name) ? from[name] : undefined)
  const id = `gid://shopify/InventoryLevel/${locationId}?inventory_item_id=${item.id}`
  return {
    id,
    isActive: true,
    location: () => locationView(store, locationId),
    item: () => itemView(store, item, currency),
    quantities: ({ names }: { names: string[] }) =>
      names.flatMap((name) => {
        const quantity = own(quantities, name)
        return quantity === undefined ? [] : [{ id: `${id}&name=${name}`, name, quantity, updatedAt: null }]
      }),
  }
}

/** The body of `inventory_levels/update`: https://shopify.dev/docs/api/webhooks (2026-10), it names no SKU. */
export function restLevel(item: InventoryItem, locationId: number): object {
  return {
    inventory_item_id: item.id,
    location_id: locationId,
    available: item.available.get(locationId) ?? null,
    updated_at: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
    admin_graphql_api_id: `gid://shopify/InventoryLevel/${locationId}?inventory_item_id=${item.id}`,
  }
}
