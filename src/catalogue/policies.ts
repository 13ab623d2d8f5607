import { Type, type Static } from "typebox"
import { productFields, type ProductFieldName } from "../canonical/catalogue/product.ts"
import { LocaleId } from "../canonical/catalogue/scope.ts"
import { ChannelId, entity } from "../canonical/parts.ts"
import { PriceGuards } from "../rules/prices/guards.ts"

const FieldName = Type.Enum(Object.keys(productFields) as ProductFieldName[])

/** What a retailer decides about products and prices: `policies.catalogue`. */
export const CataloguePolicyBlock = Type.Object(
  {
    guards: Type.Optional(PriceGuards),
    complete: Type.Optional(
      Type.Array(
        entity("Needs", {
          channel: Type.Optional(ChannelId),
          locale: Type.Optional(LocaleId),
          fields: Type.Array(FieldName, { minItems: 1 }),
        }),
        { maxItems: 100, description: "what a product needs for a channel and a language before it is complete there" },
      ),
    ),
    lowestPriceDays: Type.Optional(
      Type.Integer({
        minimum: 30,
        maximum: 365,
        description: "how far the lowest price before a reduction is looked for; default 30",
      }),
    ),
    createsProducts: Type.Optional(
      Type.Boolean({
        description: "whether a price of a SKU that no product has makes one; default no: it is refused (P-24)",
      }),
    ),
  },
  { additionalProperties: false },
)
export type CataloguePolicyBlock = Static<typeof CataloguePolicyBlock>
