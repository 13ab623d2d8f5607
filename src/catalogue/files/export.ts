import { writeCsv } from "../../base/csv/csv.ts"
import type { Sql } from "../../base/sql.ts"
import { columnsInUse, listProducts } from "../products.ts"
import { pricesOf } from "../prices.ts"
import { priceColumns, priceLine } from "./price-file.ts"
import { columnName, productLines } from "./product-file.ts"

const atOnce = 500

/** All products as a file, page by page, with the columns that some product fills. */
export async function* exportProducts(sql: Sql): AsyncGenerator<string> {
  const columns = (await columnsInUse(sql)).map(({ field, scope }) => columnName(field, scope))
  // With it spreadsheets know that it is UTF-8.
  yield `\uFEFF${writeCsv([["sku", ...columns]])}`
  for (let after: string | undefined = ""; after !== undefined;) {
    const { items, next } = await listProducts(sql, { after, limit: atOnce })
    yield writeCsv(productLines(items, columns))
    after = next
  }
}

/** All prices that have not ended as a file. What was overridden for a time is left out: it is nobody's price list. */
export async function* exportPrices(sql: Sql, { seesCosts }: { seesCosts: boolean }): AsyncGenerator<string> {
  yield `\uFEFF${writeCsv([priceColumns])}`
  for (let after: string | undefined = ""; after !== undefined;) {
    const { items, next } = await listProducts(sql, { after, limit: atOnce })
    const prices = await pricesOf(
      sql,
      items.map(({ productId }) => productId),
    )
    const lines = items.flatMap(({ productId, sku }) =>
      (prices.get(productId) ?? [])
        .filter(({ layer, type }) => layer === "owned" && (seesCosts || type !== "cost"))
        .map((price) => priceLine(sku, price)),
    )
    yield writeCsv(lines)
    after = next
  }
}
