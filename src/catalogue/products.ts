import { articleCandidates, articleLetters } from "../canonical/catalogue/article-candidates.ts"
import { derivedId } from "../base/ids.ts"
import { storage, type Sql } from "../base/sql.ts"
import type { Instant } from "../base/time.ts"
import { parseScope, type Scope } from "../canonical/catalogue/scope.ts"
import type { ProductFieldName } from "../canonical/catalogue/product.ts"

/** One value of a product as it was taken: who said it, when, from which fact, by which rule. */
export interface KeptValue {
  field: ProductFieldName
  scope: Scope
  /** Absent: cleared on purpose. */
  value?: unknown
  layer: "owned" | "override"
  /** Of an override. */
  until?: Instant
  by: string
  rule: string
  policy: string
  at: Instant
  fact: string
}

/** A product with all its values. */
export interface KeptProduct {
  productId: string
  /** The SKU of today. */
  sku: string
  /** SKUs it had before: aliases for ever. */
  earlierSkus: string[]
  changedAt: Instant
  values: KeptValue[]
}

/** Our id of a product that was first told under this SKU. */
export function productIdOf(firstSku: string): string {
  return derivedId("prd", firstSku)
}

/** By SKU, also by an earlier one: the id of its product and its SKU of today. SKUs that nobody knows are left out. */
export async function productIdsOf(
  sql: Sql,
  skus: readonly string[],
): Promise<Map<string, { productId: string; sku: string }>> {
  const rows = await storage(
    () => sql<{ asked: string; product_id: string; sku: string }[]>`
      select a.sku as asked, a.product_id, p.sku from product_skus a join products p using (product_id)
      where a.sku = any(${[...new Set(skus)]}::text[])`,
  )
  return new Map(rows.map(({ asked, product_id: productId, sku }) => [asked, { productId, sku }]))
}

/** A report under which SKU a record of a source tells of a product. */
export interface RecordReport {
  source: string
  record: string
  sku: string
  at: Instant
}

/** What is known of a report's record and its SKU from reports before it. */
export interface ReportBefore {
  /** The SKU that its record told last, if that was another one. */
  sku?: string
  /** Another record of its source has told this SKU. */
  isShared: boolean
}

/** Notes reports, and returns what is known from those before each of them, in their order. */
export async function reportsBefore(sql: Sql, reports: readonly RecordReport[]): Promise<ReportBefore[]> {
  if (reports.length === 0) return []
  const asked = JSON.stringify(reports.map((report, n) => ({ n, ...report })))
  await storage(() => sql`select note_product_records(${asked}::text::json)`)
  const rows = await storage(
    () => sql<{ sku: string | null; is_shared: boolean }[]>`
      select (select p.sku from product_records p
          where p.source = a.source and p.record = a.record and p.sku <> a.sku and p.since <= a.at
          order by p.since desc, p.sku limit 1) as sku,
        exists (select from product_records p where p.source = a.source and p.sku = a.sku and p.record <> a.record) as is_shared
      from json_to_recordset(${asked}::text::json) as a (n integer, source text, record text, sku text, at timestamptz)
      order by a.n`,
  )
  return rows.map(({ sku, is_shared: isShared }) => ({ ...(sku === null ? {} : { sku }), isShared }))
}

/** Values of products by their ids; `fields` limits them. */
export async function valuesOf(
  sql: Sql,
  productIds: readonly string[],
  fields?: readonly string[],
): Promise<Map<string, KeptValue[]>> {
  const rows = await storage(
    () => sql<ValueRow[]>`
      select product_id, field, scope, layer, value, until, said_by, rule, policy, at, fact from product_values
      where product_id = any(${[...new Set(productIds)]}::text[])
        and (${fields === undefined} or field = any(${[...(fields ?? [])]}::text[]))
      order by product_id, field, scope, layer`,
  )
  const byProduct = Map.groupBy(rows, ({ product_id }) => product_id)
  return new Map([...byProduct].map(([id, of]) => [id, of.map(keptValue)]))
}

/** SKUs of the variants of products, by the product's SKU. */
export async function variantsOf(sql: Sql, skus: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await storage(
    () => sql<{ parent: string; sku: string }[]>`
      select v.value ->> 'sku' as parent, p.sku from product_values v join products p using (product_id)
      where v.field = 'variantOf' and v.value ->> 'sku' = any(${[...skus]}::text[]) order by 1, 2`,
  )
  const byParent = Map.groupBy(rows, ({ parent }) => parent)
  return new Map([...byParent].map(([parent, of]) => [parent, of.map(({ sku }) => sku)]))
}

/** SKUs of products in their order, cut into parts of so many: the first and the last of each. */
export async function productRanges(sql: Sql, size: number): Promise<{ from: string; to: string; count: number }[]> {
  return storage(
    () => sql<{ from: string; to: string; count: number }[]>`
      select min(sku) as "from", max(sku) as "to", count(*)::integer as count from (
        select sku, (row_number() over (order by sku) - 1) / ${size} as part from products) s
      group by part order by 1`,
  )
}

/** SKUs of a part; `of` leaves out products that have no price, or those that are variants of others. */
export async function productsBetween(
  sql: Sql,
  { from, to, of }: { from: string; to: string; of: "price" | "product" },
): Promise<string[]> {
  const rows = await storage(
    () => sql<{ sku: string }[]>`
      select p.sku from products p where p.sku >= ${from} and p.sku <= ${to} and case when ${of === "price"}
        then exists (select from prices x where x.product_id = p.product_id and x.ended_at is null)
        else not exists (select from product_values v where v.product_id = p.product_id and v.field = 'variantOf') end
      order by p.sku`,
  )
  return rows.map(({ sku }) => sku)
}

/** Products by SKU, also by an earlier one. */
export async function readProducts(sql: Sql, skus: readonly string[]): Promise<KeptProduct[]> {
  const ids = [...new Set([...(await productIdsOf(sql, skus)).values()].map(({ productId }) => productId))]
  return productsById(sql, ids)
}

async function productsById(sql: Sql, ids: readonly string[]): Promise<KeptProduct[]> {
  if (ids.length === 0) return []
  const [rows, values] = await Promise.all([
    storage(
      () => sql<{ product_id: string; sku: string; changed_at: Date; earlier: string[] | null }[]>`
        select p.product_id, p.sku, p.changed_at,
          (select array_agg(s.sku order by s.since) from product_skus s where s.product_id = p.product_id and s.sku <> p.sku) as earlier
        from products p where p.product_id = any(${[...ids]}::text[])`,
    ),
    valuesOf(sql, ids),
  ])
  const byId = new Map(rows.map((row) => [row.product_id, row]))
  return ids.flatMap((productId) => {
    const row = byId.get(productId)
    return row
      ? [
          {
            productId,
            sku: row.sku,
            earlierSkus: row.earlier ?? [],
            changedAt: row.changed_at.toISOString(),
            values: values.get(productId) ?? [],
          },
        ]
      : []
  })
}

/** A page of products by SKU. `beginning` finds those whose SKU begins so. */
export async function listProducts(
  sql: Sql,
  { after = "", beginning = "", limit }: { after?: string | undefined; beginning?: string | undefined; limit: number },
): Promise<{ items: KeptProduct[]; next?: string }> {
  const rows = await storage(
    () => sql<{ product_id: string; sku: string }[]>`
      select product_id, sku from products where sku > ${after} and sku >= ${beginning} and starts_with(sku, ${beginning})
      order by sku limit ${limit + 1}`,
  )
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  const items = await productsById(
    sql,
    page.map(({ product_id }) => product_id),
  )
  return { items, ...(rows.length > limit && last ? { next: last.sku } : {}) }
}

interface ValueRow {
  product_id: string
  field: ProductFieldName
  scope: string
  layer: "owned" | "override"
  value: unknown
  until: Date | null
  said_by: string
  rule: string
  policy: string
  at: Date
  fact: string
}

function keptValue(row: ValueRow): KeptValue {
  const { field, scope, layer, value, until, said_by: by, rule, policy, at, fact } = row
  return {
    field,
    scope: parseScope(scope),
    ...(value === null ? {} : { value }),
    layer,
    ...(until === null ? {} : { until: until.toISOString() }),
    by,
    rule,
    policy,
    at: at.toISOString(),
    fact,
  }
}

/** Fields with the scopes in which some product has a value, in the order of the alphabet. */
export async function columnsInUse(sql: Sql): Promise<{ field: string; scope: Scope }[]> {
  const rows = await storage(
    () => sql<{ field: string; scope: string }[]>`
      select field, scope from product_values where layer = 'owned' group by field, scope order by field, scope limit 500`,
  )
  return rows.map(({ field, scope }) => ({ field, scope: parseScope(scope) }))
}

const lookedAtMax = 500

/** SKUs of products that look like one that nobody knows, for a person to choose from; they decide nothing. */
export async function productCandidates(sql: Sql, article: string): Promise<string[]> {
  const letters = articleLetters(article)
  if (letters === "") return []
  const rows = await storage(
    () => sql<{ sku: string }[]>`
      select sku from product_skus where article_letters(sku) like ${`${letters.slice(0, 3)}%`} limit ${lookedAtMax}`,
  )
  return articleCandidates(
    article,
    rows.map(({ sku }) => sku),
  )
}
