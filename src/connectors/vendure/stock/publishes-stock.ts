import { AppError } from "../../../base/errors.ts"
import type { ItemOutcome } from "../../../ports/bulk-write.ts"
import type { PublishedLevel, PublishesStock, StockLevel } from "../../../ports/capabilities/stock.ts"
import type { Call } from "../../../ports/write.ts"
import { writeApart } from "./write-apart.ts"
import {
  availableOf,
  levelAt,
  listsStock,
  locate,
  readsStock,
  rejection,
  setOnHand,
  shown,
  type Rejected,
  type ShopLevel,
  type StockOptions,
} from "./read-levels.ts"

// The shop writes one variant after the other, each with a movement of its own, and has no limit but time.
const itemsMax = 50
/** `Int` of GraphQL. */
const piecesMax = 2_147_483_647

type Outcome = ItemOutcome<PublishedLevel>

interface Target extends ShopLevel {
  index: number
  item: StockLevel
}

type Calling = StockOptions & { call: Call }

/**
 * Sets what the shop sells: on hand becomes the level and what its orders hold, because the shop takes that off again.
 *
 * The Admin API has no compare-and-set: it is read, written, and what the answer shows is what is reported. A sale between the two
 * lowers what is shown, because the shop counts what is allocated in another column than what is on hand. A shipment between the two
 * changes both, and then more or less is shown until the level is read again: let `auditWithin` of the channel be minutes.
 *
 * A mutation is one transaction: with one variant that is gone, or about which the shop fails, none is written. Then it is read and
 * written again in halves, until that one stands alone.
 */
export function publishesStock(options: StockOptions): PublishesStock {
  return {
    stepMilli: 1000,
    losesCount: true,
    readStock: readsStock(options),
    listStock: listsStock(options),
    publishStock: {
      itemsMax,
      nameOf: ({ sku, locationId }) => `${locationId}/${sku}`,
      send: (items, call) => publish(items, { ...options, call }),
      async probe(items, call) {
        assertCount(items)
        const found = await locate(items, { ...options, call })
        return items.map((item, index) => {
          const level = found[index]
          return level && !("kind" in level) && availableOf(level) === unitsOf(item.available)
            ? writtenOf(level, item, options)
            : undefined
        })
      },
    },
  }
}

/** The shop counts whole pieces: goods sold by weight are rounded down. */
const unitsOf = ({ milli }: StockLevel["available"]): number => Math.floor(milli / 1000)

/** A level as it stands after a write; what orders hold is said by readings alone. */
function writtenOf(level: ShopLevel, item: StockLevel, { system }: StockOptions): PublishedLevel {
  const { available, reference } = shown(level, { system, unit: item.available.unit })
  return { available, ...(reference && { reference }) }
}

function assertCount(items: readonly StockLevel[]): void {
  if (items.length > itemsMax)
    throw new AppError("REQUEST_INVALID", `${items.length} levels in one call; the shop is given at most ${itemsMax}`)
  if (new Set(items.map(({ sku, locationId }) => `${locationId}/${sku}`)).size < items.length)
    throw new AppError("REQUEST_INVALID", "two levels of one SKU at one location in one call")
}

async function publish(items: readonly StockLevel[], options: Calling): Promise<Outcome[]> {
  assertCount(items)
  const all = items.map((item, index) => ({ index, item }))
  const { outcomes, open } = await judge(all, options)
  const written = await writeApart(open, {
    async write(part) {
      // A parcel since the reading would change both counters, so a half is read again.
      const now =
        part.length === open.length ? { outcomes: new Map<number, Outcome>(), open: part } : await judge(part, options)
      const levels = await write(now.open, options)
      return new Map(
        part.map((one) => {
          const level = levels.get(one.index)
          return [one, level ? { kind: "done", outcome: level } : (now.outcomes.get(one.index) ?? notAnswered)]
        }),
      )
    },
    async readBack({ item }) {
      const [level] = await locate([item], options)
      const isThere = level && !("kind" in level) && availableOf(level) === unitsOf(item.available)
      return isThere ? writtenOf(level, item, options) : undefined
    },
  })
  for (const [{ index }, outcome] of written) outcomes.set(index, outcome)
  return items.map((_, index) => outcomes.get(index) ?? notAnswered)
}

const notAnswered: Outcome = { kind: "unknown", message: "the shop did not answer about it" }

/** What is known of items before anything is written, by their index, and what is to be written. */
async function judge(
  items: readonly Pick<Target, "index" | "item">[],
  options: Calling,
): Promise<{ outcomes: Map<number, Outcome>; open: readonly Target[] }> {
  const found = await locate(
    items.map(({ item }) => item),
    options,
  )
  const outcomes = new Map<number, Outcome>()
  const open: Target[] = []
  for (const [n, { index, item }] of items.entries()) {
    const level = found[n] ?? rejection("ARTICLE_UNKNOWN", "the shop did not answer about it")
    const outcome = "kind" in level ? level : beforeWriting(level, item, options)
    if (outcome) outcomes.set(index, outcome)
    else if (!("kind" in level)) open.push({ index, item, ...level })
  }
  return { outcomes, open }
}

/** What is right already, is not as expected, or cannot be written; undefined for what is to be written. */
function beforeWriting(level: ShopLevel, item: StockLevel, options: StockOptions): Outcome | Rejected | undefined {
  const wanted = unitsOf(item.available)
  const pointer = "/available"
  if (wanted < 0) return rejection("VENDOR_REJECTED", "less than nothing cannot be sold", { pointer })
  if (wanted + level.allocated > piecesMax)
    return rejection("VENDOR_REJECTED", `the shop counts to ${piecesMax}`, { pointer })
  const available = availableOf(level)
  if (available === wanted) return { kind: "done", outcome: writtenOf(level, item, options) }
  if (item.expected !== undefined && available !== unitsOf(item.expected))
    return { kind: "stale", holds: shown(level, options) }
  return undefined
}

async function write(open: readonly Target[], options: Calling): Promise<ReadonlyMap<number, PublishedLevel>> {
  const levels = open.map((target) => ({ ...target, onHand: unitsOf(target.item.available) + target.allocated }))
  const variants = await setOnHand(options.client, levels, options.call)
  return new Map(
    open.flatMap(({ index, item, variantId, stockLocationId }) => {
      const variant = variants.find(({ id }) => id === variantId)
      return variant ? [[index, writtenOf(levelAt(variant, stockLocationId), item, options)] as const] : []
    }),
  )
}
