import { AppError } from "../../../base/errors.ts"
import { own } from "../../../base/lookup.ts"
import { moneyToDecimal, roundedMoney, sameMoney, type Money } from "../../../base/money.ts"
import type { ItemOutcome } from "../../../ports/bulk-write.ts"
import type { PriceOfChannel, PricePlace, PublishedPrice, PublishesPrices } from "../../../ports/capabilities/prices.ts"
import type { Call } from "../../../ports/write.ts"
import { gid, type UpdateOptions } from "../client.ts"
import { addFixedPrices, readListPrices } from "../graph/operations.ts"
import type { Reader } from "../orders/reader.ts"
import { rejection } from "../stock/read-levels.ts"
import { mutateMany, type OneOfMany } from "./many.ts"
import { numberOf, onlyVariant, variantsBySku, type ShopVariant } from "./read-variants.ts"

/** Each product is a mutation of its own, ten points; a call may ask for 1,000. */
const itemsMax = 50

type Outcome = ItemOutcome<PublishedPrice>
type PriceOptions = UpdateOptions & {
  shopCurrency: string
  /** Number of the shop's price list for each market. */
  priceLists: Readonly<Record<string, string>>
}
type CallOptions = PriceOptions & { call: Omit<Call, "key"> }

/** A price of the shop as it stands. */
interface Shown {
  variant: ShopVariant
  amount: Money
  compareAt: Money | undefined
  /** In a price list: it is set there, and does not follow the shop's own price. */
  isFixed: boolean
}

const setPrices: OneOfMany = {
  name: "CrossdockSetPrices",
  field: "productVariantsBulkUpdate",
  types: [
    ["productId", "ID!"],
    ["variants", "[ProductVariantsBulkInput!]!"],
  ],
  fixed: "allowPartialUpdates: true",
  selection: "{ productVariants { id } userErrors { field message code } }",
}

/**
 * Sets prices of variants, product by product, and fixed prices in the price lists of markets. A price and the one crossed out beside it are
 * always written together; without one the shop's is taken away. What is right already is not sent, so a repeat is harmless.
 *
 * A price list takes all prices of a call or none: one that it refuses is left out, and the others are sent again.
 */
export function publishesPrices(options: PriceOptions): PublishesPrices {
  return {
    publishPrices: {
      itemsMax,
      nameOf,
      send: (items, call) => publish(items, { ...options, call }),
      async probe(items, call) {
        assertItems(items)
        const found = await locate(items, { ...options, call })
        return items.map((item, n) => {
          const shown = found[n]
          return shown && !("kind" in shown) && isRight(shown, item) ? outcomeOf(shown, options) : undefined
        })
      },
    },
    async readPrices(places, call) {
      const found = await locate(places, { ...options, call })
      return found.map((one) => ("kind" in one ? one : { kind: "done", outcome: outcomeOf(one, options) }))
    },
  }
}

const nameOf = ({ sku, market = "" }: PricePlace): string => `${market}/${sku}`

function assertItems(items: readonly PricePlace[]): void {
  if (items.length > itemsMax)
    throw new AppError("REQUEST_INVALID", `${items.length} prices in one call; the shop is sent at most ${itemsMax}`)
  if (new Set(items.map(nameOf)).size < items.length)
    throw new AppError("REQUEST_INVALID", "two prices of one SKU in one list in one call")
}

function outcomeOf({ variant, amount, compareAt }: Shown, { system }: PriceOptions): PublishedPrice {
  return {
    amount,
    ...(compareAt ? { compareAt } : {}),
    reference: { system, type: "variant", id: numberOf(variant.id) },
  }
}

/** A relative price in a list is not ours, though it may be the same today. */
function isRight({ amount, compareAt, isFixed }: Shown, item: PriceOfChannel): boolean {
  const isSame = compareAt && item.compareAt ? sameMoney(compareAt, item.compareAt) : compareAt === item.compareAt
  return isFixed && isSame && sameMoney(amount, item.amount)
}

/** What the shop shows of prices, in their order, or why it does not. */
async function locate(
  places: readonly PricePlace[],
  options: CallOptions,
): Promise<(Shown | Extract<Outcome, { kind: "rejected" }>)[]> {
  const { shopCurrency } = options
  const variants = await variantsBySku(
    places.map(({ sku }) => sku),
    options,
  )
  const located = places.map(({ sku }) => onlyVariant(variants, sku))
  const lists = new Map<string, Map<string, Omit<Shown, "variant">>>()
  for (const market of new Set(places.map((place) => place.market))) {
    const list = market === undefined ? undefined : own(options.priceLists, market)
    if (market === undefined || list === undefined) continue
    const ids = places.flatMap((place, n) => {
      const variant = located[n]
      return place.market === market && variant && !("kind" in variant) ? [numberOf(variant.id)] : []
    })
    lists.set(market, await readList(list, ids, options))
  }
  return places.map(({ market }, n) => {
    const variant = located[n] ?? rejection("ARTICLE_UNKNOWN", "the shop did not answer about it")
    if ("kind" in variant) return variant
    if (market !== undefined) {
      const found = lists.get(market)
      if (!found)
        return rejection("VENDOR_REJECTED", `the connection has no price list for ${market}`, { pointer: "/market" })
      const shown = found.get(variant.id)
      return shown ? { variant, ...shown } : rejection("ARTICLE_UNKNOWN", `the price list of ${market} lacks it`)
    }
    const money = (text: string) => roundedMoney(text, { currency: shopCurrency }).amount
    const compareAt = variant.compareAtPrice === undefined ? undefined : money(variant.compareAtPrice)
    return { variant, amount: money(variant.price), compareAt, isFixed: true }
  })
}

/** Prices of variants in one list, by the variant's id. */
async function readList(
  list: string,
  variantIds: readonly string[],
  { client, call }: CallOptions,
): Promise<Map<string, Omit<Shown, "variant">>> {
  const found = new Map<string, Omit<Shown, "variant">>()
  if (variantIds.length === 0) return found
  let after: string | undefined
  do {
    const variables = {
      id: gid("PriceList", list),
      query: variantIds.map((id) => `variant_id:${id}`).join(" OR "),
      first: itemsMax,
      ...(after === undefined ? {} : { after }),
    }
    const answer = await client.read({ document: readListPrices, variables, call })
    const page = answer.optionalObject("priceList")?.object("prices")
    if (!page) throw new AppError("VENDOR_REJECTED", `the shop has no price list ${list}`)
    for (const node of page.list("nodes")) {
      const compareAt = node.optionalObject("compareAtPrice")
      found.set(node.object("variant").text("id"), {
        amount: moneyOf(node.object("price")),
        compareAt: compareAt ? moneyOf(compareAt) : undefined,
        isFixed: node.text("originType") === "FIXED",
      })
    }
    const info = page.object("pageInfo")
    after = info.flag("hasNextPage") ? info.text("endCursor") : undefined
    page.settleAnswer("prices of a list")
  } while (after !== undefined)
  return found
}

/** What is finer than the smallest unit is shown rounded. */
const moneyOf = (node: Reader): Money =>
  roundedMoney(node.text("amount"), { currency: node.text("currencyCode") }).amount

interface Open {
  index: number
  item: PriceOfChannel
  shown: Shown
}

async function publish(items: readonly PriceOfChannel[], options: PriceOptions & { call: Call }): Promise<Outcome[]> {
  assertItems(items)
  const found = await locate(items, options)
  const outcomes = new Map<number, Outcome>()
  const open: Open[] = []
  for (const [index, item] of items.entries()) {
    const shown = found[index]
    if (!shown || "kind" in shown) outcomes.set(index, shown ?? notAnswered)
    else if (item.market === undefined && item.amount.currency !== options.shopCurrency)
      outcomes.set(
        index,
        rejection("VENDOR_REJECTED", `the shop's own prices are in ${options.shopCurrency}`, {
          pointer: "/amount/currency",
        }),
      )
    else if (isRight(shown, item)) outcomes.set(index, { kind: "done", outcome: outcomeOf(shown, options) })
    else open.push({ index, item, shown })
  }
  const done = ({ item, shown }: Open): Outcome => {
    const { amount, compareAt } = item
    return { kind: "done", outcome: outcomeOf({ ...shown, amount, compareAt }, options) }
  }
  const ofShop = open.filter(({ item }) => item.market === undefined)
  for (const [index, outcome] of await setOwnPrices(ofShop, { ...options, done })) outcomes.set(index, outcome)
  const ofMarkets = Map.groupBy(
    open.filter(({ item }) => item.market !== undefined),
    ({ item }) => item.market ?? "",
  )
  for (const [market, of] of ofMarkets)
    for (const [index, outcome] of await setListPrices(of, {
      ...options,
      list: own(options.priceLists, market) ?? "",
      done,
    }))
      outcomes.set(index, outcome)
  return items.map((_item, index) => outcomes.get(index) ?? notAnswered)
}

const notAnswered: Outcome = { kind: "unknown", message: "the shop did not answer about it" }

type Setting = PriceOptions & { call: Call; done(one: Open): Outcome }

async function setOwnPrices(open: readonly Open[], { client, call, done }: Setting): Promise<[number, Outcome][]> {
  const products = [...Map.groupBy(open, ({ shown }) => shown.variant.product.id)]
  const inputs = products.map(([productId, of]) => ({
    productId,
    variants: of.map(({ item, shown }) => ({
      id: shown.variant.id,
      price: moneyToDecimal(item.amount),
      compareAtPrice: item.compareAt ? moneyToDecimal(item.compareAt) : null,
    })),
  }))
  const payloads = await mutateMany(setPrices, inputs, { client, call })
  return products.flatMap(([_productId, of], n) => {
    const errors = errorsOf(payloads[n], 1)
    const general = errors.get(undefined)
    return of.map((one, place): [number, Outcome] => [one.index, errors.get(place) ?? general ?? done(one)])
  })
}

/** Refusals by the place of the entry they name; of no entry: of the call. */
function errorsOf(payload: Reader | undefined, at: number): Map<number | undefined, Outcome> {
  const errors = new Map<number | undefined, Outcome>()
  for (const error of payload?.list("userErrors") ?? []) {
    const field = error.rawList("field") ?? []
    const place = field[at]
    const code = error.optionalText("code") ?? ""
    const key = place === undefined || field.length < 2 ? undefined : Number(place)
    const message = `${code}: ${error.optionalText("message") ?? ""}`
    const unknown =
      code === "PRODUCT_VARIANT_DOES_NOT_EXIST" || code === "PRODUCT_DOES_NOT_EXIST" || code === "VARIANT_NOT_FOUND"
    if (!errors.has(key))
      errors.set(key, rejection(unknown ? "ARTICLE_UNKNOWN" : "VENDOR_REJECTED", message, { vendorCode: code }))
  }
  return errors
}

async function setListPrices(
  open: readonly Open[],
  { client, call, list, done }: Setting & { list: string },
): Promise<[number, Outcome][]> {
  const outcomes: [number, Outcome][] = []
  let rest = [...open]
  while (rest.length > 0) {
    const prices = rest.map(({ item: { amount, compareAt }, shown }) => ({
      variantId: shown.variant.id,
      price: inputOf(amount),
      ...(compareAt ? { compareAtPrice: inputOf(compareAt) } : {}),
    }))
    const variables = { list: gid("PriceList", list), prices }
    const data = await client.write({ document: addFixedPrices, variables, call })
    const errors = errorsOf(data.object("priceListFixedPricesAdd"), 1)
    const general = errors.get(undefined)
    if (errors.size === 0 || general) {
      outcomes.push(...rest.map((one): [number, Outcome] => [one.index, general ?? done(one)]))
      break
    }
    for (const [place, one] of rest.entries()) {
      const error = errors.get(place)
      if (error) outcomes.push([one.index, error])
    }
    rest = rest.filter((_one, place) => !errors.has(place))
  }
  return outcomes
}

const inputOf = (value: Money) => ({ amount: moneyToDecimal(value), currencyCode: value.currency })
