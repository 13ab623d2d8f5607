import type { TrytonBooks } from "./tryton/tryton-install.ts"

/** What `run.ts` tells the Crossdock process, as JSON in CROSSDOCK_VALUE_REAL_SYSTEMS. */
export type RealSystems = {
  shop: { url: string; user: string; password: string; webhookSecret: string }
  books: { url: string; database: string; user: string; password: string; set: TrytonBooks }
  /** The price list of the books that the shop's prices are made by; absent: the shop keeps its own products and prices. */
  priceList?: number
  houses: Record<"warehouse" | "tax" | "fraud", { url: string; token: string; webhookSecret: string }>
}

/** Where all goods of this estate lie. */
export const warehouseId = "wh-real"
