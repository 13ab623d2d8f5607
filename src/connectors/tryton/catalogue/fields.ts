import { AppError } from "../../../base/errors.ts"
import { gtin14 } from "../../../canonical/catalogue/gtin.ts"
import type { ProductFieldName } from "../../../canonical/catalogue/product.ts"
import type { Scope } from "../../../canonical/catalogue/scope.ts"
import type { TrytonSettings } from "../settings.ts"
import { related, relatedAll, type Row, type ToldProduct } from "./told-product.ts"

/** A field that Tryton tells: where its value stands, and the value, undefined where Tryton has none. */
export interface Told {
  field: ProductFieldName
  pointer: string
  scope?: Scope
  value: () => unknown
}

const unknown = (message: string): never => {
  throw new AppError("VENDOR_VALUE_UNKNOWN", message)
}

/** The fields of a product that the settings have Tryton tell. Those that it does not tell stay untouched. */
export function fieldsOf(told: ToldProduct, settings: TrytonSettings): Told[] {
  const { product } = told
  const { products: wanted } = settings.catalogue ?? {}
  if (!wanted) return []
  const { fields, languages = {}, categoryRoot, taxCategories } = wanted
  const tells = (field: (typeof fields)[number]) => fields.includes(field)
  const texts = [
    { field: "title", name: "name", of: "product.template,name" },
    { field: "description", name: "description", of: "product.product,description" },
  ] as const
  return [
    ...texts.flatMap(({ field, name, of }): Told[] => {
      if (!tells(field)) return []
      const pointer = `/product/${name}`
      const translated = Object.entries(languages).map(([locale, language]): Told => {
        const row = told.translations.find((one) => one["lang"] === language && one["name"] === of)
        return { field, pointer: "/translations", scope: { locale }, value: () => textOf(row?.["value"]) }
      })
      return [{ field, pointer, value: () => textOf(product[name]) }, ...translated]
    }),
    ...(tells("units")
      ? [{ field: "units", pointer: "/product/default_uom", value: () => unitsOf(product, settings.units) } as const]
      : []),
    ...(tells("gtins")
      ? [{ field: "gtins", pointer: "/product/identifiers.", value: () => gtinsOf(product, settings.units) } as const]
      : []),
    ...(tells("state") ? [{ field: "state", pointer: "/product/active", value: () => stateOf(product) } as const] : []),
    ...(categoryRoot === undefined
      ? []
      : [{ field: "category", pointer: "/categories", value: () => categoryOf(told) } as const]),
    ...(taxCategories === undefined
      ? []
      : [
          {
            field: "taxCategory",
            pointer: "/product/account_category",
            value: () => taxCategoryOf(product, taxCategories),
          } as const,
        ]),
  ]
}

/** An empty text is none: Tryton's forms leave one behind where somebody took the text away. */
const textOf = (value: unknown): unknown => (value === "" || value === null ? undefined : value)

/** Our unit for one of Tryton's. VENDOR_VALUE_UNKNOWN when none stands for it. */
function unitOf(uom: unknown, units: TrytonSettings["units"]): string {
  const [unit] = Object.entries(units).find(([, id]) => id === uom) ?? []
  return unit ?? unknown(`no unit of ours stands for Tryton's unit ${String(uom)}`)
}

function unitsOf(product: Row, units: TrytonSettings["units"]): object {
  const { default_uom: own, sale_uom: sold } = product
  const base = unitOf(own, units)
  if (sold === own || sold === null) return { base, sales: [] }
  const perBase = factorOf(related(product, "sale_uom")) / factorOf(related(product, "default_uom"))
  const baseMilli = Math.round(perBase * 1000)
  // 1 dozen is 12 pieces. A third of a litre is no number of thousandths, and a rounded one would sell what is not there.
  if (baseMilli < 1 || Math.abs(perBase * 1000 - baseMilli) > 1e-6)
    return unknown(`its unit of sale is ${perBase} ${base}, which is no whole number of thousandths`)
  return { base, sales: [{ unit: unitOf(sold, units), baseMilli }] }
}

/**
 * How many of its category's first unit a unit is. Tryton has the number and its inverse, each with twelve digits, and uses the one with
 * fewer (trytond modules/product/uom.py, `accurate_field`, 6.0).
 */
function factorOf(uom: Row): number {
  const { factor, rate } = uom
  if (typeof factor !== "number" || typeof rate !== "number" || !(factor > 0) || !(rate > 0))
    return unknown("its unit has no factor")
  const digits = (value: number) => String(value).replace(/^\d+\.?/, "").length
  return digits(rate) < digits(factor) ? 1 / rate : factor
}

/** GTINs are identifiers of the type `ean`; Tryton has them with 8 to 14 digits and checks the last one. */
function gtinsOf(product: Row, units: TrytonSettings["units"]): unknown {
  const codes = relatedAll(product, "identifiers").filter(({ type }) => type === "ean")
  if (codes.length === 0) return undefined
  const unit = unitOf(product["default_uom"], units)
  return codes.map(({ code }) => ({ gtin: gtin14(String(code)) ?? unknown(`${String(code)} is no GTIN`), unit }))
}

/** A product is sold while it and its template are active and it is marked for sale. */
function stateOf(product: Row): string {
  const flags = [product["active"], related(product, "template")["active"], product["salable"]]
  if (flags.some((flag) => typeof flag !== "boolean")) return unknown("whether it is active cannot be read")
  return flags.every((flag) => flag === true) ? "active" : "withdrawn"
}

function categoryOf({ categories }: ToldProduct): string | undefined {
  const paths = categories.map((path) => path.map(({ name }) => String(name)).join(" > "))
  if (paths.length > 1) return unknown(`it is in ${paths.length} categories: ${paths.join("; ")}`)
  return paths[0]
}

function taxCategoryOf(product: Row, taxCategories: Readonly<Record<string, number>>): string | undefined {
  const { account_category: category } = product
  if (category === null) return undefined
  const [ours] = Object.entries(taxCategories).find(([, id]) => id === category) ?? []
  return ours ?? unknown(`no tax category of ours stands for Tryton's accounting category ${String(category)}`)
}
