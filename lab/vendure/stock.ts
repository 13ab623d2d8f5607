import type { SimulatorContext } from "../simulator.ts"
import type { Channel } from "./channels.ts"
import type { PriceInput, ShopPrices } from "./prices.ts"
import type { ShopProducts } from "./products.ts"
import { Internal, NotFound, UserInput } from "./refusals.ts"

// Stock levels of Vendure 3.7.3 as `real.md` describes them: on hand and allocated are two counters of a level.

export type Level = { stockLocationId: string; stockOnHand: number; stockAllocated: number }
export type Variant = {
  id: string
  sku: string
  productId: string
  channelIds: string[]
  updatedAt: string
  trackInventory: "TRUE" | "FALSE" | "INHERIT"
  stockLevels: Level[]
}
/** A variant to make. `price` is set in each channel, in the channel's default currency. */
export type NewVariant = {
  sku: string
  onHand?: number
  trackInventory?: Variant["trackInventory"]
  price?: number
  channelIds?: string[]
  /** SKU of a variant of whose product it is another. */
  like?: string
}
export type VariantUpdate = {
  id: string
  stockLevels?: { stockLocationId: string; stockOnHand: number }[] | null
  price?: number | null
  prices?: PriceInput[] | null
}
type List = { take?: number; skip?: number; filter?: { sku?: { in?: string[] } } }

/** Ids of the shop's stock locations; orders are held at the first. */
export const stockLocations = ["1", "2"]

/** Variants and their levels. Only variants that somebody made are counted; orders may be for others. */
export class ShopStock {
  readonly variants: Map<string, Variant>
  readonly changes: Map<string, string>
  /** SKUs about which something inside the shop fails, a plugin of it perhaps. */
  readonly broken = new Set<string>()
  readonly #prices: ShopPrices
  readonly #products: ShopProducts

  constructor({ keep }: Pick<SimulatorContext, "keep">, of: { prices: ShopPrices; products: ShopProducts }) {
    this.#prices = of.prices
    this.#products = of.products
    this.variants = keep<string, Variant>("variants")
    this.changes = keep<string, string>("stockMovements")
  }

  make(wanted: NewVariant): Variant {
    const id = String(this.variants.size + 1)
    const { sku, onHand = 0, trackInventory = "INHERIT", price = 1000, channelIds = ["1", "2"] } = wanted
    const productId =
      (wanted.like === undefined ? undefined : this.find(wanted.like)?.productId) ?? this.#products.make(sku).id
    const stockLevels = [{ stockLocationId: "1", stockOnHand: onHand, stockAllocated: 0 }]
    const made = { id, sku, productId, channelIds, updatedAt: new Date().toISOString(), trackInventory, stockLevels }
    this.variants.set(id, made)
    this.#prices.open(id, channelIds, price)
    return made
  }

  list({ take = 100, skip = 0, filter }: List, channel: Channel): { totalItems: number; items: object[] } {
    if (take > 1000) throw new UserInput("Cannot take more than 1000 results from a list query")
    const skus = filter?.sku?.in
    const found = [...this.variants.values()]
      .filter(({ channelIds }) => channelIds.includes(channel.id))
      .filter(({ sku }) => skus === undefined || skus.includes(sku))
    return { totalItems: found.length, items: found.slice(skip, skip + take).map((one) => this.view(one, channel)) }
  }

  /** A variant as a channel sees it. */
  view(variant: Variant, channel: Channel): object {
    const product = this.#products.products.get(variant.productId)
    const siblings = [...this.variants.values()].filter(({ productId }) => productId === variant.productId)
    return {
      ...variant,
      prices: this.#prices.of(variant.id, channel),
      product: { ...product, variantList: { totalItems: siblings.length } },
    }
  }

  /** All or nothing: an unknown variant or location, or a currency that the channel lacks, leaves everything as it was. */
  update(updates: readonly VariantUpdate[], channel: Channel): () => object[] {
    for (const { id, stockLevels, ...priced } of updates) {
      if (!this.variants.get(id)?.channelIds.includes(channel.id))
        throw new NotFound(`No ProductVariant with the id "${id}" could be found`)
      for (const { stockLocationId, stockOnHand } of stockLevels ?? []) {
        if (!Number.isInteger(stockOnHand) || Math.abs(stockOnHand) > 2 ** 31 - 1)
          throw new UserInput(`Int cannot represent ${stockOnHand}`)
        if (!stockLocations.includes(stockLocationId))
          throw new Internal('insert or update on table "stock_level" violates foreign key constraint')
      }
      this.#prices.check(pricesOf(priced, channel), channel)
      if (this.broken.has(this.variants.get(id)?.sku ?? "")) throw new Internal("Cannot read properties of undefined")
    }
    return () => {
      for (const { id, stockLevels, ...priced } of updates) {
        const variant = this.variants.get(id)
        if (!variant) throw new NotFound(id)
        for (const { stockLocationId, stockOnHand } of stockLevels ?? []) {
          const level = levelOf(variant, stockLocationId)
          if (level.stockOnHand !== stockOnHand) this.#note(`ADJUSTMENT ${id} ${stockOnHand - level.stockOnHand}`)
          level.stockOnHand = stockOnHand
        }
        this.#prices.write(pricesOf(priced, channel), { variantId: id, channel })
        variant.updatedAt = new Date().toISOString()
      }
      return updates.flatMap(({ id }) => {
        const variant = this.variants.get(id)
        return variant ? [this.view(variant, channel)] : []
      })
    }
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

/** `price` is the one in the channel's default currency. */
function pricesOf({ price, prices }: Pick<VariantUpdate, "price" | "prices">, channel: Channel): PriceInput[] {
  const own = price === undefined || price === null ? [] : [{ currencyCode: channel.defaultCurrencyCode, price }]
  return [...own, ...(prices ?? [])]
}

function levelOf(variant: Variant, stockLocationId: string): Level {
  const known = variant.stockLevels.find((level) => level.stockLocationId === stockLocationId)
  if (known) return known
  const made = { stockLocationId, stockOnHand: 0, stockAllocated: 0 }
  variant.stockLevels.push(made)
  return made
}
