import { AppError } from "../../../base/errors.ts"
import type { ItemOutcome } from "../../../ports/bulk-write.ts"
import {
  publishedFields,
  type ContentOfProduct,
  type PublishedField,
  type PublishedProduct,
  type PublishesProducts,
} from "../../../ports/capabilities/products.ts"
import type { Call } from "../../../ports/write.ts"
import type { UpdateOptions } from "../client.ts"
import type { Reader } from "../orders/reader.ts"
import { rejection } from "../stock/read-levels.ts"
import { mutateMany, type OneOfMany } from "./many.ts"
import { numberOf, onlyVariant, variantsBySku, type ShopVariant } from "./read-variants.ts"

/** Each product is a mutation of its own, ten points; a call may ask for 1,000. */
const itemsMax = 50

type Outcome = ItemOutcome<PublishedProduct>
type Asked = Omit<ContentOfProduct, "fields">
type ShopProduct = ShopVariant["product"]
type Located = ShopProduct | Extract<Outcome, { kind: "rejected" }>

const setProducts: OneOfMany = {
  name: "CrossdockSetProducts",
  field: "productUpdate",
  types: [["product", "ProductUpdateInput!"]],
  selection: "{ product { id title descriptionHtml status } userErrors { field message } }",
}

/** The shop's name of each field. */
const theirs = { title: "title", description: "descriptionHtml", state: "status" } as const satisfies Record<
  PublishedField,
  keyof ShopProduct
>
const states = new Map([
  ["active", "ACTIVE"],
  ["draft", "DRAFT"],
  ["archived", "ARCHIVED"],
])
const words = new Map([...states].map(([ours, shops]) => [shops, ours]))

/** Writes the fields that are named, and no other, of products that the shop has: `productUpdate` changes only what it is given. */
export function publishesProducts(options: UpdateOptions): PublishesProducts {
  return {
    writes: publishedFields,
    publishProducts: {
      itemsMax,
      nameOf: ({ sku }) => sku,
      send: (items, call) => publish(items, { ...options, call }),
      async probe(items, call) {
        const found = await locate(items, { ...options, call })
        return items.map((item, n) => {
          const product = found[n]
          return product && !("kind" in product) && isRight(product, item) ? outcomeOf(product, options) : undefined
        })
      },
    },
    async readProducts(asked, call) {
      const found = await locate(asked, { ...options, call })
      return found.map((one) => ("kind" in one ? one : { kind: "done", outcome: outcomeOf(one, options) }))
    },
  }
}

function outcomeOf(product: ShopProduct, { system }: UpdateOptions): PublishedProduct {
  const { title, descriptionHtml, status } = product
  return {
    fields: { title, description: descriptionHtml, state: words.get(status) ?? status.toLowerCase() },
    reference: { system, type: "product", id: numberOf(product.id) },
  }
}

const shopValue = (field: PublishedField, value: string) => (field === "state" ? (states.get(value) ?? value) : value)

const fieldsOf = ({ fields }: ContentOfProduct) =>
  publishedFields.flatMap((field) => {
    const value = fields[field]
    return value === undefined ? [] : [[field, shopValue(field, value)] as const]
  })

const isRight = (product: ShopProduct, item: ContentOfProduct) =>
  fieldsOf(item).every(([field, value]) => product[theirs[field]] === value)

/** The shop's product of each, by its own SKU or those of its variants. */
async function locate(
  asked: readonly Asked[],
  options: UpdateOptions & { call: Omit<Call, "key"> },
): Promise<Located[]> {
  if (asked.length > itemsMax)
    throw new AppError("REQUEST_INVALID", `${asked.length} products in one call; the shop is sent at most ${itemsMax}`)
  if (new Set(asked.map(({ sku }) => sku)).size < asked.length)
    throw new AppError("REQUEST_INVALID", "one product twice in one call")
  const found = await variantsBySku(
    asked.flatMap(({ sku, variants }) => (variants.length > 0 ? variants : [sku])),
    options,
  )
  return asked.map(({ sku, variants }) => {
    if (variants.length === 0) {
      const variant = onlyVariant(found, sku)
      if ("kind" in variant) return variant
      // The texts of one variant would become those of all.
      return variant.product.isAlone
        ? variant.product
        : rejection(
            "VENDOR_CONFLICT",
            `the shop sells ${sku} as one of several variants: say of which product it is one`,
            {
              pointer: "/variants",
            },
          )
    }
    const products = new Map(
      variants.flatMap((one) => found.get(one) ?? []).map(({ product }) => [product.id, product]),
    )
    const [only, second] = products.values()
    if (!only) return rejection("ARTICLE_UNKNOWN", `the shop has no variant of ${sku}`, { pointer: "/variants" })
    return second
      ? rejection("VENDOR_CONFLICT", `the variants of ${sku} are of several products: ${only.id} and ${second.id}`, {
          pointer: "/variants",
        })
      : only
  })
}

async function publish(
  items: readonly ContentOfProduct[],
  options: UpdateOptions & { call: Call },
): Promise<Outcome[]> {
  const found = await locate(items, options)
  const outcomes = new Map<number, Outcome>()
  const open: { index: number; input: Record<string, string> }[] = []
  for (const [index, item] of items.entries()) {
    const product = found[index]
    if (!product || "kind" in product) outcomes.set(index, product ?? notAnswered)
    else if (isRight(product, item)) outcomes.set(index, { kind: "done", outcome: outcomeOf(product, options) })
    else {
      const changed = fieldsOf(item).filter(([field, value]) => product[theirs[field]] !== value)
      const input = Object.fromEntries(changed.map(([field, value]) => [theirs[field], value]))
      open.push({ index, input: { id: product.id, ...input } })
    }
  }
  const payloads = await mutateMany(
    setProducts,
    open.map(({ input }) => ({ product: input })),
    options,
  )
  for (const [n, { index }] of open.entries()) outcomes.set(index, writtenOf(payloads[n], options))
  return items.map((_item, index) => outcomes.get(index) ?? notAnswered)
}

const notAnswered: Outcome = { kind: "unknown", message: "the shop did not answer about it" }
const ours = new Map<string, string>(Object.entries(theirs).map(([field, shops]) => [shops, field]))

function writtenOf(payload: Reader | undefined, options: UpdateOptions): Outcome {
  const [error] = payload?.list("userErrors") ?? []
  if (error) {
    const field = String((error.rawList("field") ?? []).at(-1) ?? "")
    const message = error.optionalText("message") ?? "refused"
    return field === "id"
      ? rejection("ARTICLE_UNKNOWN", message)
      : rejection("VENDOR_REJECTED", message, { pointer: `/fields/${ours.get(field) ?? field}` })
  }
  const product = payload?.optionalObject("product")
  if (!product) return notAnswered
  const read = (key: string) => product.optionalText(key) ?? ""
  const written = {
    id: read("id"),
    title: read("title"),
    descriptionHtml: read("descriptionHtml"),
    status: read("status"),
  }
  return { kind: "done", outcome: outcomeOf({ ...written, isAlone: true }, options) }
}
