import { AppError } from "../../../base/errors.ts"
import type { ItemOutcome } from "../../../ports/bulk-write.ts"
import {
  publishedFields,
  type ContentOfProduct,
  type PublishedField,
  type PublishedProduct,
  type PublishesProducts,
} from "../../../ports/capabilities/products.ts"
import { reference, type Call } from "../../../ports/write.ts"
import type { VendureClient } from "../client.ts"
import { objectOf } from "../payloads.ts"
import { rejection } from "../stock/read-levels.ts"
import { onlyVariant, variantsBySku } from "./read-variants.ts"
import { writeApart } from "../stock/write-apart.ts"

/** The shop writes all products of a call at once in one transaction, and has no limit but time. */
const itemsMax = 50

export interface ProductOptions {
  client: VendureClient
  system: string
  /** `LanguageCode` of the texts that are written. */
  language: string
}

type Outcome = ItemOutcome<PublishedProduct>
type Rejected = Extract<Outcome, { kind: "rejected" }>
type Asked = Omit<ContentOfProduct, "fields">
type Calling = ProductOptions & { call: Omit<Call, "key"> }

/** A product as it stands; without a text it has none in the language. */
interface ShopProduct {
  id: string
  isEnabled: boolean
  text: { name: string; description: string } | undefined
}

/**
 * Writes the fields that are named, and no other, of products that the shop has. Texts are those of one language; they, and whether a
 * product is for sale, are the same in all channels of the shop. What is right already is not sent, so a repeat is harmless.
 *
 * The shop tells no draft from what is kept for the records: both are not enabled. The address of a product (`slug`) stays when its title
 * changes. A language in which it has no text yet gets one with its title, because the shop's database wants all columns.
 */
export function publishesProducts(options: ProductOptions): PublishesProducts {
  return {
    writes: publishedFields,
    states: ["active", "draft"],
    publishProducts: {
      itemsMax,
      nameOf: ({ sku }) => sku,
      send: (items, call) => publish(items, { ...options, call }),
      async probe(items, call) {
        const found = await locate(items, { ...options, call })
        return items.map((item, n) => {
          const product = found[n]
          return product && !("kind" in product) && changesOf(product, item).length === 0
            ? outcomeOf(product, options)
            : undefined
        })
      },
    },
    async readProducts(asked, call) {
      const found = await locate(asked, { ...options, call })
      return found.map((one) => ("kind" in one ? one : { kind: "done", outcome: outcomeOf(one, options) }))
    },
  }
}

const productFields = "id enabled translations { languageCode name description }"
const mutation = `mutation ($i: [UpdateProductInput!]!) { answer: updateProducts(input: $i) { ${productFields} } }`

function productOf(value: unknown, { language }: ProductOptions): ShopProduct {
  const { id, enabled, translations } = objectOf(value)
  if (typeof id !== "string" || typeof enabled !== "boolean" || !Array.isArray(translations))
    throw new AppError("VENDOR_MISBEHAVED", "a product without its state or texts")
  const text = translations.map(objectOf).find(({ languageCode }) => languageCode === language)
  return {
    id,
    isEnabled: enabled,
    text: text && { name: String(text["name"] ?? ""), description: String(text["description"] ?? "") },
  }
}

/** Our fields as the product shows them; of a text that is not there it shows nothing. */
function fieldsOf({ isEnabled, text }: ShopProduct): Record<PublishedField, string> {
  return {
    title: text?.name ?? "",
    description: text?.description ?? "",
    state: isEnabled ? "active" : "draft",
  }
}

function outcomeOf(product: ShopProduct, { system }: ProductOptions): PublishedProduct {
  return { fields: fieldsOf(product), reference: reference(system, "product", product.id) }
}

/** The fields that are not as they should be. */
function changesOf(product: ShopProduct, { fields }: ContentOfProduct): PublishedField[] {
  const shown = fieldsOf(product)
  return publishedFields.filter((field) => {
    const wanted = fields[field]
    return wanted !== undefined && (field === "state" && wanted === "archived" ? "draft" : wanted) !== shown[field]
  })
}

interface Open {
  index: number
  item: ContentOfProduct
  input: { id: string; enabled?: boolean; translations?: object[] }
}

async function publish(
  items: readonly ContentOfProduct[],
  options: ProductOptions & { call: Call },
): Promise<Outcome[]> {
  const { client, call } = options
  const found = await locate(items, options)
  const outcomes = new Map<number, Outcome>()
  const open: Open[] = []
  const addresses = new Set<string>()
  for (const [index, item] of items.entries()) {
    const product = found[index]
    if (!product || "kind" in product) outcomes.set(index, product ?? notAnswered)
    else if (changesOf(product, item).length === 0)
      outcomes.set(index, { kind: "done", outcome: outcomeOf(product, options) })
    else {
      const input = inputOf(product, item, { ...options, addresses })
      if ("kind" in input) outcomes.set(index, input)
      else open.push({ index, item, input })
    }
  }
  const written = await writeApart(open, {
    async write(part) {
      const i = part.map(({ input }) => input)
      const products = (await client.writeMany({ query: mutation, variables: { i }, call })).map((one) =>
        productOf(one, options),
      )
      return new Map(
        part.map((one): [Open, Outcome] => {
          const product = products.find(({ id }) => id === one.input.id)
          return [one, product ? { kind: "done", outcome: outcomeOf(product, options) } : notAnswered]
        }),
      )
    },
    async readBack({ input, item }) {
      const query = `query ($id: ID!) { product(id: $id) { ${productFields} } }`
      const { product } = await client.read({ query, variables: { id: input.id }, call })
      if (product === null) return undefined
      const now = productOf(product, options)
      return changesOf(now, item).length === 0 ? outcomeOf(now, options) : undefined
    },
  })
  for (const [{ index }, outcome] of written) outcomes.set(index, outcome)
  return items.map((_item, index) => outcomes.get(index) ?? notAnswered)
}

const notAnswered: Outcome = { kind: "unknown", message: "the shop did not answer about it" }

/** What is sent of a product, or why it cannot be. A title that is a new language's first is the address too, which the shop makes fit. */
function inputOf(
  product: ShopProduct,
  item: ContentOfProduct,
  { language, addresses }: Pick<ProductOptions, "language"> & { addresses: Set<string> },
): Open["input"] | Rejected {
  const changed = new Set(changesOf(product, item))
  const { title, description, state } = item.fields
  const wrong = (message: string, pointer: string) => rejection("VENDOR_REJECTED", message, { pointer })
  if (changed.has("title") && title === "") return wrong("the shop has no product without a title", "/fields/title")
  if (changed.has("state") && state !== "active" && state !== "draft" && state !== "archived")
    return wrong(`the shop has no state ${state}`, "/fields/state")
  const enabled = changed.has("state") ? { enabled: state === "active" } : {}
  if (!changed.has("title") && !changed.has("description")) return { id: product.id, ...enabled }
  const texts = {
    ...(changed.has("title") && { name: title }),
    ...(changed.has("description") && { description }),
  }
  if (product.text) return { id: product.id, ...enabled, translations: [{ languageCode: language, ...texts }] }
  if (title === undefined)
    return wrong(`the shop has no text in ${language} of it: its title makes one`, "/fields/description")
  const slug = addresses.has(addressOf(title)) ? `${title} ${item.sku}` : title
  addresses.add(addressOf(title))
  const first = { languageCode: language, name: title, slug, description: description ?? "" }
  return { id: product.id, ...enabled, translations: [first] }
}

/**
 * What two titles have in common that may become one address. The shop gives a number to one that is taken, but looks for all products of
 * a call at once, before it writes any, and its column is not unique (source of updateProducts and SlugValidator in 3.7.3): both would get
 * the same. It spells umlauts and ß out, drops other accents and signs (`normalizeString`), and shops may drop more.
 */
const addressOf = (title: string): string =>
  title
    .normalize("NFD")
    .replaceAll("\u0308", "e")
    .replaceAll("ß", "ss")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]/gu, "")

/** The shop's product of each, by its own SKU or those of its variants. */
async function locate(asked: readonly Asked[], options: Calling): Promise<(ShopProduct | Rejected)[]> {
  if (asked.length > itemsMax)
    throw new AppError("REQUEST_INVALID", `${asked.length} products in one call; the shop is given at most ${itemsMax}`)
  if (new Set(asked.map(({ sku }) => sku)).size < asked.length)
    throw new AppError("REQUEST_INVALID", "one product twice in one call")
  const skus = asked.flatMap(({ sku, variants }) => (variants.length > 0 ? variants : [sku]))
  const bySku = new Map<string, Record<string, unknown>[]>()
  for (let from = 0; from < skus.length; from += skusOfOneRead) {
    const part = skus.slice(from, from + skusOfOneRead)
    const fields = `product { ${productFields} variantList(options: { take: 1 }) { totalItems } }`
    // All products are in the default channel, and cannot be taken from it (source of ChannelService).
    const read = await variantsBySku({ ...options, skus: part, fields, channel: undefined })
    for (const [sku, variants] of read.bySku) bySku.set(sku, variants)
  }
  const found = asked.map((one) => located(one, bySku, options))
  const count = Map.groupBy(found, (one) => ("kind" in one ? undefined : one.id))
  return found.map((one) =>
    "kind" in one || count.get(one.id)?.length === 1
      ? one
      : rejection("VENDOR_CONFLICT", `the shop has it and another one of ours as one product, ${one.id}`, {
          pointer: "/variants",
        }),
  )
}

const skusOfOneRead = 200

function located(
  { sku, variants }: Asked,
  bySku: ReadonlyMap<string, readonly Record<string, unknown>[]>,
  options: ProductOptions,
): ShopProduct | Rejected {
  const pointer = "/variants"
  if (variants.length === 0) {
    const one = onlyVariant(bySku, sku)
    if ("kind" in one) return one
    const product = objectOf(one.variant["product"])
    // The texts of one variant would become those of all.
    return objectOf(product["variantList"])["totalItems"] === 1
      ? productOf(product, options)
      : rejection(
          "VENDOR_CONFLICT",
          `the shop sells ${sku} as one of several variants: say of which product it is one`,
          { pointer },
        )
  }
  const ours = [...new Set(variants)].flatMap((one) => bySku.get(one) ?? [])
  const products = new Map(ours.map(({ product }) => [objectOf(product)["id"], objectOf(product)]))
  const conflict = (message: string) => rejection("VENDOR_CONFLICT", message, { pointer })
  const [only, second] = products.values()
  if (!only) return rejection("ARTICLE_UNKNOWN", `the shop has no variant of ${sku}`, { pointer })
  if (second) return conflict(`the variants of ${sku} are of several products: ${[...products.keys()].join(" and ")}`)
  const total = objectOf(only["variantList"])["totalItems"]
  if (typeof total !== "number") throw new AppError("VENDOR_MISBEHAVED", "a product without the number of its variants")
  // The texts of some variants would become those of all.
  return total > ours.length
    ? conflict(`the shop's product of ${sku} has ${total} variants, and ${ours.length} of them are known as its own`)
    : productOf(only, options)
}
