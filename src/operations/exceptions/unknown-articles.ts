import { storage, type Sql } from "../../base/sql.ts"

/** An article that a channel sells and nobody knows, with the open cases about it. */
export interface WaitingArticle {
  channel: string
  article: string
  /** GTINs of 14 digits that its lines carry. */
  barcodes: string[]
  /** How many orders wait for it. */
  orders: number
  /** Since when the first of them waits. */
  since: string
}

/** Articles that orders wait for because nobody knows them, those of most orders first, and how many there are in all. */
export async function waitingArticles(
  sql: Sql,
  { channel, limit }: { channel?: string | undefined; limit: number },
): Promise<{ items: WaitingArticle[]; total: number }> {
  const rows = await storage(
    () => sql<{ channel: string; article: string; barcodes: string[]; orders: number; since: Date; total: number }[]>`
      select x.channel, x.sku as article, count(distinct x.order_id)::integer as orders, min(x.opened_at) as since,
        array_remove(array_agg(distinct b.code), null) as barcodes, (count(*) over ())::integer as total
      from exceptions x left join lateral unnest(x.barcodes) as b (code) on true
      where x.state = 'open' and x.cause = 'article is unknown' and x.channel is not null and x.sku is not null
        and (${channel ?? null}::text is null or x.channel = ${channel ?? null})
      group by 1, 2 order by orders desc, since, 1, 2 limit ${limit}`,
  )
  return {
    items: rows.map(({ channel: of, article, barcodes, orders, since }) => {
      return { channel: of, article, barcodes, orders, since: since.toISOString() }
    }),
    total: rows[0]?.total ?? 0,
  }
}
