import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { inTransaction } from "../base/sql.ts"
import { keepCatalogue } from "./read-model.ts"
import { productIdOf } from "./products.ts"

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 10 })
})
afterAll(() => database?.drop())

const at = "2026-11-30T10:00:00.000Z"
const said = (sku: string) => ({
  type: "product.changed" as const,
  fact: `product:${sku}`,
  source: "api:merchandiser",
  data: {
    productId: productIdOf(sku),
    sku,
    changes: [{ field: "title" as const, set: `Tee ${sku}` }],
    by: "api:merchandiser",
    rule: "product.*",
    policy: "p1",
    at,
  },
})

test("a new product is noted once when whoever wrote it and the reader of the log note it at the same moment", async () => {
  const { sql } = database
  for (let round = 0; round < 150; round += 1) {
    const skus = Array.from({ length: 8 }, (_, n) => `NEW-${round}-${n}`)
    const note = (some: readonly string[]) => inTransaction(sql, (tx) => keepCatalogue(tx, some.map(said)))
    await Promise.all([note(skus), note(skus), ...skus.map((sku) => note([sku]))])
  }
  expect(await sql`select count(*)::integer as n from products where sku like 'NEW-%'`).toEqual([{ n: 1200 }])
})
