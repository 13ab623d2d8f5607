import { own } from "../../../base/lookup.ts"
import type { ItemOutcome } from "../../../ports/bulk-write.ts"
import type { ShownLevel, ShownPage, StockPlace } from "../../../ports/capabilities/stock.ts"
import type { Call, Read } from "../../../ports/write.ts"
import { gid, type UpdateOptions } from "../client.ts"
import { readLevels } from "../graph/operations.ts"
import type { Reader } from "../orders/reader.ts"

const skusOfOneRead = 50

export type StockOptions = UpdateOptions & {
  /** Number of the shop's location for each of ours. */
  locations: Readonly<Record<string, string>>
}

/** A level in the shop; the shop counts whole pieces. */
export interface ShopLevel {
  inventoryItemId: string
  /** Global id of the shop's location. */
  locationId: string
  available: number
  committed: number | undefined
}

/** The shop's level of one SKU at one place, or why there is none. */
export type Located = ShopLevel | Extract<ItemOutcome<never>, { kind: "rejected" }>

export function rejection(
  code: "VENDOR_REJECTED" | "VENDOR_CONFLICT" | "ARTICLE_UNKNOWN" | "DERIVED_BY_CHANNEL",
  message: string,
  { pointer = "", vendorCode }: { pointer?: string; vendorCode?: string } = {},
): Extract<ItemOutcome<never>, { kind: "rejected" }> {
  const problem = { pointer, message, ...(vendorCode === undefined ? {} : { code: vendorCode }) }
  return { kind: "rejected", code, message, problems: [problem] }
}

/** A level as an outcome, with the shop's number of the inventory item. */
export function shown(
  { inventoryItemId, available, committed }: ShopLevel,
  { system, unit = "ea" }: { system: string; unit?: string },
): ShownLevel {
  const id = inventoryItemId.split("/").at(-1) ?? inventoryItemId
  return {
    available: { milli: available * 1000, unit },
    ...(committed === undefined ? {} : { committed: { milli: committed * 1000, unit } }),
    reference: { system, type: "inventory item", id },
  }
}

/** `readStock` of the capability. */
export function readsStock(options: StockOptions): Read<readonly StockPlace[], readonly ItemOutcome<ShownLevel>[]> {
  return async (places, call) => {
    const located = await locate(places, { ...options, call })
    return located.map((one) => ("kind" in one ? one : { kind: "done", outcome: shown(one, options) }))
  }
}

/** Finds the inventory item and the level of each place, location by location, 50 SKUs a read. */
export async function locate(
  places: readonly StockPlace[],
  options: StockOptions & { call: Omit<Call, "key"> },
): Promise<Located[]> {
  const located: Located[] = places.map(({ locationId }) =>
    rejection("VENDOR_REJECTED", `the connection has no shop location for ${locationId}`, { pointer: "/locationId" }),
  )
  const byLocation = Map.groupBy(places.keys(), (index) => own(options.locations, places[index]?.locationId ?? ""))
  for (const [shopLocation, indexes] of byLocation) {
    if (shopLocation === undefined) continue
    for (let from = 0; from < indexes.length; from += skusOfOneRead) {
      const part = indexes.slice(from, from + skusOfOneRead)
      const location = gid("Location", shopLocation)
      const found = await readItems(
        part.map((index) => places[index]?.sku ?? ""),
        location,
        options,
      )
      for (const index of part) {
        const place = places[index]
        if (place) located[index] = levelOf(place, { found, location })
      }
    }
  }
  return located
}

function levelOf(
  { sku, locationId }: StockPlace,
  { found, location }: { found: readonly ShopItem[]; location: string },
): Located {
  const [only, second] = found.filter((item) => item.sku === sku)
  const pointer = "/sku"
  if (!only) return rejection("ARTICLE_UNKNOWN", `the shop has no item with the SKU ${sku}`, { pointer })
  if (second)
    return rejection("VENDOR_CONFLICT", `two items of the shop have the SKU ${sku}: ${only.id} and ${second.id}`, {
      pointer,
      vendorCode: "SKU_REPEATED",
    })
  if (only.isBundle)
    return rejection(
      "DERIVED_BY_CHANNEL",
      `${sku} is a bundle: the shop works its stock out from its components, and takes no number for it`,
      { pointer, vendorCode: "requiresComponents" },
    )
  if (only.available === undefined)
    return rejection("ARTICLE_UNKNOWN", `the shop does not stock ${sku} at ${locationId}`, { pointer })
  const { id, available, committed } = only
  return { inventoryItemId: id, locationId: location, available, committed }
}

interface ShopItem {
  id: string
  sku: string
  /** Undefined where the item is not stocked at the location. A shop that oversold shows a negative level. */
  available: number | undefined
  committed: number | undefined
  /**
   * A parent bundle, whose stock is determined by that of its components:
   * https://shopify.dev/docs/apps/build/product-merchandising/bundles/add-variant-fixed-bundle (read 2026-11)
   */
  isBundle: boolean
}

async function readItems(
  skus: readonly string[],
  location: string,
  { client, call }: StockOptions & { call: Omit<Call, "key"> },
): Promise<ShopItem[]> {
  const query = skus.map((sku) => `sku:"${sku.replaceAll(/["\\]/g, "\\$&")}"`).join(" OR ")
  const found: ShopItem[] = []
  let after: string | undefined
  do {
    // A page is charged for all that it may have. SKUs may repeat, and then there is a second page.
    const variables = { query, location, first: skus.length, ...(after !== undefined && { after }) }
    const page = (await client.read({ document: readLevels, variables, call })).object("inventoryItems")
    found.push(...itemsOf(page))
    after = endOf(page)
  } while (after !== undefined)
  return found
}

function itemsOf(page: Reader): ShopItem[] {
  return page.list("nodes").map((node) => {
    const quantities = node.optionalObject("inventoryLevel")?.list("quantities") ?? []
    const variants = node.optionalObject("variants")?.list("nodes") ?? []
    const quantity = (name: string) => {
      const value = quantities.find((one) => one.optionalText("name") === name)?.raw("quantity")
      return typeof value === "number" ? value : undefined
    }
    return {
      id: node.text("id"),
      sku: node.optionalText("sku") ?? "",
      available: quantity("available"),
      committed: quantity("committed"),
      isBundle: variants.some((one) => one.flag("requiresComponents")),
    }
  })
}

function endOf(page: Reader): string | undefined {
  const info = page.object("pageInfo")
  const after = info.flag("hasNextPage") ? info.text("endCursor") : undefined
  page.settleAnswer("stock levels")
  return after
}

/** `listStock` of the capability: place by place, 50 items a page. The cursor is the place's number and the shop's cursor. */
export function listsStock(options: StockOptions): Read<{ locationIds: readonly string[]; after?: string }, ShownPage> {
  return async ({ locationIds, after }, call) => {
    const [, number = "0", shopCursor = ""] = /^(\d+):(.*)$/s.exec(after ?? "") ?? []
    const locationId = locationIds[Number(number)]
    if (locationId === undefined) return { levels: [] }
    const next = (cursor: string | undefined) => {
      if (cursor !== undefined) return { after: `${number}:${cursor}` }
      return Number(number) + 1 < locationIds.length ? { after: `${Number(number) + 1}:` } : {}
    }
    const shopLocation = own(options.locations, locationId)
    if (shopLocation === undefined) return { levels: [], ...next(undefined) }
    const location = gid("Location", shopLocation)
    const variables = { location, first: skusOfOneRead, ...(shopCursor === "" ? {} : { after: shopCursor }) }
    const page = (await options.client.read({ document: readLevels, variables, call })).object("inventoryItems")
    const levels = itemsOf(page).flatMap(({ id, sku, available, committed, isBundle }) => {
      if (sku === "" || available === undefined || isBundle) return []
      const level = { inventoryItemId: id, locationId: location, available, committed }
      return [{ sku, locationId, ...shown(level, options) }]
    })
    return { levels, ...next(endOf(page)) }
  }
}
