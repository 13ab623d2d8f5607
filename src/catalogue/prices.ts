import { storage, type Sql } from "../base/sql.ts"
import type { Instant } from "../base/time.ts"
import type { Price } from "../canonical/catalogue/price.ts"
import type { ShownPrice } from "../rules/prices/lowest-price.ts"
import type { PriceRecord } from "../rules/prices/valid-price.ts"

/** A price with what is known of its origin. */
export interface KeptPrice extends PriceRecord {
  productId: string
  rule: string
  policy: string
  at: Instant
  fact: string
}

/** Live prices of products, by product. */
export async function pricesOf(sql: Sql, productIds: readonly string[]): Promise<Map<string, KeptPrice[]>> {
  const rows = await storage(
    () => sql<PriceRow[]>`
      select source, record, product_id, layer, price, rule, policy, at, fact from prices
      where product_id = any(${[...new Set(productIds)]}::text[]) and ended_at is null
      order by product_id, source, record`,
  )
  return Map.groupBy(rows.map(keptPrice), ({ productId }) => productId)
}

/** Prices by their records, also those that ended. */
export async function pricesByRecord(
  sql: Sql,
  records: readonly { source: string; record: string }[],
): Promise<Map<string, KeptPrice & { isEnded: boolean }>> {
  const rows = await storage(
    () => sql<(PriceRow & { is_ended: boolean })[]>`
      select p.source, p.record, p.product_id, p.layer, p.price, p.rule, p.policy, p.at, p.fact, p.ended_at is not null as is_ended
      from unnest(${records.map(({ source }) => source)}::text[], ${records.map(({ record }) => record)}::text[]) as r (source, record)
      join prices p using (source, record)`,
  )
  return new Map(rows.map((row) => [recordKey(row), { ...keptPrice(row), isEnded: row.is_ended }]))
}

export const recordKey = ({ source, record }: { source: string; record: string }) => `${source}\n${record}`

/** Prices that begin or end between two moments, in the order of time: the calendar. */
export async function calendarOf(
  sql: Sql,
  { from, until, limit }: { from: Instant; until: Instant; limit: number },
): Promise<{ at: Instant; edge: "begins" | "ends"; sku: string; price: KeptPrice }[]> {
  const rows = await storage(
    () => sql<(PriceRow & { edge_at: Date; edge: "begins" | "ends"; sku: string })[]>`
      select e.*, p.sku from (
        (select source, record, product_id, layer, price, rule, policy, at, fact, valid_from as edge_at, 'begins' as edge
          from prices where ended_at is null and valid_from >= ${from} and valid_from < ${until} order by valid_from, source, record limit ${limit})
        union all
        (select source, record, product_id, layer, price, rule, policy, at, fact, valid_until, 'ends'
          from prices where ended_at is null and valid_until >= ${from} and valid_until < ${until} order by valid_until, source, record limit ${limit})
      ) e join products p using (product_id)
      order by e.edge_at, e.source, e.record limit ${limit}`,
  )
  return rows.map((row) => ({ at: row.edge_at.toISOString(), edge: row.edge, sku: row.sku, price: keptPrice(row) }))
}

/** What a channel showed of a product, oldest first. */
export async function shownOf(
  sql: Sql,
  { productId, channel, market = "" }: { productId: string; channel: string; market?: string | undefined },
): Promise<ShownPrice[]> {
  const rows = await storage(
    () => sql<{ shown_at: Date; amount_minor: number; currency: string }[]>`
      select shown_at, amount_minor, currency from prices_shown
      where (product_id, channel, market) = (${productId}, ${channel}, ${market}) order by shown_at desc limit 1000`,
  )
  return rows
    .map(({ shown_at, amount_minor: amountMinor, currency }) => ({
      at: shown_at.toISOString(),
      amount: { amountMinor, currency },
    }))
    .reverse()
}

interface PriceRow {
  source: string
  record: string
  product_id: string
  layer: "owned" | "override"
  // The log's schema admitted it.
  price: Price
  rule: string
  policy: string
  at: Date
  fact: string
}

function keptPrice({
  source,
  record,
  product_id: productId,
  layer,
  price,
  rule,
  policy,
  at,
  fact,
}: PriceRow): KeptPrice {
  return { ...price, source, record, productId, layer, rule, policy, at: at.toISOString(), fact }
}

const forgottenAtOnce = 5000

/** Forgets prices that ended before a moment, what was shown before it except the price that stood then, and changes decided before it. */
export async function forgetOld(sql: Sql, before: Instant): Promise<void> {
  const forget = [
    () => sql<{ count: number }[]>`select forget_prices_shown(${before}::timestamptz, ${forgottenAtOnce}) as count`,
    () => sql<{ count: number }[]>`select forget_ended_prices(${before}::timestamptz, ${forgottenAtOnce}) as count`,
    () => sql<{ count: number }[]>`select forget_held_changes(${before}::timestamptz, ${forgottenAtOnce}) as count`,
  ]
  for (const some of forget)
    for (;;) {
      const [row] = await storage(some)
      if ((row?.count ?? 0) < forgottenAtOnce) break
    }
}
