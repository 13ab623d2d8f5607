import { Type, type Static } from "typebox"
import { LocaleId, MarketId } from "../../../canonical/catalogue/scope.ts"
import { ChannelId } from "../../../canonical/parts.ts"

const id = (description: string) => Type.Integer({ minimum: 1, description })

/** Fields of a product that Tryton can tell without more settings. */
const tellable = ["title", "description", "units", "gtins", "state"] as const

const Products = Type.Object(
  {
    fields: Type.Array(Type.Enum([...tellable]), {
      description:
        "which of title, description, units, gtins and state Tryton tells; what is not named stays as others say it",
    }),
    language: Type.Optional(
      Type.String({
        minLength: 2,
        description: "Tryton's code of the language of the texts that hold everywhere; default en",
      }),
    ),
    languages: Type.Optional(
      Type.Record(LocaleId, Type.String({ minLength: 2 }), {
        description:
          "further languages: Tryton's code of each of our locales, e.g. nl: nl; what is not translated is cleared there",
      }),
    ),
    categoryRoot: Type.Optional(
      id("the product category below which the category of a product is looked for; absent: none is told"),
    ),
    taxCategories: Type.Optional(
      Type.Record(Type.String({ minLength: 1, maxLength: 64 }), id("an accounting category"), {
        description: "accounting category of each of our tax categories; absent: none is told",
      }),
    ),
  },
  { additionalProperties: false },
)

const PriceSource = Type.Object(
  {
    list: Type.Optional(id("a price list; absent: the list price of the product, which has no tax in it")),
    tax: Type.Enum(["inclusive", "exclusive"], {
      description: "whether these prices include tax; must be what the price list says (tax_included)",
    }),
    market: Type.Optional(MarketId),
    channel: Type.Optional(ChannelId),
    group: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
    rounding: Type.Optional(
      Type.Enum(["refuse", "half up"], {
        description: "what becomes of a price finer than the smallest unit of the currency; default refuse",
      }),
    ),
  },
  { additionalProperties: false },
)
export type PriceSource = Static<typeof PriceSource>

/** What of the catalogue Tryton tells. */
export const CatalogueSettings = Type.Object(
  {
    products: Type.Optional(Products),
    prices: Type.Optional(Type.Array(PriceSource, { minItems: 1, maxItems: 20 })),
  },
  {
    additionalProperties: false,
    description: "which products and prices Tryton tells; absent: none. The first reading tells all of them",
  },
)
export type CatalogueSettings = Static<typeof CatalogueSettings>
