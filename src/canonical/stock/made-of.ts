import { Type, type Static } from "typebox"
import type { Order, OrderLine } from "../order.ts"
import { entity, Sku } from "../parts.ts"

const Milli = Type.Integer({ minimum: 1, maximum: 9_000_000_000_000_000 })
const Unit = Type.String({ minLength: 1, maxLength: 8 })

/** The most goods that one sold article is taken apart into. */
export const partsMax = 50

/**
 * What one unit of a sold article is made of on the shelf: the components of a kit, or 24 pieces of a case. It is as the catalogue said
 * when the order was reserved, and stays so for this order.
 */
export const MadeOf = entity("Made of", {
  sku: Sku,
  unit: Type.String({ ...Unit, description: "the unit it was sold in" }),
  parts: Type.Array(
    entity("Part", {
      sku: Sku,
      milli: { ...Milli, description: "in thousandths, for one unit of the article" },
      unit: Unit,
    }),
    { minItems: 1, maxItems: partsMax },
  ),
})
export type MadeOf = Static<typeof MadeOf>

/** An article in the unit it is sold in. */
export type SoldAs = Pick<MadeOf, "sku" | "unit">

/** Every article of an order's lines, and of the components that a channel names, once each. */
export function soldAs({ lines }: Pick<Order, "lines">): SoldAs[] {
  const all = lines.flatMap(({ sku, quantity: { unit }, components }) =>
    components ? components.map((one) => ({ sku: one.sku, unit: one.quantity.unit })) : [{ sku, unit }],
  )
  return [...new Map(all.map((one) => [nameOf(one), one])).values()]
}

/**
 * The order with the goods that its kits and sales units are. Lines stay as they were sold, for money and books; components a channel
 * names are taken apart too. Repeated, it changes nothing: parts are never kits.
 */
export function withParts<Kept extends Pick<Order, "lines">>(order: Kept, made: readonly MadeOf[]): Kept {
  if (made.length === 0) return order
  const known = new Map(made.map((one) => [nameOf(one), one]))
  return { ...order, lines: order.lines.map((line) => lineWithParts(line, known)) }
}

function lineWithParts(line: OrderLine, known: ReadonlyMap<string, MadeOf>): OrderLine {
  const { sku, quantity, components = [{ sku, quantity }] } = line
  if (!components.some((one) => known.has(nameOf({ sku: one.sku, unit: one.quantity.unit })))) return line
  // A line that an edit emptied holds no goods.
  if (quantity.milli === 0) return line
  const goods = components.flatMap((one) => {
    const { parts } = known.get(nameOf({ sku: one.sku, unit: one.quantity.unit })) ?? {}
    if (!parts) return [one]
    return parts.map((part) => ({
      sku: part.sku,
      // Rounded up: what does not divide must be there all the same.
      quantity: { milli: Math.ceil((part.milli * one.quantity.milli) / 1000), unit: part.unit },
    }))
  })
  const bySku = Map.groupBy(goods, (one) => one.sku)
  return {
    ...line,
    components: [...bySku.values()].flatMap((same) => {
      const [first] = same
      if (!first) return []
      const milli = same.reduce((sum, one) => sum + one.quantity.milli, 0)
      return [{ sku: first.sku, quantity: { milli, unit: first.quantity.unit } }]
    }),
  }
}

const nameOf = ({ sku, unit }: SoldAs) => `${unit}/${sku}`
