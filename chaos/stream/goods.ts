import { setTimeout as sleep } from "node:timers/promises"
import { asUsual, type OrderKind } from "./kind.ts"
import type { People, Placed } from "./people.ts"

const oldName = "OLD-00"

/** The SKU of an article that the shop knows by another name, as the person at the mapping desk finds it. */
export function skuOf(article: string): string | undefined {
  return article.startsWith(oldName) ? article.replace(/^OLD/, "SKU") : undefined
}

/** Goods that must not leave yet, left past us, or are called what nobody knows. */
export const goods: readonly OrderKind[] = [
  {
    kind: "on hold in the shop, then let go",
    weight: 3,
    wish: { odd: [], payment: "paid" },
    afterMsMax: 500,
    async later(people, order) {
      await people.inShop(order, "hold")
      await sleep(4000)
      await people.inShop(order, "release-hold")
    },
    // Goods may have left by then; the shop takes no fulfilment of what is on hold.
    right: { ...asUsual, asks: ["ships although on hold", "held by the shop although it left"] },
  },
  {
    kind: "scheduled for later",
    weight: 3,
    wish: { odd: [], payment: "paid", scheduled: { afterMs: 6000 } },
    right: asUsual,
  },
  {
    kind: "article that nobody knows",
    weight: 3,
    // The shop's name of an article from the middle of the catalogue, which has enough stock.
    wish: (random) => ({ odd: [], payment: "paid", skus: [`${oldName}${random.integer(100, 180)}`] }),
    right: { ...asUsual, asks: ["article is unknown"] },
  },
  {
    kind: "shipped by staff, its number later",
    weight: 2,
    wish: { odd: [], payment: "paid" },
    later: shipPastUs,
    // A warehouse may have shipped it as well, or a part of it.
    right: {
      ...asUsual,
      leaves: "either",
      asks: ["fulfilled past us", "not shown by the shop", "tell the shop it is cancelled"],
    },
  },
]

async function shipPastUs(people: People, order: Placed): Promise<void> {
  await people.inShop(order, "fulfil")
  await sleep(3000)
  await people.inShop(order, "track")
}
