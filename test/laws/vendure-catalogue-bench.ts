import type { Price } from "../../lab/vendure/prices.ts"
import type { Product } from "../../lab/vendure/products.ts"
import type { Simulator } from "../../lab/simulator.ts"
import { startVendure } from "../../lab/vendure/vendure.ts"
import { money, type Money } from "../../src/base/money.ts"
import type { BulkSubject } from "../../src/ports/bulk-laws.ts"
import type { PriceOfChannel, PublishedPrice, PublishesPrices } from "../../src/ports/capabilities/prices.ts"
import type { ContentOfProduct, PublishedProduct, PublishesProducts } from "../../src/ports/capabilities/products.ts"
import { striker } from "./strike.ts"
import { connectVendure } from "./subjects/vendure.ts"

export interface VendureCatalogueBench {
  simulator: Simulator
  shop: ReturnType<typeof connectVendure>
  prices: PublishesPrices
  products: PublishesProducts
  productSubject: BulkSubject<ContentOfProduct, PublishedProduct>
  /** Prices of the default channel, and of another one: a mutation is about one channel. */
  priceSubjects: BulkSubject<PriceOfChannel, PublishedPrice>[]
  /** What stands in the shop's books of a price; by the channel's id. */
  priceOf(sku: string, currency: string, channelId?: string): { price: number; compareAt: number | null } | undefined
  /** What stands in the shop's books of the product of a SKU. */
  productOf(sku: string): Product | undefined
  /** What the shop's own people do. */
  staff(method: "POST" | "PUT" | "DELETE", path: string, body: object): Promise<void>
  stop(): Promise<void>
}

/** Variants about which something inside the shop fails. */
const broken = Array.from({ length: 8 }, (_, n) => `BROKEN-${n}`)

const skus = Array.from({ length: 120 }, (_, n) => `ART-${n}`)

/** Markets of the lab's shop: the Swiss one is a channel, the American one a currency of the default channel. */
const lists = {
  CH: { channel: "lab-swiss", currency: "CHF" },
  US: { currency: "USD" },
  TRADE: { channel: "lab-trade", currency: "EUR" },
}

export const price = (sku: string, amount: Money, more: Partial<PriceOfChannel> = {}): PriceOfChannel => ({
  sku,
  amount,
  ...more,
})

export async function startVendureCatalogueBench(): Promise<VendureCatalogueBench> {
  const simulator = await startVendure({ seed: 7 })
  const shop = connectVendure(simulator.url, undefined, {
    prices: { currency: "EUR", lists: lists as never, compareAtField: "compareAt" },
    products: { language: "de" },
  })
  const { publishesPrices: prices, publishesProducts: products } = shop
  if (!prices || !products) throw new Error("the shop takes no prices or products")
  const staff = async (method: "POST" | "PUT" | "DELETE", path: string, body: object) => {
    const answer = await fetch(`${simulator.url}/__lab/${path}`, { method, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(await answer.text())
  }
  for (const sku of skus) await staff("POST", "variants", { sku })
  for (const sku of ["TWICE", "TWICE"]) await staff("POST", "variants", { sku })
  await staff("POST", "variants", { sku: "ONLY-AT-HOME", channelIds: ["1"] })
  for (const sku of broken) await staff("POST", "variants", { sku })
  await staff("PUT", "breaks", { skus: broken })
  await staff("POST", "variants", { sku: "TEE-S" })
  await staff("POST", "variants", { sku: "TEE-M", like: "TEE-S" })
  const bench = {
    simulator,
    shop,
    prices,
    products,
    staff,
    priceOf: priceOf(simulator),
    productOf: productOf(simulator),
  }
  return {
    ...bench,
    productSubject: productSubject(bench),
    priceSubjects: [priceSubject(bench, homeItem), priceSubject(bench, swissItem, " of another channel")],
    stop: async () => {
      shop.close()
      await simulator.stop()
    },
  }
}

// The simulator's books hold exactly these rows (lab/vendure/prices.ts).
function priceOf(simulator: Simulator): VendureCatalogueBench["priceOf"] {
  return (sku, currency, channelId = "1") => {
    const variant = (simulator.books()["variants"] as { id: string; sku: string }[]).find((one) => one.sku === sku)
    const all = simulator.books()["prices"] as { variantId: string; rows: Price[] }[]
    const rows = all.find(({ variantId }) => variantId === variant?.id)?.rows ?? []
    const found = rows.find((row) => row.currencyCode === currency && row.channelId === channelId)
    return found && { price: found.price, compareAt: found.customFields.compareAt }
  }
}

const channelIds: Readonly<Record<string, string>> = { CH: "2", US: "1" }

const eur = (minor: number) => money(minor, "EUR")

/** Every third price is in a currency in which the shop has none yet. */
function homeItem(sku: string, minor: number, n: number): PriceOfChannel {
  if (n % 3 === 0) return price(sku, money(minor, "USD"), { market: "US" })
  return price(sku, eur(minor), n % 2 === 0 ? { compareAt: eur(minor + 500) } : {})
}

const swissItem = (sku: string, minor: number): PriceOfChannel =>
  price(sku, money(minor, "CHF"), { market: "CH", taxBasis: "inclusive" })

function priceSubject(
  { simulator, prices, priceOf }: Pick<VendureCatalogueBench, "simulator" | "prices" | "priceOf">,
  item: (sku: string, minor: number, n: number) => PriceOfChannel,
  which = "",
): VendureCatalogueBench["priceSubjects"][number] {
  let count = 0
  return {
    name: `vendure publishesPrices.publishPrices${which}`,
    write: prices.publishPrices,
    items(wanted) {
      count += 1
      return skus.slice(0, wanted).map((sku, n) => item(sku, count * 1000 + n + 1, n))
    },
    bad: () => [
      price("SKU-NEVER-WAS", eur(1)),
      price("TWICE", eur(1)),
      price("ART-110", eur(-1)),
      price("ART-111", eur(2_147_483_648)),
      price("ART-112", money(1, "GBP")),
      price("ART-113", eur(1), { market: "JP" }),
      price("ART-114", eur(1), { taxBasis: "exclusive" }),
      price("ONLY-AT-HOME", money(1, "CHF"), { market: "CH" }),
    ],
    badInWriting: () => broken.map((sku, n) => item(sku, 777 + n, n)),
    holds({ sku, market = "", amount, compareAt }) {
      const found = priceOf(sku, amount.currency, channelIds[market] ?? "1")
      return found?.price === amount.amountMinor && found.compareAt === (compareAt?.amountMinor ?? null)
    },
    changes: () => simulator.books()["priceChanges"]?.length ?? 0,
    strike: striker(simulator, ["updateProductVariants"]),
  }
}

function productOf(simulator: Simulator): VendureCatalogueBench["productOf"] {
  return (sku) => {
    const variants = simulator.books()["variants"] as { sku: string; productId: string }[]
    const id = variants.find((one) => one.sku === sku)?.productId
    return (simulator.books()["products"] as Product[]).find((one) => one.id === id)
  }
}

export const product = (
  sku: string,
  fields: ContentOfProduct["fields"],
  variants: readonly string[] = [],
): ContentOfProduct => ({ sku, variants, fields })

/** Every product has its first German text from us; every fourth one is taken off. */
function productSubject({
  simulator,
  products,
  productOf,
}: Pick<VendureCatalogueBench, "simulator" | "products" | "productOf">): VendureCatalogueBench["productSubject"] {
  let count = 0
  return {
    name: "vendure publishesProducts.publishProducts",
    write: products.publishProducts,
    items(wanted) {
      count += 1
      return skus.slice(0, wanted).map((sku, n) => {
        const title = `Artikel ${n} der ${count}. Runde`
        const state = (n + count) % 4 === 0 ? "draft" : "active"
        return product(sku, n % 2 === 0 ? { title, description: `<p>${title}</p>`, state } : { title })
      })
    },
    bad: () => [
      product("SKU-NEVER-WAS", { title: "Nie" }),
      product("TWICE", { title: "Zweimal" }),
      product("TEE-M", { title: "Eine von zweien" }),
      product("KIT", { title: "Zweierlei" }, ["ART-110", "ART-111"]),
      product("ART-112", { state: "sold out" }),
      product("ART-113", { description: "ohne Titel" }),
      product("TEE-S", { title: "Nur eine" }, ["TEE-S"]),
    ],
    badInWriting: () => broken.map((sku) => product(sku, { title: `Kaputt ${sku}` })),
    holds({ sku, variants, fields }) {
      const found = productOf(variants[0] ?? sku)
      const text = found?.translations.find(({ languageCode }) => languageCode === "de")
      const { title, description, state } = fields
      return (
        text !== undefined &&
        (title === undefined || text.name === title) &&
        (description === undefined || text.description === description) &&
        (state === undefined || found?.enabled === (state === "active"))
      )
    },
    changes: () => simulator.books()["productChanges"]?.length ?? 0,
    strike: striker(simulator, ["updateProducts"]),
  }
}
