import type { CatalogueItem } from "../../estate/catalogue.ts"
import type { KeptList, KeptMap } from "../../keep/kept.ts"
import { variantIds } from "../orders/order-lines.ts"

/** A product of the shop with its one variant. Amounts are in minor units of the shop's currency. */
export type Article = {
  productId: number
  variantId: number
  sku: string
  title: string
  descriptionHtml: string
  status: string
  vendor: string
  priceMinor: number
  compareAtMinor: number | null
}

export type ArticleChange = Partial<Omit<Article, "productId" | "variantId" | "sku">>

/** A fixed price of a variant in a price list. */
export type FixedPrice = { priceMinor: number; compareAtMinor: number | null }

/** A price list of a market. A variant without a fixed price has the shop's price, adjusted by so many per cent. */
export type PriceList = { id: number; name: string; currency: string; percent: number }

/** One change of one field, and by whom. */
export type ProductChange = { sku: string; field: string; to: unknown; by: "api" | "staff"; at: number }

export const priceLists: readonly PriceList[] = [
  { id: 600_001, name: "Switzerland", currency: "CHF", percent: 110 },
  { id: 600_002, name: "United States", currency: "USD", percent: 120 },
]

/** What the shop sells, by SKU: every item of the estate's catalogue is a product with one variant, and for sale. */
export class ProductBook {
  readonly history: KeptList<ProductChange>
  /** How long the shop goes on showing what it showed, after it has accepted a change; a control of the lab. */
  lagMs = 0
  /** SKUs whose changes are accepted and never shown; a control of the lab. */
  readonly swallowed = new Set<string>()
  readonly #skus: readonly CatalogueItem[]
  readonly #changes: KeptMap<string, ArticleChange>
  readonly #fixed: KeptMap<string, FixedPrice>
  readonly #articles = new Map<string, Article>()
  readonly #byVariant = new Map<number, Article>()
  readonly #byProduct = new Map<number, Article>()

  constructor(
    skus: readonly CatalogueItem[],
    kept: {
      changes: KeptMap<string, ArticleChange>
      fixed: KeptMap<string, FixedPrice>
      history: KeptList<ProductChange>
    },
  ) {
    this.#skus = skus
    this.#changes = kept.changes
    this.#fixed = kept.fixed
    this.history = kept.history
    this.#fill()
  }

  all(): IterableIterator<Article> {
    return this.#articles.values()
  }

  bySku(sku: string): Article | undefined {
    return this.#articles.get(sku)
  }

  byVariant(id: number): Article | undefined {
    return this.#byVariant.get(id)
  }

  byProduct(id: number): Article | undefined {
    return this.#byProduct.get(id)
  }

  /** A second product of the same SKU, as staff make by copying one. */
  copy(sku: string): void {
    const first = this.bySku(sku)
    if (!first) return
    const copy = { ...first, productId: first.productId + 500_000, variantId: first.variantId + 500_000 }
    this.#articles.set(`${sku} copy`, copy)
    this.#byVariant.set(copy.variantId, copy)
    this.#byProduct.set(copy.productId, copy)
  }

  change(article: Article, change: ArticleChange, by: "api" | "staff"): void {
    for (const [field, to] of Object.entries(change)) this.#note(article, { field, to, by })
    this.#later(article, by, () => {
      Object.assign(article, change)
      this.#changes.set(article.sku, { ...this.#changes.get(article.sku), ...change })
    })
  }

  priceIn(list: PriceList, article: Article): FixedPrice & { isFixed: boolean } {
    const fixed = this.#fixed.get(`${list.id}/${article.variantId}`)
    if (fixed) return { ...fixed, isFixed: true }
    const adjusted = (minor: number) => Math.round((minor * list.percent) / 100)
    const { priceMinor, compareAtMinor } = article
    return {
      priceMinor: adjusted(priceMinor),
      compareAtMinor: compareAtMinor === null ? null : adjusted(compareAtMinor),
      isFixed: false,
    }
  }

  fix(list: PriceList, article: Article, { price, by }: { price: FixedPrice; by: "api" | "staff" }): void {
    this.#note(article, { field: `price in ${list.name}`, to: price, by })
    this.#later(article, by, () => this.#fixed.set(`${list.id}/${article.variantId}`, price))
  }

  reset(): void {
    this.#changes.clear()
    this.#fixed.clear()
    this.history.clear()
    this.#fill()
  }

  #note({ sku }: Article, change: Pick<ProductChange, "field" | "to" | "by">): void {
    this.history.add({ sku, ...change, at: Date.now() })
  }

  #later({ sku }: Article, by: "api" | "staff", work: () => void): void {
    if (by === "api" && this.swallowed.has(sku)) return
    if (by === "api" && this.lagMs > 0) setTimeout(work, this.lagMs).unref()
    else work()
  }

  #fill(): void {
    for (const map of [this.#articles, this.#byVariant, this.#byProduct]) map.clear()
    for (const { sku, title, priceMinor } of this.#skus) {
      const article: Article = {
        ...variantIds(sku),
        sku,
        title,
        descriptionHtml: "",
        status: "ACTIVE",
        vendor: "Lab",
        priceMinor,
        compareAtMinor: null,
        ...this.#changes.get(sku),
      }
      this.#articles.set(sku, article)
      this.#byVariant.set(article.variantId, article)
      this.#byProduct.set(article.productId, article)
    }
  }
}
