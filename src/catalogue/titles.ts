import { storage, type Sql } from "../base/sql.ts"

/** Titles of articles without locale or channel, by SKU; a SKU that was replaced finds the article, too. Articles without a title are left out. */
export async function titlesOf(sql: Sql, skus: readonly string[]): Promise<ReadonlyMap<string, string>> {
  if (skus.length === 0) return new Map()
  const rows = await storage(
    () => sql<{ sku: string; title: string }[]>`
      select distinct on (s.sku) s.sku, v.value #>> '{}' as title
      from product_skus s join product_values v on v.product_id = s.product_id and v.field = 'title' and v.scope = ''
      where s.sku = any (${[...new Set(skus)]}::text[]) and v.value is not null and (v.until is null or v.until > now())
      -- Somebody's override comes before what the owner said.
      order by s.sku, v.layer = 'override' desc`,
  )
  return new Map(rows.map(({ sku, title }) => [sku, title]))
}
