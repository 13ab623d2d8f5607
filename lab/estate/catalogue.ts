import type { Random } from "../random.ts"
import { randomStream } from "../random.ts"

export type KitComponent = { sku: string; quantityMilli: number }

/** One item the demo retailer sells. Prices include tax, like consumer prices in the EU. */
export type CatalogueItem = {
  sku: string
  title: string
  kind: "plain" | "kit" | "gift-card"
  priceMinor: number
  currency: "EUR"
  taxCode: "standard" | "reduced" | "zero"
  unit: "ea" | "kg"
  weightGrams: number
  barcode: string
  /** Only for kits: the components of one kit, which are plain items of the same catalogue. */
  components: KitComponent[]
  /** How often it sells compared with the others: a few items make most of the trade. */
  demandWeight: number
}

const kitShare = 0.02
const giftCardCount = 5
const weighedShare = 0.05

const qualities = ["Classic", "Light", "Organic", "Premium", "Everyday", "Nordic", "Urban", "Vintage", "Soft", "Pro"]
const materials = ["Cotton", "Oak", "Steel", "Linen", "Wool", "Bamboo", "Glass", "Leather", "Ceramic", "Cork"]
const things = ["Shirt", "Lamp", "Chair", "Mug", "Jacket", "Rug", "Backpack", "Kettle", "Blanket", "Notebook"]
const weighedThings = ["Coffee Beans", "Apples", "Almonds", "Green Tea", "Olives", "Gouda"]
const colours = ["Black", "White", "Red", "Blue", "Green", "Sand", "Grey", "Navy"]

/** The same seed and size always give the same catalogue; a larger one starts with the same plain items. */
export function createCatalogue({ seed, size = 5_000 }: { seed: number; size?: number }): CatalogueItem[] {
  const random = randomStream(seed, "estate/catalogue")
  const giftCards = Math.min(giftCardCount, size)
  const kits = Math.floor(size * kitShare)
  const plain: CatalogueItem[] = []
  for (let index = 0; index < size - giftCards - kits; index++) plain.push(plainItem(index, random))
  const items = [...plain]
  const kitRandom = randomStream(seed, "estate/kits")
  for (let index = 0; index < kits; index++) items.push(kitItem(items.length, plain, kitRandom))
  for (let index = 0; index < giftCards; index++) items.push(giftCardItem(items.length, index))
  return items
}

function plainItem(index: number, random: Random): CatalogueItem {
  const isWeighed = random.chance(weighedShare)
  const thing = isWeighed ? random.pick(weighedThings) : random.pick(things)
  const title = isWeighed
    ? `${random.pick(qualities)} ${thing}`
    : `${random.pick(qualities)} ${random.pick(materials)} ${thing} ${random.pick(colours)}`
  return {
    sku: skuAt(index),
    title,
    kind: "plain",
    priceMinor: isWeighed ? random.integer(199, 3_999) : retailPriceMinor(random),
    currency: "EUR",
    taxCode: isWeighed ? "reduced" : random.chance(0.08) ? "reduced" : random.chance(0.01) ? "zero" : "standard",
    unit: isWeighed ? "kg" : "ea",
    weightGrams: isWeighed ? 1_000 : random.integer(40, 12_000),
    barcode: barcodeAt(index),
    components: [],
    // Zipf with exponent 0.8: the usual shape of retail demand, without one item that dominates all others.
    demandWeight: 1 / (index + 1) ** 0.8,
  }
}

/** A kit costs a tenth less than its parts: the discount that postings must share out over components. */
function kitItem(index: number, plain: readonly CatalogueItem[], random: Random): CatalogueItem {
  const components: KitComponent[] = []
  let partsMinor = 0
  let weightGrams = 0
  const wanted = random.integer(2, 4)
  while (components.length < Math.min(wanted, plain.length)) {
    const part = random.pick(plain)
    if (part.unit !== "ea" || components.some((component) => component.sku === part.sku)) continue
    const count = random.integer(1, 3)
    components.push({ sku: part.sku, quantityMilli: count * 1_000 })
    partsMinor += part.priceMinor * count
    weightGrams += part.weightGrams * count
  }
  return {
    sku: `KIT-${String(index).padStart(5, "0")}`,
    title: `${random.pick(qualities)} Set of ${components.length}`,
    kind: "kit",
    priceMinor: Math.floor((partsMinor * 9) / 10),
    currency: "EUR",
    taxCode: "standard",
    unit: "ea",
    weightGrams,
    barcode: barcodeAt(index),
    components,
    demandWeight: 1 / (index + 1) ** 0.6,
  }
}

function giftCardItem(index: number, step: number): CatalogueItem {
  const priceMinor = [1_000, 2_500, 5_000, 10_000, 20_000][step] ?? 1_000
  return {
    sku: `GIFT-${priceMinor / 100}`,
    title: `Gift Card ${priceMinor / 100} EUR`,
    kind: "gift-card",
    priceMinor,
    currency: "EUR",
    // A multi-purpose voucher is taxed when it is redeemed (Council Directive (EU) 2016/1065, Article 30b).
    taxCode: "zero",
    unit: "ea",
    weightGrams: 10,
    barcode: barcodeAt(index),
    components: [],
    demandWeight: 0.01,
  }
}

function retailPriceMinor(random: Random): number {
  const tier = random.next()
  const euros = tier < 0.6 ? random.integer(3, 39) : tier < 0.95 ? random.integer(40, 199) : random.integer(200, 1_499)
  return euros * 100 + random.pick([0, 49, 90, 95, 99])
}

function skuAt(index: number): string {
  return `SKU-${String(index).padStart(5, "0")}`
}

/** EAN-13 in the range for use inside a company (GS1 General Specifications, prefix 20 to 29). */
function barcodeAt(index: number): string {
  const digits = `20${String(index).padStart(10, "0")}`
  let sum = 0
  for (const [position, digit] of [...digits].entries()) sum += Number(digit) * (position % 2 === 0 ? 1 : 3)
  return `${digits}${(10 - (sum % 10)) % 10}`
}
