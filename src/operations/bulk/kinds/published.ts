import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { ChannelId, entity, Sku } from "../../../canonical/parts.ts"
import { done, skipped, type AnyBulkKind, type BulkKind, type Member, type Preview } from "../kind.ts"
import { assertNotTooMany, membersMax } from "./cases.ts"

const Skus = Type.Optional(Type.Array(Sku, { minItems: 1, maxItems: 1000, description: "only of these articles" }))

const Rows = entity("Rows of a channel", {
  channel: ChannelId,
  state: Type.Optional(
    Type.Enum(["drifted", "held", "refused", "unmapped", "live", "gone"], { description: "only those in this state" }),
  ),
  skus: Skus,
})
const Withdrawn = entity("Withdrawal from a channel", { channel: ChannelId, skus: Skus })
const Loaded = entity("First load of a channel", { channel: ChannelId })

interface RowsSpec {
  channel: string
  state?: string
  skus?: readonly string[]
}

interface Key {
  sku: string
  locationId: string
}

interface Found extends Key {
  state: string
  observedMilli: number | null
}

/** What a channel's rows can be told, by the module that has them. */
export interface PublishedChannel {
  find(filter: Omit<RowsSpec, "channel">, limit: number): Promise<readonly Found[]>
  republish(key: Key, by: string): Promise<boolean>
  adopt(key: Key, seenMilli: number, by: string): Promise<boolean>
  hold(key: Key, by: string): Promise<boolean>
  toWithdraw(skus: readonly string[] | undefined, limit: number): Promise<readonly Found[]>
  withdraw(key: Key, by: string): Promise<boolean>
  parts(size: number): Promise<readonly { from: string; to: string; count: number }[]>
  loadPart(part: { from: string; to: string }): Promise<void>
  /** Reads all that the channel shows; throws when that breaks off. */
  walk(): Promise<{ levels: number; strangers: number }>
  withdrawAtMostPercent: number
}

/** A published channel by name; CHANNEL that publishes nothing: undefined. */
type ChannelOf = (channel: string) => PublishedChannel | undefined

const skusOfPart = 1000

/** What people may have done to many rows of a channel. */
export function publishedKinds(channelOf: ChannelOf): AnyBulkKind[] {
  return [...rowKinds(channelOf), withdraws(channelOf) as AnyBulkKind, loads(channelOf) as AnyBulkKind]
}

function rowKinds(channelOf: ChannelOf): AnyBulkKind[] {
  const kind = (
    name: string,
    does: string,
    act: (channel: PublishedChannel, key: Key, of: { seen: string | undefined; by: string }) => Promise<boolean>,
  ): BulkKind<RowsSpec> => ({
    name,
    does,
    schema: Rows,
    async preview({ channel, ...filter }, { channels }) {
      const rows = await known(channelOf, channel, channels).find(filter, membersMax + 1)
      assertNotTooMany(rows.length)
      return { members: rows.map(memberOf), refused: [] }
    },
    async carryOut({ id, seen }, { channel }, { by }) {
      const isDone = await act(known(channelOf, channel), keyOf(id), { seen, by })
      return isDone ? done : skipped("it was withdrawn, or the channel shows something else by now")
    },
  })
  return [
    kind(
      "publish again",
      "reads what a channel shows and writes what it should show; what held it ends",
      (one, key, { by }) => one.republish(key, by),
    ),
    kind("adopt", "shows at most what the channel shows now, until it is published again", (one, key, { seen, by }) =>
      seen === undefined ? Promise.resolve(false) : one.adopt(key, Number(seen), by),
    ),
    kind("hold", "writes nothing to a channel's articles until they are published again", (one, key, { by }) =>
      one.hold(key, by),
    ),
  ] as AnyBulkKind[]
}

/**
 * Shows zero of articles and publishes nothing of them any more (P-30). Everything that the channel shows is read first, from the first
 * page to the last: only of a whole can it be said what share is taken away.
 */
function withdraws(channelOf: ChannelOf): BulkKind<{ channel: string; skus?: readonly string[] }> {
  return {
    name: "withdraw",
    does: "shows zero of articles in a channel, and publishes nothing of them any more",
    schema: Withdrawn,
    alwaysApproved: "it takes articles from sale",
    async preview({ channel, skus }, { channels }) {
      const one = known(channelOf, channel, channels)
      const rows = await one.toWithdraw(skus, membersMax + 1)
      assertNotTooMany(rows.length)
      return {
        members: rows.map(memberOf),
        refused: [],
        says: [
          `Before the first, all that ${channel} shows is read; when this is more than ${one.withdrawAtMostPercent} % of it, nothing is done.`,
        ],
      }
    },
    async prepare({ channel, skus }) {
      const one = known(channelOf, channel)
      const { levels } = await one.walk()
      const count = (await one.toWithdraw(skus, membersMax + 1)).length
      if (count * 100 > levels * one.withdrawAtMostPercent)
        throw new AppError(
          "STATE_FORBIDS",
          `${count} of ${levels} that ${channel} shows are more than ${one.withdrawAtMostPercent} %; nothing is withdrawn`,
        )
    },
    async carryOut({ id }, { channel }, { by }) {
      return (await known(channelOf, channel).withdraw(keyOf(id), by)) ? done : skipped("it is gone")
    },
  }
}

/** Publishes every article that the stock knows, behind all changes of stock. */
function loads(channelOf: ChannelOf): BulkKind<{ channel: string }> {
  return {
    name: "load stock",
    does: "reads and publishes every article that the stock knows, behind all changes of stock",
    schema: Loaded,
    async preview({ channel }, { channels }): Promise<Preview> {
      const parts = await known(channelOf, channel, channels).parts(skusOfPart)
      assertNotTooMany(parts.length)
      const skus = parts.reduce((sum, { count }) => sum + count, 0)
      return {
        members: parts.map(({ from, to, count }) => ({
          id: JSON.stringify([from, to]),
          about: `${count} articles from ${from} to ${to}`,
        })),
        refused: [],
        says: [
          `${skus} articles are read in ${channel} and written where it shows something else.`,
          "With dryRun in the policies of the channel nothing is written, and the list of what is published shows what would be.",
        ],
      }
    },
    async carryOut({ id }, { channel }) {
      const [from = "", to = ""] = JSON.parse(id) as string[]
      await known(channelOf, channel).loadPart({ from, to })
      return done
    },
  }
}

function known(channelOf: ChannelOf, channel: string, channels?: readonly string[]): PublishedChannel {
  const found = channels && !channels.includes(channel) ? undefined : channelOf(channel)
  if (!found)
    throw new AppError("REQUEST_INVALID", `nothing is published to ${channel}`, {
      problems: [{ pointer: "/spec/channel", message: "is no channel of policies.publishing, or not one of yours" }],
    })
  return found
}

function memberOf({ sku, locationId, state, observedMilli }: Found): Member {
  return {
    id: `${locationId}/${sku}`,
    about: `${sku} at ${locationId}, ${state}, shows ${observedMilli === null ? "nothing known" : observedMilli / 1000}`,
    ...(observedMilli === null ? {} : { seen: String(observedMilli) }),
  }
}

/** Ids of places have no slash; SKUs may. */
function keyOf(id: string): Key {
  const at = id.indexOf("/")
  return { locationId: id.slice(0, at), sku: id.slice(at + 1) }
}
