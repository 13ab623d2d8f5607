import { Type, type Static } from "typebox"
import { CurrencyCode } from "../../../base/money.ts"
import { MarketId } from "../../../canonical/catalogue/scope.ts"

const listFields = {
  channel: Type.Optional(
    Type.String({ minLength: 1, description: "token of the shop's channel; default its default channel" }),
  ),
  currency: CurrencyCode,
}

/** `prices` of the connection. */
export const PriceSettings = Type.Object(
  {
    ...listFields,
    lists: Type.Optional(
      Type.Record(MarketId, Type.Object(listFields, { additionalProperties: false }), {
        description: "where the shop has the prices of each market that has its own",
      }),
    ),
    compareAtField: Type.Optional(
      Type.String({
        pattern: "^[A-Za-z_][A-Za-z0-9_]*$",
        description:
          "custom field of ProductVariantPrice, of type int and nullable, that the storefront shows as the crossed-out price; absent: a crossed-out price is refused",
      }),
    ),
  },
  { additionalProperties: false, description: "where the shop has its prices; absent: none is published" },
)

export function listsOf({ lists = {}, compareAtField, ...own }: Static<typeof PriceSettings>) {
  return { own, lists, compareAtField }
}

/** `products` of the connection. */
export const ProductSettings = Type.Object(
  {
    language: Type.String({
      pattern: "^[a-z]{2,3}(_[A-Za-z]+)?$",
      description: "language of the texts that are published, one of the shop's: de, pt_BR",
    }),
  },
  { additionalProperties: false, description: "how products are published; absent: none is" },
)
