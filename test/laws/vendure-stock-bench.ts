import { startVendure } from "../../lab/vendure/vendure.ts"
import type { Simulator } from "../../lab/simulator.ts"
import type { BulkSubject } from "../../src/ports/bulk-laws.ts"
import type { PublishedLevel, PublishesStock, StockLevel } from "../../src/ports/capabilities/stock.ts"
import { striker } from "./strike.ts"
import { connectVendure } from "./subjects/vendure.ts"

// The simulator's books hold exactly these rows (lab/vendure/stock.ts).
interface VariantRow {
  sku: string
  stockLevels: { stockLocationId: string; stockOnHand: number; stockAllocated: number }[]
}

export interface VendureStockBench {
  simulator: Simulator
  shop: ReturnType<typeof connectVendure>
  stock: PublishesStock
  subject: BulkSubject<StockLevel, PublishedLevel>
  /** What the shop sells of it: on hand less allocated. */
  soldFrom(sku: string): number | undefined
  /** Makes a variant, or sets one as the shop's own people do. */
  variant(method: "POST" | "PUT" | "DELETE", variant: object): Promise<void>
  /** Variants about which something inside the shop fails from now on, and no others. */
  breaks(skus: readonly string[]): Promise<void>
  stop(): Promise<void>
}

export const level = (sku: string, milli: number, locationId = "wh-1"): StockLevel => ({
  sku,
  locationId,
  available: { milli, unit: "ea" },
})

/** A shop with 200 variants at one of its two stock locations. */
export async function startVendureStockBench(): Promise<VendureStockBench> {
  const simulator = await startVendure({ seed: 7 })
  const shop = connectVendure(simulator.url, { "wh-1": "1" })
  const stock = shop.publishesStock
  if (!stock) throw new Error("the shop takes no stock")
  const variant = async (method: "POST" | "PUT" | "DELETE", wanted: object) => {
    await fetch(`${simulator.url}/__lab/variants`, { method, body: JSON.stringify(wanted) })
  }
  const breaks = async (skus: readonly string[]) => {
    await fetch(`${simulator.url}/__lab/breaks`, { method: "PUT", body: JSON.stringify({ skus }) })
  }
  const skus = Array.from({ length: 200 }, (_, n) => `ART-${n}`)
  for (const sku of skus) await variant("POST", { sku })
  await variant("POST", { sku: "TWICE" })
  await variant("POST", { sku: "TWICE" })
  await variant("POST", { sku: "UNCOUNTED", trackInventory: "FALSE" })
  const broken = Array.from({ length: 8 }, (_, n) => `BROKEN-${n}`)
  for (const sku of broken) await variant("POST", { sku })
  await breaks(broken)
  const soldFrom = (sku: string) => {
    const row = (simulator.books()["variants"] as VariantRow[]).find((one) => one.sku === sku)
    const found = row?.stockLevels.find(({ stockLocationId }) => stockLocationId === "1")
    return found && found.stockOnHand - found.stockAllocated
  }
  let count = 0
  return {
    simulator,
    shop,
    stock,
    soldFrom,
    variant,
    breaks,
    subject: {
      name: "vendure publishesStock.publishStock",
      write: stock.publishStock,
      // Each call makes levels that no SKU has had before.
      items: (wanted) => {
        count += 1
        return skus.slice(0, wanted).map((sku, index) => level(sku, (count * 1000 + index) * 1000))
      },
      bad: () => [
        level("SKU-NEVER-WAS", 1000),
        level("TWICE", 1000),
        level("UNCOUNTED", 1000),
        level("ART-190", -1000),
        level("ART-191", 3_000_000_000_000),
        level("ART-0", 1000, "wh-nowhere"),
      ],
      badInWriting: () => broken.map((sku) => level(sku, 1000)),
      holds: ({ sku, locationId, available }) =>
        locationId === "wh-1" && soldFrom(sku) === Math.floor(available.milli / 1000),
      changes: () => simulator.books()["stockMovements"]?.length ?? 0,
      strike: striker(simulator, ["updateProductVariants"]),
    },
    stop: async () => {
      shop.close()
      await simulator.stop()
    },
  }
}
