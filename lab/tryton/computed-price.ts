import type { Products } from "./products.ts"
import { rowsAt, Unknown, type Row } from "./search.ts"

// What `sale_price_uom` of a product computes: trytond modules/sale/product.py, sale_price_list/product.py and
// product_price_list/price_list.py, 6.0.

type Fraction = { top: bigint; bottom: bigint }

const fraction = (text: string): Fraction => {
  const [whole = "0", digits = ""] = text.split(".")
  return { top: BigInt(`${whole}${digits}`), bottom: 10n ** BigInt(digits.length) }
}
const times = (one: Fraction, other: Fraction): Fraction => ({
  top: one.top * other.top,
  bottom: one.bottom * other.bottom,
})

/** A number with 28 digits, to which Python's decimals are cut after each step, half to the even one. */
function rounded({ top, bottom }: Fraction): Fraction {
  const places = 28 - String(top / bottom).replace(/^0$/, "").length
  // Of a number below 1 the zeros behind the point are no digits.
  const zeros = top < bottom ? String(bottom / (top === 0n ? bottom : top)).length - 1 : 0
  const scale = 10n ** BigInt(places + zeros)
  const [whole, rest] = [(top * scale) / bottom, (top * scale) % bottom]
  const isUp = rest * 2n > bottom || (rest * 2n === bottom && whole % 2n === 1n)
  return { top: whole + (isUp ? 1n : 0n), bottom: scale }
}

/** A decimal as text; its denominator is a power of ten. */
function textOf({ top, bottom }: Fraction): string {
  const places = String(bottom).length - 1
  const text = String(top).padStart(places + 1, "0")
  const digits = text.slice(text.length - places).replace(/0+$/, "")
  return digits === "" || places === 0 ? text.slice(0, text.length - places) : `${text.slice(0, -places)}.${digits}`
}

/** The sale price of a product in a call's context; an error of Python where the server has one. */
export function salePrice(products: Products, row: Row, context: Row): unknown {
  const { price_list: listId, uom, quantity = 0 } = context
  const saleUnit = products.units.get(Number(row["sale_uom"]))
  // `self.sale_uom.category` and `compute_price` of no unit.
  if (!saleUnit) throw new Unknown("'NoneType' object has no attribute 'category'")
  const template = products.templates.get(Number(row["template"])) ?? {}
  const listPrice = String((template["list_price"] as { decimal: string }).decimal)
  let price = fraction(listPrice)
  if (listId !== undefined && listId !== null) {
    const list = products.priceLists.get(Number(listId))
    // `assert price_list.company == User(Transaction().user).company`
    if (list?.["company"] !== 1) throw new Unknown("")
    const line = lineFor(products, { list, row, quantity: Number(quantity) })
    if (line) price = evaluated(String(line["formula"]), { products, row, listPrice })
  }
  const own = products.units.get(Number(row["default_uom"])) ?? {}
  const asked = products.units.get(Number(uom))
  const to = asked && asked["category"] === own["category"] ? asked : saleUnit
  const from = fraction(String(own["factor"]))
  const each = rounded(times(price, { top: from.bottom, bottom: from.top }))
  const converted = rounded(times(each, fraction(String(to["factor"]))))
  return { __class__: "Decimal", decimal: textOf(converted) }
}

/** The first line of a list that fits: of this product, of one of its categories or one above, from this quantity on. */
function lineFor(
  products: Products,
  { list, row, quantity }: { list: Row; row: Row; quantity: number },
): Row | undefined {
  const above = (row["categories"] as number[]).flatMap((id) => {
    const all: number[] = []
    for (let at: unknown = id; typeof at === "number"; at = products.categories.get(at)?.["parent"]) all.push(at)
    return all
  })
  return (list["lines"] as number[])
    .flatMap((id) => rowsAt(products.lines, id))
    .find(
      ({ product = null, category = null, quantity: least = null }) =>
        (product === null || product === row["id"]) &&
        (category === null || above.includes(Number(category))) &&
        (least === null || Number(least) <= Math.abs(quantity)),
    )
}

/** Formulas are Python; the lab knows a name, and a name times or divided by a number. */
function evaluated(
  formula: string,
  { products, row, listPrice }: { products: Products; row: Row; listPrice: string },
): Fraction {
  const [, name = "", sign, number = "1"] =
    /^(unit_price|list_price|cost_price)(?: ([*/]) (\d+(?:\.\d+)?))?$/.exec(formula) ?? []
  if (name === "") throw new Unknown(`the lab does not compute ${formula}`)
  const [cost] = row["cost_prices"] as number[]
  const costPrice = products.costPrices.get(Number(cost))?.["cost_price"] as { decimal: string } | undefined
  const base = fraction(name === "cost_price" ? (costPrice?.decimal ?? "0") : listPrice)
  const by = fraction(number)
  return sign === "/" ? times(base, { top: by.bottom, bottom: by.top }) : times(base, by)
}
