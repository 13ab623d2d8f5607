import { Batcher } from "../../base/batch.ts"
import type { Sql } from "../../base/sql.ts"
import type { SoldAs } from "../../canonical/stock/made-of.ts"
import type { Articles } from "../articles/articles.ts"
import { takeApart, type TakenApart } from "./read-parts.ts"

/** What sold articles are made of, by our SKU; `mapped`: what the channel's names of them stand for. */
interface FoundParts extends TakenApart {
  mapped: Record<string, string>
}

/** Takes articles of a channel apart, under whatever name the channel sells them. */
export type FindParts = (channel: string, sold: readonly SoldAs[]) => Promise<FoundParts>

/** Orders that ask at the same time share the round trips. */
export function partsFinder(reads: { sql: Sql; articles: Pick<Articles, "ours"> }): FindParts {
  const asked = new Batcher<Asked, FoundParts>({
    flush: (orders) => findAll(reads, orders),
    sizeMax: 200,
    queueMax: 10_000,
  })
  return (channel, sold) => asked.add({ channel, sold })
}

interface Asked {
  channel: string
  sold: readonly SoldAs[]
}

async function findAll(
  { sql, articles }: { sql: Sql; articles: Pick<Articles, "ours"> },
  orders: readonly Asked[],
): Promise<FoundParts[]> {
  const skus = await articles.ours(
    orders.flatMap(({ channel, sold }) => sold.map(({ sku: article }) => ({ system: channel, article }))),
  )
  let next = 0
  const named = orders.map(({ sold }) =>
    sold.map(({ sku: article, unit }) => ({ article, sku: skus[next++] ?? article, unit })),
  )
  const taken = await takeApart(sql, named)
  return taken.map((one, n) => {
    // A name that stands for an article with stock of its own is found when it is needed, as it ever was.
    const found = new Set([...one.made, ...one.unknownUnits].map(({ sku }) => sku))
    const mapped = (named[n] ?? []).filter(({ article, sku }) => article !== sku && found.has(sku))
    return { ...one, mapped: Object.fromEntries(mapped.map(({ article, sku }) => [article, sku])) }
  })
}
