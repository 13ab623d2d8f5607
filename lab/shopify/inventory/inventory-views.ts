import type { PageArguments } from "../graph/paging.ts"
import { connection, gid, idOf } from "../graph/paging.ts"
import type { View } from "../graph/views/part-views.ts"
import { locationView } from "../graph/views/part-views.ts"
import type { ShopStore } from "../store.ts"
import type { InventoryItem } from "./inventory-book.ts"

/** `inventoryItems`: searched by SKU without regard to case, as the search syntax compares text; no query lists all. */
export function inventoryItems(store: ShopStore, args: PageArguments & { query?: string | null }): View {
  const skus = args.query ? skusOf(args.query) : undefined
  const found = [...store.inventory.items.values()].filter((item) => !skus || skus.has(item.sku.toLowerCase()))
  return connection(() => found.map((item) => itemView(store, item)))(args)
}

/** Terms `sku:X`, `sku:'X'` or `sku:"X"` joined by OR, with backslashes before quotes. */
function skusOf(query: string): Set<string> {
  const terms = query.matchAll(/sku:(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S+))/g)
  return new Set([...terms].map(([, double, single, bare]) => unescaped(double ?? single ?? bare ?? "").toLowerCase()))
}

const unescaped = (text: string): string => text.replaceAll(/\\(.)/g, "$1")

function itemView(store: ShopStore, item: InventoryItem): View {
  return {
    id: gid("InventoryItem", item.id),
    legacyResourceId: String(item.id),
    sku: item.sku,
    tracked: true,
    duplicateSkuCount: store.inventory.bySku(item.sku).length - 1,
    inventoryLevel: ({ locationId }: { locationId: string }) =>
      levelView(store, item, idOf("Location", locationId) ?? 0),
  }
}

function levelView(store: ShopStore, item: InventoryItem, locationId: number): View | null {
  const available = item.available.get(locationId)
  if (available === undefined) return null
  const id = `gid://shopify/InventoryLevel/${locationId}?inventory_item_id=${item.id}`
  return {
    id,
    isActive: true,
    location: () => locationView(store, locationId),
    item: () => itemView(store, item),
    quantities: ({ names }: { names: string[] }) =>
      names
        .filter((name) => name === "available")
        .map((name) => ({ id: `${id}&name=${name}`, name, quantity: available, updatedAt: null })),
  }
}
