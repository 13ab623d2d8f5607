import type { Sql } from "../../base/sql.ts"
import type { SoldAs } from "../../canonical/stock/made-of.ts"
import type { Articles } from "../articles/articles.ts"
import { takeApart, type TakenApart } from "./read-parts.ts"

/** What sold articles are made of, by our SKU; `mapped`: what the channel's names of them stand for. */
export interface FoundParts extends TakenApart {
  mapped: Record<string, string>
}

/** Takes articles of a channel apart, under whatever name the channel sells them. */
export async function findParts(
  { sql, articles }: { sql: Sql; articles: Pick<Articles, "ours"> },
  channel: string,
  sold: readonly SoldAs[],
): Promise<FoundParts> {
  const skus = await articles.ours(sold.map(({ sku: article }) => ({ system: channel, article })))
  const named = sold.map(({ sku: article, unit }, n) => ({ article, sku: skus[n] ?? article, unit }))
  const taken = await takeApart(sql, named)
  // A name that stands for an article with stock of its own is found when it is needed, as it ever was.
  const found = new Set([...taken.made, ...taken.unknownUnits].map(({ sku }) => sku))
  const mapped = named.filter(({ article, sku }) => article !== sku && found.has(sku))
  return { ...taken, mapped: Object.fromEntries(mapped.map(({ article, sku }) => [article, sku])) }
}
