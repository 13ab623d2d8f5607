import { storage, type Sql } from "../base/sql.ts"
import type { Instant } from "../base/time.ts"
import type { Promotion } from "../canonical/catalogue/promotion.ts"

/** A promotion with what is known of its origin. */
export interface KeptPromotion {
  promotionId: string
  promotion: Promotion
  endedAt?: Instant
  by: string
  rule: string
  policy: string
  at: Instant
  fact: string
}

/** Promotions by their ids, also those that ended. */
export async function promotionsById(sql: Sql, ids: readonly string[]): Promise<Map<string, KeptPromotion>> {
  const rows = await storage(
    () => sql<PromotionRow[]>`select * from promotions where promotion_id = any(${[...new Set(ids)]}::text[])`,
  )
  return new Map(rows.map((row) => [row.promotion_id, keptPromotion(row)]))
}

/** A page of promotions by id; `liveAt` leaves out those that are over then. */
export async function listPromotions(
  sql: Sql,
  { after = "", liveAt, limit }: { after?: string | undefined; liveAt?: Instant | undefined; limit: number },
): Promise<{ items: KeptPromotion[]; next?: string }> {
  const rows = await storage(
    () => sql<PromotionRow[]>`
      select * from promotions
      where promotion_id > ${after}
        and (${liveAt === undefined} or (ended_at is null and (valid_until is null or valid_until > ${liveAt ?? null}::timestamptz)))
      order by promotion_id limit ${limit + 1}`,
  )
  const items = rows.slice(0, limit).map(keptPromotion)
  const last = items.at(-1)
  return { items, ...(rows.length > limit && last ? { next: last.promotionId } : {}) }
}

interface PromotionRow {
  promotion_id: string
  // The log's schema admitted it.
  promotion: Promotion
  ended_at: Date | null
  said_by: string
  rule: string
  policy: string
  at: Date
  fact: string
}

function keptPromotion(row: PromotionRow): KeptPromotion {
  const { promotion_id: promotionId, promotion, ended_at, said_by: by, rule, policy, at, fact } = row
  return {
    promotionId,
    promotion,
    ...(ended_at === null ? {} : { endedAt: ended_at.toISOString() }),
    by,
    rule,
    policy,
    at: at.toISOString(),
    fact,
  }
}
