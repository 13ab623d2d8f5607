import type { Sql } from "../../base/sql.ts"
import { withoutOldNews } from "./editions.ts"
import { withoutKnownParts, type Waiting } from "./waiting-parts.ts"

/** What is new in translations: states that an order is in already are left out, and parts whose facts were told since. */
export async function newsOf<One extends Waiting>(sql: Sql, translated: readonly One[]): Promise<One[]> {
  const lists = await withoutOldNews(
    sql,
    translated.map(({ events }) => events),
  )
  return withoutKnownParts(
    sql,
    translated.map((one, place) => ({ ...one, events: lists[place] ?? [] })),
  )
}
