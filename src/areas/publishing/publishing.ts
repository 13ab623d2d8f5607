import { Articles } from "../../stock/articles/articles.ts"
import { availabilityOf } from "../stock.ts"
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

/** What channels show. */
export const publishing = defineArea({
  name: "publishing",
  policies: {
    schema: PublishingPolicyBlock,
    whenLeftOut: "off",
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
  subscribers: ({ sql }) => [shownSubscriber(sql)],
  services: (parts, policies: PublishingPolicyBlock) => [publisher(parts, policies)],
})
