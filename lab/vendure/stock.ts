import type { SimulatorContext } from "../simulator.ts"

// Stock levels of Vendure 3.7.3 as `real.md` describes them: on hand and allocated are two counters of a level.

export type Level = { stockLocationId: string; stockOnHand: number; stockAllocated: number }
export type Variant = {
  id: string
  sku: string
  trackInventory: "TRUE" | "FALSE" | "INHERIT"
  stockLevels: Level[]
}
type Update = { id: string; stockLevels: { stockLocationId: string; stockOnHand: number }[] }
type List = { take?: number; skip?: number; filter?: { sku?: { in?: string[] } } }

export class UserInput extends Error {}
export class NotFound extends Error {}
/** What a database refuses comes through as an error without a code. */
export class Internal extends Error {}

/** Ids of the shop's stock locations; orders are held at the first. */
export const stockLocations = ["1", "2"]

/** Variants and their levels. Only variants that somebody made are counted; orders may be for others. */
export class ShopStock {
  readonly variants: Map<string, Variant>
  readonly changes: Map<string, string>

  constructor({ keep }: Pick<SimulatorContext, "keep">) {
    this.variants = keep<string, Variant>("variants")
    this.changes = keep<string, string>("stockMovements")
  }

  make(wanted: { sku: string; onHand?: number; trackInventory?: Variant["trackInventory"] }): Variant {
    const id = String(this.variants.size + 1)
    const { sku, onHand = 0, trackInventory = "INHERIT" } = wanted
    const stockLevels = [{ stockLocationId: "1", stockOnHand: onHand, stockAllocated: 0 }]
    const made = { id, sku, trackInventory, stockLevels }
    this.variants.set(id, made)
    return made
  }

  list({ take = 100, skip = 0, filter }: List): { totalItems: number; items: Variant[] } {
    if (take > 1000) throw new UserInput("Cannot take more than 1000 results from a list query")
    const skus = filter?.sku?.in
    const found = [...this.variants.values()].filter(({ sku }) => skus === undefined || skus.includes(sku))
    return { totalItems: found.length, items: found.slice(skip, skip + take) }
  }

  /** All or nothing: an unknown variant or location leaves everything as it was. */
  update(updates: readonly Update[]): () => Variant[] {
    for (const { id, stockLevels } of updates) {
      if (!this.variants.has(id)) throw new NotFound(`No ProductVariant with the id "${id}" could be found`)
      for (const { stockLocationId, stockOnHand } of stockLevels) {
        if (!Number.isInteger(stockOnHand) || Math.abs(stockOnHand) > 2 ** 31 - 1)
          throw new UserInput(`Int cannot represent ${stockOnHand}`)
        if (!stockLocations.includes(stockLocationId))
          throw new Internal('insert or update on table "stock_level" violates foreign key constraint')
      }
    }
    return () =>
      updates.map(({ id, stockLevels }) => {
        const variant = this.variants.get(id)
        if (!variant) throw new NotFound(id)
        for (const { stockLocationId, stockOnHand } of stockLevels) {
          const level = levelOf(variant, stockLocationId)
          if (level.stockOnHand !== stockOnHand) this.#note(`ADJUSTMENT ${id} ${stockOnHand - level.stockOnHand}`)
          level.stockOnHand = stockOnHand
        }
        return variant
      })
  }

  /** What an order, a parcel or a cancellation does to the first location's counters. */
  move(kind: "ALLOCATION" | "RELEASE" | "SALE", sku: string, quantity: number): void {
    const variant = this.find(sku)
    if (!variant || variant.trackInventory === "FALSE") return
    const level = levelOf(variant, "1")
    if (kind === "SALE") level.stockOnHand -= quantity
    level.stockAllocated += kind === "ALLOCATION" ? quantity : -quantity
    this.#note(`${kind} ${variant.id} ${quantity}`)
  }

  /** Pieces that a fulfilment may take: what is on hand, allocated or not. */
  fulfillable(sku: string): number {
    const variant = this.find(sku)
    if (!variant || variant.trackInventory === "FALSE") return Number.MAX_SAFE_INTEGER
    return variant.stockLevels.reduce((sum, { stockOnHand }) => sum + stockOnHand, 0)
  }

  find(sku: string): Variant | undefined {
    return [...this.variants.values()].find((one) => one.sku === sku)
  }

  clear(): void {
    this.variants.clear()
    this.changes.clear()
  }

  #note(what: string): void {
    this.changes.set(String(this.changes.size + 1), what)
  }
}

function levelOf(variant: Variant, stockLocationId: string): Level {
  const known = variant.stockLevels.find((level) => level.stockLocationId === stockLocationId)
  if (known) return known
  const made = { stockLocationId, stockOnHand: 0, stockAllocated: 0 }
  variant.stockLevels.push(made)
  return made
}
