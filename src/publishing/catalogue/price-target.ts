import type { Sql } from "../../base/sql.ts"
import type { Clock } from "../../base/time.ts"
import type { PriceType } from "../../canonical/catalogue/price.ts"
import { pricesOf, type KeptPrice } from "../../catalogue/prices.ts"
import { productIdsOf } from "../../catalogue/products.ts"
import type { Ownership } from "../../governance/ownership/own.ts"
import { ruleThatSends } from "../../governance/ownership/sends.ts"
import type { ItemOutcome } from "../../ports/bulk-write.ts"
import type { PriceOfChannel, PublishedPrice } from "../../ports/capabilities/prices.ts"
import { validPrice } from "../../rules/prices/valid-price.ts"
import type { Computed } from "../decide/judge.ts"
import type { Taken } from "../decide/outcome.ts"
import { keyOf, type PublishedRow, type ShownPrice } from "../decide/row.ts"
import type { PriceChannel } from "../policies.ts"
import type { Target } from "../target.ts"
import type { PricesInChannel } from "./in-channel.ts"
import { foreignOf, sightOf } from "./sight.ts"

type Row = PublishedRow<ShownPrice>

interface PriceParts {
  sql: Sql
  clock: Clock
  rules: readonly Ownership[]
  prices: PricesInChannel
}

/** The prices that a channel shows: those that hold now, by the owners that send theirs to it. */
export function priceTarget(channel: PriceChannel, { sql, clock, rules, prices }: PriceParts): Target<ShownPrice> {
  return {
    aspect: "price",
    connection: prices.connection,
    get isClosed() {
      return prices.isClosed
    },
    itemsMax: prices.itemsMax,
    skusOfLook: Math.max(1, Math.floor(prices.itemsMax / channel.lists.length)),
    settleMs: prices.settleMs,
    readsBack: true,
    look: async (rows) => sightOf(rows, await prices.read(rows, channel.taxBasis), (_row, shown) => shownPrice(shown)),
    values: (rows) => valuesNow(sql, rows, { channel, rules, nowMs: clock.now() }),
    async publish(rows, key) {
      const levels = rows.map(({ item, scope, desired }): PriceOfChannel => {
        if (!desired || "none" in desired) throw new Error(`no price of ${item}`)
        const { currency, amountMinor, compareAtMinor } = desired
        return {
          sku: item,
          ...(scope === "" ? {} : { market: scope }),
          taxBasis: channel.taxBasis,
          amount: { currency, amountMinor },
          ...(compareAtMinor === undefined ? {} : { compareAt: { currency, amountMinor: compareAtMinor } }),
        }
      })
      return (await prices.publish(levels, key)).map(takenOf)
    },
    foreignRule: (row) => foreignOf(rules, row, { channel: channel.channel, ...marketOf(channel, row) }),
  }
}

const listOf = ({ lists }: PriceChannel, { scope }: Pick<Row, "scope">) => lists.find(({ market }) => market === scope)

function marketOf(channel: PriceChannel, row: Pick<Row, "scope">): { market?: string } {
  const market = listOf(channel, row)?.pricesOf
  return market === undefined ? {} : { market }
}

function shownPrice({ amount, compareAt }: PublishedPrice): ShownPrice {
  if (!amount) return { none: true }
  return { ...amount, ...(compareAt ? { compareAtMinor: compareAt.amountMinor } : {}) }
}

function takenOf(outcome: ItemOutcome<PublishedPrice>): ItemOutcome<Taken<ShownPrice>> {
  const taken = (price: PublishedPrice) => ({
    value: shownPrice(price),
    ...(price.reference ? { reference: price.reference } : {}),
  })
  if (outcome.kind === "done") return { kind: "done", outcome: taken(outcome.outcome) }
  return outcome.kind === "stale" ? { kind: "stale", holds: taken(outcome.holds) } : outcome
}

async function valuesNow(
  sql: Sql,
  rows: readonly Row[],
  { channel, rules, nowMs }: { channel: PriceChannel; rules: readonly Ownership[]; nowMs: number },
): Promise<Map<string, Computed<ShownPrice>>> {
  const ids = await productIdsOf(
    sql,
    rows.map(({ item }) => item),
  )
  const kept = await pricesOf(
    sql,
    [...ids.values()].map(({ productId }) => productId),
  )
  return new Map(
    rows.flatMap((row): [string, Computed<ShownPrice>][] => {
      const list = listOf(channel, row)
      const known = ids.get(row.item)
      // Under its earlier SKU an article is shown no more: the row of its SKU of today is.
      if (!list || (known && known.sku !== row.item)) return []
      const records = known ? (kept.get(known.productId) ?? []) : []
      return [[keyOf(row), valueOf(records, { channel, list, rules, nowMs, sku: row.item })]]
    }),
  )
}

function valueOf(
  records: readonly KeptPrice[],
  of: {
    channel: PriceChannel
    list: PriceChannel["lists"][number]
    rules: readonly Ownership[]
    nowMs: number
    sku: string
  },
): Computed<ShownPrice> {
  const { channel, list, rules, nowMs, sku } = of
  const place = { channel: channel.channel, ...(list.pricesOf === undefined ? {} : { market: list.pricesOf }) }
  const sent = (type: PriceType) =>
    ruleThatSends(rules, { field: `price.${type}`, scope: place, to: channel.connection })
  const { price, why, changesAt } = validPrice(
    records.filter(({ type }) => sent(type)),
    { ...place, sku, currency: list.currency, atMs: nowMs },
  )
  const base = { text: why, ...(changesAt === undefined ? {} : { nextAt: changesAt }) }
  if (!price) return { value: undefined, why: base }
  // A net price shown as a gross one is wrong by the tax, and nobody here knows the rate.
  if (price.taxBasis !== channel.taxBasis)
    return {
      value: undefined,
      why: { ...base, text: `its price is tax ${price.taxBasis}, and the channel's are ${channel.taxBasis}` },
    }
  const compareAt = price.compareAt && "set" in price.compareAt ? price.compareAt.set.amountMinor : undefined
  return {
    value: { ...price.amount, ...(compareAt === undefined ? {} : { compareAtMinor: compareAt }) },
    why: { ...base, field: `price.${price.type}` },
  }
}
