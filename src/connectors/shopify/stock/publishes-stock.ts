import { randomUUID } from "node:crypto"
import { AppError, asAppError, describeError } from "../../../base/errors.ts"
import { own } from "../../../base/lookup.ts"
import type { ItemOutcome } from "../../../ports/bulk-write.ts"
import type { PublishedLevel, PublishesStock, StockLevel } from "../../../ports/capabilities/stock.ts"
import type { Call } from "../../../ports/write.ts"
import { gid } from "../client.ts"
import { setLevels } from "../graph/operations.ts"
import type { Reader } from "../orders/reader.ts"
import { listsStock, locate, readsStock, rejection, shown, type ShopLevel, type StockOptions } from "./read-levels.ts"

// Input arrays hold at most 250 entries: https://shopify.dev/docs/api/usage/limits, "Input limits" (read 2026-11).
const itemsMax = 250
// A round loses the entries that the shop refused in the round before; one that does not get smaller would go on for ever.
const roundsMax = 6

type Outcome = ItemOutcome<PublishedLevel>

/** An item with its level in the shop, as it is read or as the item expects it. */
interface Target extends ShopLevel {
  index: number
  item: StockLevel
}

/**
 * Sets available units by compare-and-set: the shop changes a level only if it is still what the item expects, or, where it expects
 * nothing, what we have just read.
 *
 * The mutation is all or nothing: with one bad entry none is set (also reported at
 * github.com/microsoft/BCApps/issues/8396). So an entry that the shop refuses is left out, and the others are sent again under
 * another key: the key of a mutation that failed is spent. Levels that are right already are not sent, so a repeat is harmless.
 *
 * A parent bundle takes no level. One that was made a bundle since it was read is refused, and then looked at again.
 */
export function publishesStock(options: StockOptions): PublishesStock {
  return {
    stepMilli: 1000,
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
          return level && !("kind" in level) && level.available === unitsOf(item)
            ? setOf(level, item, options)
            : undefined
        })
      },
    },
  }
}

/** The shop counts whole pieces. Goods sold by weight are rounded down, so that the shop never shows more than there is. */
const unitsOf = ({ available }: Pick<StockLevel, "available">): number => Math.floor(available.milli / 1000)

/** A level as it is set now. */
function setOf(level: ShopLevel, item: StockLevel, { system }: StockOptions): PublishedLevel {
  const { unit } = item.available
  return shown({ ...level, available: unitsOf(item), committed: undefined }, { system, unit })
}

function assertCount(items: readonly StockLevel[]): void {
  if (items.length > itemsMax)
    throw new AppError("REQUEST_INVALID", `${items.length} levels in one call; the shop takes at most ${itemsMax}`)
  const names = new Set(items.map(({ sku, locationId }) => `${locationId}/${sku}`))
  if (names.size < items.length)
    throw new AppError("REQUEST_INVALID", "two levels of one SKU at one location in one call")
}

type Sending = StockOptions & { call: Call; outcomes: Map<number, Outcome> }

async function publish(items: readonly StockLevel[], options: StockOptions & { call: Call }): Promise<Outcome[]> {
  assertCount(items)
  const sending = { ...options, outcomes: new Map<number, Outcome>() }
  const indexes = [...items.keys()]
  const known = indexes.flatMap((index) => knownTarget(index, items, options))
  const unknown = indexes.filter((index) => !known.some((target) => target.index === index))
  let open = [...known, ...settled(await targets(unknown, items, sending), sending)]
  for (let round = 1; open.length > 0; round += 1) {
    try {
      if (round > roundsMax)
        throw new AppError("VENDOR_CONFLICT", "the level in the shop keeps changing while it is set")
      open = await setAll(open, items, sending)
    } catch (thrown) {
      // Before the first round has succeeded nothing is written. In a later round only the open items are uncertain.
      if (round === 1 || asAppError(thrown).kind === "defect") throw thrown
      const { message } = describeError(thrown)
      const last: Outcome = round > roundsMax ? rejection("VENDOR_CONFLICT", message) : { kind: "unknown", message }
      for (const { index } of open) sending.outcomes.set(index, last)
      open = []
    }
  }
  return indexes.map((index) => sending.outcomes.get(index) ?? { kind: "unknown", message: "not looked at" })
}

/** An item that says what it expects, and which article it is, is sent without a look. */
function knownTarget(index: number, items: readonly StockLevel[], { locations }: StockOptions): Target[] {
  const item = items[index]
  const shopLocation = own(locations, item?.locationId ?? "")
  if (item?.expected === undefined || item.articleId === undefined || shopLocation === undefined) return []
  const available = unitsOf({ available: item.expected })
  const [inventoryItemId, locationId] = [gid("InventoryItem", item.articleId), gid("Location", shopLocation)]
  return [{ index, item, inventoryItemId, locationId, available, committed: undefined }]
}

/** Reads items in the shop; those that it lacks are refused. */
async function targets(
  indexes: readonly number[],
  items: readonly StockLevel[],
  { outcomes, ...options }: Sending,
): Promise<Target[]> {
  if (indexes.length === 0) return []
  const asked = indexes.flatMap((index) => items[index] ?? [])
  const found = await locate(asked, options)
  return indexes.flatMap((index, place) => {
    const [item, level] = [items[index], found[place]]
    if (level && "kind" in level) outcomes.set(index, level)
    return item && level && !("kind" in level) ? [{ index, item, ...level }] : []
  })
}

/** Takes out what is right already, and what is not as expected; returns the others. */
function settled(found: readonly Target[], options: Sending): Target[] {
  return found.filter((target) => {
    const { index, item, available } = target
    if (available === unitsOf(item))
      options.outcomes.set(index, { kind: "done", outcome: setOf(target, item, options) })
    else if (item.expected === undefined || available === unitsOf({ available: item.expected })) return true
    else options.outcomes.set(index, { kind: "stale", holds: shown(target, options) })
    return false
  })
}

/** Sends levels in one call. Returns those that are still open: of a call that was refused, all that it did not name. */
async function setAll(open: readonly Target[], items: readonly StockLevel[], options: Sending): Promise<Target[]> {
  const { client, call, outcomes } = options
  const data = await client.write({
    document: setLevels,
    variables: {
      // Compare-and-set already makes a second arrival harmless, and a key that was refused once stays refused.
      key: randomUUID(),
      input: {
        name: "available",
        reason: "correction",
        quantities: open.map((target) => ({
          inventoryItemId: target.inventoryItemId,
          locationId: target.locationId,
          quantity: unitsOf(target.item),
          changeFromQuantity: target.available,
        })),
      },
    },
    call,
  })
  const errors = readErrors(data.object("inventorySetQuantities"), open)
  if (errors.size === 0) {
    for (const target of open)
      outcomes.set(target.index, { kind: "done", outcome: setOf(target, target.item, options) })
    return []
  }
  const again: number[] = []
  const refused = new Map<number, Outcome>()
  for (const [{ index, item }, { code, message }] of errors) {
    // The shop made the article anew, under another number: it is looked up by its SKU.
    if (code === staleCode || (code === goneCode && item.articleId !== undefined)) again.push(index)
    else refused.set(index, rejection("VENDOR_REJECTED", `${code}: ${message}`, { vendorCode: code }))
    // A bundle is only the schema's example of what takes no level: the look says whether it is one.
    if (code === fixedCode) again.push(index)
  }
  const found = await targets(again, items, options)
  for (const [index, outcome] of refused) if (!outcomes.has(index)) outcomes.set(index, outcome)
  const looked = settled(
    found.filter(({ index }) => !refused.has(index)),
    options,
  )
  return [...open.filter((target) => !errors.has(target)), ...looked]
}

const staleCode = "CHANGE_FROM_QUANTITY_STALE"
const goneCode = "INVALID_INVENTORY_ITEM"
const fixedCode = "NON_MUTABLE_INVENTORY_ITEM"

/**
 * Errors by the entry they refer to. An error without an entry is about the call itself: VENDOR_MISBEHAVED, because we
 * made the call.
 */
function readErrors(payload: Reader, batch: readonly Target[]): Map<Target, { code: string; message: string }> {
  const errors = new Map<Target, { code: string; message: string }>()
  for (const error of payload.list("userErrors")) {
    const message = error.optionalText("message") ?? ""
    const code = error.optionalText("code") ?? ""
    // ["input", "quantities", "7", "quantity"]
    const place = (error.rawList("field") ?? [])[2]
    const target = typeof place === "string" || typeof place === "number" ? batch[Number(place)] : undefined
    if (code === "IDEMPOTENCY_CONCURRENT_REQUEST") throw new AppError("VENDOR_UNCERTAIN", message)
    if (!target) throw new AppError("VENDOR_MISBEHAVED", `inventorySetQuantities: ${code} ${message}`)
    if (!errors.has(target)) errors.set(target, { code, message })
  }
  return errors
}
