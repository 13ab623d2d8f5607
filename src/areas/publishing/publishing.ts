import { publishedKinds, type PublishedChannel } from "../../operations/bulk/kinds/published.ts"
import { channelRoutes } from "../../gateway/routes/publishing/channels.ts"
import { instant } from "../../base/time.ts"
import { RowChanges, walkAll } from "../../publishing/change.ts"
import { rowStates } from "../../publishing/decide/row.ts"
import { channelViews, forgetOldAges, publishedPage } from "../../publishing/read.ts"
import { Articles } from "../../stock/articles/articles.ts"
import { availabilityOf } from "../stock.ts"
import { registerPublishing } from "../../publishing/gauges.ts"
import { shownSubscriber } from "../../publishing/hear-shown.ts"
import {
  PublishingPolicyBlock,
  publishingProblems,
  stockChannels,
  type StockChannel,
} from "../../publishing/policies.ts"
import { publishAgain } from "../../publishing/rows.ts"
import { StockPublisher } from "../../publishing/service.ts"
import { StockInChannel } from "../../publishing/stock-in-channel.ts"
import { defineArea, type AreaParts, type Service } from "../define-area.ts"

const everyMs = 5000

function stockIn({ connections, sql }: AreaParts, { channel, connection }: StockChannel): StockInChannel {
  return new StockInChannel(channel, { connection: connections.get(connection), articles: new Articles(sql) })
}

/** Publishes the stock of all declared channels. */
function publisher(parts: AreaParts, policies: PublishingPolicyBlock): Service {
  const { sql, log, clock, readers, eventLog } = parts
  const channels = stockChannels(policies)
  const heartbeats = new Map(
    channels.map(({ channel, connection }) => [
      channel,
      readers.add({
        name: `publish stock ${channel}`,
        connection,
        what: `The publishing of stock to ${channel}`,
        meanwhile: "the channel sells on the stock that it was told last",
        everyMs,
      }),
    ]),
  )
  return new StockPublisher({
    sql,
    log,
    channels,
    dependsOn: parts.policyOf("stock"),
    readerOf: ({ channel }) => {
      const reader = heartbeats.get(channel)
      if (!reader) throw new Error(`no heartbeat of ${channel}`)
      return reader
    },
    drainOf: (channel) => ({
      sql,
      log,
      clock,
      stock: stockIn(parts, channel),
      availability: availabilityOf(parts),
      append: (event) => eventLog.append(event),
    }),
  })
}

const none: PublishingPolicyBlock = { channels: {} }

const blockOf = ({ policyOf }: AreaParts) => policyOf("publishing") as PublishingPolicyBlock | undefined

/** A channel's rows, for what people have done to many. */
function changesOf(
  parts: AreaParts,
  block: PublishingPolicyBlock | undefined,
  name: string,
): PublishedChannel | undefined {
  const channel = block && stockChannels(block).find((one) => one.channel === name)
  if (!channel) return undefined
  const rows = new RowChanges(parts.sql, channel)
  const places = channel.places.map(({ locationId }) => locationId)
  return {
    find: (filter, limit) => rows.find(filter, limit),
    republish: (key, by) => rows.republish(key, by),
    adopt: (key, seenMilli, by) => rows.adopt(key, seenMilli, by),
    hold: (key, by) => rows.hold(key, by),
    toWithdraw: (skus, limit) => rows.toWithdraw(skus, limit),
    withdraw: (key, by) => rows.withdraw(key, by),
    parts: (size) => rows.parts(size),
    loadPart: (part) => rows.loadPart(part),
    walk: () => walkAll(parts.sql, stockIn(parts, channel), { channel: name, places }),
    withdrawAtMostPercent: channel.withdrawAtMostPercent,
  }
}

/** What channels show. */
export const publishing = defineArea({
  name: "publishing",
  policies: {
    schema: PublishingPolicyBlock,
    whenLeftOut: "defaults",
    problems: (block: PublishingPolicyBlock, { locations }, connected) =>
      publishingProblems(block, locations, connected),
  },
  actions: [
    {
      name: "publish again",
      does: "Reads what the channel shows and writes what it should show.",
      effect: { kind: "carry out", run: ({ sql }, { id }) => publishAgain(sql, id) },
    },
  ],
  bulk: (parts) => publishedKinds((channel) => changesOf(parts, blockOf(parts), channel)),
  routes: ({ sql, clock }, policies: PublishingPolicyBlock = none) =>
    channelRoutes({
      states: rowStates,
      names: stockChannels(policies).map(({ channel }) => channel),
      channels: () => channelViews(sql, stockChannels(policies), instant(clock.now())),
      rows: (channel, { state, sku, ...page }) =>
        publishedPage(sql, channel, {
          ...page,
          filter: { ...(state ? { state } : {}), ...(sku ? { item: sku } : {}) },
        }),
    }),
  gauges(registry, parts) {
    const channels = stockChannels(blockOf(parts) ?? none)
    const { sql, clock } = parts
    if (channels.length > 0)
      registerPublishing(
        registry,
        () => channelViews(sql, channels, instant(clock.now())),
        () => clock.now(),
      )
  },
  subscribers: (parts) => (blockOf(parts) ? [shownSubscriber(parts.sql)] : []),
  upkeep: ({ sql, clock }) => forgetOldAges(sql, instant(clock.now())),
  services: (parts, policies: PublishingPolicyBlock | undefined) => (policies ? [publisher(parts, policies)] : []),
})
