import type { SqlTransaction } from "../base/sql.ts"
import { epochMs, instant } from "../base/time.ts"
import { sellTypes, type Price } from "../canonical/catalogue/price.ts"
import type { Promotion } from "../canonical/catalogue/promotion.ts"
import { parseScope } from "../canonical/catalogue/scope.ts"
import { promotionCodeHash, type SnapshotArticle, type SnapshotPromotion } from "../canonical/sales/snapshot.ts"

/** What a till needs of a product besides its prices. */
const fields = ["title", "units", "contents", "gtins", "taxCategory", "tracking", "state", "sellFrom"]

interface Page {
  storeId: string
  after: string
  limit: number
}
type Found<Body> = { items: Map<string, Body>; next?: string }

/** Products behind an id that have a price at a store, now or later. */
export async function articlesBehind(
  tx: SqlTransaction,
  of: Page & { nowMs: number },
): Promise<Found<SnapshotArticle>> {
  const rows = await tx<{ product_id: string }[]>`
    select product_id from products where product_id > ${of.after} order by product_id limit ${of.limit}`
  const ids = rows.map(({ product_id }) => product_id)
  return { items: await articlesOf(tx, { ...of, ids }), ...nextOf(ids, of.limit) }
}

const nextOf = (keys: readonly string[], limit: number) => {
  const last = keys.at(-1)
  return keys.length < limit || last === undefined ? {} : { next: last }
}

interface ArticleRow {
  product_id: string
  sku: string
  earlier: string[] | null
  values: { field: string; scope: string; value: unknown; layer: "owned" | "override"; until: string | null }[] | null
  prices: { source: string; record: string; layer: "owned" | "override"; price: Price; at: string }[] | null
}

/** Products by their ids, by id; those without a price at the store, now or later, are left out. Never what goods cost. */
export async function articlesOf(
  tx: SqlTransaction,
  { storeId, ids, nowMs }: { storeId: string; ids: readonly string[]; nowMs: number },
): Promise<Map<string, SnapshotArticle>> {
  const rows = await tx<ArticleRow[]>`
    select p.product_id, p.sku,
      (select array_agg(s.sku order by s.sku) from product_skus s where s.product_id = p.product_id and s.sku <> p.sku) as earlier,
      (select json_agg(json_build_object('field', v.field, 'scope', v.scope, 'value', v.value, 'layer', v.layer, 'until', v.until)
        order by v.field, v.scope, v.layer)
        from product_values v where v.product_id = p.product_id and v.field = any (${fields}::text[])) as values,
      (select json_agg(json_build_object('source', x.source, 'record', x.record, 'layer', x.layer, 'price', x.price, 'at', x.at)
        order by x.source, x.record)
        from prices x where x.product_id = p.product_id and x.ended_at is null) as prices
    from products p where p.product_id = any (${[...ids]}::text[]) order by p.product_id`
  const articles = rows.map((row) => [row.product_id, articleOf(row, { storeId, nowMs })] as const)
  return new Map(articles.filter(([, { prices }]) => prices.length > 0))
}

function articleOf(row: ArticleRow, { storeId, nowMs }: { storeId: string; nowMs: number }): SnapshotArticle {
  const values = (row.values ?? []).map(({ scope, value, until, ...one }) => ({
    ...one,
    scope: parseScope(scope),
    ...(value === null ? {} : { value }),
    ...(until === null ? {} : { until: moment(until) }),
  }))
  const prices = (row.prices ?? []).map(({ price, at, ...one }) => ({ ...price, ...one, at: moment(at) }))
  const gtins = values.flatMap(({ field, value }) => (field === "gtins" ? (value as { gtin: string }[]) : []))
  return {
    sku: row.sku,
    names: [...new Set([...(row.earlier ?? []), ...gtins.map(({ gtin }) => gtin)])],
    values: values.filter(({ scope }) => isOf(scope.location, storeId)),
    prices: prices.filter(
      ({ type, scope, validity: { until } }) =>
        sellTypes.some((one) => one === type) &&
        isOf(scope.location, storeId) &&
        (until === undefined || epochMs(until) > nowMs),
    ),
  }
}

const isOf = (location: string | undefined, storeId: string) => location === undefined || location === storeId
// Within JSON PostgreSQL writes moments with an offset and up to six digits.
const moment = (text: string) => instant(epochMs(text))

interface PromotionRow {
  promotion_id: string
  promotion: Promotion
}

/** Promotions behind an id that hold at a store, now or later. */
export async function storePromotionsBehind(tx: SqlTransaction, of: Page): Promise<Found<SnapshotPromotion>> {
  const rows = await tx<PromotionRow[]>`
    select promotion_id, promotion from promotions
    where promotion_id > ${of.after} and ended_at is null and (valid_until is null or valid_until > now())
    order by promotion_id limit ${of.limit}`
  return {
    items: held(rows, of.storeId),
    ...nextOf(
      rows.map(({ promotion_id }) => promotion_id),
      of.limit,
    ),
  }
}

/** Promotions by their ids; what does not hold at the store, now or later, is left out. */
export async function storePromotionsOf(
  tx: SqlTransaction,
  { storeId, ids }: { storeId: string; ids: readonly string[] },
): Promise<Map<string, SnapshotPromotion>> {
  const rows = await tx<PromotionRow[]>`
    select promotion_id, promotion from promotions
    where promotion_id = any (${[...ids]}::text[]) and ended_at is null and (valid_until is null or valid_until > now())`
  return held(rows, storeId)
}

function held(rows: readonly PromotionRow[], storeId: string): Map<string, SnapshotPromotion> {
  const here = rows.filter(({ promotion: { locations } }) => locations === undefined || locations.includes(storeId))
  return new Map(
    here.map(({ promotion_id: id, promotion }) => {
      const { codes, ...conditions } = promotion.conditions
      const codeHashes = codes?.map((code) => promotionCodeHash(id, code))
      return [id, { promotion: { ...promotion, conditions }, ...(codeHashes ? { codeHashes } : {}) }]
    }),
  )
}
