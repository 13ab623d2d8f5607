import type { NewEvent } from "../../canonical/events.ts"
import { productRanges, productsBetween } from "../../catalogue/products.ts"
import { channelRoutes } from "../../gateway/routes/publishing/channels.ts"
import { policyVersion } from "../../governance/ownership/check.ts"
import { publishedKinds, type PublishedChannel } from "../../operations/bulk/kinds/published.ts"
import { instant } from "../../base/time.ts"
import { PricesInChannel, ProductsInChannel } from "../../publishing/catalogue/in-channel.ts"
import { foreignSubscriber, type CatalogueChannels } from "../../publishing/catalogue/marks.ts"
import { priceTarget } from "../../publishing/catalogue/price-target.ts"
import { fieldsSent, productTarget } from "../../publishing/catalogue/product-target.ts"
import { RowChanges } from "../../publishing/change.ts"
import { freshMsOf, outwardProblems } from "../../publishing/outward.ts"
import { aspects, rowStates, type Aspect } from "../../publishing/decide/row.ts"
import { ChannelDrain } from "../../publishing/drain.ts"
import { registerPublishing } from "../../publishing/gauges.ts"
import {
  priceChannels,
  productChannels,
  PublishingPolicyBlock,
  publishingProblems,
  stockChannels,
  type PublishingChannel,
} from "../../publishing/policies.ts"
import { channelViews, forgetOldAges, lastMoments, publishedPage, type Declared } from "../../publishing/read.ts"
import { publishAgain } from "../../publishing/rows.ts"
import { Publisher, type Publication } from "../../publishing/service.ts"
import { shownSubscriber } from "../../publishing/stock/hear-shown.ts"
import { StockInChannel } from "../../publishing/stock/stock-in-channel.ts"
import { stockTarget } from "../../publishing/stock/stock-target.ts"
import { walkAll } from "../../publishing/stock/walk.ts"
import type { Target } from "../../publishing/target.ts"
import { Articles } from "../../stock/articles/articles.ts"
import { skuRanges, skusBetween } from "../../stock/views/changed.ts"
import { availabilityOf } from "../stock.ts"
import { defineArea, type AreaParts } from "../define-area.ts"

const everyMs = 5000

const none: PublishingPolicyBlock = { channels: {} }

/** What is published, aspect by aspect. */
function publications(parts: AreaParts, policies: PublishingPolicyBlock): Publication[] {
  const { sql, log, clock, eventLog } = parts
  const rules = parts.estate.ownership ?? []
  const append = (event: NewEvent) => eventLog.append(event)
  const drain = <Value>(channel: PublishingChannel, target: Target<Value>) =>
    new ChannelDrain(channel, { sql, log, clock, append, target })
  const stock = stockChannels(policies).map((channel) => ({
    channel,
    aspect: "stock" as const,
    reader: readerOf(parts, channel, { what: "stock", sells: "the stock that it was told last" }),
    dependsOn: parts.policyOf("stock"),
    drain: () =>
      drain(
        channel,
        stockTarget(channel, { sql, clock, stock: stockIn(parts, channel), availability: availabilityOf(parts) }),
      ),
  }))
  const prices = priceChannels(policies).map((channel) => ({
    channel,
    aspect: "price" as const,
    reader: readerOf(parts, channel, { what: "prices", sells: "the prices that it was told last" }),
    dependsOn: policyVersion(rules),
    drain: () =>
      drain(
        channel,
        priceTarget(channel, {
          sql,
          clock,
          rules,
          prices: new PricesInChannel(channel.channel, inChannel(parts, channel)),
        }),
      ),
  }))
  const products = productChannels(policies).map((channel) => ({
    channel,
    aspect: "product" as const,
    reader: readerOf(parts, channel, { what: "products", sells: "the texts that it was told last" }),
    dependsOn: policyVersion(rules),
    drain: () => drain(channel, productTarget(channel, { sql, clock, rules, products: productsIn(parts, channel) })),
  }))
  return [...stock, ...prices, ...products].map((one) => {
    const freshMs = freshMsOf(rules, { to: one.channel.connection, aspect: one.aspect })
    return { ...one, ...(freshMs === undefined ? {} : { freshMs }) }
  })
}

function inChannel({ connections, sql }: AreaParts, { connection }: PublishingChannel) {
  return { connection: connections.get(connection), articles: new Articles(sql) }
}

function stockIn(parts: AreaParts, channel: PublishingChannel): StockInChannel {
  return new StockInChannel(channel.channel, inChannel(parts, channel))
}

function productsIn(parts: AreaParts, channel: PublishingChannel): ProductsInChannel {
  return new ProductsInChannel(channel.channel, inChannel(parts, channel))
}

function readerOf(
  { readers }: AreaParts,
  { channel, connection }: PublishingChannel,
  { what, sells }: { what: string; sells: string },
) {
  return readers.add({
    name: `publish ${what} ${channel}`,
    connection,
    what: `The publishing of ${what} to ${channel}`,
    meanwhile: `the channel sells on ${sells}`,
    everyMs,
  })
}

const blockOf = ({ policyOf }: AreaParts) => policyOf("publishing") as PublishingPolicyBlock | undefined

/** Channels whose rows follow from products and prices. */
export function catalogueChannels(parts: AreaParts): CatalogueChannels {
  const policies = blockOf(parts) ?? none
  const rules = parts.estate.ownership ?? []
  return {
    prices: priceChannels(policies),
    products: productChannels(policies).map((channel) => ({
      channel: channel.channel,
      connection: channel.connection,
      fields: fieldsSent(channel, rules, productsIn(parts, channel).writes),
    })),
  }
}

/** Every aspect of every channel that is declared. */
function declared(policies: PublishingPolicyBlock): Declared[] {
  return [
    ...stockChannels(policies).map(({ places, foreign, ...one }) => ({
      ...one,
      places,
      foreign,
      aspect: "stock" as const,
    })),
    ...priceChannels(policies).map((one) => ({ ...one, aspect: "price" as const })),
    ...productChannels(policies).map((one) => ({ ...one, aspect: "product" as const })),
  ].map(({ auditWithinMs: _audit, withdrawAtMostPercent: _most, ...one }) => one)
}

/** A channel's rows of one aspect, for what people have done to many. */
function changesOf(
  parts: AreaParts,
  block: PublishingPolicyBlock | undefined,
  { name, aspect }: { name: string; aspect: Aspect },
): PublishedChannel | undefined {
  const { sql } = parts
  const find = <One extends PublishingChannel>(all: readonly One[]) => all.find(({ channel }) => channel === name)
  const stock = find(stockChannels(block ?? none))
  const channel = { stock, price: find(priceChannels(block ?? none)), product: find(productChannels(block ?? none)) }[
    aspect
  ]
  if (!channel) return undefined
  const rows = new RowChanges(sql, channel, aspect)
  const places = stock?.places.map(({ locationId }) => locationId) ?? []
  return {
    find: (filter, limit) => rows.find(filter, limit),
    republish: (key, by) => rows.republish(key, by),
    adopt: (key, seen, by) => rows.adopt(key, seen, by),
    hold: (key, by) => rows.hold(key, by),
    toWithdraw: (skus, limit) => rows.toWithdraw(places, skus, limit),
    withdraw: (key, by) => rows.withdraw(key, by),
    parts: (size) => (aspect === "stock" ? skuRanges(sql, size) : productRanges(sql, size)),
    async loadPart({ from, to }) {
      if (aspect === "stock") return rows.load(await skusBetween(sql, from, to), places)
      const { prices, products } = catalogueChannels(parts)
      const scopes = {
        price: find(prices)?.lists.map(({ market }) => market),
        product: products.find((one) => one.channel === name)?.fields,
      }[aspect]
      return rows.load(await productsBetween(sql, { from, to, of: aspect }), scopes ?? [])
    },
    walk: () => walkAll(sql, stockIn(parts, channel), { channel: name, places }),
    withdrawAtMostPercent: channel.withdrawAtMostPercent,
  }
}

/** What channels show. */
export const publishing = defineArea({
  name: "publishing",
  policies: {
    schema: PublishingPolicyBlock,
    whenLeftOut: "defaults",
    problems: (block: PublishingPolicyBlock, { locations, ownership = [] }, connected) => [
      ...publishingProblems(block, locations, connected),
      ...outwardProblems(block, ownership),
    ],
  },
  actions: [
    {
      name: "publish again",
      does: "Reads what the channel shows and writes what it should show.",
      effect: { kind: "carry out", run: ({ sql }, { id }) => publishAgain(sql, id) },
    },
  ],
  bulk: (parts) => publishedKinds((name, aspect) => changesOf(parts, blockOf(parts), { name, aspect })),
  routes: ({ sql, clock }, policies: PublishingPolicyBlock = none) =>
    channelRoutes({
      states: rowStates,
      aspects,
      names: Object.keys(policies.channels),
      channels: () => channelViews(sql, declared(policies), instant(clock.now())),
      moments: (names) => lastMoments(sql, names),
      rows: (channel, { state, sku, aspect, ...page }) =>
        publishedPage(sql, channel, {
          ...page,
          filter: { ...(state ? { state } : {}), ...(sku ? { item: sku } : {}), ...(aspect ? { aspect } : {}) },
        }),
    }),
  gauges(registry, parts) {
    const channels = declared(blockOf(parts) ?? none)
    const { sql, clock } = parts
    if (channels.length > 0)
      registerPublishing(
        registry,
        () => channelViews(sql, channels, instant(clock.now())),
        () => clock.now(),
      )
  },
  subscribers: (parts) => {
    if (!blockOf(parts)) return []
    const channels = catalogueChannels(parts)
    return [shownSubscriber(parts.sql), foreignSubscriber(channels)]
  },
  upkeep: ({ sql, clock }) => forgetOldAges(sql, instant(clock.now())),
  services: (parts, policies: PublishingPolicyBlock | undefined) =>
    policies
      ? [
          new Publisher({
            sql: parts.sql,
            log: parts.log,
            stock: stockChannels(policies),
            publications: publications(parts, policies),
            isAlone: () => !parts.eventLog.notifiesOthers,
          }),
        ]
      : [],
})
