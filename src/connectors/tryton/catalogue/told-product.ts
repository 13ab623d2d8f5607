import { AppError } from "../../../base/errors.ts"
import type { Clock } from "../../../base/time.ts"
import { objectOf } from "../client.ts"
import { momentOf } from "../payloads.ts"
import type { TrytonOptions } from "../sales/sale.ts"
import type { CatalogueSettings } from "./settings.ts"

/** What reading the catalogue needs. */
export type CatalogueOptions = TrytonOptions & { clock: Clock; catalogue: CatalogueSettings }

/** A record as `read` answers it. */
export type Row = Record<string, unknown>

/** A product as the list read it, with what stands in other records. */
export interface ToldProduct {
  product: Row
  /** Rows of `ir.translation` of its texts: `lang`, `name` (the field), `value`. */
  translations: readonly Row[]
  /** Each of its categories below the root, with those between, from the top. */
  categories: readonly (readonly Row[])[]
  prices: readonly ToldPrice[]
  /** Of a product that was deactivated: the active one that has its code now. */
  heir?: number
}

/** A price as Tryton computed it, in the product's own unit. */
export interface ToldPrice {
  /** The price list with its lines; absent: the list price. */
  list?: Row
  amount: unknown
}

/** The record that a field stands for, as `read` puts it beside the field. */
export const related = (row: Row, field: string): Row => objectOf(row[`${field}.`])

/** The records of a field that has many. */
export function relatedAll(row: Row, field: string): Row[] {
  const rows = row[`${field}.`]
  return Array.isArray(rows) ? rows.map(objectOf) : []
}

/** The fields with which a record tells when it last changed, on the way to it. */
export const timesOf = (way = ""): string[] => [`${way}write_date`, `${way}create_date`]

/** When some records last changed. One that was never changed has no `write_date` (seen). */
export function lastChanged(rows: readonly Row[]): string {
  const moments = rows.flatMap((row) => momentOf(row["write_date"]) ?? momentOf(row["create_date"]) ?? [])
  const last = moments.sort().at(-1)
  if (last === undefined) throw new AppError("TRANSLATION_FAILED", "the product has no time of its last change")
  return last
}

/** Every record that a product is made of. */
export function recordsOf({ product, translations, categories }: Omit<ToldProduct, "prices">): Row[] {
  const template = related(product, "template")
  return [
    product,
    template,
    ...relatedAll(template, "list_prices"),
    ...relatedAll(product, "identifiers"),
    ...relatedAll(product, "cost_prices"),
    ...translations,
    ...categories.flat(),
  ]
}
