import { packings } from "../../base/quantity.ts"
import { storage, type Sql } from "../../base/sql.ts"
import type { MadeOf, SoldAs } from "../../canonical/stock/made-of.ts"

/** Goods that one piece of an article is made of, in thousandths. */
export interface Part {
  sku: string
  milli: number
}

/** What each article is made of in the end, under the SKUs that the stock keeps. Articles with stock of their own are left out. */
export async function partsOf(sql: Sql, skus: readonly string[]): Promise<Map<string, Part[]>> {
  if (skus.length === 0) return new Map()
  const rows = await storage(
    () => sql<{ sku: string; part: string; milli: number }[]>`
      select sku, part, milli from stock_parts_of(${[...new Set(skus)]}::text[]) order by sku, part`,
  )
  const bySku = Map.groupBy(rows, ({ sku }) => sku)
  return new Map([...bySku].map(([sku, of]) => [sku, of.map(({ part, milli }) => ({ sku: part, milli }))]))
}

/** What sold articles are made of, and units that the catalogue does not have. */
export interface TakenApart {
  made: MadeOf[]
  unknownUnits: (SoldAs & { units: string[] })[]
}

const pieces = "ea"

/**
 * Takes the sold articles of each order apart: kits into components, a case into the pieces in it. What is an article of its own in its base
 * unit is left out. An article whose units nobody declared is counted in the measure it is sold in; how much a case of it is, nobody knows.
 */
export async function takeApart(sql: Sql, orders: readonly (readonly SoldAs[])[]): Promise<TakenApart[]> {
  const skus = orders.flatMap((sold) => sold.map(({ sku }) => sku))
  const parts = await partsOf(sql, skus)
  const units = await unitsOf(sql, [...skus, ...[...parts.values()].flatMap((of) => of.map(({ sku }) => sku))])
  return orders.map((sold) => takenApart(sold, parts, units))
}

function takenApart(
  sold: readonly SoldAs[],
  parts: ReadonlyMap<string, readonly Part[]>,
  units: ReadonlyMap<string, readonly UnitOf[]>,
): TakenApart {
  const baseOf = (sku: string) => units.get(sku)?.find(({ isBase }) => isBase)?.unit ?? pieces
  const taken: TakenApart = { made: [], unknownUnits: [] }
  for (const { sku, unit } of sold) {
    const known = units.get(sku)
    const said = known?.find((one) => one.unit === unit)?.baseMilli
    const milli = known ? said : packings.includes(unit) ? undefined : 1000
    if (milli === undefined) {
      taken.unknownUnits.push({ sku, unit, units: (known ?? []).map((one) => one.unit) })
      continue
    }
    const goods = parts.get(sku) ?? (milli === 1000 ? [] : [{ sku, milli: 1000 }])
    if (goods.length === 0) continue
    const whole = goods.map((one) => ({
      sku: one.sku,
      milli: Math.ceil((one.milli * milli) / 1000),
      unit: baseOf(one.sku),
    }))
    taken.made.push({ sku, unit, parts: whole })
  }
  return taken
}

interface UnitOf {
  unit: string
  baseMilli: number
  isBase: boolean
}

async function unitsOf(sql: Sql, skus: readonly string[]): Promise<Map<string, UnitOf[]>> {
  if (skus.length === 0) return new Map()
  const rows = await storage(
    () => sql<{ sku: string; unit: string; base_milli: number; is_base: boolean }[]>`
      select sku, unit, base_milli, is_base from stock_units where sku = any (${[...new Set(skus)]}::text[])
      order by sku, is_base desc, unit`,
  )
  const bySku = Map.groupBy(rows, ({ sku }) => sku)
  return new Map(
    [...bySku].map(([sku, of]) => [
      sku,
      of.map(({ unit, base_milli: baseMilli, is_base: isBase }) => ({ unit, baseMilli, isBase })),
    ]),
  )
}

/**
 * How many whole pieces of articles stand together at single places of the pool; in one statement, by key. Articles whose parts may all be
 * promised before they are there are left out.
 */
export async function togetherOf(sql: Sql, parts: ReadonlyMap<string, readonly Part[]>): Promise<Map<string, number>> {
  const flat = [...parts].flatMap(([sku, of]) => (of.length > 1 ? of.map((part) => ({ of: sku, ...part })) : []))
  if (flat.length === 0) return new Map()
  const rows = await storage(
    () => sql<{ sku: string; together_milli: number }[]>`
      select sku, together_milli from stock_together(${flat.map((one) => one.of)}::text[],
        ${flat.map(({ sku }) => sku)}::text[], ${flat.map(({ milli }) => milli)}::bigint[])`,
  )
  return new Map(rows.map(({ sku, together_milli: milli }) => [sku, milli]))
}
