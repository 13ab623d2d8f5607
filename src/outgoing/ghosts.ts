import { storage, type Sql } from "../base/sql.ts"
import type { Readers } from "../eventlog/readers/readers.ts"

/** Forgets what ended subscriptions left behind, and closes what was told of their readers. A repeat finds nothing. */
export async function forgetGhosts({ sql, readers }: { sql: Sql; readers: Readers }): Promise<void> {
  const rows = await storage(() => sql<{ name: string }[]>`select name from ghosts_of_event_subscriptions() as g(name)`)
  for (const { name } of rows) await readers.remove(name)
}
