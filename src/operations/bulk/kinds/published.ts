import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { ChannelId, entity, Sku } from "../../../canonical/parts.ts"
import { done, skipped, type AnyBulkKind, type BulkKind, type Member, type Preview } from "../kind.ts"
import { assertNotTooMany, membersMax } from "./cases.ts"

const Skus = Type.Optional(Type.Array(Sku, { minItems: 1, maxItems: 1000, description: "only of these articles" }))

const aspects = ["stock", "price", "product"] as const
type Aspect = (typeof aspects)[number]

const Rows = entity("Rows of a channel", {
  channel: ChannelId,
  aspect: Type.Optional(Type.Enum([...aspects], { description: "what of the articles; default stock" })),
  state: Type.Optional(
    Type.Enum(["drifted", "held", "refused", "unmapped", "derived", "live", "gone"], {
      description: "only those in this state",
    }),
  ),
  skus: Skus,
})
const Withdrawn = entity("Withdrawal from a channel", { channel: ChannelId, skus: Skus })
const Loaded = entity("First load of a channel", { channel: ChannelId })

interface RowsSpec {
  channel: string
  aspect?: Aspect
  state?: string
  skus?: readonly string[]
}

interface Key {
  sku: string
  /** The place of stock, the market of a price, the field of a product. */
  scope: string
}

interface Found extends Key {
  state: string
  /** Null: nothing is known. */
  observed: unknown
}

/** What a channel's rows of one aspect can be told, by the module that has them. */
export interface PublishedChannel {
  find(filter: Omit<RowsSpec, "channel" | "aspect">, limit: number): Promise<readonly Found[]>
  republish(key: Key, by: string): Promise<boolean>
  adopt(key: Key, seen: string, by: string): Promise<boolean>
  hold(key: Key, by: string): Promise<boolean>
  toWithdraw(skus: readonly string[] | undefined, limit: number): Promise<readonly Found[]>
  withdraw(key: Key, by: string): Promise<boolean>
  /** What can be published, cut into parts of so many SKUs. */
  parts(size: number): Promise<readonly { from: string; to: string; count: number }[]>
  loadPart(part: { from: string; to: string }): Promise<void>
  /** Reads all that the channel shows; throws when that breaks off. */
  walk(): Promise<{ levels: number; strangers: number }>
  withdrawAtMostPercent: number
}

/** One aspect of a channel; undefined where it publishes none. */
type ChannelOf = (channel: string, aspect: Aspect) => PublishedChannel | undefined

const skusOfPart = 1000

/** What people may have done to many rows of a channel. */
export function publishedKinds(channelOf: ChannelOf): AnyBulkKind[] {
  const loads = Object.entries(loadKinds).map(([aspect, of]) => loadsOf(channelOf, aspect as Aspect, of) as AnyBulkKind)
  return [...rowKinds(channelOf), withdraws(channelOf) as AnyBulkKind, ...loads]
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
    async preview({ channel, aspect = "stock", ...filter }, { channels }) {
      const rows = await known(channelOf, { channel, aspect }, channels).find(filter, membersMax + 1)
      assertNotTooMany(rows.length)
      return { members: rows.map(memberOf), refused: [] }
    },
    async carryOut({ id, seen }, { channel, aspect = "stock" }, { by }) {
      const isDone = await act(known(channelOf, { channel, aspect }), keyOf(id), { seen, by })
      return isDone ? done : skipped("it was withdrawn, or the channel shows something else by now")
    },
  })
  return [
    kind(
      "publish again",
      "reads what a channel shows and writes what it should show; what held it ends",
      (one, key, { by }) => one.republish(key, by),
    ),
    kind(
      "adopt",
      "lets stand what the channel shows now, of stock at most that, until it is published again",
      (one, key, { seen, by }) => (seen === undefined ? Promise.resolve(false) : one.adopt(key, seen, by)),
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
      const one = known(channelOf, { channel, aspect: "stock" }, channels)
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
      const one = known(channelOf, { channel, aspect: "stock" })
      const { levels } = await one.walk()
      const count = (await one.toWithdraw(skus, membersMax + 1)).length
      if (count * 100 > levels * one.withdrawAtMostPercent)
        throw new AppError(
          "STATE_FORBIDS",
          `${count} of ${levels} that ${channel} shows are more than ${one.withdrawAtMostPercent} %; nothing is withdrawn`,
        )
    },
    async carryOut({ id }, { channel }, { by }) {
      return (await known(channelOf, { channel, aspect: "stock" }).withdraw(keyOf(id), by))
        ? done
        : skipped("it is gone")
    },
  }
}

const loadKinds: Record<Aspect, { name: string; what: string }> = {
  stock: { name: "load stock", what: "every article that the stock knows, behind all changes of stock" },
  price: { name: "load prices", what: "the prices of every article that has one" },
  product: { name: "load products", what: "the texts and states of every product" },
}

/** Publishes all that there is, behind what changes meanwhile. */
function loadsOf(
  channelOf: ChannelOf,
  aspect: Aspect,
  { name, what }: { name: string; what: string },
): BulkKind<{ channel: string }> {
  return {
    name,
    does: `reads and publishes ${what}`,
    schema: Loaded,
    async preview({ channel }, { channels }): Promise<Preview> {
      const parts = await known(channelOf, { channel, aspect }, channels).parts(skusOfPart)
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
      await known(channelOf, { channel, aspect }).loadPart({ from, to })
      return done
    },
  }
}

function known(
  channelOf: ChannelOf,
  { channel, aspect }: { channel: string; aspect: Aspect },
  channels?: readonly string[],
): PublishedChannel {
  const found = channels && !channels.includes(channel) ? undefined : channelOf(channel, aspect)
  if (!found)
    throw new AppError("REQUEST_INVALID", `nothing of ${aspect} is published to ${channel}`, {
      problems: [{ pointer: "/spec/channel", message: "is no channel of policies.publishing, or not one of yours" }],
    })
  return found
}

function memberOf({ sku, scope, state, observed }: Found): Member {
  const shows = typeof observed === "number" ? String(observed / 1000) : JSON.stringify(observed)
  return {
    id: `${scope}/${sku}`,
    about: `${sku}${scope === "" ? "" : ` at ${scope}`}, ${state}, shows ${observed === null ? "nothing known" : shows}`,
    ...(observed === null ? {} : { seen: JSON.stringify(observed) }),
  }
}

/** Ids of places, markets and fields have no slash; SKUs may. */
function keyOf(id: string): Key {
  const at = id.indexOf("/")
  return { scope: id.slice(0, at), sku: id.slice(at + 1) }
}
