import type { Sql } from "../../src/base/sql.ts"

/** The SKU of the n-th article of the bench. */
export const skuOf = (n: number): string => `PUB-${String(n).padStart(8, "0")}`

const firstItem = 44_000_000_001
const partSize = 50_000

/**
 * Gives Crossdock the stock of articles `from` to `to` at each place, and, where they are published already, the channel's rows of them as
 * they stand after a load of a shop that shows the same: zero.
 */
export async function cloneArticles(
  sql: Sql,
  {
    from,
    to,
    places,
    milli,
    isPublished,
  }: { from: number; to: number; places: readonly string[]; milli: number; isPublished: boolean },
): Promise<void> {
  await sql`insert into stock_locations (location_id) select unnest(${[...places]}::text[]) on conflict do nothing`
  for (let at = from; at < to; at += partSize) {
    const end = Math.min(to, at + partSize)
    await sql`
      insert into stock_skus (sku, on_hand_milli)
      select 'PUB-' || lpad(n::text, 8, '0'), ${milli * places.length}::bigint from generate_series(${at}::integer, ${end - 1}::integer) n`
    await sql`
      insert into stock_positions (sku, location_id, on_hand_milli, is_pooled)
      select 'PUB-' || lpad(n::text, 8, '0'), p, ${milli}::bigint, true
      from generate_series(${at}::integer, ${end - 1}::integer) n cross join unnest(${[...places]}::text[]) p`
    await sql`
      insert into stock_ledger (fact, leg, kind, sku, location_id, delta_milli, stated_milli, on_hand_after_milli, digest, occurred_at)
      select 'bench:clone:' || n || ':' || p, 0, 'receipt', 'PUB-' || lpad(n::text, 8, '0'), p, ${milli}::bigint, ${milli}::bigint,
        ${milli}::bigint, gen_random_uuid(), now() - interval '2 days'
      from generate_series(${at}::integer, ${end - 1}::integer) n cross join unnest(${[...places]}::text[]) p`
    if (!isPublished) continue
    await sql`
      insert into published_rows (channel, aspect, item, scope, state, needs_look, version, desired, effective_at, why, sent_version, sent_key,
        sent, sent_at, ref, accepted_at, observed, token, observed_at, observed_by)
      select 'shopify', 'stock', 'PUB-' || lpad(n::text, 8, '0'), p, 'live', false, 1, '0', now(), '{}', 1, 'bench', '0', now(),
        (${firstItem}::bigint + n)::text, now(), '0', '{"committedMilli":0,"unheldMilli":0}', now(), 'Crossdock'
      from generate_series(${at}::integer, ${end - 1}::integer) n cross join unnest(${[...places]}::text[]) p`
  }
  // Autovacuum would do this within minutes.
  for (const table of ["stock_skus", "stock_positions", "stock_ledger", "published_rows"])
    await sql.unsafe(`vacuum analyze ${table}`)
}
