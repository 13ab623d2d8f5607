import type { CatalogueItem } from "../../estate/catalogue.ts"
import type { Customer } from "../../estate/customers.ts"
import type { Random } from "../../random.ts"
import type { MoneyPair, OrderLine, ShopLocation, ShopOrder } from "./model.ts"
import { zero } from "./model.ts"
import type { Market, Oddity } from "./oddities.ts"

/** An order in the making. */
export type FactoryOptions = {
  seed: number
  skus: readonly CatalogueItem[]
  locations: readonly ShopLocation[]
  customers: readonly Customer[]
  oddShare: number
  shopCurrency: string
}

export type Draft = {
  random: Random
  odd: ReadonlySet<Oddity>
  market: Market
  options: FactoryOptions
  nextId(): number
  taxCodeOf(sku: string): CatalogueItem["taxCode"]
  price(euroCents: number): MoneyPair
}

/** `count` overrides how many lines an order has. */
export type PickItem = { pick(random: Random, index: number): CatalogueItem | undefined; count?: number }

export function addLines(order: ShopOrder, draft: Draft, items: PickItem): void {
  const { random, odd } = draft
  const lineCount = items.count ?? (odd.has("mixed-delivery") ? random.integer(2, 4) : random.integer(1, 3))
  for (let index = 0; index < lineCount; index++) {
    const item = items.pick(random, index)
    if (item === undefined) break
    const isLarge = index === 0 && odd.has("large-quantity")
    order.lines.push(lineOf(item, isLarge ? random.integer(8, 20) : random.integer(1, 2), draft))
  }
  const [first] = order.lines
  if (first !== undefined && odd.has("same-sku-twice")) {
    const properties = [{ name: "Engraving", value: "For Ada" }]
    // Lists of its own: discounts and duties are added to each line later.
    const own = { properties, taxLines: [], discountAllocations: [], duties: [] }
    order.lines.push({ ...first, ...own, id: draft.nextId() })
  }
  const kinds = {
    "kit-group": "kit",
    "kit-properties": "kit",
    "gift-card-product": "gift-card",
    "gift-card-fulfilled-by-shop": "gift-card",
  } as const
  for (const [oddity, kind] of Object.entries(kinds)) {
    // Object.entries widens the keys of the literal above.
    if (!odd.has(oddity as Oddity)) continue
    const candidates = draft.options.skus.filter((item) => item.kind === kind)
    if (candidates.length > 0)
      addSpecial(order, draft, { item: random.pick(candidates), asGroup: oddity === "kit-group" })
  }
  if (odd.has("free-item") && first !== undefined) {
    const gift = lineOf(items.pick(random, 0) ?? draft.options.skus[0], 1, draft)
    order.lines.push({ ...gift, unitPrice: zero, properties: [{ name: "_gift", value: "true" }] })
  }
  // A card on paper lies on a shelf like any other article.
  if (first !== undefined && odd.has("paper-gift-card")) first.isGiftCard = true
  placeLines(order, draft)
}

function addSpecial(order: ShopOrder, draft: Draft, what: { item: CatalogueItem; asGroup: boolean }): void {
  const { item } = what
  if (!what.asGroup) {
    const line = lineOf(item, 1, draft)
    const parts = item.components.map((part) => `${part.quantityMilli / 1_000} x ${part.sku}`).join(", ")
    order.lines.push(parts === "" ? line : { ...line, properties: [{ name: "_components", value: parts }] })
    return
  }
  const groupId = draft.nextId()
  const ids = variantIds(item.sku)
  order.groups.push({ id: groupId, title: item.title, quantity: 1, variantSku: item.sku, ...ids })
  for (const part of item.components) {
    const component = draft.options.skus.find((candidate) => candidate.sku === part.sku)
    if (component) order.lines.push({ ...lineOf(component, part.quantityMilli / 1_000, draft), groupId })
  }
}

function lineOf(item: CatalogueItem | undefined, quantity: number, draft: Draft): OrderLine {
  if (item === undefined) throw new Error("the catalogue is empty")
  return {
    id: draft.nextId(),
    sku: item.sku,
    title: item.title,
    ...variantIds(item.sku),
    quantity,
    currentQuantity: quantity,
    fulfilledQuantity: 0,
    unitPrice: draft.price(item.priceMinor),
    taxLines: [],
    discountAllocations: [],
    duties: [],
    isGiftCard: item.kind === "gift-card",
    isTaxable: item.taxCode !== "zero",
    grams: item.weightGrams,
    properties: [],
    groupId: null,
    delivery: item.kind === "gift-card" ? "none" : "ship",
    locationId: 0,
  }
}

/** Decides which lines are shipped and which are collected, and where. */
function placeLines(order: ShopOrder, draft: Draft): void {
  const { odd, random, options } = draft
  const warehouse = options.locations.find((location) => location.kind === "warehouse") ?? options.locations[0]
  const stores = options.locations.filter((location) => location.kind === "store")
  const store = stores.length > 0 ? random.pick(stores) : warehouse
  for (const [index, line] of order.lines.entries()) {
    const isCollected = odd.has("pickup") || (odd.has("mixed-delivery") && index % 2 === 1)
    if (isCollected && line.delivery === "ship") line.delivery = "pickup"
    line.locationId = order.retailLocationId ?? (line.delivery === "pickup" ? store?.id : warehouse?.id) ?? 0
    // Order webhooks carry no delivery method of a line, so the demo shop's theme writes the chosen store on the line.
    if (line.delivery === "pickup" && store)
      line.properties = [...line.properties, { name: "_pickup_location", value: store.externalId }]
  }
}

/** Product and variant ids follow from the SKU, so that catalogue and orders agree without a shared table. */
export function variantIds(sku: string): { productId: number; variantId: number } {
  let hash = 0
  for (const character of sku) hash = (hash * 131 + (character.codePointAt(0) ?? 0)) % 1_000_000_007
  return { productId: 8_000_000_000_000 + hash, variantId: 44_000_000_000_000 + hash }
}

export function weightedPick(items: readonly CatalogueItem[]): PickItem {
  const ends: number[] = []
  let sum = 0
  for (const item of items) ends.push((sum += item.demandWeight))
  const pick = (random: Random): CatalogueItem | undefined => {
    const wanted = random.next() * sum
    let low = 0
    let high = ends.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if ((ends[middle] ?? 0) > wanted) high = middle
      else low = middle + 1
    }
    return items[low]
  }
  return { pick }
}

/** The caller named the SKUs: one line each, known to the catalogue or not (a sentinel the ERP will refuse). */
export function namedPick(items: readonly CatalogueItem[], skus: readonly string[]): PickItem {
  const pick = (_random: Random, index: number): CatalogueItem | undefined => {
    const sku = skus[index]
    if (sku === undefined) return undefined
    const [first] = items
    return items.find((item) => item.sku === sku) ?? (first ? { ...first, sku, title: sku, kind: "plain" } : undefined)
  }
  return { pick, count: skus.length }
}
