import { AppError } from "../../../base/errors.ts"
import { objectOf } from "../client.ts"
import { idOf, rowsOf } from "../payloads.ts"
import type { Context } from "../sales/sale.ts"
import type { PriceSource } from "./settings.ts"
import { relatedAll, timesOf, type CatalogueOptions, type Row, type ToldPrice } from "./told-product.ts"

/**
 * The price lists that the connection tells, by their ids. CONFIG_INVALID when one is not there, belongs to another company, or
 * includes tax where the settings say that it does not: a price of the other kind would be off by the tax and look right.
 */
export async function readPriceLists(
  call: Context,
  { client, settings, catalogue: { prices = [] } }: CatalogueOptions,
): Promise<ReadonlyMap<number, Row>> {
  const ids = [...new Set(prices.flatMap(({ list }) => list ?? []))]
  if (ids.length === 0) return new Map()
  // trytond modules/product_price_list/price_list.py and sale_price_list/product.py, 6.0.
  const fields = ["company", "tax_included", ...timesOf(), ...timesOf("lines.")]
  const params = [[["id", "in", ids]], 0, null, [["id", "ASC"]], fields]
  const context = { active_test: false }
  const rows = rowsOf(await client.read("model.product.price_list.search_read", params, { ...call, context }))
  const lists = new Map(rows.map((row) => [idOf(row), row]))
  const problems = prices.flatMap((source, n) => {
    const message = whyUnfit(source, lists, settings.company)
    return message === undefined ? [] : [{ pointer: `/catalogue/prices/${n}`, message }]
  })
  if (problems.length > 0)
    throw new AppError("CONFIG_INVALID", problems.map(({ message }) => message).join("; "), { problems })
  return lists
}

function whyUnfit(
  { list: id, tax }: PriceSource,
  lists: ReadonlyMap<number, Row>,
  company: number,
): string | undefined {
  // What `sale.line` takes as the price before tax (trytond modules/sale/product.py, `_get_sale_unit_price`, 6.0).
  if (id === undefined) return tax === "exclusive" ? undefined : "the list price of a product has no tax in it"
  const list = lists.get(id)
  if (!list) return `there is no price list ${id}`
  if (list["company"] !== company) return `price list ${id} belongs to company ${String(list["company"])}`
  const isInclusive = list["tax_included"] === true
  return isInclusive === (tax === "inclusive")
    ? undefined
    : `price list ${id} ${isInclusive ? "includes" : "does not include"} tax`
}

/** The records that a price list is made of, for their times. */
export const recordsOfList = (list: Row): Row[] => [list, ...relatedAll(list, "lines")]

/**
 * The prices of products, in the order of the settings. What a price list makes of a product is computed by Tryton itself: `compute` of a
 * list is no method for callers, but `sale_price_uom` of a product is what it computes for a list, a quantity and a unit that the
 * context names (trytond modules/sale/product.py and sale_price_list/product.py, 6.0). Without `taxes` in the context a list
 * that includes tax answers with it. A product that is not for sale has no unit of sale, and asking fails for the whole call.
 */
export async function readPrices(
  products: readonly Row[],
  call: Context,
  { client, catalogue: { prices = [] }, lists }: CatalogueOptions & { lists: ReadonlyMap<number, Row> },
): Promise<ReadonlyMap<number, ToldPrice[]>> {
  const sold = products.filter((row) => row["salable"] === true && row["active"] === true)
  const told = new Map(sold.map((row) => [idOf(row), [] as ToldPrice[]]))
  for (const { list: id } of prices) {
    const list = id === undefined ? undefined : lists.get(id)
    if (!list) {
      for (const row of sold) told.get(idOf(row))?.push({ amount: row["list_price"] })
      continue
    }
    for (const [uom, rows] of Map.groupBy(sold, (row) => row["default_uom"])) {
      const context = { price_list: id, uom, quantity: 0 }
      const params = [rows.map((row) => idOf(row)), ["sale_price_uom"]]
      const answer = rowsOf(await client.read("model.product.product.read", params, { ...call, context }))
      for (const row of answer) told.get(idOf(row))?.push({ list, amount: objectOf(row)["sale_price_uom"] })
    }
  }
  return told
}
