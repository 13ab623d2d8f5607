import { GraphQLError } from "graphql"
import { graphDecimal } from "../orders/money.ts"
import type { PageArguments } from "../graph/paging.ts"
import { connection, gid, idOf } from "../graph/paging.ts"
import type { View } from "../graph/views/part-views.ts"
import type { ShopStore } from "../store.ts"
import { skusOf } from "../graph/sku-search.ts"
import { priceLists, type Article, type PriceList } from "./product-book.ts"

type SearchArguments = PageArguments & { query?: string | null }

/** `productVariants`: searched by SKU without regard to case; without a search all of them. */
export function productVariants(store: ShopStore, currency: string, args: SearchArguments): View {
  const skus = args.query ? skusOf(args.query) : undefined
  const found = [...store.products.all()].filter(({ sku }) => !skus || skus.has(sku.toLowerCase()))
  return connection(() => found.map((article) => variantView(store, article, currency)))(args)
}

/** Amounts of the shop's own currency are plain text. */
export function variantView(store: ShopStore, article: Article, currency: string): View {
  const { variantId, sku, priceMinor, compareAtMinor } = article
  return {
    id: gid("ProductVariant", variantId),
    sku,
    price: graphDecimal(priceMinor, currency),
    compareAtPrice: compareAtMinor === null ? null : graphDecimal(compareAtMinor, currency),
    // A parent bundle can be bought only with its components: the schema's words of 2026-10.
    requiresComponents: store.inventory.bySku(sku).some(({ isBundle }) => isBundle),
    product: () => productView(article),
  }
}

export function productView({ productId, title, descriptionHtml, status, vendor }: Article): View {
  return { id: gid("Product", productId), title, descriptionHtml, status, vendor, hasOnlyDefaultVariant: true }
}

/** `priceList`: its prices, fixed and relative, searched by the number of a variant. */
export function priceListView(store: ShopStore, currency: string, id: string): View | null {
  const list = listOf(id)
  if (!list) return null
  return {
    id,
    name: list.name,
    currency: list.currency,
    prices: (args: SearchArguments) => {
      const ids = [...(args.query ?? "").matchAll(/variant_id:(\d+)/g)].map(([, number]) => Number(number))
      if (args.query && ids.length === 0)
        throw new GraphQLError("the lab searches prices of a list by variant_id only", {
          extensions: { code: "BAD_USER_INPUT" },
        })
      const articles = args.query
        ? ids.flatMap((one) => store.products.byVariant(one) ?? [])
        : [...store.products.all()]
      return connection(() => articles.map((article) => listPriceView(store, { list, article, currency })))(args)
    },
  }
}

export function listPriceView(
  store: ShopStore,
  { list, article, currency }: { list: PriceList; article: Article; currency: string },
): View {
  const { priceMinor, compareAtMinor, isFixed } = store.products.priceIn(list, article)
  const money = (minor: number) => ({ amount: graphDecimal(minor, list.currency), currencyCode: list.currency })
  return {
    originType: isFixed ? "FIXED" : "RELATIVE",
    price: money(priceMinor),
    compareAtPrice: compareAtMinor === null ? null : money(compareAtMinor),
    variant: variantView(store, article, currency),
  }
}

export const listOf = (id: string) => priceLists.find((one) => one.id === idOf("PriceList", id))
