import { AppError } from "../../../base/errors.ts"
import type { ItemOutcome } from "../../../ports/bulk-write.ts"
import type { Call } from "../../../ports/write.ts"
import type { VendureClient } from "../client.ts"
import { objectOf } from "../payloads.ts"
import { rejection } from "../stock/read-levels.ts"

type Rejected = Extract<ItemOutcome<never>, { kind: "rejected" }>

/** Some variants of a SKU may stand at several products, and be many: that is found out. The shop gives at most 1,000 rows of a list. */
const rowsMax = 1000

/** The channel that a call was about, as the shop says. */
export interface ShopChannel {
  token: string
  /** Whether it is that of calls that name none. */
  isDefault: boolean
  currencies: readonly string[]
  pricesIncludeTax: boolean
}

interface Asked {
  skus: readonly string[]
  /** What is read of each variant, beside its id and SKU. */
  fields: string
  /** Token of the channel; absent: the default one. */
  channel: string | undefined
  client: VendureClient
  call: Omit<Call, "key">
}

/** Variants by their exact SKU, as one channel of the shop has them, and the channel. */
export async function variantsBySku({
  skus,
  fields,
  channel,
  client,
  call,
}: Asked): Promise<{ channel: ShopChannel; bySku: Map<string, Record<string, unknown>[]> }> {
  const query = `query ($o: ProductVariantListOptions) {
    activeChannel { token code availableCurrencyCodes pricesIncludeTax }
    productVariants(options: $o) { totalItems items { id sku ${fields} } } }`
  const variables = { o: { take: rowsMax, filter: { sku: { in: [...new Set(skus)] } } } }
  const answer = await client.read({ query, variables, ...(channel === undefined ? {} : { channel }), call })
  const { items } = objectOf(answer["productVariants"])
  if (!Array.isArray(items)) throw new AppError("VENDOR_MISBEHAVED", "a page of variants without items")
  const variants = items.map(objectOf)
  if (!variants.every(({ id, sku }) => typeof id === "string" && typeof sku === "string"))
    throw new AppError("VENDOR_MISBEHAVED", "a variant without its id or SKU")
  return {
    channel: channelOf(answer["activeChannel"], channel),
    bySku: Map.groupBy(variants, ({ sku }) => String(sku)),
  }
}

/**
 * A shop with one channel answers any token as that one (source of ChannelService.getChannelFromToken in 3.7.3): what is meant for another
 * channel would be written there.
 */
function channelOf(value: unknown, wanted: string | undefined): ShopChannel {
  const { token, code, availableCurrencyCodes: currencies, pricesIncludeTax } = objectOf(value)
  if (typeof token !== "string" || typeof pricesIncludeTax !== "boolean" || !Array.isArray(currencies))
    throw new AppError("VENDOR_MISBEHAVED", "a channel without its token, currencies or tax")
  if (wanted !== undefined && token !== wanted)
    throw new AppError("VENDOR_REJECTED", "the shop has no channel with the token that the connection names")
  // `DEFAULT_CHANNEL_CODE`: by it the shop finds its default channel, and it has no other mark (source of ChannelService in 3.7.3).
  const isDefault = wanted === undefined || code === "__default_channel__"
  return { token, isDefault, currencies: currencies.map(String), pricesIncludeTax }
}

/** The one variant of a SKU. */
export function onlyVariant<Variant extends { id?: unknown }>(
  found: ReadonlyMap<string, readonly Variant[]>,
  sku: string,
): { variant: Variant } | Rejected {
  const [only, second] = found.get(sku) ?? []
  const pointer = "/sku"
  if (!only) return rejection("ARTICLE_UNKNOWN", `the shop has no variant with the SKU ${sku}`, { pointer })
  if (second)
    return rejection(
      "VENDOR_CONFLICT",
      `two variants of the shop have the SKU ${sku}: ${String(only.id)} and ${String(second.id)}`,
      { pointer, vendorCode: "SKU_REPEATED" },
    )
  return { variant: only }
}
