import type { Call } from "../../simulator.ts"
import { idOf } from "../graph/paging.ts"
import type { View } from "../graph/views/part-views.ts"
import type { ShopStore } from "../store.ts"
import type { Article, ArticleChange } from "./product-book.ts"
import { listOf, listPriceView, productView, variantView } from "./product-views.ts"

type MutationContext = { call: Call }
type MoneyInput = { amount: string; currencyCode: string }
type VariantInput = { id?: string | null; price?: string | null; compareAtPrice?: string | null }
type BulkArguments = { productId: string; variants: VariantInput[]; allowPartialUpdates?: boolean | null }
type ProductInput = {
  id?: string | null
  title?: string | null
  descriptionHtml?: string | null
  status?: string | null
}
type ListPrice = { variantId: string; price: MoneyInput; compareAtPrice?: MoneyInput | null }
type CodedError = { field: string[]; message: string; code: string }

const titleMax = 255

/** Mutations of products and prices, Admin API 2026-10; codes are those of the schema's enumerations. */
export function productMutations(store: ShopStore, currency: string): View {
  return {
    productVariantsBulkUpdate: (args: BulkArguments, context: MutationContext) =>
      updateVariants(store, args, { context, currency }),
    productUpdate: ({ product }: { product: ProductInput }, context: MutationContext) =>
      updateProduct(store, product, context),
    priceListFixedPricesAdd: (args: { priceListId: string; prices: ListPrice[] }, context: MutationContext) =>
      addFixedPrices(store, args, { context, currency }),
  }
}

/**
 * `productVariantsBulkUpdate`: one bad variant and none of the product's is changed, unless partial updates are allowed.
 * https://shopify.dev/changelog/partial-updates-for-bulk-product-variants-mutation (read 2026-11)
 */
function updateVariants(
  store: ShopStore,
  { productId, variants, allowPartialUpdates }: BulkArguments,
  { context, currency }: { context: MutationContext; currency: string },
): View {
  const article = store.products.byProduct(idOf("Product", productId) ?? 0)
  if (!article) {
    const error = { field: ["productId"], message: "Product does not exist", code: "PRODUCT_DOES_NOT_EXIST" }
    return { product: null, productVariants: null, userErrors: [error] }
  }
  const errors = variants.flatMap((variant, index) => variantErrors(store, article, { variant, index }))
  const isBad = (index: number) => errors.some(({ field }) => field[1] === String(index))
  const good = variants.filter((_variant, index) => !isBad(index))
  if (errors.length > 0 && !allowPartialUpdates)
    return { product: productView(article), productVariants: null, userErrors: errors }
  if (good.length > 0)
    context.call.commit(() => {
      for (const variant of good) store.products.change(article, priceChange(variant, currency), "api")
    })
  const changed = good.map((variant) => variantView(store, answered(article, priceChange(variant, currency)), currency))
  return { product: productView(article), productVariants: changed, userErrors: errors }
}

/** The answer shows the change, also where buyers do not see it yet. */
const answered = (article: Article, change: ArticleChange): Article => ({ ...article, ...change })

function priceChange({ price, compareAtPrice }: VariantInput, currency: string): ArticleChange {
  return {
    ...(price === undefined || price === null ? {} : { priceMinor: minorOf(price, currency) }),
    ...(compareAtPrice === undefined
      ? {}
      : { compareAtMinor: compareAtPrice === null ? null : minorOf(compareAtPrice, currency) }),
  }
}

function variantErrors(
  store: ShopStore,
  article: Article,
  { variant, index }: { variant: VariantInput; index: number },
): CodedError[] {
  const at = (...path: string[]) => ["variants", String(index), ...path]
  const { id, price, compareAtPrice } = variant
  if (!id)
    return [{ field: at("id"), message: "Product variant is missing ID attribute", code: "PRODUCT_VARIANT_ID_MISSING" }]
  const found = store.products.byVariant(idOf("ProductVariant", id) ?? 0)
  if (!found || found.productId !== article.productId)
    return [{ field: at("id"), message: "Product variant does not exist", code: "PRODUCT_VARIANT_DOES_NOT_EXIST" }]
  const errors: CodedError[] = []
  for (const [field, value] of Object.entries({ price, compareAtPrice }))
    if (typeof value === "string" && !/^\d{1,15}(\.\d+)?$/.test(value))
      errors.push({
        field: at(field),
        message: `${field} must be greater than or equal to 0`,
        code: "GREATER_THAN_OR_EQUAL_TO",
      })
  return errors
}

function updateProduct(store: ShopStore, input: ProductInput, { call }: MutationContext): View {
  const article = store.products.byProduct(idOf("Product", input.id) ?? 0)
  if (!article) return { product: null, userErrors: [{ field: ["id"], message: "Product does not exist" }] }
  const { title, descriptionHtml, status } = input
  const problem =
    title !== undefined && (title ?? "").trim() === ""
      ? "Title can't be blank"
      : (title?.length ?? 0) > titleMax
        ? `Title is too long (maximum is ${titleMax} characters)`
        : undefined
  if (problem !== undefined) return { product: null, userErrors: [{ field: ["title"], message: problem }] }
  const change: ArticleChange = {
    ...(title ? { title } : {}),
    ...(descriptionHtml === undefined ? {} : { descriptionHtml: descriptionHtml ?? "" }),
    ...(status ? { status } : {}),
  }
  call.commit(() => store.products.change(article, change, "api"))
  return { product: productView(answered(article, change)), userErrors: [] }
}

/** `priceListFixedPricesAdd`: one bad price and none of the call is added. */
function addFixedPrices(
  store: ShopStore,
  { priceListId, prices }: { priceListId: string; prices: ListPrice[] },
  { context, currency }: { context: MutationContext; currency: string },
): View {
  const list = listOf(priceListId)
  if (!list) {
    const error = { field: ["priceListId"], message: "Price list does not exist.", code: "PRICE_LIST_NOT_FOUND" }
    return { prices: null, userErrors: [error] }
  }
  const errors = prices.flatMap(({ variantId, price, compareAtPrice }, index): CodedError[] => {
    const at = (field: string) => ["prices", String(index), field]
    if (!store.products.byVariant(idOf("ProductVariant", variantId) ?? 0))
      return [{ field: at("variantId"), message: "Variant does not exist.", code: "VARIANT_NOT_FOUND" }]
    if (price.currencyCode !== list.currency || (compareAtPrice && compareAtPrice.currencyCode !== list.currency))
      return [
        {
          field: at("price"),
          message: "The specified currency does not match the price list's currency.",
          code: "PRICE_LIST_CURRENCY_MISMATCH",
        },
      ]
    return []
  })
  if (errors.length > 0) return { prices: null, userErrors: errors }
  const priced = prices.flatMap(({ variantId, price, compareAtPrice }) => {
    const article = store.products.byVariant(idOf("ProductVariant", variantId) ?? 0)
    const fixed = {
      priceMinor: minorOf(price.amount, list.currency),
      compareAtMinor: compareAtPrice ? minorOf(compareAtPrice.amount, list.currency) : null,
    }
    return article ? [{ article, fixed }] : []
  })
  context.call.commit(() => {
    for (const { article, fixed } of priced) store.products.fix(list, article, { price: fixed, by: "api" })
  })
  return { prices: priced.map(({ article }) => listPriceView(store, { list, article, currency })), userErrors: [] }
}

/** Minor units of a decimal text; what is finer is rounded, as the shop shows it. */
function minorOf(text: string, currency: string): number {
  const digits =
    new Intl.NumberFormat("en", { style: "currency", currency }).resolvedOptions().maximumFractionDigits ?? 2
  return Math.round(Number(text) * 10 ** digits)
}
