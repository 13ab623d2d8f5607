import { Type, type Static, type TSchema } from "typebox"
import { entity, InstantText, Sku, textMax } from "../parts.ts"
import { gtin14 } from "./gtin.ts"
import type { ScopeKey } from "./scope.ts"

const text = (maxLength: number) => Type.String({ minLength: 1, maxLength })
const Unit = Type.String({ minLength: 1, maxLength: 8, description: "ea for pieces, otherwise kg, l, m, case" })
const Milli = Type.Integer({ minimum: 1, maximum: 1_000_000_000_000, description: "in thousandths of the unit" })

/** A GTIN as 14 digits with its check digit. */
const Gtin = Type.Refine(
  Type.String({ pattern: "^\\d{14}$", description: "14 digits; shorter ones have leading zeros" }),
  (value: string) => gtin14(value) === value,
  () => "has a wrong check digit",
)

/** Where a product stands: only what is active or ending may be sold; what is recalled is taken off at once. */
const productStates = ["draft", "active", "ending", "recalled", "withdrawn"] as const

/** The components of a kit. Its stock follows from theirs (`derived`), or it is put together beforehand and counted (`own`). */
const Kit = entity("Kit", {
  stock: Type.Enum(["derived", "own"]),
  // Shopify takes 30 components in a fixed bundle: https://shopify.dev/docs/apps/build/product-merchandising/bundles (read 2026-11).
  components: Type.Array(entity("Component", { sku: Sku, milli: Milli }), { minItems: 1, maxItems: 30 }),
})
/** What a product is as a kit. */
export type Kit = Static<typeof Kit>

/**
 * The units a product is counted and sold in. A sales unit holds a whole number of thousandths of the base unit. One that channels sell as
 * an article of its own has a SKU: a case of 24 has no stock but the cans'.
 */
const Units = entity("Units", {
  base: Unit,
  sales: Type.Array(
    entity("Sales unit", {
      unit: Unit,
      baseMilli: { ...Milli, description: "in thousandths of the base unit: 24000 for a case of 24" },
      sku: Type.Optional({ ...Sku, description: "its own SKU, where channels sell it as an article of its own" }),
    }),
    { maxItems: 20 },
  ),
})
/** A product's units. */
export type Units = Static<typeof Units>

/**
 * Every field of a product: its schema, and the dimensions its value may differ by. A field is set, cleared or untouched, each
 * of its own scope; what one source does not mention stays.
 */
export const productFields = {
  title: { schema: text(textMax), by: ["channel", "market", "locale"], does: "the name buyers read" },
  description: { schema: text(65_535), by: ["channel", "market", "locale"], does: "the text buyers read" },
  seo: {
    schema: entity("Search texts", {
      title: Type.Optional(text(textMax)),
      description: Type.Optional(text(1000)),
    }),
    by: ["channel", "locale"],
    does: "texts for search engines",
  },
  brand: { schema: text(textMax), by: [], does: "the brand" },
  category: { schema: text(textMax), by: ["channel"], does: "the category; levels are parted by >" },
  variantOf: {
    schema: entity("Variant", {
      sku: Sku,
      options: Type.Array(entity("Option value", { name: text(textMax), value: text(textMax) }), {
        minItems: 1,
        maxItems: 10,
      }),
    }),
    by: [],
    does: "the product it is a variant of, and its option values",
  },
  kit: { schema: Kit, by: [], does: "the components, if it is a kit" },
  units: { schema: Units, by: [], does: "the base unit, and the units it is sold in" },
  contents: {
    schema: entity("Contents", { milli: Milli, unit: Unit }),
    by: [],
    does: "what one base unit holds; the price per measure follows",
  },
  gtins: {
    schema: Type.Array(entity("GTIN of a unit", { gtin: Gtin, unit: Unit }), { minItems: 1, maxItems: 20 }),
    by: [],
    does: "the GTINs, one or more for each unit",
  },
  taxCategory: { schema: text(64), by: ["market"], does: "the tax category" },
  origin: { schema: Type.String({ pattern: "^[A-Z]{2}$" }), by: [], does: "the country of origin, ISO 3166-1" },
  hsCode: { schema: Type.String({ pattern: "^\\d{6,13}$" }), by: ["market"], does: "the customs code" },
  media: {
    schema: Type.Array(
      entity("Picture", {
        url: Type.String({ pattern: "^https?://[^\\s]+$", maxLength: 2048 }),
        alt: Type.Optional(text(512)),
      }),
      { minItems: 1, maxItems: 250 },
    ),
    by: ["channel", "locale"],
    does: "pictures in their order",
  },
  tracking: {
    schema: entity("Tracking", {
      by: Type.Enum(["none", "lot", "serial"]),
      expires: Type.Boolean(),
      leastDaysLeft: Type.Optional(Type.Integer({ minimum: 0, maximum: 3650 })),
    }),
    by: [],
    does: "whether lots or serial numbers are kept, and how many days must be left when it is sold",
  },
  state: { schema: Type.Enum([...productStates]), by: ["channel", "market"], does: "whether it may be sold" },
  visibleFrom: { schema: InstantText, by: ["channel", "market"], does: "when it may be seen" },
  sellFrom: { schema: InstantText, by: ["channel", "market"], does: "when it may be bought" },
  handlingDays: {
    schema: Type.Integer({ minimum: 0, maximum: 365 }),
    by: ["channel", "location"],
    does: "working days until it leaves",
  },
  fulfiller: { schema: text(64), by: ["channel"], does: "who ships it, where that is not the retailer" },
} as const satisfies Record<string, { schema: TSchema; by: readonly ScopeKey[]; does: string }>

/** The name of a field of products. */
export type ProductFieldName = keyof typeof productFields

/** Whether a text names a field of products. */
export function isProductField(name: string): name is ProductFieldName {
  return Object.hasOwn(productFields, name)
}
