import { AppError } from "../../../base/errors.ts"
import type { ItemOutcome } from "../../../ports/bulk-write.ts"
import type { PriceOfChannel, PricePlace, PublishedPrice, PublishesPrices } from "../../../ports/capabilities/prices.ts"
import type { Call } from "../../../ports/write.ts"
import { toShop } from "../orders/amounts.ts"
import { objectOf } from "../payloads.ts"
import { rejection } from "../stock/read-levels.ts"
import { locate, outcomeOf, priceFields, shownOf, type PriceOptions, type Shown } from "./shop-prices.ts"
import { writeApart } from "../stock/write-apart.ts"

/** The shop writes one variant after the other in one transaction, and has no limit but time. */
const itemsMax = 50
/** Amounts are an integer of the database (DefaultMoneyStrategy of 3.7.3: `type: "int"`); more is an error inside the shop. */
const minorMax = 2_147_483_647

type Outcome = ItemOutcome<PublishedPrice>
type Calling = PriceOptions & { call: Call }
type Rejected = Extract<Outcome, { kind: "rejected" }>

/**
 * Sets prices of variants: one for each channel and currency of the shop (`ProductVariantPrice`). They are read first, and only what is not
 * right is sent, so a repeat is harmless. The shop compares nothing: an edit between the reading and the write is overwritten, and what
 * the answer shows is what is reported.
 *
 * The shop has no crossed-out price of its own: it stands in a custom field of its prices, where the connection names one, and is always
 * written with the price; elsewhere it is refused. Variants that the channel was not given (`assignProductVariantsToChannel`) are unknown.
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
          if (!shown || "kind" in shown) return undefined
          const wanted = toWrite(item, shown, options)
          return !("kind" in wanted) && isRight(shown, wanted) ? outcomeOf(shown, options) : undefined
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
    throw new AppError("REQUEST_INVALID", `${items.length} prices in one call; the shop is given at most ${itemsMax}`)
  if (new Set(items.map(nameOf)).size < items.length)
    throw new AppError("REQUEST_INVALID", "two prices of one SKU in one list in one call")
}

/** As the shop writes them: two amounts that differ below our minor unit are one as money. */
function isRight({ raw }: Shown, { price, compareAt }: Wanted): boolean {
  return raw?.price === price && raw.compareAt === compareAt
}

type Wanted = NonNullable<Shown["raw"]>

/** A price to be written, as the shop writes it. */
interface Open extends Wanted {
  index: number
  shown: Shown
}

async function publish(items: readonly PriceOfChannel[], options: Calling): Promise<Outcome[]> {
  assertItems(items)
  const found = await locate(items, options)
  const outcomes = new Map<number, Outcome>()
  const open: Open[] = []
  for (const [index, item] of items.entries()) {
    const shown = found[index]
    if (!shown || "kind" in shown) {
      outcomes.set(index, shown ?? notAnswered)
      continue
    }
    const wanted = toWrite(item, shown, options)
    if ("kind" in wanted) outcomes.set(index, wanted)
    else if (isRight(shown, wanted)) outcomes.set(index, { kind: "done", outcome: outcomeOf(shown, options) })
    else open.push({ index, shown, ...wanted })
  }
  // A mutation is about one channel. After one that was answered none throws: what came of its prices is known.
  let isAnyAnswered = false
  for (const [channel, of] of Map.groupBy(open, ({ shown }) => shown.list.channel)) {
    try {
      for (const [{ index }, outcome] of await writePrices(channel, of, options)) outcomes.set(index, outcome)
      isAnyAnswered = true
    } catch (thrown) {
      if (!isAnyAnswered) throw thrown
      const message = thrown instanceof Error ? thrown.message : String(thrown)
      for (const { index } of of) outcomes.set(index, { kind: "unknown", message })
    }
  }
  return items.map((_item, index) => outcomes.get(index) ?? notAnswered)
}

const notAnswered: Outcome = { kind: "unknown", message: "the shop did not answer about it" }

/** The amounts as the shop writes them, or why it cannot. */
function toWrite(
  { amount, compareAt }: PriceOfChannel,
  { list }: Shown,
  { amounts, compareAtField }: PriceOptions,
): Wanted | Rejected {
  const wrong = (message: string, pointer: string) => rejection("VENDOR_REJECTED", message, { pointer })
  for (const [money, pointer] of [
    [amount, "/amount"] as const,
    ...(compareAt ? [[compareAt, "/compareAt"] as const] : []),
  ]) {
    if (money.currency !== list.currency)
      return wrong(`the prices of this list are in ${list.currency}`, `${pointer}/currency`)
    if (money.amountMinor < 0) return wrong("a price below nothing cannot be shown", pointer)
  }
  if (compareAt && compareAtField === undefined)
    return wrong("the shop has no crossed-out price: compareAtField of the connection names its field", "/compareAt")
  try {
    const price = toShop(amount, amounts)
    const crossedOut = compareAt ? toShop(compareAt, amounts) : null
    if (Math.max(price, crossedOut ?? 0) > minorMax) return wrong(`the shop counts to ${minorMax}`, "/amount")
    return { price, compareAt: crossedOut }
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === "VENDOR_REJECTED") return wrong(thrown.message, "/amount")
    throw thrown
  }
}

/** Prices of one channel. All currencies of a variant are one entry: of two for one variant only the later would be sure. */
async function writePrices(
  channel: string | undefined,
  open: readonly Open[],
  options: Calling,
): Promise<ReadonlyMap<Open, Outcome>> {
  const { client, call, compareAtField } = options
  const query = `mutation ($i: [UpdateProductVariantInput!]!) {
    answer: updateProductVariants(input: $i) { id ${priceFields(options)} } }`
  const inputOf = ({ shown, price, compareAt }: Open) => ({
    currencyCode: shown.list.currency,
    price,
    ...(compareAtField === undefined ? {} : { customFields: { [compareAtField]: compareAt } }),
  })
  return writeApart(open, {
    async write(part) {
      const byVariant = Map.groupBy(part, ({ shown }) => shown.variantId)
      const i = [...byVariant].map(([id, of]) => ({ id, prices: of.map(inputOf) }))
      const request = { query, variables: { i }, ...(channel === undefined ? {} : { channel }), call }
      const variants = (await client.writeMany(request)).map(objectOf)
      return new Map(
        part.map((one) => {
          const variant = variants.find(({ id }) => id === one.shown.variantId)
          if (!variant) return [one, notAnswered]
          return [one, { kind: "done", outcome: outcomeOf(shownOf(variant, one.shown.list, options), options) }]
        }),
      )
    },
    async readBack(one) {
      const query = `query ($id: ID!) { productVariant(id: $id) { id ${priceFields(options)} } }`
      const variables = { id: one.shown.variantId }
      const answer = await client.read({ query, variables, ...(channel === undefined ? {} : { channel }), call })
      if (answer["productVariant"] === null) return undefined
      const shown = shownOf(answer["productVariant"], one.shown.list, options)
      return isRight(shown, one) ? outcomeOf(shown, options) : undefined
    },
  })
}
