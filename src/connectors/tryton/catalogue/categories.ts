import { idOf, rowsOf } from "../payloads.ts"
import type { Context } from "../sales/sale.ts"
import { timesOf, type CatalogueOptions, type Row } from "./told-product.ts"

/** Every product category by its id, where the category of products is told. */
export async function readCategories(
  call: Context,
  { client, catalogue: { products } }: CatalogueOptions,
): Promise<ReadonlyMap<number, Row>> {
  if (products?.categoryRoot === undefined) return new Map()
  const params = [[], 0, null, [["id", "ASC"]], ["name", "parent", ...timesOf()]]
  const context = { language: products.language ?? "en" }
  const rows = rowsOf(await client.read("model.product.category.search_read", params, { ...call, context }))
  return new Map(rows.map((row) => [idOf(row), row]))
}

/** Of some categories those below the root: each with the categories between, from the top. */
export function pathsBelow(
  root: number,
  { ids, categories }: { ids: readonly number[]; categories: ReadonlyMap<number, Row> },
): Row[][] {
  return ids.flatMap((id) => {
    const path: Row[] = []
    for (let at: unknown = id; typeof at === "number" && path.length <= categories.size;) {
      if (at === root) return path.length > 0 ? [path.toReversed()] : []
      const row = categories.get(at)
      if (!row) return []
      path.push(row)
      at = row["parent"]
    }
    return []
  })
}
