import { AppError } from "../../../base/errors.ts"
import { own } from "../../../base/lookup.ts"
import type { ItemOutcome } from "../../../ports/bulk-write.ts"
import type { ShownLevel, ShownPage, StockPlace } from "../../../ports/capabilities/stock.ts"
import { reference, type Call, type Read } from "../../../ports/write.ts"
import type { VendureClient } from "../client.ts"
import { objectOf } from "../payloads.ts"

type Context = Omit<Call, "key">

export interface StockOptions {
  client: VendureClient
  system: string
  /** Id of the shop's stock location for each place of ours. */
  stock: Readonly<Record<string, string>>
}

/** A level in the shop; the shop counts whole pieces. */
export interface ShopLevel {
  variantId: string
  /** Id of the shop's stock location. */
  stockLocationId: string
  onHand: number
  /** The shop's own counter of what its orders hold. It loses some of orders that are placed in one moment. */
  allocated: number
}

export type Rejected = Extract<ItemOutcome<never>, { kind: "rejected" }>

export function rejection(
  code: "VENDOR_REJECTED" | "VENDOR_CONFLICT" | "ARTICLE_UNKNOWN",
  message: string,
  { pointer = "", vendorCode }: { pointer?: string; vendorCode?: string } = {},
): Rejected {
  return {
    kind: "rejected",
    code,
    message,
    problems: [{ pointer, message, ...(vendorCode === undefined ? {} : { code: vendorCode }) }],
  }
}

/** What the shop sells of it: on hand less allocated. A threshold of the shop's own comes on top of that. */
export const availableOf = ({ onHand, allocated }: Pick<ShopLevel, "onHand" | "allocated">): number =>
  onHand - allocated

export function shown(level: ShopLevel, { system, unit = "ea" }: { system: string; unit?: string }): ShownLevel {
  return {
    available: { milli: availableOf(level) * 1000, unit },
    // Below nothing where it lost what was allocated, and gave it back.
    committed: { milli: level.allocated * 1000, unit },
    reference: reference(system, "variant", level.variantId),
  }
}

// The shop gives at most 1,000 rows of a list (apiOptions.adminListQueryLimit).
const pageSize = 100
/** What is read of a variant. */
export const variantFields = "id sku trackInventory stockLevels { stockLocationId stockOnHand stockAllocated }"
const query = `query ($o: ProductVariantListOptions) { productVariants(options: $o) { totalItems items { ${variantFields} } } }`

interface Variant {
  id: string
  sku: string
  isTracked: boolean
  levels: { stockLocationId: string; onHand: number; allocated: number }[]
}

async function readVariants(
  { client }: Pick<StockOptions, "client">,
  options: Record<string, unknown>,
  call: Context,
): Promise<{ total: number; variants: Variant[] }> {
  const answer = objectOf((await client.read({ query, variables: { o: options }, call }))["productVariants"])
  const { items, totalItems } = answer
  if (!Array.isArray(items) || typeof totalItems !== "number")
    throw new AppError("VENDOR_MISBEHAVED", "a page of variants without items")
  return { total: totalItems, variants: items.map(variantOf) }
}

/** A variant as an answer has it. */
export function variantOf(value: unknown): Variant {
  const { id, sku, trackInventory, stockLevels } = objectOf(value)
  if (typeof id !== "string" || typeof sku !== "string" || !Array.isArray(stockLevels))
    throw new AppError("VENDOR_MISBEHAVED", "a variant without its fields")
  const levels = stockLevels.map((level) => {
    const { stockLocationId, stockOnHand: onHand, stockAllocated: allocated } = objectOf(level)
    if (typeof onHand !== "number" || typeof allocated !== "number")
      throw new AppError("VENDOR_MISBEHAVED", `a stock level of ${sku} without numbers`)
    return { stockLocationId: String(stockLocationId), onHand, allocated }
  })
  return { id, sku, isTracked: trackInventory !== "FALSE", levels }
}

/** The level of a variant at a location; one that it does not have yet is nothing. */
export function levelAt({ id, levels }: Variant, stockLocationId: string): ShopLevel {
  const found = levels.find((level) => level.stockLocationId === stockLocationId)
  return { variantId: id, stockLocationId, onHand: found?.onHand ?? 0, allocated: found?.allocated ?? 0 }
}

const mutation = `mutation ($i: [UpdateProductVariantInput!]!) { answer: updateProductVariants(input: $i) { ${variantFields} } }`

/** Sets what is on hand, in one transaction; returns the variants as they are then. */
export async function setOnHand(
  client: VendureClient,
  levels: readonly Pick<ShopLevel, "variantId" | "stockLocationId" | "onHand">[],
  call: Context,
): Promise<Variant[]> {
  if (levels.length === 0) return []
  const i = [...Map.groupBy(levels, ({ variantId }) => variantId)].map(([id, own]) => ({
    id,
    stockLevels: own.map(({ stockLocationId, onHand }) => ({ stockLocationId, stockOnHand: onHand })),
  }))
  return (await client.writeMany({ query: mutation, variables: { i }, call })).map(variantOf)
}

/** The shop's level of each place, or why there is none. */
export async function locate(
  places: readonly StockPlace[],
  { call, ...options }: StockOptions & { call: Context },
): Promise<(ShopLevel | Rejected)[]> {
  const skus = [...new Set(places.map(({ sku }) => sku))]
  const variants: Variant[] = []
  for (let from = 0; from < skus.length; from += pageSize) {
    const part = skus.slice(from, from + pageSize)
    // A SKU may stand at several variants: that is found out, so there is room for them.
    const list = { take: 1000, filter: { sku: { in: part } } }
    variants.push(...(await readVariants(options, list, call)).variants)
  }
  return places.map((place) => located(place, variants, options))
}

function located(
  { sku, locationId }: StockPlace,
  variants: readonly Variant[],
  { stock }: Pick<StockOptions, "stock">,
): ShopLevel | Rejected {
  const stockLocationId = own(stock, locationId)
  if (stockLocationId === undefined)
    return rejection("VENDOR_REJECTED", `the connection has no stock location for ${locationId}`, {
      pointer: "/locationId",
    })
  const [only, second] = variants.filter((variant) => variant.sku === sku)
  const pointer = "/sku"
  if (!only) return rejection("ARTICLE_UNKNOWN", `the shop has no variant with the SKU ${sku}`, { pointer })
  if (second)
    return rejection("VENDOR_CONFLICT", `two variants of the shop have the SKU ${sku}: ${only.id} and ${second.id}`, {
      pointer,
      vendorCode: "SKU_REPEATED",
    })
  if (!only.isTracked)
    return rejection("VENDOR_REJECTED", `the shop sells ${sku} without counting it (trackInventory)`, { pointer })
  return levelAt(only, stockLocationId)
}

/** `readStock` of the capability. */
export function readsStock(options: StockOptions): Read<readonly StockPlace[], readonly ItemOutcome<ShownLevel>[]> {
  return async (places, call) => {
    const found = await locate(places, { ...options, call })
    return found.map((one) => ("kind" in one ? one : { kind: "done", outcome: shown(one, options) }))
  }
}

/**
 * `listStock` of the capability: 100 variants a page. The shop pages by count, so a variant that is made or deleted meanwhile shifts the
 * others: such a walk ends as unavailable, and is none.
 */
export function listsStock(options: StockOptions): Read<{ locationIds: readonly string[]; after?: string }, ShownPage> {
  return async ({ locationIds, after = "0:" }, call) => {
    const [skip = "0", totalBefore = ""] = after.split(":")
    const list = { take: pageSize, skip: Number(skip), sort: { id: "ASC" } }
    const { total, variants } = await readVariants(options, list, call)
    if (totalBefore !== "" && Number(totalBefore) !== total)
      throw new AppError("VENDOR_UNAVAILABLE", "variants of the shop were made or deleted while they were listed")
    const next = Number(skip) + variants.length
    const levels = variants.flatMap((variant) =>
      locationIds.flatMap((locationId) => {
        const stockLocationId = own(options.stock, locationId)
        if (stockLocationId === undefined) return []
        return [{ sku: variant.sku, locationId, ...shown(levelAt(variant, stockLocationId), options) }]
      }),
    )
    return { levels, ...(next < total && variants.length > 0 ? { after: `${next}:${total}` } : {}) }
  }
}
