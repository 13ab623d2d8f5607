import { randomUUID } from "node:crypto"
import { AppError, asAppError, describeError } from "../../base/errors.ts"
import { own } from "../../base/lookup.ts"
import type { ItemOutcome } from "../../ports/bulk-write.ts"
import type { PublishedLevel, PublishesStock, StockLevel } from "../../ports/capabilities/stock.ts"
import type { Call } from "../../ports/write.ts"
import { gid, type UpdateOptions } from "./client.ts"
import { readLevels, setLevels } from "./graph/operations.ts"
import type { Reader } from "./orders/reader.ts"

// Input arrays hold at most 250 entries: https://shopify.dev/docs/api/usage/limits, "Input limits" (read 2026-11).
const itemsMax = 250
const skusOfOneRead = 50
// A level may change between our read and our write. After this many rounds another client changes it all the time.
const roundsMax = 5

type Options = UpdateOptions & {
  /** Number of the shop's location for each of ours. */
  locations: Readonly<Record<string, string>>
}

type Outcome = ItemOutcome<PublishedLevel>

/** An item with its inventory item in the shop. */
interface Target {
  index: number
  item: StockLevel
  inventoryItemId: string
  locationId: string
  /** The units the shop shows now. */
  availableNow: number
}

/**
 * Sets available units by compare-and-set: the shop changes a level only if it is still the one we read.
 *
 * The mutation is all or nothing: with one bad entry none is set (also reported at
 * github.com/microsoft/BCApps/issues/8396). So an entry that the shop refuses is removed, and the others are sent again
 * in the next round. Levels that are already correct are not sent, so a repeat is harmless.
 */
export function publishesStock(options: Options): PublishesStock {
  return {
    publishStock: {
      itemsMax,
      nameOf: ({ sku, locationId }) => `${locationId}/${sku}`,
      send: (items, call) => publish(items, { ...options, call }),
      async probe(items, call) {
        assertCount(items)
        const found = await locate(items, { ...options, call })
        return items.map((item, index) => {
          const target = found.targets.find((candidate) => candidate.index === index)
          return target?.availableNow === unitsOf(item) ? levelOf(target, options.system) : undefined
        })
      },
    },
  }
}

/** The shop counts whole pieces. Goods sold by weight are rounded down, so that the shop never shows more than there is. */
const unitsOf = ({ available }: StockLevel): number => Math.floor(available.milli / 1000)

function levelOf({ item, inventoryItemId }: Target, system: string): PublishedLevel {
  const available = { milli: unitsOf(item) * 1000, unit: item.available.unit }
  const id = inventoryItemId.split("/").at(-1) ?? inventoryItemId
  return { available, reference: { system, type: "inventory item", id } }
}

function assertCount(items: readonly StockLevel[]): void {
  if (items.length > itemsMax)
    throw new AppError("REQUEST_INVALID", `${items.length} levels in one call; the shop takes at most ${itemsMax}`)
  const names = new Set(items.map(({ sku, locationId }) => `${locationId}/${sku}`))
  if (names.size < items.length)
    throw new AppError("REQUEST_INVALID", "two levels of one SKU at one location in one call")
}

async function publish(items: readonly StockLevel[], options: Options & { call: Call }): Promise<Outcome[]> {
  assertCount(items)
  const outcomes = new Map<number, Outcome>()
  for (let round = 1; outcomes.size < items.length; round += 1) {
    try {
      await publishRound(items, { ...options, outcomes, isLast: round > roundsMax })
    } catch (thrown) {
      // Before the first round has succeeded nothing is written. In a later round only the open items are uncertain.
      if (round === 1 || asAppError(thrown).kind === "defect") throw thrown
      const { message } = describeError(thrown)
      for (const index of items.keys()) if (!outcomes.has(index)) outcomes.set(index, { kind: "unknown", message })
    }
  }
  return [...items.keys()].map((index) => outcomes.get(index) ?? { kind: "unknown", message: "not looked at" })
}

/** Reads the open items and sets those that differ. Decides each of them, except those that changed in between. */
async function publishRound(
  items: readonly StockLevel[],
  options: Options & { call: Call; outcomes: Map<number, Outcome>; isLast: boolean },
): Promise<void> {
  const { outcomes, isLast, system } = options
  const only = [...items.keys()].filter((index) => !outcomes.has(index))
  const { targets, rejected } = await locate(items, { ...options, only })
  for (const [index, why] of rejected) outcomes.set(index, why)
  const wrong: Target[] = []
  for (const target of targets)
    if (target.availableNow !== unitsOf(target.item)) wrong.push(target)
    else outcomes.set(target.index, { kind: "done", outcome: levelOf(target, system) })
  if (isLast)
    for (const { index } of wrong)
      outcomes.set(index, rejection("VENDOR_CONFLICT", "the level in the shop keeps changing while Crossdock sets it"))
  else for (const [index, why] of await setAll(wrong, options)) outcomes.set(index, why)
}

function rejection(code: "VENDOR_REJECTED" | "VENDOR_CONFLICT", message: string, pointer = ""): Outcome {
  return { kind: "rejected", code, message, problems: [{ pointer, message }] }
}

// Error code that requires another round: the level has changed since it was read.
const staleCode = "CHANGE_FROM_QUANTITY_STALE"

/**
 * Sends levels in one call and returns the decided ones: all of them when the shop accepts them, else only the refused
 * ones. The others stay open for the next round: outdated ones, and those that were sent together with a refused one.
 */
async function setAll(
  wrong: readonly Target[],
  { client, call, system }: Options & { call: Call },
): Promise<Map<number, Outcome>> {
  if (wrong.length === 0) return new Map()
  const data = await client.write({
    document: setLevels,
    variables: {
      // Compare-and-set already makes a second arrival harmless, and a key that was refused once stays refused.
      key: randomUUID(),
      input: {
        name: "available",
        reason: "correction",
        quantities: wrong.map((target) => ({
          inventoryItemId: target.inventoryItemId,
          locationId: target.locationId,
          quantity: unitsOf(target.item),
          changeFromQuantity: target.availableNow,
        })),
      },
    },
    call,
  })
  const errors = readErrors(data.object("inventorySetQuantities"), wrong)
  if (errors.size === 0)
    return new Map(wrong.map((target) => [target.index, { kind: "done", outcome: levelOf(target, system) }]))
  const refused = [...errors].filter(([, { code }]) => code !== staleCode)
  return new Map(
    refused.map(([target, { code, message }]) => [target.index, rejection("VENDOR_REJECTED", `${code}: ${message}`)]),
  )
}

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

interface Located {
  targets: Target[]
  rejected: Map<number, Outcome>
}

/** Finds the inventory item and the level of each item, location by location, 50 SKUs per read. */
async function locate(
  items: readonly StockLevel[],
  options: Options & { call: Omit<Call, "key">; only?: readonly number[] },
): Promise<Located> {
  const located: Located = { targets: [], rejected: new Map() }
  const byLocation = new Map<string, number[]>()
  for (const index of options.only ?? items.keys()) {
    const locationId = items[index]?.locationId ?? ""
    const shopLocation = own(options.locations, locationId)
    if (shopLocation === undefined)
      located.rejected.set(
        index,
        rejection("VENDOR_REJECTED", `the connection has no shop location for ${locationId}`, "/locationId"),
      )
    else byLocation.set(shopLocation, [...(byLocation.get(shopLocation) ?? []), index])
  }
  for (const [shopLocation, indexes] of byLocation)
    for (let from = 0; from < indexes.length; from += skusOfOneRead) {
      const part = indexes.slice(from, from + skusOfOneRead)
      const skus = part.map((index) => items[index]?.sku ?? "")
      const found = await readItems(skus, gid("Location", shopLocation), options)
      for (const index of part) settle(items, { index, found, locationId: gid("Location", shopLocation), located })
    }
  return located
}

/** Adds one item to the targets, or to the rejected ones with the reason. */
function settle(
  items: readonly StockLevel[],
  where: { index: number; found: readonly ShopItem[]; locationId: string; located: Located },
): void {
  const { index, found, locationId, located } = where
  const item = items[index]
  if (!item) return
  const [only, second] = found.filter(({ sku }) => sku === item.sku)
  const reject = (code: "VENDOR_REJECTED" | "VENDOR_CONFLICT", message: string) =>
    located.rejected.set(index, rejection(code, message, "/sku"))
  if (!only) reject("VENDOR_REJECTED", `the shop has no item with the SKU ${item.sku}`)
  else if (second)
    reject("VENDOR_CONFLICT", `two items of the shop have the SKU ${item.sku}: ${only.id} and ${second.id}`)
  else if (only.available === undefined)
    reject("VENDOR_REJECTED", `the shop does not stock ${item.sku} at ${item.locationId}`)
  else located.targets.push({ index, item, inventoryItemId: only.id, locationId, availableNow: only.available })
}

interface ShopItem {
  id: string
  sku: string
  /** Undefined where the item is not stocked at the location. */
  available: number | undefined
}

async function readItems(
  skus: readonly string[],
  location: string,
  { client, call }: Options & { call: Omit<Call, "key"> },
): Promise<ShopItem[]> {
  const query = skus.map((sku) => `sku:"${sku.replaceAll(/["\\]/g, "\\$&")}"`).join(" OR ")
  const found: ShopItem[] = []
  let after: string | undefined
  do {
    const variables = { query, location, first: skusOfOneRead, ...(after !== undefined && { after }) }
    const page = (await client.read({ document: readLevels, variables, call })).object("inventoryItems")
    for (const node of page.list("nodes")) {
      const level = node.optionalObject("inventoryLevel")
      const [available] = level?.list("quantities") ?? []
      const quantity = available?.raw("quantity")
      found.push({
        id: node.text("id"),
        sku: node.optionalText("sku") ?? "",
        // A shop that oversold shows a negative level, so both signs are valid.
        available: typeof quantity === "number" ? quantity : undefined,
      })
    }
    const info = page.object("pageInfo")
    after = info.flag("hasNextPage") ? info.text("endCursor") : undefined
    page.settleAnswer("stock levels")
  } while (after !== undefined)
  return found
}
