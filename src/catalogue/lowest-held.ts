import type { Sql } from "../base/sql.ts"
import type { Price, PriceQuestion } from "../canonical/catalogue/price.ts"
import type { EventData } from "../canonical/events.ts"
import { ref } from "../canonical/refs.ts"
import { newestAbout } from "../eventlog/news/newest-about.ts"
import { lowestHeld, type SaidPrice } from "../rules/prices/lowest-held.ts"
import { productIdsOf } from "./products.ts"

/** So much of an article's history is looked at, the newest. */
const saidMax = 1000

/**
 * The lowest price of one unit of an article in the days before a moment, by everything that was said of its prices; undefined when nobody
 * knows one. `skus` are the names of the article, the first that the catalogue knows counts. A unit that no price names is the base unit.
 */
export async function lowestPriceHeld(
  sql: Sql,
  {
    skus,
    unit,
    ...question
  }: { skus: readonly string[] } & Omit<PriceQuestion, "at" | "sku"> & {
      days: number
      atMs: number
    },
): Promise<Partial<Record<Price["taxBasis"], number>> | undefined> {
  const ids = await productIdsOf(sql, skus)
  const found = skus.flatMap((sku) => ids.get(sku) ?? [])[0]
  if (!found) return undefined
  const events = await newestAbout(sql, ref("price", found.productId), { types: ["price.changed"], limit: saidMax })
  const said = events.map(({ data }): SaidPrice => {
    // The log's schema admitted it.
    const { by: source, record, price, override, at } = data as EventData<"price.changed">
    return { source, record, layer: override ? "override" : "owned", at, ...(price ? { price } : {}) }
  })
  const isNamed = unit !== undefined && said.some(({ price }) => price?.scope.unit === unit)
  const lowest = lowestHeld(said, { ...question, sku: found.sku, ...(isNamed ? { unit } : {}) })
  return Object.keys(lowest).length === 0 ? undefined : lowest
}
