import type { Price } from "../../lab/vendure/prices.ts"
import type { Simulator } from "../../lab/simulator.ts"
import { startVendure } from "../../lab/vendure/vendure.ts"
import { money, type Money } from "../../src/base/money.ts"
import type { BulkSubject } from "../../src/ports/bulk-laws.ts"
import type { PriceOfChannel, PublishedPrice, PublishesPrices } from "../../src/ports/capabilities/prices.ts"
import { striker } from "./strike.ts"
import { connectVendure } from "./subjects/vendure.ts"

export interface VendureCatalogueBench {
  simulator: Simulator
  shop: ReturnType<typeof connectVendure>
  prices: PublishesPrices
  /** Prices of the default channel, and of another one: a mutation is about one channel. */
  priceSubjects: BulkSubject<PriceOfChannel, PublishedPrice>[]
  /** What stands in the shop's books of a price; by the channel's id. */
  priceOf(sku: string, currency: string, channelId?: string): { price: number; compareAt: number | null } | undefined
  /** What the shop's own people do. */
  staff(method: "POST" | "PUT" | "DELETE", path: string, body: object): Promise<void>
  stop(): Promise<void>
}

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
  })
  const { publishesPrices: prices } = shop
  if (!prices) throw new Error("the shop takes no prices")
  const staff = async (method: "POST" | "PUT" | "DELETE", path: string, body: object) => {
    const answer = await fetch(`${simulator.url}/__lab/${path}`, { method, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(await answer.text())
  }
  for (const sku of skus) await staff("POST", "variants", { sku })
  for (const sku of ["TWICE", "TWICE"]) await staff("POST", "variants", { sku })
  await staff("POST", "variants", { sku: "ONLY-AT-HOME", channelIds: ["1"] })
  const bench = { simulator, shop, prices, staff, priceOf: priceOf(simulator) }
  return {
    ...bench,
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
    holds({ sku, market = "", amount, compareAt }) {
      const found = priceOf(sku, amount.currency, channelIds[market] ?? "1")
      return found?.price === amount.amountMinor && found.compareAt === (compareAt?.amountMinor ?? null)
    },
    changes: () => simulator.books()["priceChanges"]?.length ?? 0,
    strike: striker(simulator, ["updateProductVariants"]),
  }
}
