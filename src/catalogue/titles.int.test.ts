import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { titlesOf } from "./titles.ts"

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database?.drop())

test("somebody's title comes before what the owner said, until it ends", async () => {
  const { sql } = database
  const put = (sku: string, layer: string, until: string | null) => sql`
    insert into product_values (product_id, field, scope, layer, value, until, said_by, rule, policy, at, fact)
    values (${sku}, 'title', '', ${layer}, ${JSON.stringify(layer)}::text::jsonb, ${until}::timestamptz, 'x', 'x', 'x', now(), ${`${sku} ${layer}`})`
  for (const sku of ["NOW", "OVER"])
    await sql`insert into product_skus (sku, product_id, since) values (${sku}, ${sku}, now())`
  await put("NOW", "owned", null)
  await put("NOW", "override", "2999-01-01T00:00:00Z")
  await put("OVER", "owned", null)
  await put("OVER", "override", "2000-01-01T00:00:00Z")
  expect(Object.fromEntries(await titlesOf(sql, ["NOW", "OVER", "NOBODY"]))).toEqual({
    NOW: "override",
    OVER: "owned",
  })
})
