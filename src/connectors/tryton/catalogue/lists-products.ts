import { AppError } from "../../../base/errors.ts"
import { canonicalJson } from "../../../base/ids.ts"
import { epochMs, instant } from "../../../base/time.ts"
import type { ChangeList } from "../../../ports/capabilities/intake.ts"
import { datetime, idOf, idsOf, rowsOf } from "../payloads.ts"
import type { Context } from "../sales/sale.ts"
import { lateByMs } from "../stock/lists-moves.ts"
import { pathsBelow, readCategories } from "./categories.ts"
import { readPriceLists, readPrices, recordsOfList } from "./prices.ts"
import { lastChanged, related, timesOf, type CatalogueOptions, type Row, type ToldProduct } from "./told-product.ts"

const pageSize = 100

/** Where a pass stands, and whether it reads every product. */
type Place = { after: number; isWhole: boolean }

/**
 * Products that changed, with their prices. A pass goes by their ids, which never change, so nothing is passed over when products change
 * while it reads; what changes behind it is found by the next pass, which begins where this one began.
 *
 * `write_date` is the start of its transaction and may appear late, as with moves. When a price list or a category changed, every
 * product is read: Tryton computes their prices anew and touches none of them.
 */
export function listsProducts(options: CatalogueOptions): ChangeList {
  return {
    overlapMs: lateByMs,
    beginsWithAll: true,
    async listChanges({ cursor, sinceMs }, call) {
      const [lists, categories] = await Promise.all([readPriceLists(call, options), readCategories(call, options)])
      const shared = [...[...lists.values()].flatMap(recordsOfList), ...categories.values()]
      const place = placeOf(cursor) ?? { after: 0, isWhole: hasChanged(shared, sinceMs) }
      const products = await readProducts(place, { sinceMs, call }, options)
      const told = await completed(products, call, { ...options, lists, categories })
      const last = products.at(-1)
      const hasMore = products.length === pageSize && last !== undefined
      return {
        deliveries: told.map((one) => ({
          connection: options.system,
          via: "poll" as const,
          headers: { topic: "product" },
          // Tryton answers the fields of a record in any order; bytes that were parked are known again by their digest.
          bytes: new TextEncoder().encode(canonicalJson(one)),
          receivedAt: instant(options.clock.now()),
        })),
        // After the last page a pass begins anew, with what has changed since.
        nextCursor: JSON.stringify(hasMore ? { ...place, after: idOf(last) } : "all"),
        hasMore,
      }
    },
  }
}

function hasChanged(shared: readonly Row[], sinceMs: number): boolean {
  return shared.some((row) => epochMs(lastChanged([row])) >= sinceMs)
}

function placeOf(cursor: string | undefined): Place | undefined {
  const value: unknown = cursor === undefined ? "all" : JSON.parse(cursor)
  if (value === "all") return undefined
  if (typeof value === "object" && value !== null && "after" in value && "isWhole" in value) {
    const { after, isWhole } = value
    if (typeof after === "number" && typeof isWhole === "boolean") return { after, isWhole }
  }
  throw new AppError("REQUEST_INVALID", `"${cursor}" is not a cursor of this list`)
}

/** Ways from a product to the records that it is made of. A price that is written to its own record touches the template or not. */
const waysOf = ({ catalogue: { prices } }: CatalogueOptions): string[] => [
  "",
  "template.",
  "identifiers.",
  ...(prices ? ["template.list_prices.", "cost_prices."] : []),
]

function fieldsOf(options: CatalogueOptions): string[] {
  const { products, prices } = options.catalogue
  return [
    "code",
    "active",
    "template.active",
    "salable",
    "default_uom",
    ...waysOf(options).flatMap(timesOf),
    ...(products
      ? [
          "name",
          "description",
          "identifiers.type",
          "identifiers.code",
          "sale_uom",
          ...factorsOf("default_uom", "sale_uom"),
        ]
      : []),
    ...(products?.categoryRoot === undefined ? [] : ["categories"]),
    ...(products?.taxCategories === undefined ? [] : ["account_category"]),
    ...(prices ? ["list_price"] : []),
  ]
}

const factorsOf = (...units: string[]): string[] => units.flatMap((unit) => [`${unit}.factor`, `${unit}.rate`])

async function readProducts(
  { after, isWhole }: Place,
  { sinceMs, call }: { sinceMs: number; call: Context },
  options: CatalogueOptions,
): Promise<Row[]> {
  const { client, catalogue } = options
  const since = datetime(instant(sinceMs))
  const changed = waysOf(options).flatMap((way) => timesOf(way).map((field) => [field, ">=", since]))
  const domain = [["id", ">", after], ...(isWhole ? [] : [["OR", ...changed]])]
  const params = [domain, 0, pageSize, [["id", "ASC"]], fieldsOf(options)]
  // Without it Tryton leaves out what was deactivated, and so takes `active` for always true.
  const context = { active_test: false, language: catalogue.products?.language ?? "en" }
  return rowsOf(await client.read("model.product.product.search_read", params, { ...call, context }))
}

/** Adds to products their translations, their categories and their prices. */
async function completed(
  products: readonly Row[],
  call: Context,
  options: CatalogueOptions & { lists: ReadonlyMap<number, Row>; categories: ReadonlyMap<number, Row> },
): Promise<ToldProduct[]> {
  const { products: wanted } = options.catalogue
  const root = wanted?.categoryRoot
  const [translations, prices, heirs] = await Promise.all([
    readTranslations(products, call, options),
    readPrices(products, call, options),
    readHeirs(products, call, options),
  ])
  return products.map((product) => ({
    product,
    translations: translations.filter(
      ({ name, res_id: id }) =>
        id === (name === "product.product,description" ? product["id"] : related(product, "template")["id"]),
    ),
    categories:
      root === undefined ? [] : pathsBelow(root, { ids: idsOf(product, "categories"), categories: options.categories }),
    prices: prices.get(idOf(product)) ?? [],
    ...heirOf(product, heirs),
  }))
}

/** A code is unique among active products only (trytond modules/product/product.py, `code_exclude`, 6.0). */
async function readHeirs(
  products: readonly Row[],
  call: Context,
  { client }: CatalogueOptions,
): Promise<ReadonlyMap<unknown, number>> {
  const codes = products.flatMap(({ active, code }) => (active === false && typeof code === "string" ? [code] : []))
  if (codes.length === 0) return new Map()
  const params = [[["code", "in", codes]], 0, null, [["id", "ASC"]], ["code"]]
  const rows = rowsOf(await client.read("model.product.product.search_read", params, call))
  return new Map(rows.map((row) => [row["code"], idOf(row)]))
}

function heirOf({ active, code }: Row, heirs: ReadonlyMap<unknown, number>): { heir?: number } {
  const heir = active === false ? heirs.get(code) : undefined
  return heir === undefined ? {} : { heir }
}

/**
 * What was translated, from Tryton's own table: a read in another language answers the text of the first one where there is no
 * translation, and does not say so (trytond model/modelsql.py, `read`, 6.0).
 */
async function readTranslations(
  products: readonly Row[],
  call: Context,
  { client, catalogue: { products: wanted } }: CatalogueOptions,
): Promise<Row[]> {
  const languages = [...new Set(Object.values(wanted?.languages ?? {}))]
  if (languages.length === 0 || products.length === 0) return []
  const templates = [...new Set(products.map((product) => idOf(related(product, "template"))))]
  const domain = [
    ["lang", "in", languages],
    ["type", "=", "model"],
    ["fuzzy", "=", false],
    [
      "OR",
      [
        ["name", "=", "product.template,name"],
        ["res_id", "in", templates],
      ],
      [
        ["name", "=", "product.product,description"],
        ["res_id", "in", products.map((product) => idOf(product))],
      ],
    ],
  ]
  const fields = ["lang", "name", "res_id", "value", ...timesOf()]
  return rowsOf(await client.read("model.ir.translation.search_read", [domain, 0, null, [["id", "ASC"]], fields], call))
}
