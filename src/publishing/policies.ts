import { Type, type Static } from "typebox"
import type { Problem } from "../base/errors.ts"
import { CurrencyCode } from "../base/money.ts"
import { Duration, durationMs } from "../base/time.ts"
import { LocaleId, MarketId } from "../canonical/catalogue/scope.ts"
import { ChannelId, entity, LocationId } from "../canonical/parts.ts"
import { publishedFields, type PublishedField } from "../ports/capabilities/products.ts"
import type { Connected } from "../ports/connector.ts"

/** What is done when somebody else changes what Crossdock publishes. */
const Foreign = Type.Enum(["restore", "adopt", "hold", "alert"], {
  description:
    "restore: Crossdock's value is written again, and people are told when it happens again and again; adopt: the other value is shown at most; hold: nothing is written until a person decides; alert: people are told, and the next change of stock is written. Default restore.",
})

const StockOfChannel = entity("Stock of a channel", {
  places: Type.Record(LocationId, Type.Enum(["place", "pool"]), {
    minProperties: 1,
    description:
      "Places of the channel, by the ids that its connection's settings give them: each shows what may be promised there, or one of them what may be promised in the whole pool.",
  }),
  foreign: Type.Optional(Foreign),
})

const PricesOfChannel = entity("Prices of a channel", {
  currency: CurrencyCode,
  taxBasis: Type.Optional(
    Type.Enum(["inclusive", "exclusive"], {
      description:
        "whether the channel's prices include tax; prices of the other kind are not shown; default inclusive",
    }),
  ),
  market: Type.Optional(
    Type.Unsafe<string>({
      ...MarketId,
      description: "whose prices the channel shows to everybody; default those of no market",
    }),
  ),
  lists: Type.Optional(
    Type.Record(MarketId, entity("Price list of a market", { currency: CurrencyCode }), {
      minProperties: 1,
      maxProperties: 50,
      description: "markets with prices of their own; the connection's settings say which list of the channel is whose",
    }),
  ),
})

const ProductsOfChannel = entity("Products of a channel", {
  locale: Type.Optional(
    Type.Unsafe<string>({ ...LocaleId, description: "whose texts it shows; default those of no language" }),
  ),
  market: Type.Optional(MarketId),
  fields: Type.Optional(
    Type.Array(Type.Enum([...publishedFields]), {
      minItems: 1,
      uniqueItems: true,
      description: "fields that it shows; default all that it can show and that ownership sends to it",
    }),
  ),
})

const ChannelPolicy = entity("Publishing to a channel", {
  connection: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: "the connection that writes it; default the channel's own",
    }),
  ),
  stock: Type.Optional(StockOfChannel),
  prices: Type.Optional(PricesOfChannel),
  products: Type.Optional(ProductsOfChannel),
  dryRun: Type.Optional(
    Type.Boolean({ description: "Everything is computed and read, and nothing is written; default false." }),
  ),
  auditWithin: Type.Optional(
    Type.Unsafe<Duration>({ ...Duration, description: "How often every row is read back, rolling; default a day." }),
  ),
  withdrawAtMostPercent: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 100,
      description: "Share of what the channel shows that one operation may withdraw; default 2.",
    }),
  ),
})
export type ChannelPolicy = Static<typeof ChannelPolicy>

/** `policies.publishing` of the estate. */
export const PublishingPolicyBlock = entity("Publishing policies", {
  channels: Type.Record(ChannelId, ChannelPolicy, {
    description: "What each channel shows; nothing is published that is not declared here.",
  }),
})
export type PublishingPolicyBlock = Static<typeof PublishingPolicyBlock>

/** A channel that publishes something, with all its defaults. */
export interface PublishingChannel {
  channel: string
  connection: string
  isDryRun: boolean
  auditWithinMs: number
  withdrawAtMostPercent: number
}

/** One that publishes stock. */
export interface StockChannel extends PublishingChannel {
  places: readonly { locationId: string; shows: "place" | "pool" }[]
  foreign: Static<typeof Foreign>
}

/** One that publishes prices; the list of no market is the channel's own price. */
export interface PriceChannel extends PublishingChannel {
  taxBasis: "inclusive" | "exclusive"
  lists: readonly { market: string; pricesOf: string | undefined; currency: string }[]
}

/** One that publishes products. */
export interface ProductChannel extends PublishingChannel {
  locale: string | undefined
  market: string | undefined
  fields: readonly PublishedField[] | undefined
}

const dayMs = 86_400_000

function channelOf(channel: string, policy: ChannelPolicy): PublishingChannel {
  return {
    channel,
    connection: policy.connection ?? channel,
    isDryRun: policy.dryRun ?? false,
    auditWithinMs: policy.auditWithin === undefined ? dayMs : durationMs(policy.auditWithin),
    withdrawAtMostPercent: policy.withdrawAtMostPercent ?? 2,
  }
}

/** The channels that a block has publish stock. */
export function stockChannels({ channels }: PublishingPolicyBlock): StockChannel[] {
  return Object.entries(channels).flatMap(([channel, policy]) => {
    if (!policy.stock) return []
    const places = Object.entries(policy.stock.places).map(([locationId, shows]) => ({ locationId, shows }))
    return [{ ...channelOf(channel, policy), places, foreign: policy.stock.foreign ?? "restore" }]
  })
}

/** The channels that a block has publish prices. */
export function priceChannels({ channels }: PublishingPolicyBlock): PriceChannel[] {
  return Object.entries(channels).flatMap(([channel, policy]) => {
    if (!policy.prices) return []
    const { currency, market, taxBasis = "inclusive", lists = {} } = policy.prices
    const ofMarkets = Object.entries(lists).map(([one, list]) => ({ market: one, pricesOf: one, ...list }))
    return [
      { ...channelOf(channel, policy), taxBasis, lists: [{ market: "", pricesOf: market, currency }, ...ofMarkets] },
    ]
  })
}

/** The channels that a block has publish products. */
export function productChannels({ channels }: PublishingPolicyBlock): ProductChannel[] {
  return Object.entries(channels).flatMap(([channel, policy]) => {
    if (!policy.products) return []
    const { locale, market, fields } = policy.products
    return [{ ...channelOf(channel, policy), locale, market, fields }]
  })
}

/** What does not fit the rest of the estate. */
export function publishingProblems(
  block: PublishingPolicyBlock,
  locations: readonly { id: string }[],
  connected: ReadonlyMap<string, Connected>,
): Problem[] {
  return Object.entries(block.channels).flatMap(([channel, policy]) => {
    const at = `/channels/${channel}`
    const { connection = channel, stock } = policy
    const target = connected.get(connection)
    if (!target) return [{ pointer: `${at}/connection`, message: `there is no connection "${connection}"` }]
    const cannot = (what: string) => ({
      pointer: `${at}/connection`,
      message: `connection "${connection}" cannot publish ${what}`,
    })
    return [
      ...(stock && !target.publishesStock ? [cannot("stock")] : []),
      ...(policy.prices && !target.publishesPrices ? [cannot("prices")] : []),
      ...(policy.products && !target.publishesProducts ? [cannot("products")] : []),
      ...(stock ? placeProblems(stock.places, { at, locations }) : []),
    ]
  })
}

function placeProblems(
  places: Readonly<Record<string, "place" | "pool">>,
  { at, locations }: { at: string; locations: readonly { id: string }[] },
): Problem[] {
  const problems: Problem[] = Object.keys(places)
    .filter((place) => !locations.some(({ id }) => id === place))
    .map((place) => ({ pointer: `${at}/stock/places/${place}`, message: "is no location of the estate" }))
  const shows = Object.values(places)
  if (shows.includes("pool") && shows.length > 1)
    problems.push({
      pointer: `${at}/stock/places`,
      message: "the pool can be shown at one place alone: two would show the same pieces twice",
    })
  return problems
}
