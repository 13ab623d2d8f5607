import { Type, type Static } from "typebox"
import type { Problem } from "../base/errors.ts"
import { Duration, durationMs } from "../base/time.ts"
import { ChannelId, entity, LocationId } from "../canonical/parts.ts"
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

const ChannelPolicy = entity("Publishing to a channel", {
  connection: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 64,
      description: "the connection that writes it; default the channel's own",
    }),
  ),
  stock: StockOfChannel,
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

/** A channel that publishes stock, with all its defaults. */
export interface StockChannel {
  channel: string
  connection: string
  places: readonly { locationId: string; shows: "place" | "pool" }[]
  foreign: Static<typeof Foreign>
  isDryRun: boolean
  auditWithinMs: number
  withdrawAtMostPercent: number
}

const dayMs = 86_400_000

/** The channels that a block declares. */
export function stockChannels({ channels }: PublishingPolicyBlock): StockChannel[] {
  return Object.entries(channels).map(([channel, policy]) => ({
    channel,
    connection: policy.connection ?? channel,
    places: Object.entries(policy.stock.places).map(([locationId, shows]) => ({ locationId, shows })),
    foreign: policy.stock.foreign ?? "restore",
    isDryRun: policy.dryRun ?? false,
    auditWithinMs: policy.auditWithin === undefined ? dayMs : durationMs(policy.auditWithin),
    withdrawAtMostPercent: policy.withdrawAtMostPercent ?? 2,
  }))
}

/** What does not fit the rest of the estate. */
export function publishingProblems(
  block: PublishingPolicyBlock,
  locations: readonly { id: string }[],
  connected: ReadonlyMap<string, Connected>,
): Problem[] {
  return Object.entries(block.channels).flatMap(([channel, { connection = channel, stock }]) => {
    const at = `/channels/${channel}`
    const problems: Problem[] = []
    const target = connected.get(connection)
    if (!target) problems.push({ pointer: `${at}/connection`, message: `there is no connection "${connection}"` })
    else if (!target.publishesStock)
      problems.push({ pointer: `${at}/connection`, message: `connection "${connection}" cannot publish stock` })
    for (const place of Object.keys(stock.places))
      if (!locations.some(({ id }) => id === place))
        problems.push({ pointer: `${at}/stock/places/${place}`, message: "is no location of the estate" })
    const shows = Object.values(stock.places)
    if (shows.includes("pool") && shows.length > 1)
      problems.push({
        pointer: `${at}/stock/places`,
        message: "the pool can be shown at one place alone: two would show the same pieces twice",
      })
    return problems
  })
}
