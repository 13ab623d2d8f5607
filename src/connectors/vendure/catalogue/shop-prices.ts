import { AppError } from "../../../base/errors.ts"
import { own } from "../../../base/lookup.ts"
import type { Money } from "../../../base/money.ts"
import type { ItemOutcome } from "../../../ports/bulk-write.ts"
import type { PricePlace, PublishedPrice } from "../../../ports/capabilities/prices.ts"
import { reference, type Call } from "../../../ports/write.ts"
import type { VendureClient } from "../client.ts"
import { fromShop, type ShopAmounts } from "../orders/amounts.ts"
import { objectOf } from "../payloads.ts"
import { rejection } from "../stock/read-levels.ts"
import { onlyVariant, variantsBySku, type ShopChannel } from "./read-variants.ts"

/** Where the shop has the prices of a market: a channel of it, by its token, and a currency. */
export interface ShopList {
  channel?: string
  currency: string
}

export interface PriceOptions {
  client: VendureClient
  system: string
  amounts: ShopAmounts
  own: ShopList
  lists: Readonly<Record<string, ShopList>>
  /** Custom field of the shop's prices that has the crossed-out one. */
  compareAtField: string | undefined
}

type Rejected = Extract<ItemOutcome<never>, { kind: "rejected" }>

/** A price of the shop as it stands; without an amount it has none in that currency. */
export interface Shown {
  variantId: string
  list: ShopList
  amount?: Money
  compareAt?: Money
  /** Both as the shop writes them; null: none is crossed out. */
  raw?: { price: number; compareAt: number | null }
}

/** The fields of a variant in which its prices stand. Raw prices: `price` and `priceWithTax` are computed for a zone. */
export const priceFields = ({ compareAtField }: Pick<PriceOptions, "compareAtField">): string =>
  `prices { currencyCode price ${compareAtField === undefined ? "" : `customFields { ${compareAtField} }`} }`

/** What the shop shows of places, in their order, or why it does not. */
export async function locate(
  places: readonly PricePlace[],
  options: PriceOptions & { call: Omit<Call, "key"> },
): Promise<(Shown | Rejected)[]> {
  const ofPlaces = places.map(({ market }) => (market === undefined ? options.own : own(options.lists, market)))
  const found = new Map<string | undefined, Awaited<ReturnType<typeof variantsBySku>>>()
  for (const channel of new Set(ofPlaces.flatMap((list) => (list ? [list.channel] : [])))) {
    const skus = places.flatMap(({ sku }, n) => (ofPlaces[n]?.channel === channel && ofPlaces[n] ? [sku] : []))
    const { client, call } = options
    found.set(channel, await variantsBySku({ skus, fields: priceFields(options), channel, client, call }))
  }
  return places.map((place, n) => {
    const list = ofPlaces[n]
    const there = list && found.get(list.channel)
    if (!there)
      return rejection("VENDOR_REJECTED", `the connection has no prices for ${place.market}`, { pointer: "/market" })
    const refusal = notOfList(place, list, there.channel) ?? notAlone(list, there.channel, options)
    if (refusal) return refusal
    const one = onlyVariant(there.bySku, place.sku)
    return "kind" in one ? one : shownOf(one.variant, list, options)
  })
}

function notOfList({ taxBasis }: PricePlace, { currency }: ShopList, shop: ShopChannel): Rejected | undefined {
  if (!shop.currencies.includes(currency))
    return rejection("VENDOR_REJECTED", `the shop's channel has no prices in ${currency}`, {
      pointer: "/amount/currency",
    })
  // The shop takes any number for what its channel's prices are: `pricesIncludeTax` of the channel.
  const basis = shop.pricesIncludeTax ? "inclusive" : "exclusive"
  if (taxBasis !== undefined && taxBasis !== basis)
    return rejection("VENDOR_REJECTED", `the prices of the shop's channel are tax ${basis}, not ${taxBasis}`, {
      pointer: "/taxBasis",
    })
  return undefined
}

/** Two lists at one place of the shop would overwrite each other: one may name the default channel by its token, and the other not. */
function notAlone(
  list: ShopList,
  { token, isDefault }: ShopChannel,
  { own: ownList, lists }: Pick<PriceOptions, "own" | "lists">,
): Rejected | undefined {
  const same = [ownList, ...Object.values(lists)].filter(
    ({ channel, currency }) => currency === list.currency && (channel === undefined ? isDefault : channel === token),
  )
  return same.length > 1
    ? rejection(
        "VENDOR_REJECTED",
        `two lists of the connection are the shop's prices in ${list.currency} of one channel`,
        {
          pointer: "/market",
        },
      )
    : undefined
}

/** The price of a variant in a list, out of an answer. */
export function shownOf(value: unknown, list: ShopList, options: PriceOptions): Shown {
  const { id, prices } = objectOf(value)
  if (typeof id !== "string" || !Array.isArray(prices))
    throw new AppError("VENDOR_MISBEHAVED", "a variant without its prices")
  const { currency } = list
  const row = prices.map(objectOf).find(({ currencyCode }) => currencyCode === currency)
  if (!row) return { variantId: id, list }
  const integer = (minor: unknown): number => {
    if (typeof minor === "number") return minor
    throw new AppError("VENDOR_MISBEHAVED", `a price of variant ${id} without its amount`)
  }
  const money = (minor: number) => fromShop(minor, { currency, ...options.amounts }).amount
  const { compareAtField } = options
  const crossedOut = compareAtField === undefined ? undefined : objectOf(row["customFields"])[compareAtField]
  const price = integer(row["price"])
  const compareAt = crossedOut === null || crossedOut === undefined ? null : integer(crossedOut)
  return {
    variantId: id,
    list,
    amount: money(price),
    ...(compareAt === null ? {} : { compareAt: money(compareAt) }),
    raw: { price, compareAt },
  }
}

export function outcomeOf({ variantId, amount, compareAt }: Shown, { system }: PriceOptions): PublishedPrice {
  return {
    ...(amount && { amount }),
    ...(compareAt && { compareAt }),
    reference: reference(system, "variant", variantId),
  }
}
