import type { Estate } from "../src/estate.ts"
import type { LabLocation } from "./estate.ts"

/** The shop numbers its locations in the order of the lab's list. */
const firstLocation = 70_000_000_001

/** The demo's estate with what its shop shows: prices, products, and every place its own stock, or one place the pool of all. */
export function publishingStock(
  estate: Estate,
  places: readonly LabLocation[],
  { shown = "place", auditSeconds = 86_400 }: { shown?: "place" | "pool"; auditSeconds?: number } = {},
): Estate {
  const channel = "shopify"
  const { [channel]: shop, ...others } = estate.connections
  if (!shop) return estate
  const locations = Object.fromEntries(places.map(({ locationId }, n) => [locationId, String(firstLocation + n)]))
  const settings = { ...(shop.settings as object), locations }
  const shownAt = shown === "pool" ? places.slice(0, 1) : places
  const shows = Object.fromEntries(shownAt.map(({ locationId }) => [locationId, shown]))
  const published = {
    stock: { places: shows },
    prices: { currency: "EUR" },
    products: {},
    auditWithin: { seconds: auditSeconds },
  }
  return {
    ...estate,
    connections: { ...others, [channel]: { ...shop, settings } },
    policies: { ...estate.policies, publishing: { channels: { [channel]: published } } },
  }
}
