import { storage, type Sql } from "../base/sql.ts"
import type { Price, PriceQuestion } from "../canonical/catalogue/price.ts"
import type { EventData } from "../canonical/events.ts"
import { ref } from "../canonical/refs.ts"
import { newestAbout } from "../eventlog/news/newest-about.ts"
import { lowestHeld, type SaidPrice } from "../rules/prices/lowest-held.ts"
import { productIdsOf } from "./products.ts"

/** So much of an article's history is looked at, the newest. */
const saidMax = 1000

/** The lowest price by what it has in it; `another unit`: there are prices, and none is known to be of the unit that was asked for. */
type LowestPrice = Partial<Record<Price["taxBasis"], number>> | "another unit"

/**
 * The lowest price of one unit of an article in the days before a moment, by everything that was said of its prices; undefined when nobody
 * knows one. `skus` are the names of the article, the first that the catalogue knows counts. A price that names no unit is of the base unit,
 * which the product's `units` say, or the piece (`ea`): of another unit nobody knows what it holds.
 */
export async function lowestPriceHeld(
  sql: Sql,
  {
    skus,
    unit,
    ...question
  }: { skus: readonly string[]; unit: string } & Omit<PriceQuestion, "at" | "sku" | "unit"> & {
      days: number
      atMs: number
    },
): Promise<LowestPrice | undefined> {
  const ids = await productIdsOf(sql, skus)
  const found = skus.flatMap((sku) => ids.get(sku) ?? [])[0]
  if (!found) return undefined
  const events = await newestAbout(sql, ref("price", found.productId), { types: ["price.changed"], limit: saidMax })
  const said = events.map(({ data }): SaidPrice => {
    // The log's schema admitted it.
    const { by: source, record, price, override, at } = data as EventData<"price.changed">
    return { source, record, layer: override ? "override" : "owned", at, ...(price ? { price } : {}) }
  })
  const lowestOf = (of: { unit?: string }) => {
    const lowest = lowestHeld(said, { ...question, sku: found.sku, ...of })
    return Object.keys(lowest).length === 0 ? undefined : lowest
  }
  if (said.some(({ price }) => price?.scope.unit === unit)) return lowestOf({ unit })
  const ofBase = lowestOf({})
  return ofBase && ((await baseUnitOf(sql, found.productId)) ?? "ea") !== unit ? "another unit" : ofBase
}

async function baseUnitOf(sql: Sql, productId: string): Promise<string | undefined> {
  const rows = await storage(
    () => sql<{ base: string }[]>`
      select value ->> 'base' as base from product_values
      where product_id = ${productId} and field = 'units' and scope = '' and value is not null and (until is null or until > now())
      -- Somebody's override comes before what the owner said.
      order by layer = 'override' desc limit 1`,
  )
  return rows[0]?.base
}
