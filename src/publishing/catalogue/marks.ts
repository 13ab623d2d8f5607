import type { SqlTransaction } from "../../base/sql.ts"
import type { EventData, NewEvent } from "../../canonical/events.ts"
import type { KeepingSubscriber } from "../../eventlog/subscriber.ts"
import type { PriceChannel, ProductChannel } from "../policies.ts"

/** Channels that publish prices and products, with the fields that they get. */
export interface CatalogueChannels {
  prices: readonly PriceChannel[]
  products: readonly (Pick<ProductChannel, "channel" | "connection"> & { fields: readonly string[] })[]
}

/** Fields of which what a channel shows follows, by the field that changed. */
const followedBy = new Map([
  ["title", "title"],
  ["description", "description"],
  ["state", "state"],
  ["visibleFrom", "state"],
])

type Change = Pick<NewEvent, "type" | "data">

/** Marks what channels show of products and prices that changed, in the transaction that derives them. */
export async function markCatalogue(
  tx: SqlTransaction,
  { prices, products }: CatalogueChannels,
  events: readonly Change[],
): Promise<void> {
  const renamed = dataOf(events, "product.renamed").map(({ to, at }) => ({ sku: to, at }))
  const priced = [...dataOf(events, "price.changed"), ...renamed]
  const lists = prices.flatMap(({ channel, lists: of }) => of.map(({ market }) => ({ channel, scope: market })))
  await mark(tx, "price", { rows: lists, changes: priced })
  const fields = new Set(products.flatMap((one) => one.fields))
  for (const field of fields) {
    const changes = dataOf(events, "product.changed").filter((one) =>
      one.changes.some((change) => followedBy.get(change.field) === field),
    )
    const rows = products.filter((one) => one.fields.includes(field)).map(({ channel }) => ({ channel, scope: field }))
    await mark(tx, "product", { rows, changes: [...changes, ...renamed] })
  }
}

/** Hears what systems say of products and prices: where a channel says it, it is read there, and the owner's rule decides. */
export function foreignSubscriber(channels: CatalogueChannels): KeepingSubscriber {
  const sources = new Set([...channels.prices, ...channels.products].map(({ connection }) => connection))
  return {
    name: "what channels say of products",
    types: ["product.reported", "price.reported"],
    keep: (tx, events) =>
      markForeign(
        tx,
        channels,
        events.filter(({ source }) => sources.has(source)),
      ),
  }
}

async function markForeign(tx: SqlTransaction, channels: CatalogueChannels, events: readonly Change[]): Promise<void> {
  const lists = channels.prices.flatMap(({ channel, lists: of }) =>
    of.map(({ market }) => ({ channel, scope: market })),
  )
  await mark(tx, "price", { rows: lists, changes: dataOf(events, "price.reported"), isForced: true })
  const fields = channels.products.flatMap(({ channel, fields: of }) => of.map((scope) => ({ channel, scope })))
  await mark(tx, "product", { rows: fields, changes: dataOf(events, "product.reported"), isForced: true })
}

function dataOf<Name extends NewEvent["type"]>(events: readonly Change[], type: Name): EventData<Name>[] {
  return events.flatMap((event) => (event.type === type ? [event.data as EventData<Name>] : []))
}

interface Marked {
  rows: readonly { channel: string; scope: string }[]
  changes: readonly { sku: string; at: string }[]
  isForced?: boolean
}

async function mark(tx: SqlTransaction, aspect: string, { rows, changes, isForced = false }: Marked): Promise<void> {
  const bySku = new Map(changes.map(({ sku, at }) => [sku, at]))
  if (rows.length === 0 || bySku.size === 0) return
  await tx`
    select publish_mark(${rows.map(({ channel }) => channel)}::text[], ${rows.map(({ scope }) => scope)}::text[], ${aspect},
      ${[...bySku.keys()]}::text[], ${[...bySku.values()]}::timestamptz[], ${isForced})`
}
